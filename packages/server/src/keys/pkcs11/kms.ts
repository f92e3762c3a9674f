import { Buffer } from 'node:buffer'
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { damaged, lockedBytes, lockedTo } from '../kms.ts'
import type { HeldKeys, Kms, Locked, Signer } from '../kms.ts'
import type { KeyName } from '../ring.ts'
import { CK, loadCryptoki } from './cryptoki.ts'
import type { Cryptoki, Handle, Mechanism, Template } from './cryptoki.ts'
import { Token, idOf } from './token.ts'

export interface Pkcs11Options {
  /** Path of the maker's library. */
  readonly module: string
  readonly token: string
  /** Of the AES key that locks the others. */
  readonly label: string
  readonly pin: string
  /** Whether that key may be made. */
  readonly create: boolean
}

/** RFC 8410: id-Ed25519; and the name that libraries took before the standard said so. */
const CURVES = [Buffer.from('06032b6570', 'hex'), Buffer.concat([Buffer.from([0x13, 12]), Buffer.from('edwards25519')])]
const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')

/** @throws SealtrailError CONFIG_INVALID (no such library), KEY_UNAVAILABLE, KEY_UNKNOWN (PIN, or no locking key under the label) */
export async function openPkcs11(options: Pkcs11Options, cryptoki?: Cryptoki): Promise<Kms> {
  const kms = new Pkcs11Kms(cryptoki ?? (await loadCryptoki(options.module)), options)
  try {
    kms.begin(options.create)
  } catch (error) {
    await kms.close()
    throw error
  }
  return kms
}

/**
 * Keys in a token. The working keys of the ring are locked by an AES key that is made in it and cannot be read; Ed25519 keys of
 * log and segments are made in it and sign in it. `{"service":"pkcs11","key":<label>,"nonce","secret"}`: AES-256-GCM.
 */
class Pkcs11Kms implements Kms {
  readonly keeper = 'pkcs11'
  readonly held: HeldKeys
  readonly #token: Token
  readonly #label: string

  constructor(cryptoki: Cryptoki, { token, label, pin }: Pkcs11Options) {
    this.#token = new Token(cryptoki, token, pin)
    this.#label = label
    this.held = {
      make: async (name) => this.#token.run('making a key', (ck, session) => makePair(ck, session, name)),
      open: async (name, publicKey) => this.#signer(name, publicKey),
    }
  }

  begin(create: boolean): void {
    this.#token.run('looking for the locking key', (ck, session) => {
      if (this.#token.find(ck, session, CK.CLASS_SECRET, this.#label) !== null) return
      if (!create) throw this.#noKey()
      ck.C_GenerateKey(session, { mechanism: CK.AES_KEY_GEN }, aesTemplate(this.#label))
    })
  }

  async lock(secret: Uint8Array, name: KeyName): Promise<Locked> {
    const nonce = randomBytes(12)
    const sealed = this.#encrypt(Buffer.from(secret), nonce, lockedTo(name))
    return { service: 'pkcs11', key: this.#label, nonce: nonce.toString('base64'), secret: sealed.toString('base64') }
  }

  async unlock(locked: Locked, name: KeyName): Promise<Uint8Array> {
    const nonce = lockedBytes(locked, 'nonce', 12)
    const sealed = lockedBytes(locked, 'secret', 48)
    if (nonce === null || sealed === null) throw damaged(name)
    if (locked['key'] !== this.#label)
      throw new SealtrailError(
        'KEY_UNKNOWN',
        `the ${name.purpose} key ${name.generation} is locked by another key of the token than ${this.#label}: see keys.label`,
      )
    for (let proven = false; ; proven = true) {
      try {
        return Uint8Array.from(this.#decrypt(sealed, nonce, lockedTo(name)))
      } catch (error) {
        if (!(error instanceof SealtrailError) || error.code !== 'KEY_UNAVAILABLE') throw error
        // Tokens say of a wrong tag what they like: whether it is the token or the key is found with something of our own.
        if (!proven) {
          this.#prove()
          continue
        }
      }
      throw new SealtrailError(
        'KEY_UNKNOWN',
        `the key ${this.#label} of the token ${this.#token.label} does not open the ${name.purpose} key ${name.generation}: it is another key under this name, or the file was changed`,
      )
    }
  }

  async close(): Promise<void> {
    this.#token.close()
  }

  /** @throws SealtrailError KEY_UNAVAILABLE unless the token opens what it locks */
  #prove(): void {
    const nonce = randomBytes(12)
    const plain = randomBytes(32)
    if (!this.#decrypt(this.#encrypt(plain, nonce, ''), nonce, '').equals(plain))
      throw new SealtrailError('KEY_UNAVAILABLE', 'the token does not open what it locked')
  }

  #encrypt(plain: Buffer, nonce: Buffer, place: string): Buffer {
    return this.#token.run('locking a key', (ck, session) => {
      ck.C_EncryptInit(session, gcm(nonce, place), this.#key(ck, session))
      return Buffer.from(ck.C_Encrypt(session, plain, Buffer.alloc(64)))
    })
  }

  #decrypt(sealed: Buffer, nonce: Buffer, place: string): Buffer {
    return this.#token.run('unlocking a key', (ck, session) => {
      ck.C_DecryptInit(session, gcm(nonce, place), this.#key(ck, session))
      return Buffer.from(ck.C_Decrypt(session, sealed, Buffer.alloc(64)))
    })
  }

