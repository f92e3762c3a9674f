import { createHash } from 'node:crypto'
import { MAX_CERTIFICATE_RECORDS, canonicalize, completionData, count, intentData } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { Fold } from '../retain/fold.ts'
import { firstEnd, sameBlocks } from './blocks.ts'
import type { AffectedRecord, EraseOrder, Eraser } from './eraser.ts'
import type { ErasureBlock, ErasureView } from './erasure.ts'
import { ERASURE_RECORDS, stateOf } from './erasures.ts'
import type { Erasure, Erasures } from './erasures.ts'
import { meantNow } from './people.ts'
import type { People } from './people.ts'
import { fileOf } from './work-file.ts'
import type { ErasureFiles } from './work-file.ts'

export interface ErasureKeeperDeps {
  readonly erasures: Erasures
  readonly fold: Pick<Fold, 'catchUp'>
  readonly files: ErasureFiles
  readonly people: People
  readonly eraser: Eraser
  blocks(records: readonly AffectedRecord[]): ErasureBlock[]
  /** Seals in the system log; resolves when it is sealed. */
  seal(event: { readonly what: string; readonly subject: string; readonly id: string; readonly data: JsonObject }): Promise<void>
  /** The longest that an event may wait for the others of its subject: so long what is not sealed yet is waited for. */
  readonly heldMs: number
  /** One after the other, and never beside the placing of a hold. */
  alone<T>(work: () => Promise<T>): Promise<T>
  readonly log: Log
  readonly now: () => number
  /** After the first failure; each further one waits twice as long, up to `mostRetryMs`. */
  readonly retryMs: number
  readonly mostRetryMs: number
}

/** What is known of an erasure beside its records, while this process runs. */
interface Standing {
  blocks?: readonly ErasureBlock[]
  progress?: { readonly step: string; readonly done: number }
  problem?: string
  failures: number
  /** When it was first seen that events of the person wait to be sealed. */
  waitingMs?: number
}

/** A day: a timer cannot wait longer than 24 of them, and who configures a shorter obligation need not wait for it. */
const MOST_WAIT_MS = 86_400_000
const BLOCKS_SEALED = 25
const WAIT_MS = 2_000
/** A certificate is read up to MAX_CERTIFICATE_RECORDS; a few may come on top between the intent and its end. */
const MOST_RECORDS = MAX_CERTIFICATE_RECORDS - 10_000

/**
 * Does what approved erasures ask for, one after the other: begins those that nothing blocks, goes on with those that have
 * begun, and looks again when a block may have ended. What fails is tried again; what has begun is completed, whatever happens.
 */
export class ErasureKeeper {
  readonly #deps: ErasureKeeperDeps
  readonly #waiting = new Set<string>()
  readonly #standing = new Map<string, Standing>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #running: Promise<void> | null = null
  #closed = false

  constructor(deps: ErasureKeeperDeps) {
    this.#deps = deps
  }

  /** What is known beside the records; blocks are those of the last look. */
  of(id: string): { readonly blocks: readonly ErasureBlock[] | null; readonly progress: ErasureView['progress']; readonly problem: string | null } {
    const { blocks, progress, problem } = this.#standing.get(id) ?? {}
    return { blocks: blocks ?? null, progress: progress ?? null, problem: problem ?? null }
  }

  /** Looks at all that could begin or go on. */
  lookAll(): void {
    for (const { id } of this.#deps.erasures.open(this.#deps.now())) this.#lookAt(id)
  }

  /** Something was sealed of an erasure, perhaps accepted before this process was there: looked at unless it was already. */
  heard(id: string): void {
    if (!this.#standing.has(id)) this.#lookAt(id)
  }

  look(id: string): void {
    this.#of(id)
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    this.#waiting.add(id)
    this.#run()
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    await this.idle()
  }

  #lookAt(id: string): void {
    const erasure = this.#deps.erasures.get(id)
    const state = erasure === null ? null : stateOf(erasure, this.#deps.now())
    if (state === 'deferred' || state === 'running') this.look(id)
  }

  #run(): void {
    if (this.#running !== null || this.#closed || this.#waiting.size === 0) return
    this.#running = this.#all().finally(() => {
      this.#running = null
      this.#run()
    })
  }

  async #all(): Promise<void> {
    for (const id of this.#waiting) {
      if (this.#closed) return
      this.#waiting.delete(id)
      const standing = this.#of(id)
      try {
        await this.#go(id)
        standing.failures = 0
        delete standing.problem
      } catch (error) {
        this.#failed(id, standing, error)
      }
      delete standing.progress
    }
  }

  #failed(id: string, standing: Standing, error: unknown): void {
    if (this.#closed) return
    standing.problem = error instanceof SealtrailError ? `${error.code}: ${error.message}` : 'INTERNAL: see the log of the server'
    this.#deps.log.error('an erasure does not go on yet; it is tried again', { erasure: id, ...errorFields(error) })
    this.#again(id, Math.min(this.#deps.mostRetryMs, this.#deps.retryMs * 2 ** standing.failures++))
  }

