/**
 * Checkpoints (c2sp.org/tlog-checkpoint v1.0.0): the text of a signed note that says how a log stands.
 *
 *     example.com/log          origin, 1..255 bytes
 *     20852163                 tree size
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      root hash
 */
import { parseCosignature } from './cosignature.ts'
import { TlogError } from './errors.ts'
import { assertNoteText, parseNote, verifyNote, type Note, type NoteSignature, type Verifier } from './note.ts'
import { decodeBase64, encodeBase64, encodeUtf8, parseDecimal } from './text.ts'
import { assertHash, assertTreeSize, emptyRoot, equalBytes, HASH_SIZE, MAX_TREE_SIZE } from './tree.ts'

export interface Checkpoint {
  /** The log's unique name; opaque. */
  readonly origin: string
  /** Number of leaves, 0..2^63-1. */
  readonly size: bigint
  /** RFC 6962 root of that many leaves, 32 bytes. */
  readonly root: Uint8Array
}

/** Extension lines are signed by some algorithms and not by others, and nobody audits them: refused unless asked for. */
export interface CheckpointOptions {
  readonly extensions?: 'refuse' | 'allow'
}

/** Who must have signed. */
export interface CheckpointPolicy extends CheckpointOptions {
  /** The origin the checkpoint must name. */
  readonly origin: string
  /** Keys of the log; at least one of them must have signed. */
  readonly log: readonly Verifier[]
  /** Keys of witnesses, each with its own public key, none of them the log's. */
  readonly witnesses?: readonly Verifier[]
  /** How many of the witnesses must have signed, or whether those that did are enough; 0 when absent. */
  readonly quorum?: number | Quorum
}

/** Whether cosignatures by these of the policy's witnesses, each verified and named once, are enough. */
export type Quorum = (cosigned: readonly Verifier[]) => boolean

/** A witness's cosignature that was verified. */
export interface Cosignature {
  readonly name: string
  readonly keyId: number
  /** Seconds since the epoch, as the witness states; 0 only for types that allow it. */
  readonly time: bigint
}

/** A checkpoint whose signatures meet a policy. */
export interface VerifiedCheckpoint extends Checkpoint {
  readonly note: Note
  readonly extensions: readonly string[]
  /** Verified lines of the log's keys, at least one. */
  readonly signatures: readonly NoteSignature[]
  /** Verified lines of the policy's witnesses. */
  readonly cosignatures: readonly Cosignature[]
}

/** The text of a checkpoint, to be signed with `signNote`. @throws TlogError CHECKPOINT_MALFORMED, SIZE_OUT_OF_RANGE, HASH_LENGTH, TEXT_ENCODING */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  assertTreeSize(size)
  assertHash(root)
  assertOrigin(origin)
  const text = `${origin}\n${size}\n${encodeBase64(root)}\n`
  parseCheckpoint(text)
  return text
}

/**
 * The parts of a checkpoint's text (the text of a note, not the whole note); its signatures are another matter.
 * @throws TlogError CHECKPOINT_MALFORMED for an origin outside 1..255 bytes, a size with leading zeroes or beyond 2^63-1, a root that is not
 * canonical base64 of 32 bytes or, at size 0, not the empty tree's, an empty line, or extension lines unless allowed; NOTE_MALFORMED for control characters.
 */
export function parseCheckpoint(text: string, options: CheckpointOptions = {}): Checkpoint & { readonly extensions: readonly string[] } {
  const parsed = parseCheckpointLines(text, options)
  // attacker: the empty tree has one root; another one is a lie that consistency proofs from size 0 would not show.
  if (parsed.size === 0n && !equalBytes(parsed.root, emptyRoot())) throw malformed('the root is not that of the empty tree')
  return parsed
}

