import {
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3'
import { SealtrailError } from '../../errors.ts'
import type { Lock } from '../store.ts'
import type { Client, LockHeaders } from './client.ts'
import { isDenied, isNeverLocked } from './failure.ts'

/** What holds a version, as the store says it. */
export interface Shown {
  readonly lock: Lock | null
  readonly legalHold: boolean
}

/** A version of a path. */
export interface Which {
  readonly path: string
  readonly version: string | null
}

/**
 * Reads and sets locks. An answer without lock fields does not say that there is no lock: without the right to see them
 * S3 leaves them out without a word. So they are asked for by name then, and a missing right is said.
 */
export class Locks {
  readonly #client: Client
  /** Holds are asked for by name until the store has told of one or of none: then we have the right. */
  #maySeeHolds = false

  constructor(client: Client) {
    this.#client = client
  }

  /** @throws the SDK's error; SealtrailError STORE_NOT_LOCKED naming the missing right */
  async read(which: Which): Promise<Shown> {
    const command = new HeadObjectCommand(this.#input(which))
    return this.shown(which, await this.#client.ask((s3, options) => s3.send(command, options)))
  }

  /** From the fields of an answer, and by asking for what is not in it. @throws as `read` */
  async shown(which: Which, headers: LockHeaders): Promise<Shown> {
    return { lock: lockOf(headers) ?? (await this.#askLock(which)), legalHold: await this.#hold(which, headers) }
  }

  /** The date and mode alone. @throws as `read` */
  async lock(which: Which, headers: LockHeaders): Promise<Lock | null> {
    return lockOf(headers) ?? (await this.#askLock(which))
  }

  /** @throws the SDK's error */
  async retain(which: Which, { mode, retainUntilMs }: Lock, bypass = false): Promise<void> {
    const command = new PutObjectRetentionCommand({
      ...this.#input(which),
      Retention: { Mode: mode, RetainUntilDate: new Date(retainUntilMs) },
      ...(bypass ? { BypassGovernanceRetention: true } : {}),
    })
    await this.#client.ask((s3, options) => s3.send(command, options))
  }

  /** Makes it at least that. From GOVERNANCE to COMPLIANCE S3 wants the right and the header of bypassing; neither softens anything here. @throws the SDK's error */
  async harden(which: Which, standing: Lock | null, wanted: Lock): Promise<void> {
    try {
      await this.retain(which, wanted)
    } catch (error) {
      if (!isDenied(error) || standing?.mode !== 'GOVERNANCE' || wanted.mode !== 'COMPLIANCE') throw error
      await this.retain(which, wanted, true)
    }
  }

  /** @throws the SDK's error */
  async setHold(which: Which, on: boolean): Promise<void> {
    const command = new PutObjectLegalHoldCommand({ ...this.#input(which), LegalHold: { Status: on ? 'ON' : 'OFF' } })
    await this.#client.ask((s3, options) => s3.send(command, options))
  }

  async #askLock(which: Which): Promise<Lock | null> {
    const command = new GetObjectRetentionCommand(this.#input(which))
    const answer = await this.#asked('s3:GetObjectRetention', () => this.#client.ask((s3, options) => s3.send(command, options)))
    return answer === null ? null : lockOf({ ObjectLockMode: answer.Retention?.Mode, ObjectLockRetainUntilDate: answer.Retention?.RetainUntilDate })
  }

  async #hold(which: Which, { ObjectLockLegalHoldStatus: shown }: LockHeaders): Promise<boolean> {
    if (shown !== undefined || this.#maySeeHolds) return shown === 'ON'
    const command = new GetObjectLegalHoldCommand(this.#input(which))
    const answer = await this.#asked('s3:GetObjectLegalHold', () => this.#client.ask((s3, options) => s3.send(command, options)))
    this.#maySeeHolds = true
    return answer?.LegalHold?.Status === 'ON'
  }

  /** Null: never set. */
  async #asked<T>(right: string, ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask()
    } catch (error) {
      if (isNeverLocked(error)) return null
      if (isDenied(error)) throw new SealtrailError('STORE_NOT_LOCKED', `the lock cannot be seen: the right ${right} is missing`, { cause: error })
      throw error
    }
  }

  #input({ path, version }: Which): { Bucket: string; Key: string; VersionId?: string } {
    return { Bucket: this.#client.bucket, Key: path, ...(version === null ? {} : { VersionId: version }) }
  }
}

/** attacker: a date that is none, or a mode nobody knows, is no lock. */
function lockOf({ ObjectLockMode: mode, ObjectLockRetainUntilDate: date }: LockHeaders): Lock | null {
  if ((mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE') || date === undefined || Number.isNaN(date.getTime())) return null
  return { mode, retainUntilMs: date.getTime() }
}
