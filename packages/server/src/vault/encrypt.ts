import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import { deriveKey, derivedKeys } from './data-key.ts'
import type { DerivedKey } from './data-key.ts'
import { ROW_KEY, decodeRow, rowBound, writeEnd, writeHead, writePart } from './row.ts'
import type { DataKey, KeyAnswer, Opened, VaultEntry, VaultRow } from './vault.ts'

/** What a row is made from; disclosures are personal and stay in memory. */
export interface RowDraft {
  readonly tenant: string
  readonly trail: string
  /** 16 bytes. */
  readonly auditid: Uint8Array
  /** 16 bytes, latin1. */
  readonly fingerprint: string
  /** Digest (base64url) of the first disclosure, or null when there is none. */
  readonly firstDigest: string | null
  readonly tokens: ReadonlyArray<{ readonly kind: string; readonly token: string; readonly owner?: number }>
  readonly owners: ReadonlyArray<{ readonly key: DataKey; readonly disclosures: readonly string[] }>
}

/** Separates disclosures within one plaintext; base64url has no such character (as in RFC 9901 section 4). */
const SEPARATOR = '~'
const derived = derivedKeys()

/** Upper bound of a row's key and value. */
export function sealedBound(draft: Pick<RowDraft, 'tenant' | 'trail' | 'tokens'> & { readonly owners: ReadonlyArray<{ readonly disclosures: readonly string[] }> }): number {
  let secret = 0
  for (const { disclosures } of draft.owners) for (const disclosure of disclosures) secret += disclosure.length + 1
  return rowBound(draft.tenant + '\n' + draft.trail, draft.tokens, draft.owners.length, secret)
}

/** `sealRowInto` a row of its own. */
export function sealRow(draft: RowDraft, nonce: () => Uint8Array): VaultRow {
  const bytes = Buffer.allocUnsafeSlow(sealedBound(draft))
  const end = sealRowInto(draft, nonce, bytes, 0)
  return { key: bytes.subarray(0, ROW_KEY), value: bytes.subarray(ROW_KEY, end) }
}

/**
 * Writes the vault row of an event, key then value, at `at`; returns the offset behind it. One AES-256-GCM message per
 * owner, additional data `tenant`, `trail`, audit id and key id, so that no part opens in another place. Runs on ingest threads.
 * @param nonce 12 random bytes at each call, from `noncePool`.
 * @param into must have `sealedBound` bytes left.
 */
export function sealRowInto(draft: RowDraft, nonce: () => Uint8Array, into: Buffer, at: number): number {
  const context = draft.tenant + '\n' + draft.trail
  const { auditid, firstDigest, owners } = draft
  for (let i = 0; i < 16; i++) into[at + i] = auditid[i] as number
  // The first 8 bytes of the digest: 11 characters hold 66 bits.
  if (firstDigest === null) into.fill(0, at + 16, at + ROW_KEY)
  else into.base64urlWrite(firstDigest.slice(0, 11), at + 16, 8)
  let end = writeHead(into, at + ROW_KEY, context, draft.fingerprint, draft.tokens, owners.length)
  for (let i = 0; i < owners.length; i++) {
    const { key, disclosures } = owners[i] as RowDraft['owners'][number]
    const { encrypt, commitment } = derived(key)
    const iv = nonce()
    const cipher = createCipheriv('aes-256-gcm', encrypt, iv)
    cipher.setAAD(additional(context, auditid, key.id))
    const secret = cipher.update(disclosures.length === 1 ? (disclosures[0] as string) : disclosures.join(SEPARATOR), 'latin1')
    cipher.final()
    end = writePart(into, end, key.id, commitment, iv, secret.length + 16)
    into.set(secret, end)
    into.set(cipher.getAuthTag(), end + secret.length)
    end += secret.length + 16
  }
  return writeEnd(into, at, end)
}

/** Random nonces, 12 bytes at a time from a pool; never the same twice. @param random as `crypto.randomBytes`. */
export function noncePool(random: (bytes: number) => Uint8Array): () => Uint8Array {
  let pool = random(12 * 1024)
  let used = 0
  return () => {
    if (used === pool.length) {
      pool = random(12 * 1024)
      used = 0
    }
    used += 12
    return pool.subarray(used - 12, used)
  }
}

/**
 * What a row says, part by part, given the answers for each part's key in order. Never throws: what does not open is
 * `missing`, with why; only a tombstone makes it `erased`.
 * @param auditid 16 bytes: the event the row is read for.
 */
export function openRow(row: VaultRow, auditid: Uint8Array, answers: (entry: VaultEntry) => readonly KeyAnswer[]): Opened[] {
  const entry = readRow(row, auditid)
  if (typeof entry === 'string') return [{ state: 'missing', why: entry }]
  const keys = answers(entry)
  return entry.parts.map((part, i) => {
    const answer = keys[i] ?? { state: 'missing', why: 'the vault gave no answer for the key' }
    return answer.state === 'live' ? openPart(entry, part, auditid, answer.key) : answer
  })
}

/** The decoded row, or why it cannot be the event's. */
export function readRow(row: VaultRow, auditid: Uint8Array): VaultEntry | string {
  if (row.key.length !== 24 || Buffer.compare(row.key.subarray(0, 16), auditid) !== 0) return 'the row belongs to another event'
  return decodeRow(row.key, row.value) ?? 'the row is damaged'
}

function openPart(entry: VaultEntry, part: VaultEntry['parts'][number], auditid: Uint8Array, key: DataKey): Opened {
  let keyed: DerivedKey
  try {
    keyed = deriveKey(key)
  } catch {
    return { state: 'missing', why: 'the key is damaged' }
  }
  if (Buffer.compare(key.id, part.keyId) !== 0) return { state: 'missing', why: 'the vault answered with another key' }
  // Before decryption: a ciphertext made to open under two keys opens under neither.
  if (!timingSafeEqual(keyed.commitment.subarray(0, 16), part.commitment)) return { state: 'missing', why: 'the ciphertext was made under another key' }
  if (part.ciphertext.length < 16) return { state: 'missing', why: 'the ciphertext is too short' }
  const decipher = createDecipheriv('aes-256-gcm', keyed.encrypt, part.nonce, { authTagLength: 16 })
  decipher.setAAD(additional(entry.context, auditid, part.keyId))
  decipher.setAuthTag(part.ciphertext.subarray(-16))
  try {
    const text = decipher.update(part.ciphertext.subarray(0, -16)).latin1Slice()
    decipher.final()
    return { state: 'open', disclosures: text === '' ? [] : text.split(SEPARATOR) }
  } catch {
    return { state: 'missing', why: 'the ciphertext was changed or is not in its place' }
  }
}

let aadContext = ''
let aad: Buffer = Buffer.alloc(32)

/** The additional data, in memory that the next call overwrites: OpenSSL reads it at once. */
function additional(context: string, auditid: Uint8Array, keyId: Uint8Array): Buffer {
  if (context !== aadContext) {
    aad = Buffer.concat([Buffer.alloc(32), Buffer.from(context)])
    aadContext = context
  }
  for (let i = 0; i < 16; i++) {
    aad[i] = auditid[i] as number
    aad[16 + i] = keyId[i] as number
  }
  return aad
}
