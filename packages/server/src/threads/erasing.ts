import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { logsOf } from '../config/logs.ts'
import { contentDuties } from '../config/obligations.ts'
import type { Sealing } from '../config/sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { Numbered } from '../event/numbered.ts'
import type { Log } from '../observe/log.ts'
import { errorFields } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { blocksOf } from '../privacy/blocks.ts'
import { ClassFlags } from '../privacy/class-flags.ts'
import type { AffectedRecord, Eraser } from '../privacy/eraser.ts'
import { ERASURE_STATES } from '../privacy/erasure.ts'
import type { ErasureBlock, ErasureDesk, ErasurePlan, ErasureState } from '../privacy/erasure.ts'
import { erasureDesk, fileTrouble } from '../privacy/erasure-desk.ts'
import { ErasureKeeper } from '../privacy/erasure-keeper.ts'
import { Erasures, stateOf } from '../privacy/erasures.ts'
import type { People } from '../privacy/people.ts'
import type { ErasureFiles } from '../privacy/work-file.ts'
import type { FoldPart } from '../retain/fold.ts'
import type { Holding } from './holding.ts'
import { SYSTEM_LOG } from './system-entry.ts'

/** What the sealed records say of erasures; read beside the holds, so that one look sees both as they stand at one size. */
export interface ErasureParts {
  readonly erasures: Erasures
  readonly classFlags: ClassFlags
  readonly all: readonly FoldPart[]
}

export function erasureParts(): ErasureParts {
  const [erasures, classFlags] = [new Erasures(), new ClassFlags()]
  return { erasures, classFlags, all: [erasures, classFlags] }
}

/** Erasures beside a sealing thread. */
export interface Erasing {
  readonly desk: ErasureDesk
  /** Told of each commit. */
  committed(log: string, items: readonly Numbered[]): void
  /** Goes on with what was begun, and looks at what is deferred, once the index can be asked. */
  start(): void
  /** Looks again at all that could begin or go on. */
  look(): void
  /** Resolves when that is done, or is tried again later. */
  idle(): Promise<void>
  /** What runs, waits for a look, or fails, one line each. */
  notes(): string[]
  /** Brings the counts up to date. */
  observe(): void
  close(): Promise<void>
}

export interface ErasingEnv {
  readonly log: Log
  readonly now: () => number
  readonly metrics: Metrics
  readonly people: People
  readonly eraser: Eraser
  readonly files: ErasureFiles
  exportsOf(records: readonly AffectedRecord[]): Promise<ErasurePlan['exports']>
}

const RETRY_MS = 1_000
const MOST_RETRY_MS = 300_000
const TIDY_MS = 3_600_000

/** Joins the desk of erasures to the holds: nothing begins while one is placed, and none is placed while one begins. */
export function startErasing(config: Config, sealing: Sealing, legal: Pick<Holding, 'alone' | 'fold'>, parts: ErasureParts, env: ErasingEnv): Erasing {
  const { log, now, files, people, eraser } = env
  const { erasures, classFlags } = parts
  const duties = contentDuties(config)
  const trailOf = new Map(logsOf(config).map((plan) => [plan.log, plan.trail]))
  const counts = env.metrics.gauge('sealtrail_erasures', 'Erasures by state.', ['state'])
  const blocks = (records: readonly AffectedRecord[]): ErasureBlock[] => blocksOf(records, { holds: sealing.holds, classFlags, duties, now })
  const seal = (event: Parameters<Sealing['sealed']>[0]): Promise<void> => sealing.sealed(event)
  const common = { erasures, fold: legal.fold, files, people, eraser, blocks, seal, alone: legal.alone, now }
  const keeper = new ErasureKeeper({
    ...common,
    heldMs: Math.max(...Object.values(config.trails).map(({ sequence }) => sequence.holdMs)),
    log,
    retryMs: RETRY_MS,
    mostRetryMs: MOST_RETRY_MS,
  })
  const open = (): ReturnType<Erasures['open']> => erasures.open(now())
  let hearing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | null = null
  let unreadable: string | null = null

  /** What was accepted and not sealed when its asker gave up, or died, counts once it is sealed; a hold that was released may have been the last block. */
  function heard(subjects: readonly string[]): void {
    const own = subjects.flatMap((subject) => (subject.startsWith('erasure/') ? [subject.slice('erasure/'.length)] : []))
    const holds = subjects.some((subject) => subject.startsWith('hold/'))
    if (own.length === 0 && !holds) return
    hearing = hearing
      .then(() => legal.fold.catchUp())
      .then(() => {
        for (const id of own) keeper.heard(id)
        if (holds) keeper.lookAll()
      })
      .catch((error: unknown) => log.error('a record of an erasure or a hold cannot be read', errorFields(error)))
  }

  /** A request that expired needs its file no more. */
  function tidy(): void {
    try {
      for (const id of files.list()) if (stateIs(id, ['expired', 'withdrawn', 'completed'])) files.remove(id)
    } catch (error) {
      log.warn('files of erasures that have ended could not be removed yet', errorFields(error))
    }
  }

  function stateIs(id: string, states: readonly ErasureState[]): boolean {
    const erasure = erasures.get(id)
    return erasure !== null && states.includes(stateOf(erasure, now()))
  }

  /** Files that no record names: their asker died, and nobody has an answer. */
  async function sweep(): Promise<void> {
    // What the journal gives back is sealed first, or its file would go.
    await sealing.drained()
    await legal.alone(async () => {
      await legal.fold.catchUp()
      for (const id of files.list()) if (erasures.get(id) === null) files.remove(id)
    })
    tidy()
  }

  return {
    desk: erasureDesk({
      ...common,
      keeper,
      exportsOf: (records) => env.exportsOf(records),
      trailOf: (name) => trailOf.get(name) ?? name,
      approveWithinMs: config.auth.dualControl.includes('erase') ? config.auth.approveWithinMs : null,
      answerWithinMs: config.limits.answerWithinMs,
      newId: () => randomBytes(16).toString('hex'),
    }),
    committed(name, items) {
      if (name === SYSTEM_LOG) heard(items.map(({ entry }) => entry.subject))
    },
    start() {
      hearing = hearing
        .then(sweep)
        .then(() => keeper.lookAll())
        .catch((error: unknown) => {
          unreadable = error instanceof SealtrailError ? error.code : 'INTERNAL'
          log.error('the erasures cannot be read: until they can, nothing is erased', errorFields(error))
        })
      timer = setInterval(tidy, TIDY_MS)
      timer.unref()
    },
    look: () => keeper.lookAll(),
    async idle() {
      await hearing
      await keeper.idle()
    },
    notes: () => [
      ...(unreadable === null ? [] : [`the erasures cannot be read (${unreadable}): nothing is erased`]),
      ...open().flatMap((erasure) => {
        const { id } = erasure
        const state = stateOf(erasure, now())
        const problem = keeper.of(id).problem ?? fileTrouble(id, state, files)
        const running = state === 'running'
        if (problem !== null) return [`erasure ${id} ${running ? 'has begun and does not go on' : 'cannot begin'}: ${problem}`]
        return running ? [`erasure ${id} is under way`] : []
      }),
    ],
    observe() {
      const by = new Map<ErasureState, number>()
      for (const erasure of erasures.all()) {
        const state = stateOf(erasure, now())
        by.set(state, (by.get(state) ?? 0) + 1)
      }
      for (const state of ERASURE_STATES) counts.set(by.get(state) ?? 0, state)
    },
    async close() {
      if (timer !== null) clearInterval(timer)
      await hearing
      await keeper.close()
    },
  }
}
