import { recordsWith } from './marked-records.ts'

const MARK = Buffer.from('"subject":"key/log"')
const PUBLIC_KEY = /^[A-Za-z0-9+/]{43}=$/
/** A log of so many keys is made up. */
const MOST = 100

/** The public keys (base64) that records of the log `system` say the logs are signed with: the new one, and those before it. attacker: whoever wrote the log wrote them. */
export function logKeysIn(ndjson: Uint8Array): string[] {
  const found: string[] = []
  for (const { data } of recordsWith(ndjson, MARK)) {
    const { key, others } = (data ?? {}) as { key?: { publicKey?: unknown }; others?: unknown }
    for (const each of [key?.publicKey, ...(Array.isArray(others) ? others.slice(0, MOST) : [])])
      if (typeof each === 'string' && PUBLIC_KEY.test(each)) found.push(each)
  }
  return found.slice(0, MOST)
}
