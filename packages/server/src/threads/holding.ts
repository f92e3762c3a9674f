import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { logsOf } from '../config/logs.ts'
import { openFold } from '../config/open-fold.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { Numbered } from '../event/numbered.ts'
import type { Index } from '../index/index.ts'
import type { JsonObject } from '../event/json.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { Fold, FoldPart } from '../retain/fold.ts'
import type { HoldDesk } from '../retain/hold.ts'
import { holdDesk } from '../retain/hold-desk.ts'
import { HoldKeeper } from '../retain/hold-keeper.ts'
import { lockLonger } from '../retain/longer.ts'
import { Periods } from '../retain/periods.ts'
import { isKnown, objectNamed } from '../retain/hold-objects.ts'
import type { HoldGround } from '../retain/hold-objects.ts'
import type { Committed } from '../seal/commit.ts'
import { objectKey } from '../store/objects.ts'
import { SYSTEM_LOG } from './system-entry.ts'

/** Legal holds beside a sealing thread. */
export interface Holding {
  readonly desk: HoldDesk
  /** What the sealed records say, holds and whatever else is read beside them. @throws SealtrailError DATA_CORRUPT when they cannot be read */
  readonly fold: Pick<Fold, 'catchUp'>
  /** Told of each commit, while its bytes are still at hand. */
  committed(log: string, committed: Committed, items: readonly Numbered[]): void
  /** Begins to bring the objects to what the records say, once the index can be asked. */
  start(): void
  /** The retention that the last start sealed (`Periods`). */
  readonly retained: JsonObject | null
  /** Work that must not run beside the placing of a hold: removals. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when the objects are as they are to be, or that is tried again later. */
  idle(): Promise<void>
  /** What is degraded, one line each. */
  notes(): string[]
  close(): Promise<void>
}

const RETRY_MS = 10_000
const INDEX_WITHIN_MS = 60_000