  #key(ck: Cryptoki, session: Handle): Handle {
    const handle = this.#token.find(ck, session, CK.CLASS_SECRET, this.#label)
    if (handle === null) throw this.#noKey()
    return handle
  }

  #noKey(): SealtrailError {
    return new SealtrailError(
      'KEY_UNKNOWN',
      `the token ${this.#token.label} has no AES key called ${this.#label}: another token, or it was deleted; restore it from a backup of the token`,
    )
  }

  #signer(name: KeyName, publicKey: Uint8Array): Signer {
    const label = labelOf(name)
    const checked = createPublicKey({ key: Buffer.concat([SPKI_ED25519, publicKey]), format: 'der', type: 'spki' })
    const sign = (message: Uint8Array): Uint8Array => {
      const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
      const signature = this.#token.run('signing', (ck, session) => {
        const handle = this.#token.find(ck, session, CK.CLASS_PRIVATE, label)
        if (handle === null) throw new SealtrailError('KEY_UNKNOWN', `the token ${this.#token.label} has no signing key called ${label}`)
        ck.C_SignInit(session, { mechanism: CK.EDDSA }, handle)
        return Uint8Array.from(ck.C_Sign(session, bytes, Buffer.alloc(64)))
      })
      // Also while it runs: the token that comes back after it was away may be another one.
      if (!verify(null, bytes, checked, signature))
        throw new SealtrailError('KEY_UNKNOWN', `the token ${this.#token.label} has another key called ${label} than the one that signed before`)
      return signature
    }
    sign(Buffer.from('sealtrail/key-check/1'))
    return { publicKey, sign }
  }
}

function makePair(ck: Cryptoki, session: Handle, name: KeyName): Uint8Array {
  const common: Template = [
    { type: CK.TOKEN, value: true },
    { type: CK.LABEL, value: labelOf(name) },
    { type: CK.ID, value: idOf(name.id) },
  ]
  const secret: Template = [
    ...common,
    { type: CK.CLASS, value: CK.CLASS_PRIVATE },
    { type: CK.KEY_TYPE, value: CK.TYPE_EDWARDS },
    { type: CK.PRIVATE, value: true },
    { type: CK.SENSITIVE, value: true },
    { type: CK.EXTRACTABLE, value: false },
    { type: CK.SIGN, value: true },
  ]
  let last: unknown
  for (const curve of CURVES) {
    const open: Template = [
      ...common,
      { type: CK.CLASS, value: CK.CLASS_PUBLIC },
      { type: CK.KEY_TYPE, value: CK.TYPE_EDWARDS },
      { type: CK.EC_PARAMS, value: curve },
      { type: CK.VERIFY, value: true },
    ]
    try {
      const { publicKey } = ck.C_GenerateKeyPair(session, { mechanism: CK.EDWARDS_KEY_GEN }, open, secret)
      const [point] = ck.C_GetAttributeValue(session, publicKey, [{ type: CK.EC_POINT }])
      const value = point?.value as Buffer
      // The bare point, or as a DER octet string: libraries differ.
      return Uint8Array.from(value.subarray(value.length - 32))
    } catch (error) {
      last = error
    }
  }
  throw last
}

function aesTemplate(label: string): Template {
  return [
    { type: CK.CLASS, value: CK.CLASS_SECRET },
    { type: CK.KEY_TYPE, value: CK.TYPE_AES },
    { type: CK.TOKEN, value: true },
    { type: CK.PRIVATE, value: true },
    { type: CK.SENSITIVE, value: true },
    { type: CK.EXTRACTABLE, value: false },
    { type: CK.ENCRYPT, value: true },
    { type: CK.DECRYPT, value: true },
    { type: CK.VALUE_LEN, value: 32 },
    { type: CK.LABEL, value: label },
  ]
}

function gcm(nonce: Buffer, place: string): Mechanism {
  return { mechanism: CK.AES_GCM, parameter: { type: CK.PARAMS_GCM, iv: nonce, ivBits: 96, aad: Buffer.from(place), tagBits: 128 } }
}

function labelOf({ purpose, generation, id }: KeyName): string {
  return `sealtrail/${purpose}/${generation}/${id}`
}
