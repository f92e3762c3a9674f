import { readFields } from '../fields.ts'
import type { Fields } from '../fields.ts'
import type { Forgotten, Token } from '../index.ts'
import { plainToken } from '../plain-token.ts'
import { SUBJECT_KEY, TIME_KEY, TOKEN_KEY, writeSubjectKey, writeTimeKey, writeTokenKey } from './keys.ts'

/** Every key of these records but those of their audit ids, which go on saying where each of them stood. */
export function forgetting(
  log: number,
  first: number,
  records: readonly Uint8Array[],
  tokens: ReadonlyArray<readonly Token[]>,
  groupOf: (fields: Fields) => number,
): Buffer[] {
  const keys: Buffer[] = []
  records.forEach((bytes, i) => {
    const fields = bytes.length === 0 ? null : readFields(bytes)
    if (fields === null) return
    const index = first + i
    const subject = Buffer.alloc(SUBJECT_KEY)
    writeSubjectKey(subject, log, fields.subject, fields.subjectsequence)
    const time = Buffer.alloc(TIME_KEY)
    writeTimeKey(time, log, groupOf(fields), fields.timeMs, index)
    keys.push(subject, time)
    const own = [...(tokens[i] ?? []).map(({ token }) => token), ...(fields.carrier === '' ? [] : [plainToken('carrier_message_id', fields.carrier)])]
    for (const token of own) {
      const key = Buffer.alloc(TOKEN_KEY)
      writeTokenKey(key, log, token, index)
      keys.push(key)
    }
  })
  return keys
}

/** The keys that say these records carry these tokens. */
export function forgettingTokens(log: number, records: readonly Forgotten[]): Buffer[] {
  const keys: Buffer[] = []
  for (const { index, tokens } of records)
    for (const token of tokens) {
      const key = Buffer.alloc(TOKEN_KEY)
      writeTokenKey(key, log, token, index)
      keys.push(key)
    }
  return keys
}
