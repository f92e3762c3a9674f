import type { RecordRow } from '../src/report/row.ts'

/** Whether a record is what somebody looks for: its number exactly, or any of its texts in part. */
export function matches({ index, auditid, subject, type, fields }: RecordRow, text: string): boolean {
  if (String(index) === text.replaceAll(',', '')) return true
  const sought = text.toLowerCase()
  return [auditid, subject, type, ...fields.map(({ value }) => value ?? '')].some((each) => each.toLowerCase().includes(sought))
}