/** Reads the holds from the system log. Where it cannot be read everything counts as held, and the server goes on. */
export async function startHolding(
  config: Config,
  sealing: Sealing,
  env: {
    readonly log: Log
    readonly now: () => number
    index(): Promise<Pick<Index, 'size' | 'subject'>>
    /** Read beside the holds, at one size with them. */
    readonly parts: readonly FoldPart[]
    /** Erasures that had begun and were not completed at a time (RFC 3339). */
    erasing(at: string): readonly string[]
  },
): Promise<Holding> {
  const { holds, longer, records, sizes, store } = sealing
  const periods = new Periods()
  let fold: Fold | null = null
  try {
    fold = await openFold(config, sealing, [holds, periods, longer, ...env.parts])
    fold.save()
  } catch (error) {
    holds.lose(error instanceof SealtrailError ? error.message : 'the system log cannot be read')
    env.log.error('the legal holds cannot be read: until they can, everything counts as held', errorFields(error))
  }
  const following = {
    async catchUp() {
      if (fold === null) throw new SealtrailError('DATA_CORRUPT', `the legal holds are not known: ${holds.unknown ?? ''}`)
      await fold.catchUp()
    },
  }
  const logs = logsOf(config).filter(({ kind }) => kind !== 'system')
  const open = async <T>(work: (ground: HoldGround) => Promise<T>): Promise<T> =>
    work({
      store,
      records,
      index: await env.index(),
      logs: logs.map(({ log }) => log),
      size: (log) => sizes.get(log),
      gone: (log) => sealing.expired.gone(log),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      indexWithinMs: INDEX_WITHIN_MS,
    })
  const seal = (event: Parameters<Sealing['sealed']>[0]): Promise<void> => sealing.sealed(event)
  const keeper = new HoldKeeper({ holds, fold: following, store, open, seal, log: env.log, retryMs: RETRY_MS })
  let locking: Promise<void> | null = null
  let lockingFault: string | null = null
  let lockingTimer: NodeJS.Timeout | null = null
  let closed = false
  /** Brings what is stored of subjects that are kept longer up to it; what cannot be done now is tried again. */
  function lockAll(): void {
    if (locking !== null || closed || longer.pending().length === 0) return
    locking = open((ground) => lockLonger(longer, store, ground, () => closed))
      .then(() => {
        lockingFault = null
      })
      .catch((error: unknown) => {
        lockingFault = error instanceof SealtrailError ? `${error.code}: ${error.message}` : 'INTERNAL'
        if (!closed) env.log.warn('records could not be locked longer; it is tried again', errorFields(error))
        lockingTimer = setTimeout(lockAll, RETRY_MS)
        lockingTimer.unref()
      })
      .finally(() => {
        locking = null
        if (lockingFault === null) lockAll()
      })
  }
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }

  let hearing: Promise<void> = Promise.resolve()
  /** What is sealed of a hold counts, also when nobody waits for it: accepted before the process died, it is sealed by the next one. */
  function heard(items: readonly Numbered[]): void {
    const ids = items.flatMap(({ entry }) => (entry.subject.startsWith('hold/') ? [entry.subject.slice('hold/'.length)] : []))
    if (ids.length === 0) return
    hearing = hearing
      .then(() => following.catchUp())
      .then(() => ids.forEach((id) => keeper.look(id)))
      .catch((error: unknown) => env.log.error('a record of a legal hold cannot be read', errorFields(error)))
  }

  return {
    fold: following,
    desk: holdDesk({
      holds,
      erasing: (at) => env.erasing(at),
      fold: following,
      keeper,
      seal,
      isKnown: (subject) => open((ground) => isKnown(subject, ground)),
      size: (log) => (sizes.logs.includes(log) ? sizes.get(log) : null),
      alone,
      approveWithinMs: config.auth.dualControl.includes('hold') ? config.auth.approveWithinMs : null,
      answerWithinMs: config.limits.answerWithinMs,
      now: env.now,
      newId: () => randomBytes(16).toString('hex'),
    }),
    committed(log, { built, expected, next, legalHold, longer: putLonger }, items) {
      if (log === SYSTEM_LOG) heard(items)
      // The commit of the event that asks for it: whatever was under way before it in this log is in by now.
      const ours = items.filter(({ entry }) => longer.of(log, entry.subject) !== null)
      // Put before it was known: at a start, while the system log is read.
      if (putLonger === null) for (const { entry } of ours) longer.again(log, entry.subject)
      if (ours.length > 0) lockAll()
      if (!holds.any && !legalHold) return
      // Of a segment that was put as held and need not be any more, what its records name was put so, too.
      const [held, free] = [new Set<string>(), new Set<string>()]
      let any = false
      items.forEach(({ entry }, i) => {
        const covered = holds.covers(log, expected.size + i, entry.subject) !== null
        any ||= covered
        const digest = covered || legalHold ? objectNamed(built.ndjson.subarray(built.offsets[2 * i], built.offsets[2 * i + 1])) : null
        if (digest !== null) (covered ? held : free).add(objectKey(log, digest))
      })
      if (any && !legalHold) held.add(next.segment)
      if (!any) free.add(next.segment)
      keeper.written([...held], true)
      keeper.written(
        [...free].filter((key) => !held.has(key)),
        false,
      )
    },
    start() {
      keeper.start()
      lockAll()
    },
    retained: periods.last,
    alone,
    async idle() {
      await hearing
      await keeper.idle()
      while (locking !== null) await locking
    },
    notes: () => [
      ...(holds.unknown === null ? [] : [`the legal holds cannot be read (${holds.unknown}): everything counts as held`]),
      ...(lockingFault === null ? [] : [`records are not locked as long yet as their class asks: ${lockingFault}`]),
      ...(keeper.trouble === null ? [] : [`a legal hold is not on all its objects yet: ${keeper.trouble}`]),
    ],
    async close() {
      closed = true
      if (lockingTimer !== null) clearTimeout(lockingTimer)
      await last
      await hearing
      await keeper.close()
      await locking
      try {
        await fold?.catchUp()
        fold?.save()
      } catch (error) {
        // Derived: folded again at the next start.
        env.log.warn('the state of holds could not be saved', errorFields(error))
      }
    },
  }
}
