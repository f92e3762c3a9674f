import { isCommitment, isCommitmentElement, openDisclosure } from '../commitment.ts'
import type { FieldState } from '../flatten.ts'
import type { JsonValue } from '../json.ts'
import type { RecordFields } from '../record.ts'

/** One record as a list shows it. */
export interface RecordRow {
  readonly log: string
  /** Null: nothing says where it stands. */
  readonly index: number | null
  /** Whether it was found to lead to the state of the log. */
  readonly proven: boolean
  readonly auditid: string
  /** Event time as the record has it; null if it has none. */
  readonly time: string | null
  readonly recordedtime: string
  readonly type: string
  readonly subject: string
  readonly subjectsequence: number
  readonly late: boolean
  readonly integrityHash: string
  readonly fields: readonly FieldRow[]
  /** Fields beyond those kept. */
  readonly more: number
}

/** `clear`: the record holds the value itself. */
export interface FieldRow {
  /** Names from the record's data downwards, joined by ` › `. */
  readonly path: string
  readonly state: FieldState | 'clear'
  /** The value as text; null unless it is clear or disclosed. */
  readonly value: string | null
  /** Of one that is gone, as the file says it: `on 11 April 2026, 08:00:00 UTC, under the certificate …`. */
  readonly reason?: string
}

const MAX_FIELDS = 500
const MAX_TEXT = 4000

/**
 * The fields of a record, one row for each value, in document order. Attacker: disclosures may come from anywhere; one
 * that no digest of the record names is not shown.
 */
export function recordRow(
  { log, index, proven }: Pick<RecordRow, 'log' | 'index' | 'proven'>,
  record: RecordFields,
  integrityHash: string,
  disclosures: Iterable<string>,
  stateOf: (digest: string) => Exclude<FieldState, 'disclosed'>,
  reasonOf: (digest: string) => string | null = () => null,
): RecordRow {
  const known = new Map<string, JsonValue>()
  for (const disclosure of disclosures) {
    try {
      const { digest, value } = openDisclosure(disclosure)
      known.set(digest, value)
    } catch {
      // Not a disclosure: the check itself says so.
    }
  }
  const fields: FieldRow[] = []
  let more = 0
  const add = (path: readonly string[], state: FieldRow['state'], value: JsonValue | null, reason: string | null = null): void => {
    if (fields.length >= MAX_FIELDS) more++
    else {
      const text = state === 'clear' || state === 'disclosed' ? textOf(value) : null
      fields.push({ path: path.join(' › '), state, value: text, ...(reason === null ? {} : { reason }) })
    }
  }
  const committed = (digest: string, path: readonly string[]): void => {
    const value = known.get(digest)
    if (value === undefined) add(path, stateOf(digest), null, reasonOf(digest))
    else if (isEntry(value)) add([...path, value.key], 'disclosed', value.value)
    else add(path, 'disclosed', value)
  }
  const visit = (node: JsonValue, path: readonly string[]): void => {
    if (Array.isArray(node)) {
      if (isCommitment(node)) return committed(node[0]['...'], path)
      node.forEach((item, i) => {
        if (isCommitmentElement(item)) committed(item['...'], path)
        else if (isEntry(item)) visit(item.value, [...path, item.key])
        else visit(item, [...path, String(i + 1)])
      })
    } else if (typeof node === 'object' && node !== null) {
      for (const key of Object.keys(node)) visit(node[key] as JsonValue, [...path, key])
    } else if (node !== null) add(path, 'clear', node)
  }
  visit(record.data, [])
  const { auditid, time, recordedtime, type, subject, subjectsequence, late } = record
  return { log, index, proven, auditid, time, recordedtime, type, subject, subjectsequence, late, integrityHash, fields, more }
}

function isEntry(value: JsonValue): value is { key: string; value: JsonValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 2 &&
    typeof value['key'] === 'string' &&
    'value' in value
  )
}

function textOf(value: JsonValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text
}
