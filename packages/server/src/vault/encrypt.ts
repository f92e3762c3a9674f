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
  /** 16 bytes, latin1. */
  readonly fingerprint: string
  readonly tokens: ReadonlyArray<{ readonly kind: string; readonly token: string; readonly owner?: number }>
  readonly owners: ReadonlyArray<{ readonly key: DataKey; readonly disclosures: readonly string[] }>
}

/** Separates disclosures within one plaintext; base64url has no such character (as in RFC 9901 section 4). */
const SEPARATOR = '~'
const derived = derivedKeys()

/** Upper bound of a row's key and value. */
export function sealedBound(
  tenant: string,
  trail: string,
  tokens: RowDraft['tokens'],
  owners: ReadonlyArray<{ readonly disclosures: readonly string[] }>,
): number {
  let secret = 0
  for (const { disclosures } of owners) for (const disclosure of disclosures) secret += disclosure.length + 1
  return rowBound(tenant.length + 1 + trail.length, tokens, owners.length, secret)
}

/**
 * The 24-byte key of an event's row: the audit id, then the first 8 bytes of its first disclosure's digest.
 * @param auditid 16 bytes.
 * @param firstDigest base64url, or null when there is no disclosure.
 */
export function rowKey(auditid: Uint8Array, firstDigest: string | null): Uint8Array {
  const key = new Uint8Array(ROW_KEY)
  for (let i = 0; i < 16; i++) key[i] = auditid[i] as number
  if (firstDigest === null) return key
  digest.base64urlWrite(firstDigest, 0, 32)
  for (let i = 0; i < 8; i++) key[16 + i] = digest[i] as number
  return key
}

const digest = Buffer.alloc(32)

/** `sealRowInto` a row of its own. */
export function sealRow(draft: RowDraft & { readonly auditid: Uint8Array; readonly firstDigest: string | null }, nonce: () => Uint8Array): VaultRow {
  const bytes = Buffer.allocUnsafeSlow(sealedBound(draft.tenant, draft.trail, draft.tokens, draft.owners))
  const end = sealRowInto(rowKey(draft.auditid, draft.firstDigest), draft, nonce, bytes, 0)
  return { key: bytes.subarray(0, ROW_KEY), value: bytes.subarray(ROW_KEY, end) }
}

/**
 * Writes the vault row of an event, key then value, at `at`; returns the offset behind it. One AES-256-GCM message per
 * owner, additional data `tenant`, `trail`, audit id and key id, so that no part opens in another place. Runs on ingest threads.
 * @param key from `rowKey`.
 * @param nonce 12 random bytes at each call, from `noncePool`.
 * @param into must have `sealedBound` bytes left.
 */
export function sealRowInto(key: Uint8Array, draft: RowDraft, nonce: () => Uint8Array, into: Buffer, at: number): number {
  const context = draft.tenant + '\n' + draft.trail
  const { owners } = draft
  for (let i = 0; i < ROW_KEY; i++) into[at + i] = key[i] as number
  let end = writeHead(into, at + ROW_KEY, context, draft.fingerprint, draft.tokens, owners.length)
  for (let i = 0; i < owners.length; i++) {
    const { key: dataKey, disclosures } = owners[i] as RowDraft['owners'][number]
    const { encrypt, commitment } = derived(dataKey)
    const iv = nonce()
    const cipher = createCipheriv('aes-256-gcm', encrypt, iv)
    cipher.setAAD(additional(context, key, dataKey.id))
    const secret = cipher.update(disclosures.length === 1 ? (disclosures[0] as string) : disclosures.join(SEPARATOR), 'latin1')
    cipher.final()
    end = writePart(into, end, dataKey.id, commitment, iv, secret.length + 16)
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
  // Only an erasure empties a part, and it destroys the key first.
  if (part.ciphertext.length === 0) return { state: 'missing', why: 'the part was emptied, and its key was not destroyed' }
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

/** The additional data, in memory that the next call overwrites: OpenSSL reads it at once. Of `auditid` the first 16 bytes count. */
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
