import { Buffer } from 'node:buffer'
import { SealtrailError } from '../errors.ts'
import { OVERLAP_MS, thumbprint } from './answers.ts'
import type { AnswerKey, AnswerKeys } from './answers.ts'
import { keyedHash, keyedHashes } from './hashes.ts'
import type { IngestKeys, Keys, RenewableHashes } from './keys.ts'
import type { Signer } from './kms.ts'
import { randomPool } from './random-pool.ts'
import { HELD, ROTATABLE, SIGNING } from './ring.ts'
import type { KeyEnd, KeyInfo, KeyPurpose, KeyState, RingKey } from './ring.ts'
import { fingerprintOf, privateKey, secretOf, signerOf } from './signer.ts'
import { unwrapKey, wrapKey, wrappingId } from './wrap.ts'
import type { WrappingHash } from './wrap.ts'

/** Where the ring keeps a key it makes, and what it makes it from. */
export interface KeyringPlace {
  /** Makes a key; it is the ring's once `keep` has returned, durably. @throws SealtrailError KEY_UNAVAILABLE; `keep` DATA_UNWRITABLE */
  make(purpose: KeyPurpose, generation: number): Promise<{ readonly key: RingKey; keep(): void }>
  /** Notes how a key ended, durably; of one that is destroyed nothing else is left when it returns. @throws SealtrailError DATA_UNWRITABLE */
  end(key: RingKey, end: KeyEnd): void
  now(): number
  random(bytes: number): Uint8Array
}

/** A keyring in memory: the secrets came from a place, e.g. a folder of files; keys that are held elsewhere sign there. */
export class Keyring implements Keys {
  #keys: RingKey[]
  readonly #place: KeyringPlace
  readonly #hashes: RenewableHashes
  readonly #random: (bytes: number) => Uint8Array
  readonly #signers = new Map<string, Signer>()
  readonly #signed = new Map<string, number>()
  #logKeys: readonly Signer[] = []
  #segment: Signer
  readonly #wrapping = new Map<string, WrappingHash>()
  #wrap: { id: Uint8Array; key: WrappingHash }