/** As {@link parseCheckpoint}, whatever root stands at size 0: a witness answers that one lie with a status of its own. */
export function parseCheckpointLines(text: string, options: CheckpointOptions = {}): Checkpoint & { readonly extensions: readonly string[] } {
  assertNoteText(text)
  const lines = text.slice(0, -1).split('\n')
  const [origin, size, root] = lines
  if (lines.length < 3 || lines.includes('')) throw malformed('a checkpoint has at least three lines and none is empty')
  assertOrigin(origin!)
  const extensions = lines.slice(3)
  if (extensions.length > 0 && options.extensions !== 'allow') throw malformed('the checkpoint has extension lines')
  const count = parseDecimal(size!, MAX_TREE_SIZE)
  if (count === null) throw malformed('the tree size is not a decimal in 0..2^63-1 without leading zeroes')
  const hash = parseHash(root!)
  if (hash === null) throw malformed('the root is not canonical base64 of 32 bytes')
  return { origin: origin!, size: count, root: hash, extensions }
}

/**
 * The checkpoint in a signed note, once origin, log signature and witnesses satisfy the policy.
 * attacker: a valid checkpoint may be old, or one of two that a log shows to different people; only witnesses or a
 * consistency proof from one you kept tell.
 * @throws TlogError ORIGIN_MISMATCH; NOTE_UNVERIFIED when the log did not sign; SIGNATURE_INVALID; QUORUM_NOT_MET; and what
 * `parseNote` and `parseCheckpoint` throw; INVALID_ARGUMENT for a policy that counts one key twice.
 */
export function openCheckpoint(note: string | Uint8Array | Note, policy: CheckpointPolicy): VerifiedCheckpoint {
  const witnesses = policy.witnesses ?? []
  const quorum = policy.quorum ?? 0
  if (typeof quorum !== 'function' && (!Number.isSafeInteger(quorum) || quorum < 0)) throw new TlogError('INVALID_ARGUMENT', 'a quorum is a whole number')
  assertDistinctKeys(policy.log, witnesses)
  const parsed = typeof note === 'string' || note instanceof Uint8Array ? parseNote(note) : note
  const checkpoint = parseCheckpoint(parsed.text, policy)
  if (checkpoint.origin !== policy.origin) throw new TlogError('ORIGIN_MISMATCH', 'the checkpoint is of another log')
  const { verified } = verifyNote(parsed, [...policy.log, ...witnesses])
  const madeBy = (verifiers: readonly Verifier[]): NoteSignature[] =>
    verified.filter((line) => verifiers.some(({ name, keyId }) => name === line.name && keyId === line.keyId))
  const signatures = madeBy(policy.log)
  if (signatures.length === 0) throw new TlogError('NOTE_UNVERIFIED', 'no key of the log signed the checkpoint')
  const cosignatures = madeBy(witnesses).map(({ name, keyId, signature }) => ({ name, keyId, time: parseCosignature(signature).time }))
  const cosigned = witnesses.filter(({ name, keyId }) => cosignatures.some((line) => line.name === name && line.keyId === keyId))
  if (typeof quorum === 'function' ? !quorum(cosigned) : cosigned.length < quorum)
    throw new TlogError('QUORUM_NOT_MET', 'too few witnesses signed the checkpoint')
  return { ...checkpoint, note: parsed, signatures, cosignatures }
}

/** The hash a base64 text stands for, or null unless it is canonical base64 of 32 bytes. */
export function parseHash(text: string): Uint8Array | null {
  try {
    const hash = decodeBase64(text)
    return hash.length === HASH_SIZE ? hash : null
  } catch {
    return null
  }
}

function assertDistinctKeys(log: readonly Verifier[], witnesses: readonly Verifier[]): void {
  witnesses.forEach((witness, i) => {
    const others = [...log, ...witnesses.slice(0, i)]
    if (others.some(({ publicKey }) => equalBytes(publicKey, witness.publicKey))) {
      throw new TlogError('INVALID_ARGUMENT', 'a witness of the policy has a key that already counts')
    }
  })
}

function assertOrigin(origin: string): void {
  const bytes = encodeUtf8(origin).length
  if (bytes < 1 || bytes > 255) throw malformed('an origin is 1..255 bytes')
}

function malformed(message: string): TlogError {
  return new TlogError('CHECKPOINT_MALFORMED', message)
}
