import { formatNote, isQuorumMet, openCheckpoint, parseNote, parsePolicy, witnessVerifiers } from '@sealtrail/tlog'
import type { NoteSignature } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { alarmText, raiseAlarm, readAlarm } from './alarm.ts'
import type { ForkAlarm } from './alarm.ts'
import { WitnessHealth } from './health.ts'
import { Connections } from './post.ts'
import { openPublished, publishTrust, readPublished, writePublished } from './published.ts'
import type { PublishTrust, Published, WitnessSettings } from './published.ts'
import { WitnessSizes } from './sizes.ts'
import { askWitness } from './witness.ts'
import type { Submission, Witness } from './witness.ts'

/** The log's tree, as the hash files of another thread give it. */
export interface Tree {
  rootAt(size: number): Uint8Array
  consistency(from: number, to: number): readonly Uint8Array[]
}

export interface PublisherDeps {
  readonly data: string
  readonly settings: WitnessSettings & { readonly intervalMs: number; readonly timeoutMs: number }
  /** Verification key of each log. */
  readonly vkeys: Readonly<Record<string, string>>
  /** The committed checkpoint of a log, its signature checked. */
  committed(log: string): { readonly note: string; readonly size: number; readonly root: string } | null
  tree(log: string): Tree
  /** Told of each alarm once, after it is durable: the log must stop sealing. */
  onFork(alarm: ForkAlarm): void
  readonly now: () => number
  readonly log: Log
  readonly metrics: Metrics
  /** How long witnesses beyond the quorum are waited for. */
  readonly graceMs?: number
}

const GRACE_MS = 1_000

/** Takes committed checkpoints to the witnesses and lets out those that enough of them cosigned. Reads the log, never writes it. */
export class Publisher {
  readonly #deps: PublisherDeps
  readonly #policy: ReturnType<typeof parsePolicy>
  readonly #witnesses: readonly Witness[]
  readonly #trusts: ReadonlyMap<string, PublishTrust>
  readonly #sizes = new Map<string, WitnessSizes>()
  readonly #connections = new Connections()
  readonly #health: WitnessHealth
  /** Cosignatures that came after their checkpoint was published, by log. */
  readonly #late = new Map<string, { readonly text: string; readonly lines: Map<string, NoteSignature> }>()
  readonly #busy = new Set<string>()
  #round: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #closed = false

  /** @throws SealtrailError CONFIG_INVALID when the quorum cannot be checked here */
  constructor(deps: PublisherDeps) {
    this.#deps = deps
    this.#policy = parsePolicy(deps.settings.policy)
    const { verifiers } = witnessVerifiers(this.#policy)
    this.#witnesses = this.#policy.witnesses.flatMap(({ name, vkey, url }) => {
      const verifier = verifiers.get(name)
      return verifier === undefined || url === null ? [] : [{ name, vkey, url, verifier }]
    })
    this.#trusts = new Map(Object.entries(deps.vkeys).map(([log, vkey]) => [log, publishTrust(deps.settings, vkey)]))
    this.#health = new WitnessHealth(deps.metrics, deps.log, deps.now)
    for (const log of this.#trusts.keys()) this.#sizes.set(log, new WitnessSizes(deps.data, log))
  }

