import type { Hold } from '../retain/hold.ts'
import type { Holds } from '../retain/holds.ts'
import type { ClassFlags } from './class-flags.ts'
import type { AffectedRecord } from './eraser.ts'
import type { ErasureBlock } from './erasure.ts'

/** An obligation to keep content, as the configuration has it (`config/obligations.ts`). */
export interface Duty {
  readonly basis: string
  readonly periodMs: number
}

export interface BlocksDeps {
  readonly holds: Pick<Holds, 'all' | 'unknown'>
  readonly classFlags: Pick<ClassFlags, 'of'>
  readonly duties: { readonly byLog: ReadonlyMap<string, Duty>; ofClass(log: string, name: string | null): Duty | null }
  readonly now: () => number
}

type Obligation = Extract<ErasureBlock, { kind: 'obligation' }>

/**
 * Why values of these records cannot be erased now: a hold in scope `content`, or an obligation to keep the content whose
 * time is not over. A hold in scope `record` is none: record and proof stay, whatever is erased. Empty: nothing is in the way.
 */
export function blocksOf(records: readonly AffectedRecord[], deps: BlocksDeps): ErasureBlock[] {
  return [...holdsOn(records, deps.holds), ...obligationsOn(records, deps)]
}

/** Whether the two name the same holds and obligations, however many records these are on by now. */
export function sameBlocks(a: readonly ErasureBlock[], b: readonly ErasureBlock[]): boolean {
  const names = (blocks: readonly ErasureBlock[]): string => blocks.map(nameOf).sort().join('\n')
  return names(a) === names(b)
}

/** When the first obligation ends, ms since the epoch; null when none is in the way. */
export function firstEnd(blocks: readonly ErasureBlock[]): number | null {
  const ends = blocks.flatMap((block) => (block.kind === 'obligation' ? [Date.parse(block.until)] : []))
  return ends.length === 0 ? null : Math.min(...ends)
}

function nameOf(block: ErasureBlock): string {
  return block.kind === 'hold' ? `hold ${block.hold}` : `obligation ${block.log} ${block.basis}`
}

function holdsOn(records: readonly AffectedRecord[], holds: BlocksDeps['holds']): ErasureBlock[] {
  if (holds.unknown !== null) return [{ kind: 'hold', hold: '', reason: `the legal holds cannot be read (${holds.unknown})`, records: records.length }]
  const standing = holds.all().filter(({ scope, released }) => scope === 'content' && released === null)
  if (standing.length === 0) return []
  const subjects = new Map<string, Hold[]>()
  const ranges: Array<{ hold: Hold; log: string; from: number; to: number }> = []
  for (const hold of standing) {
    const { target } = hold
    if (target.kind === 'range') ranges.push({ hold, log: target.log, from: target.from, to: target.to ?? Number.POSITIVE_INFINITY })
    else subjects.set(target.subject, [...(subjects.get(target.subject) ?? []), hold])
  }
  const held = new Map<Hold, number>()
  for (const { log, index, subject } of records) {
    const covering = ranges.flatMap(({ hold, ...range }) => (range.log === log && index >= range.from && index < range.to ? [hold] : []))
    for (const hold of [...covering, ...(subjects.get(subject) ?? [])]) held.set(hold, (held.get(hold) ?? 0) + 1)
  }
  return [...held].map(([{ id, placed }, count]) => ({ kind: 'hold', hold: id, reason: placed.reason, records: count }))
}

function obligationsOn(records: readonly AffectedRecord[], { classFlags, duties, now }: BlocksDeps): Obligation[] {
  const found = new Map<string, { block: Omit<Obligation, 'until'>; untilMs: number }>()
  const nowMs = now()
  for (const { log, subject, recordedtime } of records) {
    const own = duties.byLog.get(log)
    const others = classFlags.of(log, subject).flatMap((name) => duties.ofClass(log, name) ?? [])
    for (const { basis, periodMs } of new Set([...(own === undefined ? [] : [own]), ...others])) {
      const untilMs = Date.parse(recordedtime) + periodMs
      if (untilMs <= nowMs) continue
      const key = `${log}\n${basis}`
      const known = found.get(key)
      found.set(key, {
        block: { kind: 'obligation', log, basis, records: (known?.block.records ?? 0) + 1 },
        untilMs: Math.max(known?.untilMs ?? 0, untilMs),
      })
    }
  }
  return [...found.values()].map(({ block, untilMs }) => ({ ...block, until: new Date(untilMs).toISOString() }))
}