  constructor(keys: readonly RingKey[], place: KeyringPlace) {
    this.#keys = [...keys].sort((a, b) => a.generation - b.generation)
    this.#place = place
    this.#random = randomPool((bytes) => place.random(bytes))
    this.#hashes = keyedHashes(this.exportForIngest())
    this.#segment = this.#signer(this.#current('segment'))
    this.#logKeys = this.#activeLogKeys()
    for (const key of this.#keys) if (key.purpose === 'wrapping' && key.secret !== null) this.#wrapping.set(key.id, keyedHash(key.secret))
    this.#wrap = this.#currentWrapping()
  }

  signLog(message: Uint8Array): Uint8Array {
    return (this.#logKeys[0] as Signer).sign(message)
  }

  get logPublicKey(): Uint8Array {
    return (this.#logKeys[0] as Signer).publicKey
  }

  get logSigners(): readonly Signer[] {
    return this.#logKeys
  }

  get logPublicKeys(): readonly Uint8Array[] {
    const active = this.#logKeys.map(({ publicKey }) => publicKey)
    const retired = this.#keys.filter((key) => key.purpose === 'log' && key.ended !== undefined).map((key) => this.#signer(key).publicKey)
    return [...active, ...retired.reverse()]
  }

  signSegment(message: Uint8Array): Uint8Array {
    return this.#segment.sign(message)
  }

  get segmentPublicKey(): Uint8Array {
    return this.#segment.publicKey
  }

  /** Raw public keys of every segment key there ever was, the current one first: segments signed before a rotation name theirs. */
  get segmentPublicKeys(): readonly Uint8Array[] {
    return this.#keys
      .filter((key) => key.purpose === 'segment')
      .map((key) => this.#signer(key).publicKey)
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

  /** The id of the key that wraps now, 16 hex characters. */
  get wrappingId(): string {
    return this.#current('wrapping').id
  }

  wrap(key: Uint8Array, aad: string): Uint8Array {
    return wrapKey(this.#wrap.key, this.#wrap.id, this.#random(16), key, aad)
  }

  /** @throws SealtrailError KEY_UNKNOWN when the ring lacks the wrapping key, DATA_CORRUPT when the bytes or `aad` were changed. */
  unwrap(wrapped: Uint8Array, aad: string): Uint8Array {
    const id = wrappingId(wrapped)
    if (id === null) throw new SealtrailError('DATA_CORRUPT', 'a wrapped key is damaged')
    const wrapping = this.#wrapping.get(id)
    if (wrapping === undefined) {
      const destroyed = this.#keys.find((key) => key.id === id && key.ended?.state === 'destroyed')
      const why = destroyed === undefined ? 'the keyring has no wrapping key' : `destroyed on ${destroyed.ended?.at}, and this is of before: the wrapping key`
      throw new SealtrailError('KEY_UNKNOWN', `${why} ${id}`)
    }
    const key = unwrapKey(wrapping, wrapped, aad)
    if (key === null) throw new SealtrailError('DATA_CORRUPT', 'a wrapped key is damaged or not in its place')
    return key
  }

  exportForIngest(): IngestKeys {
    const copy = (purpose: KeyPurpose): Uint8Array => Uint8Array.from(secretOf(this.#current(purpose)))
    const olderTokens = this.#keys
      .filter((key) => key.purpose === 'token')
      .slice(0, -1)
      .map((key) => Uint8Array.from(secretOf(key)))
      .reverse()
    return { naming: copy('naming'), token: copy('token'), fingerprint: copy('fingerprint'), ...(olderTokens.length === 0 ? {} : { olderTokens }) }
  }

  /** @throws SealtrailError KEY_UNKNOWN in a keyring of an earlier version that was not opened for writing yet. */
  answerKeys(): AnswerKeys {
    const secret = privateKey(secretOf(this.#current('answers')))
    const keys = this.#keys.filter((key) => key.purpose === 'answers')
    const published = keys.map((key, i): AnswerKey => {
      const x = Buffer.from(this.#signer(key).publicKey).toString('base64url')
      const next = keys[i + 1]
      const notAfterMs = next === undefined ? null : Date.parse(next.created) + OVERLAP_MS
      return { keyid: thumbprint(x), x, notBeforeMs: Date.parse(key.created), notAfterMs }
    })
    return { secret, published: published.reverse() as [AnswerKey, ...AnswerKey[]] }
  }

  /** Every key, oldest first within a purpose; without secrets. */
  list(): KeyInfo[] {
    return this.#keys.map((key) => this.#infoOf(key))
  }

  #infoOf(key: RingKey, state: KeyState = this.#stateOf(key)): KeyInfo {
    const publicKey = SIGNING.has(key.purpose) ? this.#signer(key).publicKey : null
    const { id, purpose, generation, created } = key
    return {
      id,
      purpose,
      generation,
      created,
      state,
      service: key.keeper,
      held: key.held !== undefined,
      fingerprint: fingerprintOf(key, publicKey),
      publicKey: publicKey === null ? null : Buffer.from(publicKey).toString('base64'),
      ...(purpose === 'answers' && publicKey !== null ? { keyid: thumbprint(Buffer.from(publicKey).toString('base64url')) } : {}),
      ...(key.ended === undefined ? {} : { ended: key.ended.at }),
      ...(HELD.has(purpose) ? { signatures: this.#signed.get(id) ?? 0 } : {}),
    }
  }

  /**
   * Makes a new current key for the purpose; the older ones stay readable. Resolves to the new key once it is durable and used.
   * @param before what must be done, e.g. sealed, before the key is kept and first used: dying in between, it was announced and is never seen
   * @throws SealtrailError USAGE for purposes whose key cannot change under a running log: with another naming or fingerprint
   * key what is known would not be recognised (docs/decisions/0032); KEY_UNAVAILABLE
   */
  async rotate(purpose: KeyPurpose, before: (made: KeyInfo) => Promise<void> = async () => {}): Promise<KeyInfo> {
    if (!ROTATABLE.has(purpose)) throw new SealtrailError('USAGE', unchangeable(purpose))
    const { key, keep } = await this.#place.make(purpose, this.#newest(purpose).generation + 1)
    await before(this.#infoOf(key, 'current'))
    keep()
    this.#keys.push(key)
    if (purpose === 'segment') this.#segment = this.#signer(key)
    // One that was retired meanwhile signs on until the next start: threads that run check with it.
    if (purpose === 'log') this.#logKeys = [...this.#logKeys, this.#signer(key)]
    if (purpose === 'token') this.#hashes.renew(this.exportForIngest())
    if (purpose === 'wrapping') {
      this.#wrapping.set(key.id, keyedHash(secretOf(key)))
      this.#wrap = this.#currentWrapping()
    }
    return this.#infoOf(key)
  }

  /**
   * Ends a key that is not current: a log key is `retired` and signs no more, a wrapping key is `destroyed` and unwraps no more.
   * Whether anything still needs it is for the caller to know. Again: what was done is done.
   * @throws SealtrailError NOT_FOUND, USAGE (it is current, or of a purpose whose keys do not end), DATA_UNWRITABLE
   */
  end(id: string, state: KeyEnd['state']): KeyInfo {
    const key = this.#keys.find((each) => each.id === id)
    if (key === undefined) throw new SealtrailError('NOT_FOUND', 'the keyring has no key of this id')
    const wanted = state === 'retired' ? 'log' : 'wrapping'
    if (key.purpose !== wanted) throw new SealtrailError('USAGE', `a ${key.purpose} key is not ${state}: only ${wanted} keys are`)
    if (this.#stateOf(key) === 'current') throw new SealtrailError('USAGE', `the key is the current one: rotate ${wanted} first`)
    if (key.ended === undefined) {
      const publicKey = SIGNING.has(key.purpose) ? this.#signer(key).publicKey : null
      const end: KeyEnd = { state, at: new Date(this.#place.now()).toISOString(), fingerprint: fingerprintOf(key, publicKey) }
      this.#place.end(key, end)
      const left: RingKey = { ...key, ended: end, ...(state === 'destroyed' ? { secret: null } : {}) }
      this.#keys = this.#keys.map((each) => (each === key ? left : each))
      if (state === 'destroyed') {
        this.#wrapping.delete(id)
        key.secret?.fill(0)
      }
    }
    return this.list().find((each) => each.id === id) as KeyInfo
  }

  #stateOf(key: RingKey): KeyState {
    return key.ended?.state ?? (key === this.#newest(key.purpose) ? 'current' : 'previous')
  }

  #newest(purpose: KeyPurpose): RingKey {
    const key = this.#keys.findLast((each) => each.purpose === purpose)
    if (key === undefined) throw new SealtrailError('KEY_UNKNOWN', `the keyring has no ${purpose} key`)
    return key
  }

  #current(purpose: KeyPurpose): RingKey {
    return this.#newest(purpose)
  }

  /** Oldest first: what the first one signs, whoever has known this server longest can check. */
  #activeLogKeys(): Signer[] {
    return this.#keys.filter((key) => key.purpose === 'log' && key.ended === undefined).map((key) => this.#signer(key))
  }

  #signer(key: RingKey): Signer {
    const known = this.#signers.get(key.id)
    if (known !== undefined) return known
    const { publicKey, sign } = signerOf(key)
    const counted: Signer = {
      publicKey,
      sign: (message) => {
        const signature = sign(message)
        this.#signed.set(key.id, (this.#signed.get(key.id) ?? 0) + 1)
        return signature
      },
    }
    this.#signers.set(key.id, counted)
    return counted
  }

  #currentWrapping(): { id: Uint8Array; key: WrappingHash } {
    const { id } = this.#current('wrapping')
    return { id: Buffer.from(id, 'hex'), key: this.#wrapping.get(id) as WrappingHash }
  }
}

function unchangeable(purpose: string): string {
  const why: Readonly<Record<string, string>> = {
    naming: 'under another naming key a resend would not be recognised and be sealed twice, for as long as its record lives',
    fingerprint: 'under another fingerprint key every resend would look like a conflict, as nothing is kept that it could be made anew from',
  }
  const reason = why[purpose]
  const list = [...ROTATABLE]
  return reason === undefined ? `there is no key for this purpose; ${list.join(', ')} keys can be rotated` : `the ${purpose} key cannot be rotated: ${reason}`
}
