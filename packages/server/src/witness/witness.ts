import { createHash } from 'node:crypto'
import { decideAddCheckpoint, formatCosignatures, formatNote, parseNote } from '@sealtrail/tlog'
import type { Cosigner, Verifier, WitnessDecision, Witnessed } from '@sealtrail/tlog'
import { crashPoint } from '../observe/crash-point.ts'
import type { Log } from '../observe/log.ts'
import type { WitnessState } from './state.ts'

/** An answer to be sent. */
export interface WitnessAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface WitnessDeps {
  readonly key: Cosigner
  readonly state: WitnessState
  /** Keys of each log by origin. */
  readonly logs: ReadonlyMap<string, readonly Verifier[]>
  readonly now: () => number
  readonly log: Log
  /** Keeps a request in which a log contradicts what it showed before. */
  keepEvidence(origin: string, note: string): void
}

const TEXT = 'text/plain; charset=utf-8'
/** A step back of the clock up to this long is covered by the last time stated. */
const CLOCK_STEP_S = 300n
/** A fork is said once per log in this time: a client that tries again and again must not fill the log. */
const SAY_MS = 60_000

/**
 * A witness (c2sp.org/tlog-witness): cosigns a checkpoint only if it continues what it cosigned before. Each request is
 * decided, persisted and cosigned in one turn of one thread, and answered after that.
 */
export class WitnessService {
  readonly #deps: WitnessDeps
  readonly #byHash: ReadonlyMap<string, string>
  #lastTime = 0n
  /** When the fork of a log was last said, and requests since. */
  readonly #said = new Map<string, { readonly at: number; more: number }>()

  constructor(deps: WitnessDeps) {
    this.#deps = deps
    this.#byHash = new Map([...deps.logs.keys()].map((origin) => [createHash('sha256').update(origin).digest('hex'), origin]))
  }

  /** POST /add-checkpoint. @throws SealtrailError DATA_UNWRITABLE: nothing was cosigned */
  addCheckpoint(body: Uint8Array): WitnessAnswer {
    const { state, logs, log } = this.#deps
    let latest: Witnessed | null = null
    const decision = decideAddCheckpoint(body, (origin) => {
      const keys = logs.get(origin)
      latest = state.latest(origin)
      return keys === undefined ? null : { keys, latest }
    })
    if (decision.status === 200) return this.#cosign(decision, latest)
    if (decision.status === 409) return { status: 409, type: decision.contentType, body: decision.body }
    if (decision.contradiction) this.#accuse(body)
    log.debug('a checkpoint was not cosigned', { status: decision.status, reason: decision.reason })
    return { status: decision.status, type: TEXT, body: `${decision.reason}\n` }
  }

  /** GET /<hex SHA-256 of the origin>/checkpoint, for monitors: what was cosigned last, or null. */
  checkpoint(originHash: string): string | null {
    const origin = this.#byHash.get(originHash)
    return origin === undefined ? null : (this.#deps.state.latest(origin)?.note ?? null)
  }

  #cosign({ next, text, signatures }: WitnessDecision & { status: 200 }, expected: Witnessed | null): WitnessAnswer {
    const { key, state, log } = this.#deps
    const line = key.cosign(text, this.#time())
    const note = formatNote(text, [...signatures, line])
    const answer = { status: 200, type: TEXT, body: formatCosignatures([line]) }
    // attacker: the same request again and again. Within one second it is the same signature, and nothing is written.
    if (state.latest(next.origin)?.note === note) return answer
    if (!state.swap(next.origin, expected, { size: next.size, root: next.root, note })) {
      // Not within one process; then somebody else wrote the file, and nobody may rely on it.
      log.error('the state changed under a decision; nothing was cosigned', { origin: next.origin })
      return { status: 500, type: TEXT, body: 'the state changed\n' }
    }
    // Dying here: the log has no answer and sends again; it is told the size persisted.
    crashPoint('witness:persisted')
    return answer
  }

  /** Seconds; a small step back of the clock does not make a later statement look earlier. */
  #time(): bigint {
    const now = BigInt(Math.floor(this.#deps.now() / 1000))
    this.#lastTime = now < this.#lastTime && this.#lastTime - now <= CLOCK_STEP_S ? this.#lastTime : now
    return this.#lastTime
  }

  #accuse(body: Uint8Array): void {
    const text = Buffer.from(body).toString('utf8')
    const note = text.slice(text.indexOf('\n\n') + 2)
    const origin = parseNote(note).text.split('\n', 1)[0] as string
    this.#deps.keepEvidence(origin, note)
    const said = this.#said.get(origin)
    const passed = this.#deps.now() - (said?.at ?? -Infinity)
    if (said !== undefined && passed >= 0 && passed < SAY_MS) return void said.more++
    this.#deps.log.error('a log signed two roots for one size; the checkpoint is kept as evidence', { origin, requests: 1 + (said?.more ?? 0) })
    this.#said.set(origin, { at: this.#deps.now(), more: 0 })
  }
}
