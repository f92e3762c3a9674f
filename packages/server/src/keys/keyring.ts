import { Buffer } from 'node:buffer'
import { createHash, createHmac, createPrivateKey, createPublicKey, createSecretKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { SealtrailError } from '../errors.ts'
import { OVERLAP_MS, thumbprint } from './answers.ts'
import type { AnswerKey, AnswerKeys } from './answers.ts'
import { keyedHash, keyedHashes } from './hashes.ts'
import type { IngestKeys, Keys, RenewableHashes } from './keys.ts'
import { randomPool } from './random-pool.ts'
import { ROTATABLE, SIGNING } from './ring.ts'
import type { KeyInfo, KeyMaterial, KeyPurpose } from './ring.ts'
import { unwrapKey, wrapKey, wrappingId } from './wrap.ts'
import type { WrappingHash } from './wrap.ts'

/** Where the ring keeps a key it makes, and what it makes it from. */
export interface KeyringPlace {
  /** Makes the key durable; the ring uses it only once this returned. */
  add(key: KeyMaterial): void
  make(purpose: KeyPurpose, generation: number): KeyMaterial
  random(bytes: number): Uint8Array
}

interface Signer {
  readonly secret: KeyObject
  readonly publicKey: Uint8Array
}

/** PKCS #8 of an Ed25519 seed (RFC 8410 section 7). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A keyring in memory: the secrets came from a place, e.g. a folder of files. */
export class Keyring implements Keys {
  readonly #keys: KeyMaterial[]
  readonly #place: KeyringPlace
  readonly #hashes: RenewableHashes
  readonly #random: (bytes: number) => Uint8Array
  readonly #log: Signer
  #segment: Signer
  readonly #wrapping = new Map<string, WrappingHash>()
  #wrap: { id: Uint8Array; key: WrappingHash }

  constructor(keys: readonly KeyMaterial[], place: KeyringPlace) {
    this.#keys = [...keys].sort((a, b) => a.generation - b.generation)
    this.#place = place
    this.#random = randomPool((bytes) => place.random(bytes))
    this.#hashes = keyedHashes(this.exportForIngest())
    this.#log = signer(this.#current('log').secret)
    this.#segment = signer(this.#current('segment').secret)
    for (const key of this.#keys) if (key.purpose === 'wrapping') this.#wrapping.set(key.id, keyedHash(key.secret))
    this.#wrap = this.#currentWrapping()
  }

  signLog(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#log.secret)
  }

  get logPublicKey(): Uint8Array {
    return this.#log.publicKey
  }

  signSegment(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#segment.secret)
  }

  get segmentPublicKey(): Uint8Array {
    return this.#segment.publicKey
  }

  /** Raw public keys of every segment key there ever was, the current one first: segments signed before a rotation name theirs. */
  get segmentPublicKeys(): readonly Uint8Array[] {
    return this.#keys
      .filter((key) => key.purpose === 'segment')
      .map((key) => signer(key.secret).publicKey)
      .reverse()
  }

  name(text: string): string {
    return this.#hashes.name(text)
  }

  token(text: string): string {
    return this.#hashes.token(text)
  }

  tokens(text: string): readonly string[] {
    return this.#hashes.tokens(text)
  }

  fingerprint(text: string | Uint8Array): string {
    return this.#hashes.fingerprint(text)
  }

  wrap(key: Uint8Array, aad: string): Uint8Array {
    return wrapKey(this.#wrap.key, this.#wrap.id, this.#random(16), key, aad)
  }

  /** @throws SealtrailError KEY_UNKNOWN when the ring lacks the wrapping key, DATA_CORRUPT when the bytes or `aad` were changed. */
  unwrap(wrapped: Uint8Array, aad: string): Uint8Array {
    const id = wrappingId(wrapped)
    if (id === null) throw new SealtrailError('DATA_CORRUPT', 'a wrapped key is damaged')
    const wrapping = this.#wrapping.get(id)
    if (wrapping === undefined) throw new SealtrailError('KEY_UNKNOWN', `the keyring has no wrapping key ${id}`)
    const key = unwrapKey(wrapping, wrapped, aad)
    if (key === null) throw new SealtrailError('DATA_CORRUPT', 'a wrapped key is damaged or not in its place')
    return key
  }

  exportForIngest(): IngestKeys {
    const copy = (purpose: KeyPurpose): Uint8Array => Uint8Array.from(this.#current(purpose).secret)
    const olderTokens = this.#keys
      .filter((key) => key.purpose === 'token')
      .slice(0, -1)
      .map((key) => Uint8Array.from(key.secret))
      .reverse()
    return { naming: copy('naming'), token: copy('token'), fingerprint: copy('fingerprint'), ...(olderTokens.length === 0 ? {} : { olderTokens }) }
  }

  /** @throws SealtrailError KEY_UNKNOWN in a keyring of an earlier version that was not opened for writing yet. */
  answerKeys(): AnswerKeys {
    const { secret } = signer(this.#current('answers').secret)
    const keys = this.#keys.filter((key) => key.purpose === 'answers')
    const published = keys.map((key, i): AnswerKey => {
      const x = Buffer.from(signer(key.secret).publicKey).toString('base64url')
      const next = keys[i + 1]
      const notAfterMs = next === undefined ? null : Date.parse(next.created) + OVERLAP_MS
      return { keyid: thumbprint(x), x, notBeforeMs: Date.parse(key.created), notAfterMs }
    })
    return { secret, published: published.reverse() as [AnswerKey, ...AnswerKey[]] }
  }

  /** Every key, oldest first within a purpose; without secrets. */
  list(): KeyInfo[] {
    return this.#keys.map((key) => {
      const publicKey = SIGNING.has(key.purpose) ? signer(key.secret).publicKey : null
      return {
        id: key.id,
        purpose: key.purpose,
        created: key.created,
        state: key === this.#current(key.purpose) ? 'current' : 'previous',
        fingerprint: fingerprintOf(key, publicKey),
        publicKey: publicKey === null ? null : Buffer.from(publicKey).toString('base64'),
        ...(key.purpose === 'answers' && publicKey !== null ? { keyid: thumbprint(Buffer.from(publicKey).toString('base64url')) } : {}),
      }
    })
  }

  /**
   * Makes a new current key for the purpose; the older ones still unwrap. Returns the new key once it is durable.
   * @throws SealtrailError USAGE for purposes whose key cannot change under a running log: the log key is what auditors
   * hold, and another naming, token or fingerprint key would no longer recognise what is known.
   */
  rotate(purpose: KeyPurpose): KeyInfo {
    if (!ROTATABLE.has(purpose)) throw new SealtrailError('USAGE', `the ${purpose} key cannot be rotated; ${[...ROTATABLE].join(' and ')} keys can`)
    const key = this.#place.make(purpose, this.#current(purpose).generation + 1)
    this.#place.add(key)
    this.#keys.push(key)
    if (purpose === 'segment') this.#segment = signer(key.secret)
    if (purpose === 'wrapping') {
      this.#wrapping.set(key.id, keyedHash(key.secret))
      this.#wrap = this.#currentWrapping()
    }
    return this.list().find((each) => each.id === key.id) as KeyInfo
  }

  #current(purpose: KeyPurpose): KeyMaterial {
    const key = this.#keys.findLast((each) => each.purpose === purpose)
    if (key === undefined) throw new SealtrailError('KEY_UNKNOWN', `the keyring has no ${purpose} key`)
    return key
  }

  #currentWrapping(): { id: Uint8Array; key: WrappingHash } {
    const { id } = this.#current('wrapping')
    return { id: Buffer.from(id, 'hex'), key: this.#wrapping.get(id) as WrappingHash }
  }
}

function signer(seed: Uint8Array): Signer {
  const secret = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(secret).export({ format: 'der', type: 'spki' })
  return { secret, publicKey: Uint8Array.from(spki.subarray(-32)) }
}

function fingerprintOf(key: KeyMaterial, publicKey: Uint8Array | null): string {
  const digest =
    publicKey === null
      ? createHmac('sha256', createSecretKey(key.secret)).update('sealtrail/key-fingerprint/1').digest('hex')
      : createHash('sha256').update(publicKey).digest('hex')
  return digest.slice(0, 16)
}
