import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TlogError, checkpointPolicy, ed25519Verifier, openCheckpoint, parsePolicy } from '@sealtrail/tlog'
import type { CheckpointPolicy, Cosignature } from '@sealtrail/tlog'
import { replaceDurably } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'

/** Whom a published checkpoint of one log must satisfy. */
export interface PublishTrust {
  /** Origin, the log's key, the witnesses' keys, the quorum. */
  readonly policy: CheckpointPolicy
  /** Whether the operator lets checkpoints out whose quorum is not met; they then say so. */
  readonly failOpen: boolean
}

/** A checkpoint that is let out. */
export interface Published {
  /** The signed note: the log's line, then the witnesses' cosignatures. */
  readonly note: string
  readonly size: number
  /** Lower-case hex. */
  readonly root: string
  readonly cosignatures: readonly Cosignature[]
  /** Whether the quorum is there; false only under `failOpen`, and then nothing under it counts as published. */
  readonly met: boolean
}

/** What the configuration says of witnesses, as far as trust goes. `policy` is the text of a tlog-policy. */
export interface WitnessSettings {
  readonly policy: string
  readonly failOpen: boolean
}

/** The trust of one log's published checkpoint. @throws SealtrailError CONFIG_INVALID when the quorum cannot be checked here */
export function publishTrust(settings: WitnessSettings, vkey: string): PublishTrust {
  try {
    const verifier = ed25519Verifier(vkey)
    return { policy: checkpointPolicy(parsePolicy(settings.policy), verifier.name, { log: [verifier] }), failOpen: settings.failOpen }
  } catch (cause) {
    if (cause instanceof TlogError) throw new SealtrailError('CONFIG_INVALID', `witnesses.policy: ${cause.message}`, { cause })
    throw cause
  }
}

/** Where a log's published checkpoint lies. Without configured witnesses there is no such file: the committed one is published. */
export function publishedPath(data: string, log: string): string {
  return join(data, 'published', log)
}

/**
 * The published checkpoint of a log, or null when there is none that satisfies. attacker: whoever can write the data
 * directory wrote the file; it may be old, and only a witness or somebody who kept a newer one can tell.
 */
export function readPublished(data: string, log: string, trust: PublishTrust): Published | null {
  const text = noteIn(publishedPath(data, log))
  return text === null ? null : openPublished(text, trust)
}

/** As `readPublished`, for a note in hand. */
export function openPublished(note: string, { policy, failOpen }: PublishTrust): Published | null {
  const open = (quorum: CheckpointPolicy['quorum'], met: boolean): Published => {
    const { size, root, cosignatures } = openCheckpoint(note, { ...policy, ...(quorum === undefined ? {} : { quorum }) })
    return { note, size: Number(size), root: Buffer.from(root).toString('hex'), cosignatures, met }
  }
  try {
    return open(policy.quorum, true)
  } catch (error) {
    if (!(error instanceof TlogError && error.code === 'QUORUM_NOT_MET' && failOpen)) return null
  }
  try {
    return open(0, false)
  } catch {
    return null
  }
}

/** Reads published checkpoints again and again: a note that is still the same is not verified a second time. */
export class PublishedReader {
  readonly #data: string
  readonly #trusts: ReadonlyMap<string, PublishTrust>
  readonly #known = new Map<string, { readonly text: string; readonly published: Published | null }>()

  constructor(data: string, trusts: ReadonlyMap<string, PublishTrust>) {
    this.#data = data
    this.#trusts = trusts
  }

  read(log: string): Published | null {
    const trust = this.#trusts.get(log)
    const text = trust === undefined ? null : noteIn(publishedPath(this.#data, log))
    if (text === null || trust === undefined) return null
    const known = this.#known.get(log)
    if (known?.text === text) return known.published
    const published = openPublished(text, trust)
    this.#known.set(log, { text, published })
    return published
  }
}

/**
 * Puts the checkpoint where readers find it, whole or not at all, durable when it returns. Only the publisher calls this,
 * once it has verified every line. @throws SealtrailError DATA_UNWRITABLE
 */
export function writePublished(data: string, log: string, note: string): void {
  replaceDurably(publishedPath(data, log), note, 'the published checkpoint')
}

function noteIn(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