  /** Begins to publish, at once and then at every interval. */
  start(): void {
    void this.round().then(() => {
      if (this.#closed) return
      this.#timer = setTimeout(() => this.start(), this.#deps.settings.intervalMs)
      this.#timer.unref()
    })
  }

  /** Publishes what every log has committed. One round at a time: a call during one waits for it. Never rejects. */
  round(): Promise<void> {
    this.#round ??= Promise.all([...this.#trusts].map(([log, trust]) => this.#publishSafely(log, trust))).then(() => {
      this.#round = null
    })
    return this.#round
  }

  /** Brings the gauges up to the moment they are read. */
  observe(): void {
    for (const log of this.#trusts.keys()) this.#health.observe(log, this.#deps.committed(log)?.size ?? 0, readAlarm(this.#deps.data, log) !== null)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#connections.close()
    await this.#round
  }

  async #publishSafely(log: string, trust: PublishTrust): Promise<void> {
    try {
      await this.#publish(log, trust)
    } catch (error) {
      // Damaged hash files or a full disk: the log goes on, and the next round tries again.
      const what = error instanceof SealtrailError ? { code: error.code, detail: error.message } : { code: 'INTERNAL', ...errorFields(error) }
      this.#deps.log.error('a checkpoint could not be published and is tried again', { log, ...what })
    }
  }

  async #publish(log: string, trust: PublishTrust): Promise<void> {
    const { data } = this.#deps
    const committed = this.#deps.committed(log)
    const before = readPublished(data, log, trust)
    this.#health.published(log, before?.size ?? 0)
    if (committed === null || committed.size === 0 || readAlarm(data, log) !== null) return
    const submission = this.#submission(log, trust, committed)
    if (submission.rootAt(committed.size) !== committed.root) throw new SealtrailError('DATA_CORRUPT', 'the hash files do not lead to the committed root')
    if (before !== null && (before.size > committed.size || submission.rootAt(before.size) !== before.root)) {
      const detail = `the checkpoint published at size ${before.size} is not a beginning of the log, which has ${committed.size} records`
      return this.#fork({ log, kind: 'PUBLISHED_CONTRADICTED', witness: null, detail, checkpoint: committed.note, evidence: before.note })
    }
    const lines = this.#known(log, submission.text, before)
    const missing = this.#witnesses.filter(({ name }) => !lines.has(name) && !this.#busy.has(`${log} ${name}`) && this.#health.isDue(log, name))
    const fresh = before === null || before.size < committed.size || lines.size > before.cosignatures.length
    if (!fresh && missing.length === 0) return
    await this.#collect(log, submission, lines, missing)
    if (readAlarm(data, log) === null) this.#letOut(log, trust, submission, lines, before)
  }

  /** What the witnesses of this text have said already, by their names in the policy. */
  #known(log: string, text: string, before: Published | null): Map<string, NoteSignature> {
    const lines = new Map<string, NoteSignature>()
    const note = before === null ? null : parseNote(before.note)
    if (note !== null && note.text === text) {
      for (const { name, verifier } of this.#witnesses) {
        const line = note.signatures.find((each) => each.name === verifier.name && each.keyId === verifier.keyId)
        if (line !== undefined) lines.set(name, line)
      }
    }
    const late = this.#late.get(log)
    if (late?.text === text) for (const [name, line] of late.lines) lines.set(name, line)
    return lines
  }

  /** Asks all at once; resolves when everybody has answered, or a little after the quorum is there. */
  async #collect(log: string, submission: Submission, lines: Map<string, NoteSignature>, missing: readonly Witness[]): Promise<void> {
    const late = { text: submission.text, lines: new Map<string, NoteSignature>() }
    this.#late.set(log, late)
    let met = (): void => {}
    const quorum = new Promise<void>((resolve) => (met = resolve))
    const asked = missing.map(async (witness) => {
      const line = await this.#ask(log, submission, witness)
      if (line !== null) for (const into of [lines, late.lines]) into.set(witness.name, line)
      if (isQuorumMet(this.#policy, lines.keys())) met()
    })
    const all = Promise.all(asked)
    await Promise.race([all, quorum])
    await Promise.race([all, sleep(this.#deps.graceMs ?? GRACE_MS)])
  }

  async #ask(log: string, submission: Submission, witness: Witness): Promise<NoteSignature | null> {
    const { name } = witness
    const { now, settings } = this.#deps
    this.#busy.add(`${log} ${name}`)
    try {
      const sizes = this.#sizes.get(log) as WitnessSizes
      const outcome = await askWitness(witness, submission, { connections: this.#connections, sizes, timeoutMs: settings.timeoutMs, now, sleep })
      if (outcome.kind === 'cosigned') {
        this.#health.cosigned(log, name, submission.size)
        return outcome.line
      }
      if (this.#closed) return null
      if (outcome.kind === 'failed') this.#health.failed(log, name, outcome.code, outcome.retryAfterMs)
      else this.#fork({ log, kind: outcome.fork, witness: name, detail: outcome.detail, checkpoint: submission.note, evidence: outcome.evidence })
    } catch (error) {
      this.#health.failed(log, name, error instanceof SealtrailError ? error.code : 'INTERNAL', null)
    } finally {
      this.#busy.delete(`${log} ${name}`)
    }
    return null
  }

  #letOut(log: string, trust: PublishTrust, submission: Submission, lines: ReadonlyMap<string, NoteSignature>, before: Published | null): void {
    const inOrder = this.#witnesses.flatMap(({ name }) => lines.get(name) ?? [])
    const next = openPublished(formatNote(submission.text, [...parseNote(submission.note).signatures, ...inOrder]), trust)
    // Never one whose policy is unmet (unless told to), and never an older one: `before` is a beginning of this tree.
    if (next === null) return this.#health.unmet(log, 'the witness policy is not met: records are committed and not published')
    if (before !== null && before.size === next.size && before.cosignatures.length >= next.cosignatures.length) return
    writePublished(this.#deps.data, log, next.note)
    this.#health.published(log, next.size)
    if (next.met) this.#health.met(log, next.size)
    else this.#health.unmet(log, 'the checkpoint is let out although the witness policy is not met (witnesses.failOpen)')
  }

  #submission(log: string, trust: PublishTrust, { note, size }: { note: string; size: number }): Submission {
    const tree = this.#deps.tree(log)
    const proofs = new Map<number, readonly Uint8Array[]>()
    const { text } = parseNote(note)
    const own: Submission['log'] = { origin: trust.policy.origin, log: trust.policy.log }
    const { signatures } = openCheckpoint(note, own)
    return {
      origin: own.origin,
      text,
      note: formatNote(text, signatures),
      size,
      log: own,
      prove(from) {
        let proof = proofs.get(from)
        if (proof === undefined) proofs.set(from, (proof = tree.consistency(from, size)))
        return proof
      },
      rootAt: (at) => Buffer.from(tree.rootAt(at)).toString('hex'),
      newest: () => this.#deps.committed(log)?.size ?? size,
    }
  }

  #fork(seen: Omit<ForkAlarm, 'at'>): void {
    const alarm: ForkAlarm = { ...seen, at: new Date(this.#deps.now()).toISOString() }
    if (readAlarm(this.#deps.data, alarm.log) !== null) return
    this.#deps.log.error('FORK ALARM: the log stops sealing until somebody has looked', { code: 'FORKED', detail: alarmText(alarm) })
    try {
      raiseAlarm(this.#deps.data, alarm)
    } finally {
      this.#deps.onFork(alarm)
    }
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
