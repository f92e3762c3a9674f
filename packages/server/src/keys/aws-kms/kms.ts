import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import type { KMSClientConfig } from '@aws-sdk/client-kms'
import { SealtrailError } from '../../errors.ts'
import { damaged, lockedBytes } from '../kms.ts'
import type { Kms, Locked } from '../kms.ts'
import type { KeyName } from '../ring.ts'
import { failureOf, passes } from './failure.ts'

export interface AwsKmsOptions {
  /** Id, ARN or alias of a symmetric key. */
  readonly keyId: string
  readonly region: string
  /** Of another service than Amazon's, or null. */
  readonly endpoint: string | null
  /** Null: the SDK's chain (environment, profile, role of the machine). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
  /** How long one attempt of a call may take. */
  readonly timeoutMs: number
}

/** Pauses between the attempts of a call that may pass. */
const PAUSES_MS = [100, 400]

/**
 * Keys locked by a symmetric key of AWS KMS, one call for each key of the ring when it is opened or made, and none while it
 * runs. The encryption context names purpose, generation and id: CloudTrail shows which key was opened, and a ciphertext opens
 * for no other. `{"service":"aws-kms","key":<ARN>,"secret"}`. Signing keys are locked too (docs/decisions/0031).
 */
export class AwsKms implements Kms {
  readonly keeper = 'aws-kms'
  readonly held = null
  readonly #client: KMSClient
  readonly #options: AwsKmsOptions

  constructor(options: AwsKmsOptions) {
    const { region, endpoint, credentials, timeoutMs } = options
    const config: KMSClientConfig = {
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs },
    }
    if (endpoint !== null) config.endpoint = endpoint
    if (credentials !== null) config.credentials = credentials
    this.#client = new KMSClient(config)
    this.#options = options
  }

  async lock(secret: Uint8Array, name: KeyName): Promise<Locked> {
    const { keyId: KeyId } = this.#options
    const answer = await this.#ask(name, (abortSignal) =>
      this.#client.send(new EncryptCommand({ KeyId, Plaintext: secret, EncryptionContext: contextOf(name) }), { abortSignal }),
    )
    const { CiphertextBlob, KeyId: arn } = answer
    if (CiphertextBlob === undefined || CiphertextBlob.length === 0) throw unavailable('an answer without a ciphertext')
    return { service: 'aws-kms', key: arn ?? KeyId, secret: Buffer.from(CiphertextBlob).toString('base64') }
  }

  async unlock(locked: Locked, name: KeyName): Promise<Uint8Array> {
    const secret = lockedBytes(locked, 'secret', -6144)
    if (secret === null) throw damaged(name)
    const { Plaintext } = await this.#ask(name, (abortSignal) =>
      this.#client.send(new DecryptCommand({ KeyId: this.#options.keyId, CiphertextBlob: secret, EncryptionContext: contextOf(name) }), { abortSignal }),
    )
    // attacker: whatever answers at the address.
    if (Plaintext?.length !== 32)
      throw new SealtrailError('KEY_UNKNOWN', `AWS KMS answers with no key of 32 bytes for the ${name.purpose} key ${name.generation}`)
    return Uint8Array.from(Plaintext)
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  /** Asks, again when that may help, each time bounded. @throws SealtrailError */
  async #ask<T>(name: KeyName, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const control = new AbortController()
      const timer = setTimeout(() => control.abort(), this.#options.timeoutMs)
      try {
        return await run(control.signal)
      } catch (error) {
        const pause = PAUSES_MS[attempt]
        if (pause === undefined || !passes(error)) throw told(error, name)
        await sleep(pause)
      } finally {
        clearTimeout(timer)
      }
    }
  }
}

function contextOf({ purpose, generation, id }: KeyName): Record<string, string> {
  return { application: 'sealtrail', purpose, generation: String(generation), id }
}

/** What the service's refusals mean: another key, a changed ciphertext, or one that cannot be used now. Its own texts name accounts and roles: they go nowhere. */
function told(error: unknown, name: KeyName): SealtrailError {
  const { code, status } = failureOf(error)
  const which = `the ${name.purpose} key ${name.generation}`
  switch (code) {
    case 'IncorrectKeyException':
      return new SealtrailError('KEY_UNKNOWN', `${which} was locked by another key of AWS KMS than keys.keyId`)
    case 'InvalidCiphertextException':
      return new SealtrailError('DATA_CORRUPT', `AWS KMS does not take what locks ${which} for its own: it was changed, or put in another key's place`)
    case 'AccessDeniedException':
      // Its answer also where the key that locked this is not known to the account.
      return new SealtrailError('KEY_UNKNOWN', `AWS KMS refuses keys.keyId for ${which}: it was locked by another key, or this account and role may not use it`)
    case 'NotFoundException':
      return new SealtrailError('KEY_UNKNOWN', 'AWS KMS has no key keys.keyId in this account and region')
    case 'KMSInvalidStateException':
    case 'DisabledException':
      return unavailable(`the key is disabled, or waits for its deletion, which can still be cancelled (${code})`)
    case 'InvalidKeyUsageException':
      return new SealtrailError('CONFIG_INVALID', 'keys.keyId: a symmetric key for encryption is needed')
    default:
      return unavailable(status === null ? `no answer (${code})` : `${status} ${code}`)
  }
}

/** Without its cause, whose text is the service's. */
function unavailable(why: string): SealtrailError {
  return new SealtrailError('KEY_UNAVAILABLE', `AWS KMS: ${why}`)
}