  #again(id: string, afterMs: number): void {
    const timer = setTimeout(() => this.look(id), afterMs)
    timer.unref()
    this.#timers.set(id, timer)
  }

  async #go(id: string): Promise<void> {
    const { erasures, fold, now } = this.#deps
    await fold.catchUp()
    const erasure = erasures.get(id)
    if (erasure === null) return
    const state = stateOf(erasure, now())
    if (state === 'deferred' && !(await this.#begin(erasure))) return
    if (state === 'deferred' || state === 'running') await this.#execute(erasures.get(id) as Erasure)
  }

  /** True once the intent is sealed; false while something is in the way, or when nothing is left to be done. */
  async #begin({ id }: Erasure): Promise<boolean> {
    const { files, people, eraser, alone, erasures, fold, blocks, now } = this.#deps
    const { asked = [] } = fileOf(id, files)
    const current = await meantNow(asked, people)
    if (current.person === null) {
      await alone(() =>
        this.#seal(id, 'withdrawn', { by: 'sealtrail', reason: `every key of the person was destroyed meanwhile: ${current.erasures.join(', ')}` }),
      )
      files.remove(id)
      return false
    }
    const { person } = current
    const found = await eraser.find(person, () => this.#assertOpen())
    // What has begun must end in a certificate that can be read: a name so many share is hardly one person's.
    if (found.records.length > MOST_RECORDS)
      throw new SealtrailError(
        'TOO_LARGE',
        `${count(found.records.length)} records are more than one certificate can name; a name many people share is given away with \`sealtrail person split\``,
      )
    if (found.waiting > 0 && this.#waits(id)) return false
    return alone(async () => {
      await fold.catchUp()
      const erasure = erasures.get(id)
      if (erasure === null || stateOf(erasure, now()) !== 'deferred') return false
      // People are brought together and taken apart under the same lock: what was found must be theirs still.
      const still = await meantNow(asked, people)
      if (still.person === null || !sameKeys(still.person.keyIds, person.keyIds)) {
        this.#again(id, WAIT_MS)
        return false
      }
      const standing = blocks(found.records)
      this.#of(id).blocks = standing
      if (standing.length > 0) {
        await this.#defer(erasure, standing)
        return false
      }
      // With what was asked: until the intent is sealed it may be looked up once more.
      files.write({ id, asked, person, work: null })
      crashPoint('erase:meant')
      // Dying here: nothing was destroyed and nothing begun. The next start finds it approved, and looks again.
      const { ground, reference, requested, approved } = erasure
      await this.#seal(id, 'started', intentData({ erasure: id, by: requested.by, approvedBy: approved?.by ?? null, ground, reference }))
      crashPoint('erase:started')
      // Dying here: it has begun. Whatever is placed from now on is placed after it; the next start goes on.
      return true
    })
  }

  /** What waits for its place is not among the records yet, and may be what a hold is on. A person who never stops calling is not waited for longer. */
  #waits(id: string): boolean {
    const { now, heldMs } = this.#deps
    const standing = this.#of(id)
    standing.waitingMs ??= now()
    if (now() - standing.waitingMs >= heldMs + WAIT_MS) return false
    this.#again(id, WAIT_MS)
    return true
  }

  /** Reading a large vault is given up when the server closes; nothing has begun then. */
  #assertOpen(): void {
    if (this.#closed) throw new SealtrailError('NOT_READY', 'the server is closing')
  }

  async #defer(erasure: Erasure, blocks: readonly ErasureBlock[]): Promise<void> {
    const { now } = this.#deps
    // As often as the matter changes, not as often as it is looked at.
    if (erasure.deferred === null || !sameBlocks(erasure.deferred.blocks, blocks.slice(0, BLOCKS_SEALED))) {
      const more = Math.max(0, blocks.length - BLOCKS_SEALED)
      const shown = blocks.slice(0, BLOCKS_SEALED) as unknown as JsonValue[]
      await this.#seal(erasure.id, 'deferred', { blocks: shown, ...(more === 0 ? {} : { more }) }, `/${(erasure.deferred?.times ?? 0) + 1}`)
    }
    const end = firstEnd(blocks)
    if (end !== null) this.#again(erasure.id, Math.min(MOST_WAIT_MS, Math.max(1_000, end - now())))
  }

  async #execute({ id, ground, reference, requested, approved, started }: Erasure): Promise<void> {
    const { files, eraser } = this.#deps
    const { person } = fileOf(id, files)
    const order: EraseOrder = { id, person, requested: { ...requested, ground, reference }, approved, started: started as string }
    const body = await eraser.execute(order, (step, done) => (this.#of(id).progress = { step, done }))
    const digest = createHash('sha256')
      .update(canonicalize(body as unknown as JsonObject))
      .digest('hex')
    crashPoint('erase:executed')
    // Dying here: all is done, and the certificate is stored that no record names yet; the next start makes another.
    await this.#seal(id, 'completed', completionData({ erasure: id, certificate: `sha256:${digest}`, records: body.records.length }))
    crashPoint('erase:completed')
    // Dying here: complete. The next start removes the file.
    files.remove(id)
  }

  async #seal(id: string, what: keyof typeof ERASURE_RECORDS, data: JsonObject, nth = ''): Promise<void> {
    const { seal, fold } = this.#deps
    await seal({ what: ERASURE_RECORDS[what], subject: `erasure/${id}`, id: `erasure/${id}/${what}${nth}`, data: { ...data, erasure: id } })
    await fold.catchUp()
  }

  #of(id: string): Standing {
    let standing = this.#standing.get(id)
    if (standing === undefined) this.#standing.set(id, (standing = { failures: 0 }))
    return standing
  }
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id))
}
