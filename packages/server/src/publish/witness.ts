import {
  MAX_ADD_CHECKPOINT_ANSWER_BYTES,
  TYPE_TLOG_SIZE,
  TlogError,
  formatAddCheckpoint,
  openCheckpoint,
  parseCosignature,
  parseTlogSize,
  readCosignatures,
} from '@sealtrail/tlog'
import type { CheckpointPolicy, NoteSignature, Verifier } from '@sealtrail/tlog'
import type { ForkKind } from './alarm.ts'
import { askCosignedLast, submissionPrefix } from './monitor.ts'
import type { Answer, Connections } from './post.ts'
import type { WitnessSizes } from './sizes.ts'

/** A witness of the policy that can be asked. */
export interface Witness {
  readonly name: string
  readonly vkey: string
  /** Submission prefix (C2SP tlog-witness). */
  readonly url: string
  readonly verifier: Verifier
}

/** What is to be cosigned, and the log behind it. */
export interface Submission {
  readonly origin: string
  /** The note's text. */
  readonly text: string
  /** The note with the log's own lines only: litewitness reads no more than 10 KiB. */
  readonly note: string
  readonly size: number
  /** Whether a key of the log signed a note: to tell proof from a claim. */
  readonly log: CheckpointPolicy
  /** Consistency proof from an older size, checked here against its root. Shared by all witnesses. @throws as the hash files */
  prove(from: number): readonly Uint8Array[]
  /** Root of the first `size` leaves, lower-case hex. */
  rootAt(size: number): string
  /** Committed leaves right now. */
  newest(): number
}

/** What came of asking one witness. */
export type Outcome =
  | { readonly kind: 'cosigned'; readonly line: NoteSignature }
  /** `code`: UNKNOWN_LOG, REFUSED, BUSY, FUTURE_TIME, BAD_ANSWER, STATUS_n, TIMEOUT, or the system's (ECONNREFUSED). */
  | { readonly kind: 'failed'; readonly code: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'fork'; readonly fork: ForkKind; readonly detail: string; readonly evidence: string | null }

