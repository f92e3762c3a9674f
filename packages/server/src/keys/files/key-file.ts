import { Buffer } from 'node:buffer'
import { SealtrailError } from '../../errors.ts'
import { damaged } from '../kms.ts'
import type { KeyKeeper, Locked } from '../kms.ts'
import { PURPOSES } from '../ring.ts'
import type { KeyEnd, KeyName, KeyPurpose } from '../ring.ts'

/**
 * One key, one file, `<purpose>-<generation, 4 digits>.json`:
 *
 * ```json
 * {"format":"sealtrail/key/1","purpose":"wrapping","generation":1,"id":"9f1c…","created":"2026-11-22T10:00:00.000Z","secret":"<base64>"}
 * ```
 * or, in place of `secret`, `"locked":{…}`, the key locked by a passphrase or a service (`service` names it; kms.ts), or
 * `"held":{"service":"pkcs11","publicKey":"<base64>"}` of a key that never leaves its service. How a key ended stands beside it,
 * in `<purpose>-<generation>.end.json`; of a destroyed one that is all that is left.
 */
const FORMAT = 'sealtrail/key/1'
const FORMAT_END = 'sealtrail/key-end/1'
const NAME = /^([a-z]+)-(\d{4})(\.end)?\.json$/

/** A key as its file says it; nothing of it is opened. */
export interface StoredKey extends KeyName {
  readonly file: string
  readonly what:
    | { readonly kind: 'clear'; readonly secret: Uint8Array }
    | { readonly kind: 'locked'; readonly keeper: KeyKeeper; readonly locked: Locked }
    | { readonly kind: 'held'; readonly keeper: KeyKeeper; readonly publicKey: Uint8Array }
}

/** What a key's file holds of it besides its name. */
export type Kept = { readonly secret: string } | { readonly locked: Locked } | { readonly held: { readonly service: string; readonly publicKey: string } }

/** File name of a key. */
export function keyFileName(key: Pick<KeyName, 'purpose' | 'generation'>, end = ''): string {
  return `${key.purpose}-${String(key.generation).padStart(4, '0')}${end}.json`
}

/** Purpose and generation a file name stands for, and whether it says how the key ended; null when it is no key's. */
export function parseKeyFileName(name: string): { purpose: KeyPurpose; generation: number; end: boolean } | null {
  const match = NAME.exec(name)
  const purpose = PURPOSES.find((each) => each === match?.[1])
  return match === null || purpose === undefined ? null : { purpose, generation: Number(match[2]), end: match[3] !== undefined }
}

/** The bytes of a key's file. */
export function encodeKeyFile({ purpose, generation, id, created }: KeyName, kept: Kept): string {
  return JSON.stringify({ format: FORMAT, purpose, generation, id, created, ...kept }) + '\n'
}

export function encodeKeyEnd({ purpose, generation, id, created }: KeyName, { state, at, fingerprint }: KeyEnd): string {
  return JSON.stringify({ format: FORMAT_END, purpose, generation, id, created, state, at, fingerprint }) + '\n'
}

/**
 * Reads a key's file. Attacker: whoever may write the keyring; then all is lost anyway, so this only keeps accidents apart.
 * @throws SealtrailError DATA_CORRUPT when it is not the key its name says
 */
export function decodeKeyFile(name: string, text: string): StoredKey {
  const { file, key } = headOf(name, text, FORMAT)
  const { secret, locked, held } = file
  if (isObject(locked)) return { ...key, file: name, what: { kind: 'locked', keeper: (locked['service'] as KeyKeeper | undefined) ?? 'passphrase', locked } }
  if (isObject(held)) return { ...key, file: name, what: { kind: 'held', keeper: held['service'] as KeyKeeper, publicKey: bytes(key, held['publicKey']) } }
  return { ...key, file: name, what: { kind: 'clear', secret: bytes(key, secret) } }
}

/** @throws SealtrailError DATA_CORRUPT */
export function decodeKeyEnd(name: string, text: string): KeyName & KeyEnd {
  const { file, key } = headOf(name, text, FORMAT_END)
  const { state, at, fingerprint } = file
  const known = state === 'retired' || state === 'destroyed'
  if (!known || typeof at !== 'string' || Number.isNaN(Date.parse(at)) || typeof fingerprint !== 'string') throw damaged(key)
  return { ...key, state, at, fingerprint }
}

function headOf(name: string, text: string, format: string): { readonly file: Record<string, unknown>; readonly key: KeyName } {
  const expected = parseKeyFileName(name)
  if (expected === null) throw new SealtrailError('DATA_CORRUPT', 'a file of the keyring is no key')
  const file = parse(text)
  const { id, created } = file
  const { purpose, generation } = expected
  if (file['format'] !== format || file['purpose'] !== purpose || file['generation'] !== generation) throw damaged(expected)
  if (typeof id !== 'string' || !/^[0-9a-f]{16}$/.test(id) || typeof created !== 'string' || Number.isNaN(Date.parse(created))) throw damaged(expected)
  return { file, key: { purpose, generation, id, created } }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function bytes(key: KeyName, text: unknown): Uint8Array {
  const found = typeof text === 'string' ? Buffer.from(text, 'base64') : null
  if (found === null || found.length !== 32 || found.toString('base64') !== text) throw damaged(key)
  return found
}
