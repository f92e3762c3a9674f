import { eachKeyId } from './row-keys.ts'
import { mentions } from './condemned.ts'
import type { OwnedRow } from './erasable.ts'
import { latin1, decodeRow, encodeRow } from './row.ts'
import type { VaultRow } from './vault.ts'

const NOTHING = new Uint8Array(16)
/** Of a damaged row: one that stays damaged, and there, as its event may not be sealed yet. */
const DAMAGED = Uint8Array.of(0)

/** What the keys have in a row; null when nothing of it is theirs. A damaged row that mentions one of them is theirs as a whole. */
export function ownedIn({ key, value }: VaultRow, keyIds: ReadonlySet<string>): OwnedRow | null {
  let found = false
  const whole = eachKeyId(value, (id) => {
    found ||= keyIds.has(id)
  })
  if (!found && (whole || !mentions(value, keyIds))) return null
  const own = Uint8Array.from(key)
  const entry = decodeRow(own, value)
  if (entry === null)
    return { key: own, keyIds: [...keyIds].filter((id) => mentions(value, new Set([id]))), tokens: [], others: 0, otherKeyIds: [], redacted: false }
  const ids = entry.parts.map(({ keyId }) => latin1(keyId))
  const theirs = ids.filter((id) => keyIds.has(id))
  return {
    key: own,
    keyIds: [...new Set(theirs)],
    tokens: entry.tokens.flatMap(({ owner, kind, token }) => (keyIds.has(ids[owner] ?? '') ? [{ kind, token: latin1(token) }] : [])),
    others: ids.length - theirs.length,
    otherKeyIds: ids.filter((id) => !keyIds.has(id)),
    redacted: entry.parts.every(({ ciphertext }, i) => !keyIds.has(ids[i] as string) || ciphertext.length === 0),
  }
}

/**
 * The row without what is under these keys: their parts keep the key id and have an empty ciphertext, zeros for nonce and
 * commitment; the search tokens of their owners are gone, and of the fingerprint are zeros left, which says nothing is known of
 * it. Of a damaged row nobody can tell what of it is theirs: nothing is left of that, and it is as missing as before.
 */
export function redactRow({ key, value }: VaultRow, keyIds: ReadonlySet<string>): Uint8Array {
  const entry = decodeRow(key, value)
  if (entry === null) return DAMAGED
  const theirs = entry.parts.map(({ keyId }) => keyIds.has(latin1(keyId)))
  return encodeRow(key, {
    ...entry,
    fingerprint: NOTHING,
    tokens: entry.tokens.filter(({ owner }) => theirs[owner] !== true),
    parts: entry.parts.map((part, i) =>
      theirs[i] === true ? { keyId: part.keyId, commitment: NOTHING, nonce: NOTHING.subarray(0, 12), ciphertext: NOTHING.subarray(0, 0) } : part,
    ),
  })
}
