import { LOG_NAME } from '../segment-key.ts'

/** `calls:100..200`: records 100 to 199 of the log `calls`, as an export is asked for; null when it is no range. */
export function readRange(text: string): { readonly log: string; readonly from: number; readonly to: number } | null {
  const [, log, from, to] = /^([^:]+):(\d{1,15})\.\.(\d{1,15})$/.exec(text.trim()) ?? []
  if (log === undefined || !LOG_NAME.test(log) || Number(from) > Number(to)) return null
  return { log, from: Number(from), to: Number(to) }
}
