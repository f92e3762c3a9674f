import {
  checkpointPolicy,
  cosignatureVerifier,
  ed25519Verifier,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parsePolicy,
  parseVkey,
  TlogError,
  TYPE_COSIGNATURE_V1,
} from '@sealtrail/tlog'
import type { CheckpointPolicy, Note, Policy, VerifiedCheckpoint, Verifier } from '@sealtrail/tlog'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { formatSeconds } from './instant.ts'
import type { BundleTrust, LogVerdict } from './verdict.ts'

/** What the examiner brought, taken apart. */
export interface Trust {
  readonly logs: readonly Verifier[]
  readonly witnesses: readonly Verifier[]
  readonly policy: Policy | null
  /** Something that can establish a signer was brought. */
  readonly any: boolean
}

/** @throws TlogError KEY_MALFORMED, KEY_UNSUPPORTED, POLICY_MALFORMED: what the examiner brought cannot be read */
export function readTrust({ vkeys = [], policy }: BundleTrust): Trust {
  const lines = [...new Set(vkeys.map((vkey) => vkey.trim()).filter((vkey) => vkey !== ''))]
  const isWitness = (vkey: string): boolean => parseVkey(vkey).type === TYPE_COSIGNATURE_V1
  const parsed = policy === undefined || policy.trim() === '' ? null : parsePolicy(policy)
  return {
    logs: lines.filter((vkey) => !isWitness(vkey)).map((vkey) => ed25519Verifier(vkey)),
    witnesses: lines.filter(isWitness).map((vkey) => cosignatureVerifier(vkey)),
    policy: parsed,
    any: lines.length > 0 || parsed !== null,
  }
}

/** A checkpoint of the bundle, as far as it can be read. */
export interface OpenedCheckpoint {
  readonly note: Note
  readonly text: string
  readonly origin: string
  readonly size: bigint
  readonly root: Uint8Array
}

/** @throws TlogError NOTE_*, CHECKPOINT_MALFORMED, TEXT_ENCODING */
export function readCheckpointNote(bytes: Uint8Array): OpenedCheckpoint {
  const note = parseNote(bytes)
  return { note, text: note.text, ...parseCheckpoint(note.text) }
}

/**
 * Who signed a checkpoint, by what the examiner brought. attacker: the note, and the hint, which is used only to find that
 * even the bundle's own key did not sign.
 * @param hint the vkey the bundle names, or null
 */
export function signerOf(
  checkpoint: OpenedCheckpoint,
  trust: Trust,
  hint: string | null,
  object: string,
  report: (problem: Problem) => void,
): LogVerdict['signer'] {
  const { note, origin } = checkpoint
  const found: VerifiedCheckpoint[] = []
  let by: 'vkey' | 'policy' | null = null
  let quorum: LogVerdict['signer']['quorum'] = 'not-asked'
  const wrong = (error: unknown, detail?: string): void => {
    if (!(error instanceof TlogError)) throw error
    report(problemOf('CHECKPOINT_SIGNATURE', object, null, detail ?? error.message))
  }
  const own = trust.logs.filter(({ name }) => name === origin)
  if (own.length > 0) {
    try {
      found.push(openCheckpoint(note, { origin, log: own, witnesses: trust.witnesses }))
      by = 'vkey'
    } catch (error) {
      wrong(error, explained(error))
    }
  }
  if (trust.policy !== null) {
    try {
      const asked = checkpointPolicy(trust.policy, origin)
      ;({ quorum } = byPolicy(note, asked, found, object, report))
      if (trust.policy.quorum === null) quorum = 'none'
      by = 'policy'
    } catch (error) {
      wrong(error, error instanceof TlogError && error.code === 'ORIGIN_MISMATCH' ? 'your policy names no log of this origin' : explained(error))
    }
  }
  if (trust.any && trust.policy === null && own.length === 0) {
    // Witnesses alone say when they saw it, not whose it is.
    if (trust.logs.length > 0) report(problemOf('CHECKPOINT_SIGNATURE', object, null, 'none of the keys you gave is of a log of this origin'))
    else found.push(...witnessed(checkpoint, trust.witnesses, hint, wrong))
  }
  if (!trust.any && hint !== null) {
    try {
      openCheckpoint(note, { origin, log: [ed25519Verifier(hint)] })
    } catch (error) {
      wrong(error, 'not even by the key the bundle names')
    }
  }
  const cosignatures = new Map(found.flatMap((each) => each.cosignatures).map(({ name, time }) => [name, formatSeconds(time)]))
  const signed = found.flatMap((each) => each.signatures)[0]
  const known = new Set(found.flatMap((each) => [...each.signatures, ...each.cosignatures]).map(({ name, keyId }) => `${keyId} ${name}`))
  return {
    by: signed === undefined ? null : by,
    key: by === null || signed === undefined ? null : `${signed.name}+${signed.keyId.toString(16).padStart(8, '0')}`,
    cosignatures: [...cosignatures].map(([name, time]) => ({ name, time })),
    unknown: note.signatures.filter(({ name, keyId }) => !known.has(`${keyId} ${name}`)).length,
    quorum,
  }
}

function byPolicy(
  note: Note,
  policy: CheckpointPolicy,
  found: VerifiedCheckpoint[],
  object: string,
  report: (problem: Problem) => void,
): { quorum: 'met' | 'not-met' } {
  try {
    found.push(openCheckpoint(note, policy))
    return { quorum: 'met' }
  } catch (error) {
    if (!(error instanceof TlogError && error.code === 'QUORUM_NOT_MET')) throw error
  }
  // The log's own signature is told apart from the witnesses': it may stand where they are too few.
  const opened = openCheckpoint(note, { ...policy, quorum: 0 })
  found.push(opened)
  report(problemOf('QUORUM_NOT_MET', object, null, `${opened.cosignatures.length} known witnesses signed`))
  return { quorum: 'not-met' }
}

/** Cosignatures by the witnesses given, where no key of the log was; the log's own line is looked at with the bundle's hint only. */
function witnessed(
  checkpoint: OpenedCheckpoint,
  witnesses: readonly Verifier[],
  hint: string | null,
  wrong: (error: unknown, detail?: string) => void,
): VerifiedCheckpoint[] {
  if (hint === null) return []
  try {
    const opened = openCheckpoint(checkpoint.note, { origin: checkpoint.origin, log: [ed25519Verifier(hint)], witnesses })
    return [{ ...opened, signatures: [] }]
  } catch (error) {
    wrong(error)
    return []
  }
}

function explained(error: unknown): string | undefined {
  if (!(error instanceof TlogError)) return undefined
  if (error.code === 'NOTE_UNVERIFIED') return 'signed by other keys than yours'
  if (error.code === 'SIGNATURE_INVALID') return `${error.message}: text or signature was changed`
  return error.message
}
