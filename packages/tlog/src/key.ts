/**
 * Keys as one line of text (c2sp.org/signed-note v1.0.0, "Verifier keys"):
 *
 *     vkey   <name>+<8 hex digits of the key ID>+<base64 of type byte and public key>
 *     skey   PRIVATE+KEY+<name>+<8 hex digits>+<base64 of type byte and 32-byte seed>      (Go's convention)
 *
 * Key ID = the first 4 bytes of SHA-256(name ‖ newline ‖ type byte ‖ public key).
 */
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#ed25519'
import { sha256 } from '#sha256'
import { isUsablePublicKey } from './ed25519.ts'
import { TlogError } from './errors.ts'
import { isKeyName, type Signer, type Verifier } from './note.ts'
import { decodeBase64, encodeBase64, encodeUtf8 } from './text.ts'

/** Type byte of a key that signs the note's text directly with Ed25519. */
export const TYPE_ED25519 = 0x01
/** Type byte of an Ed25519 cosignature/v1 key (c2sp.org/tlog-cosignature). */
export const TYPE_COSIGNATURE_V1 = 0x04
/** Type byte of an ML-DSA-44 cosignature key: its vkeys are read, its signatures only by a verifier you bring. */
export const TYPE_ML_DSA_44 = 0x06

/** Bytes of public key per type this package can name. */
const KEY_BYTES: ReadonlyMap<number, number> = new Map([
  [TYPE_ED25519, 32],
  [TYPE_COSIGNATURE_V1, 32],
  [TYPE_ML_DSA_44, 1312],
])

/** A verifier key taken apart; its key ID was recomputed and fits. */
export interface Vkey {
  readonly name: string
  readonly keyId: number
  readonly type: number
  readonly publicKey: Uint8Array
}

/** Checks an Ed25519 signature; the default is this package's own. */
export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

/** The key ID, an unsigned 32-bit number: SHA-256(name ‖ 0A ‖ type ‖ public key), first 4 bytes. */
export function keyId(name: string, type: number, publicKey: Uint8Array): number {
  const digest = sha256(Uint8Array.from([...encodeUtf8(name), 0x0a, type, ...publicKey]))
  return ((digest[0]! << 24) | (digest[1]! << 16) | (digest[2]! << 8) | digest[3]!) >>> 0
}

/** The vkey line of a public key. @throws TlogError KEY_MALFORMED, KEY_UNSUPPORTED */
export function formatVkey(name: string, type: number, publicKey: Uint8Array): string {
  assertKey(name, type, publicKey)
  return `${name}+${hex8(keyId(name, type, publicKey))}+${encodeBase64(Uint8Array.from([type, ...publicKey]))}`
}

/**
 * The parts of a vkey line.
 * @throws TlogError KEY_MALFORMED for another form, a key ID that is not the key's, or a key that no signature can be trusted under
 * (small order, non-canonical); KEY_UNSUPPORTED for types other than 0x01, 0x04, 0x06.
 */
export function parseVkey(text: string): Vkey {
  const { name, id, type, key: publicKey } = parseKeyLine(text)
  assertKey(name, type, publicKey)
  // attacker: a key ID that is not derived from the key would let two keys pass for one.
  if (keyId(name, type, publicKey) !== id) throw new TlogError('KEY_MALFORMED', 'the key ID is not that of the key')
  return { name, keyId: id, type, publicKey }
}

/** Checks signatures of type 0x01 made with the key of this vkey line. @throws TlogError KEY_MALFORMED; KEY_UNSUPPORTED for another type */
export function ed25519Verifier(vkey: string, verify: VerifyEd25519 = ed25519Verify): Verifier {
  const { name, keyId: id, type, publicKey } = parseVkey(vkey)
  if (type !== TYPE_ED25519) throw new TlogError('KEY_UNSUPPORTED', 'the vkey is not of type 0x01')
  return { name, keyId: id, publicKey, verify: (text, signature) => verify(publicKey, text, signature) }
}

/** Signs with a 32-byte Ed25519 seed, type 0x01. @throws TlogError KEY_MALFORMED */
export function ed25519Signer(name: string, seed: Uint8Array): Signer & { readonly vkey: string } {
  const publicKey = publicKeyOf(seed)
  assertKey(name, TYPE_ED25519, publicKey)
  const copy = seed.slice()
  return {
    name,
    keyId: keyId(name, TYPE_ED25519, publicKey),
    vkey: formatVkey(name, TYPE_ED25519, publicKey),
    sign: (text) => ed25519Sign(copy, text),
  }
}

/** The private-key line of a seed; as secret as the seed. @throws TlogError KEY_MALFORMED */
export function formatSkey(name: string, type: number, seed: Uint8Array): string {
  const publicKey = publicKeyOf(seed)
  assertKey(name, type, publicKey)
  return `PRIVATE+KEY+${name}+${hex8(keyId(name, type, publicKey))}+${encodeBase64(Uint8Array.from([type, ...seed]))}`
}

/** The parts of a private-key line of type 0x01 or 0x04. @throws TlogError KEY_MALFORMED, KEY_UNSUPPORTED */
export function parseSkey(text: string): { readonly name: string; readonly type: number; readonly seed: Uint8Array } {
  if (!text.startsWith('PRIVATE+KEY+')) throw new TlogError('KEY_MALFORMED', 'a private key begins with PRIVATE+KEY+')
  const { name, id, type, key: seed } = parseKeyLine(text.slice('PRIVATE+KEY+'.length))
  if (type !== TYPE_ED25519 && type !== TYPE_COSIGNATURE_V1) throw new TlogError('KEY_UNSUPPORTED', 'the private key is not Ed25519')
  if (keyId(name, type, publicKeyOf(seed)) !== id) throw new TlogError('KEY_MALFORMED', 'the key ID is not that of the key')
  return { name, type, seed }
}

function parseKeyLine(text: string): { name: string; id: number; type: number; key: Uint8Array } {
  // Base64 may hold plus signs, names may not: only the first two separate.
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/su.exec(text)
  if (match === null) throw new TlogError('KEY_MALFORMED', 'a key is name+hex+base64')
  const [, name, id, base64] = match
  const bytes = decodeKey(base64!)
  if (bytes.length < 2) throw new TlogError('KEY_MALFORMED', 'the key is empty')
  return { name: name!, id: Number.parseInt(id!, 16), type: bytes[0]!, key: bytes.slice(1) }
}

function decodeKey(base64: string): Uint8Array {
  try {
    return decodeBase64(base64)
  } catch (cause) {
    throw new TlogError('KEY_MALFORMED', 'the key is not canonical base64', { cause })
  }
}

function assertKey(name: string, type: number, publicKey: Uint8Array): void {
  if (!isKeyName(name)) throw new TlogError('KEY_MALFORMED', 'a key name has no white space and no plus sign')
  const bytes = KEY_BYTES.get(type)
  if (bytes === undefined) throw new TlogError('KEY_UNSUPPORTED', 'a key of an unknown type')
  if (publicKey.length !== bytes) throw new TlogError('KEY_MALFORMED', `a key of this type has ${bytes} bytes`)
  if (bytes === 32 && !isUsablePublicKey(publicKey)) throw new TlogError('KEY_MALFORMED', 'a key of small order or non-canonical')
}

function publicKeyOf(seed: Uint8Array): Uint8Array {
  if (seed.length !== 32) throw new TlogError('KEY_MALFORMED', 'an Ed25519 seed is 32 bytes')
  return ed25519PublicKey(seed)
}

function hex8(id: number): string {
  return id.toString(16).padStart(8, '0')
}
