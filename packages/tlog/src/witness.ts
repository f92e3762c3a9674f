/**
 * What a witness decides about a request (c2sp.org/tlog-witness, `add-checkpoint`), from its state alone: no clock, no
 * I/O. Whoever calls this must persist `next` together with a check that `latest` is still the latest, then cosign, then
 * answer; anything else lets two cosignatures contradict each other.
 */
import { parseAddCheckpoint, TYPE_TLOG_SIZE, type AddCheckpoint } from './add-checkpoint.ts'
import { parseCheckpointLines, type Checkpoint } from './checkpoint.ts'
import { TlogError } from './errors.ts'
import { parseNote, verifyNote, type NoteSignature, type Verifier } from './note.ts'
import { checkConsistency } from './proof.ts'
import { emptyRoot, equalBytes } from './tree.ts'

/** The checkpoint of an origin a witness cosigned last. */
export type Witnessed = Pick<Checkpoint, 'size' | 'root'>

/** What a witness knows of one log. */
export interface WitnessedLog {
  /** Keys of the log it trusts, at least one. */
  readonly keys: readonly Verifier[]
  /** Null: it never cosigned a checkpoint of this origin. */
  readonly latest: Witnessed | null
}

/** The answer to a request. */
export type WitnessDecision =
  | {
      readonly status: 200
      /** What to persist before cosigning. */
      readonly next: Checkpoint
      /** What to cosign. */
      readonly text: string
      /** Verified lines of the log's keys, to be served beside the cosignature. */
      readonly signatures: readonly NoteSignature[]
    }
  | { readonly status: 409; readonly body: string; readonly contentType: typeof TYPE_TLOG_SIZE; readonly size: bigint }
  | {
      readonly status: 400 | 403 | 404 | 422
      readonly reason: string
      /** True when the log signed what contradicts the tree cosigned before: worth keeping as evidence. */
      readonly contradiction: boolean
    }

/**
 * Decides in the order of the specification: 404 origin, 403 signatures, 400 old size beyond the checkpoint's, 409 old size
 * not the latest, 422 empty tree, proof or root. What is no request at all is 400.
 * @param find what the witness knows of an origin; null: unknown. Its `latest` must be what is persisted.
 */
export function decideAddCheckpoint(body: Uint8Array, find: (origin: string) => WitnessedLog | null): WitnessDecision {
  let request: AddCheckpoint
  let text: string
  let checkpoint: Checkpoint
  try {
    request = parseAddCheckpoint(body)
    text = request.note.slice(0, request.note.lastIndexOf('\n\n') + 1)
    // A cosignature/v1 covers extension lines, so they do no harm here.
    checkpoint = parseCheckpointLines(text, { extensions: 'allow' })
  } catch (error) {
    return refused(400, messageOf(error))
  }
  const { origin, size, root } = checkpoint
  const log = find(origin)
  if (log === null) return refused(404, 'unknown origin')
  let signatures: readonly NoteSignature[]
  try {
    // A line that is no signature line counts as a signature that fails: "such a note is malformed".
    signatures = verifyNote(parseNote(request.note), log.keys).verified
  } catch (error) {
    return refused(403, messageOf(error))
  }
  const { oldSize, proof } = request
  if (oldSize > size) return refused(400, 'the old size is larger than the checkpoint')
  const latest = log.latest ?? { size: 0n, root: emptyRoot() }
  if (oldSize !== latest.size) return { status: 409, body: `${latest.size}\n`, contentType: TYPE_TLOG_SIZE, size: latest.size }
  if (size === 0n && !equalBytes(root, emptyRoot())) return refused(422, 'the empty tree has another root')
  if (oldSize === size && !equalBytes(root, latest.root)) return refused(422, 'another root at the size cosigned last', true)
  try {
    checkConsistency(oldSize, latest.root, size, root, proof)
  } catch (error) {
    // Not evidence of a fork: whoever sent it may have spoiled the proof.
    return refused(422, messageOf(error))
  }
  return { status: 200, next: { origin, size, root }, text, signatures }
}

function refused(status: 400 | 403 | 404 | 422, reason: string, contradiction = false): WitnessDecision {
  return { status, reason, contradiction }
}

function messageOf(error: unknown): string {
  if (error instanceof TlogError) return error.message
  throw error
}