export interface AskDeps {
  readonly connections: Connections
  readonly sizes: WitnessSizes
  readonly timeoutMs: number
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

/** litewitness's cap on a request. */
const MAX_REQUEST_BYTES = 10_240
/** After the first try; Tessera's figures: up to three tries on a 409, 10 ms, times five, at most 250 ms. */
const RETRY_MS = [10, 50, 250]
/** How far ahead of our clock a witness's may be. */
const FUTURE_MS = 5 * 60_000

/**
 * Has one witness cosign. attacker: the witness, and whoever stands between; nothing it says is used unverified, and what
 * can be a slip (a stray 409 of a proxy) is asked a second time before it counts as a fork.
 */
export async function askWitness(witness: Witness, submission: Submission, deps: AskDeps): Promise<Outcome> {
  const remembered = deps.sizes.get(witness.vkey)
  if (remembered !== null && remembered.size <= submission.size && submission.rootAt(remembered.size) !== remembered.root) {
    const detail = `the tree it cosigned at size ${remembered.size} is not a beginning of the log as it stands`
    return { kind: 'fork', fork: 'PUBLISHED_CONTRADICTED', detail, evidence: await evidence(witness, submission, deps) }
  }
  // The witness answers for a size beyond ours itself.
  let from = Math.min(remembered?.size ?? 0, submission.size)
  let doubts = 0
  let ahead = 0
  for (let attempt = 0; ; attempt++) {
    const answer = await post(witness, submission, from, deps)
    if ('code' in answer) return { kind: 'failed', code: answer.code, retryAfterMs: null }
    if (answer.status === 200) return accept(witness, submission, answer, deps)
    const told = answer.status === 409 && answer.type === TYPE_TLOG_SIZE ? toldSize(answer) : null
    if (told !== null) {
      // Over http:// anybody in between can say this once, and it stops the log: it must be said twice.
      if (told > submission.newest() && ++ahead > 1) {
        const detail = `it has cosigned ${told} records, and this log has ${submission.newest()}: another writer, or a log set back`
        return { kind: 'fork', fork: 'WITNESS_AHEAD', detail, evidence: await evidence(witness, submission, deps) }
      }
      // Behind our newest and ahead of this checkpoint: the next round takes a newer one.
      if (told > submission.size && told <= submission.newest()) return { kind: 'failed', code: 'AHEAD', retryAfterMs: null }
      if (told <= submission.size) from = told
    } else if (answer.status === 409 || (answer.status === 422 && from > 0)) {
      if (++doubts > 1) return { kind: 'fork', ...(await conflict(witness, submission, answer.status, from, deps)) }
      // Its size may not be what we remember: the answer to `old 0` says it.
      from = await learnSize(witness, submission, from, deps)
    } else {
      return { kind: 'failed', code: codeOf(answer.status), retryAfterMs: answer.retryAfterMs }
    }
    const wait = RETRY_MS[attempt]
    if (wait === undefined) return { kind: 'failed', code: 'STATUS_409', retryAfterMs: null }
    await deps.sleep(wait)
  }
}

function accept(witness: Witness, submission: Submission, answer: Answer, { sizes, now }: AskDeps): Outcome {
  let line: NoteSignature
  try {
    line = readCosignatures(answer.body, submission.text, [witness.verifier])[0] as NoteSignature
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    return { kind: 'failed', code: 'BAD_ANSWER', retryAfterMs: null }
  }
  if (Number(parseCosignature(line.signature).time) * 1000 > now() + FUTURE_MS) return { kind: 'failed', code: 'FUTURE_TIME', retryAfterMs: null }
  sizes.set(witness.vkey, { size: submission.size, root: submission.rootAt(submission.size) })
  return { kind: 'cosigned', line }
}

async function conflict(
  witness: Witness,
  submission: Submission,
  status: number,
  from: number,
  deps: AskDeps,
): Promise<{ fork: ForkKind; detail: string; evidence: string | null }> {
  const found = await evidence(witness, submission, deps)
  if (status === 409) return { fork: 'WITNESS_CONFLICT', detail: `it answers 409 without a size to the checkpoint of size ${submission.size}`, evidence: found }
  return { fork: 'WITNESS_REFUSED', detail: `it refuses (422) a proof from size ${from} to ${submission.size} that verifies here`, evidence: found }
}

/** The size a witness names when asked with one that cannot be right; what we had when it names none. */
async function learnSize(witness: Witness, submission: Submission, from: number, deps: AskDeps): Promise<number> {
  if (from === 0) return 0
  const answer = await post(witness, submission, 0, deps)
  const told = 'code' in answer || answer.status !== 409 || answer.type !== TYPE_TLOG_SIZE ? null : toldSize(answer)
  return told !== null && told <= submission.size ? told : from
}

async function post(witness: Witness, submission: Submission, from: number, { connections, timeoutMs }: AskDeps): Promise<Answer | { readonly code: string }> {
  const body = formatAddCheckpoint({ oldSize: BigInt(from), proof: submission.prove(from), note: submission.note }, MAX_REQUEST_BYTES)
  try {
    return await connections.ask(`${submissionPrefix(witness.url)}/add-checkpoint`, {
      method: 'POST',
      body,
      timeoutMs,
      maxBytes: MAX_ADD_CHECKPOINT_ANSWER_BYTES,
    })
  } catch (error) {
    return { code: (error as Error).message }
  }
}

/**
 * The witness's own copy of the checkpoint it cosigned (C2SP tlog-witness, monitoring), if the log's key signed it and it
 * contradicts the log as it stands: then nobody needs to believe the witness. Null: none to be had.
 */
async function evidence(witness: Witness, submission: Submission, { connections, timeoutMs }: AskDeps): Promise<string | null> {
  const { note } = await askCosignedLast(connections, witness.url, submission.origin, timeoutMs)
  if (note === null) return null
  try {
    const { size, root } = openCheckpoint(note, submission.log)
    const contradicts = Number(size) > submission.newest() || submission.rootAt(Number(size)) !== Buffer.from(root).toString('hex')
    return contradicts ? note : null
  } catch {
    return null
  }
}

function toldSize({ body }: Answer): number | null {
  try {
    const size = parseTlogSize(body)
    // attacker: a size no number holds is beyond any log, and is said to be so.
    return size === null ? null : Number(size)
  } catch {
    return null
  }
}

/** attacker: deployed witnesses answer 403 for a log they do not know (litewitness), the specification says 404. */
function codeOf(status: number): string {
  if (status === 404) return 'UNKNOWN_LOG'
  if (status === 403) return 'REFUSED'
  if (status === 429 || status === 503) return 'BUSY'
  return `STATUS_${status}`
}
