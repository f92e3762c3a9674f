import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { PURPOSES } from '../ring.ts'
import type { KeyMaterial, KeyPurpose } from '../ring.ts'

/**
 * One key, one file, `<purpose>-<generation, 4 digits>.json`:
 *
 * ```json
 * {"format":"sealtrail/key/1","purpose":"wrapping","generation":1,"id":"9f1c…","created":"2026-11-22T10:00:00.000Z","secret":"<base64>"}
 * ```
 * or, with a passphrase, `"locked":{"salt","n","nonce","secret"}`: AES-256-GCM under scrypt(passphrase, salt, N=n, r=8, p=1)
 * with purpose, generation, id and time as additional data; `secret` is ciphertext ‖ tag.
 */
export type Passphrase = (salt: Uint8Array, n: number) => Uint8Array

const FORMAT = 'sealtrail/key/1'
const SCRYPT_N = 2 ** 16
const NAME = /^([a-z]+)-(\d{4})\.json$/

/** File name of a key. */
export function keyFileName(key: Pick<KeyMaterial, 'purpose' | 'generation'>): string {
  return `${key.purpose}-${String(key.generation).padStart(4, '0')}.json`
}

/** Purpose and generation a file name stands for; null when it is no key's. */
export function parseKeyFileName(name: string): { purpose: KeyPurpose; generation: number } | null {
  const match = NAME.exec(name)
  const purpose = PURPOSES.find((each) => each === match?.[1])
  return match === null || purpose === undefined ? null : { purpose, generation: Number(match[2]) }
}

/** Derives file keys from a passphrase; scrypt runs once for each salt. */
export function passphraseKeys(passphrase: string): Passphrase {
  const derived = new Map<string, Uint8Array>()
  return (salt, n) => {
    const id = `${n}:${Buffer.from(salt).toString('hex')}`
    const known = derived.get(id)
    if (known !== undefined) return known
    const key = scryptSync(passphrase.normalize('NFC'), salt, 32, { N: n, r: 8, p: 1, maxmem: 256 * n * 8 })
    derived.set(id, key)
    return key
  }
}

/** The bytes of a key's file. @param lock salt (16 bytes, one for the ring), nonce (12 random bytes) and the passphrase. */
export function encodeKeyFile(key: KeyMaterial, lock: { passphrase: Passphrase; salt: Uint8Array; nonce: Uint8Array } | null): string {
  const head = { format: FORMAT, purpose: key.purpose, generation: key.generation, id: key.id, created: key.created }
  if (lock === null) return JSON.stringify({ ...head, secret: Buffer.from(key.secret).toString('base64') }) + '\n'
  const cipher = createCipheriv('aes-256-gcm', lock.passphrase(lock.salt, SCRYPT_N), lock.nonce)
  cipher.setAAD(Buffer.from(JSON.stringify(head)))
  const secret = Buffer.concat([cipher.update(key.secret), cipher.final(), cipher.getAuthTag()])
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  return JSON.stringify({ ...head, locked: { salt: text(lock.salt), n: SCRYPT_N, nonce: text(lock.nonce), secret: text(secret) } }) + '\n'
}

/**
 * Reads a key's file. Attacker: whoever may write the keyring; then all is lost anyway, so this only keeps accidents apart.
 * @throws SealtrailError DATA_CORRUPT when it is not the key its name says; KEY_UNKNOWN when the passphrase is missing or another.
 */
export function decodeKeyFile(name: string, text: string, passphrase: Passphrase | null): KeyMaterial & { readonly salt: Uint8Array | null } {
  const expected = parseKeyFileName(name)
  const file = parse(text)
  const { id, created } = file
  if (expected === null || file['format'] !== FORMAT || file['purpose'] !== expected.purpose || file['generation'] !== expected.generation) throw damaged(name)
  if (typeof id !== 'string' || !/^[0-9a-f]{16}$/.test(id) || typeof created !== 'string' || Number.isNaN(Date.parse(created))) throw damaged(name)
  const material = { ...expected, id, created }
  const locked = file['locked']
  if (typeof locked !== 'object' || locked === null) return { ...material, secret: bytes(name, file['secret'], 32), salt: null }
  if (passphrase === null) throw new SealtrailError('KEY_UNKNOWN', `the keyring is locked with a passphrase and none was given (${name})`)
  const lock = locked as Record<string, unknown>
  const salt = bytes(name, lock['salt'], 16)
  const sealed = bytes(name, lock['secret'], 48)
  const n = lock['n']
  if (typeof n !== 'number' || !Number.isInteger(Math.log2(n)) || n < 2 ** 14 || n > 2 ** 20) throw damaged(name)
  const decipher = createDecipheriv('aes-256-gcm', passphrase(salt, n), bytes(name, lock['nonce'], 12), { authTagLength: 16 })
  decipher.setAAD(Buffer.from(JSON.stringify({ format: FORMAT, ...expected, id, created })))
  decipher.setAuthTag(sealed.subarray(32))
  try {
    return { ...material, secret: Buffer.concat([decipher.update(sealed.subarray(0, 32)), decipher.final()]), salt }
  } catch {
    throw new SealtrailError('KEY_UNKNOWN', `the passphrase does not open ${name}`)
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function bytes(name: string, text: unknown, length: number): Uint8Array {
  const found = typeof text === 'string' ? Buffer.from(text, 'base64') : null
  if (found === null || found.length !== length || found.toString('base64') !== text) throw damaged(name)
  return found
}

function damaged(name: string): SealtrailError {
  return new SealtrailError('DATA_CORRUPT', `the key file ${name} is damaged; restore it from a backup of the keyring`)
}
