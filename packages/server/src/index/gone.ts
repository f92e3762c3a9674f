import type { JsonObject } from '../event/json.ts'

/** Why a value is gone. What is `missing` has none: that is the alarm. */
export interface FieldReason {
  readonly state: 'erased'
  /** RFC 3339: when its key was destroyed. */
  readonly on: string
  /** Id of the erasure, and of its certificate. */
  readonly certificate: string
}

/** What keys of a record were destroyed by. */
export interface DestroyedBy {
  readonly certificate: string
  readonly erasedMs: number
}

/** Which of several certificates names which value of a record: digest → certificate. */
export type ErasedUnder = (certificates: readonly string[], auditid: string) => Promise<ReadonlyMap<string, string>>

/** Where nobody is to be asked. */
export const NOT_ASKED: ErasedUnder = async () => new Map()

/** The reason of each value that is erased. Of several certificates the one that names it; where none does (yet), the first. */
export async function reasonsOf(auditid: string, erasures: readonly DestroyedBy[], erasedUnder: ErasedUnder): Promise<(digest: string) => FieldReason | null> {
  const ids = erasures.map(({ certificate }) => certificate)
  const named = ids.length < 2 ? new Map<string, string>() : await erasedUnder(ids, auditid)
  return (digest) => {
    const found = erasures.find(({ certificate }) => certificate === named.get(digest)) ?? erasures[0]
    return found === undefined ? null : { state: 'erased', on: new Date(found.erasedMs).toISOString(), certificate: found.certificate }
  }
}

/** Reasons as they stand in answers, beside the states; nothing when there are none. */
export function reasonFields(reasons: Readonly<Record<string, FieldReason>>): JsonObject {
  const named = Object.entries(reasons).map(([name, reason]): [string, JsonObject] => [name, { ...reason }])
  return named.length === 0 ? {} : { field_reasons: Object.fromEntries(named) }
}
