import { Buffer } from 'node:buffer'
import { SealtrailError } from '../errors.ts'
import { tablesOf } from './level-tables.ts'
import type { LevelTable } from './level-tables.ts'
import type { Level, SharedLevel } from './shared-level.ts'

/** Keys between two marks that no row has as its key: they are written, deleted, for the database to rewrite what lies between. */
interface Span {
  readonly from: Buffer
  readonly to: Buffer
}

/** Longer than any key, and ending as none does. */
const BEHIND = Buffer.alloc(200, 0xff)
/** Before any key: nothing lies there. */
const BEFORE = Buffer.of(0)
/** Tables of the deepest level that are rewritten in one go: writes of others wait for no more than this. */
const TOGETHER_BYTES = 32 * 1024 * 1024
const ATTEMPTS = 6

/**
 * Has every table rewritten that may hold a row whose key begins with one of the prefixes, so that no value written over and no
 * key deleted before is in any of them, nor in the write-ahead log. Iterators begun before must have ended: LevelDB keeps for
 * them what they may still read.
 *
 * `compactRange` alone does not do this: it leaves the deepest level as it is. A deleted mark on either side of the range, in
 * a table of its own above, draws every table below it into the rewriting.
 * @param prefixes as short as tells nobody anything: they stand in LevelDB's files until it is opened anew
 * @throws SealtrailError NOT_DURABLE: try again
 */
export async function rewriteLevel<B extends Uint8Array>(shared: SharedLevel<B>, prefixes: readonly Uint8Array[]): Promise<void> {
  const spans = prefixes.map(spanOf).sort((a, b) => Buffer.compare(a.from, b.from))
  await shared.use((db) => flush(db))
  const newest = Math.max(0, ...(await tables(shared)).map(({ number }) => number))
  for (let attempt = 0; ; attempt++) {
    const now = await tables(shared)
    const old = now.filter(({ number }) => number <= newest)
    const left = spans.filter((span) => old.some((table) => overlaps(table, span)))
    if (left.length === 0) break
    // Beside this the database moves tables of its own accord, so the way down is gone again until nothing old is left.
    if (attempt === ATTEMPTS) throw new SealtrailError('NOT_DURABLE', 'the database does not rewrite its tables; is there room on the disk?')
    for (const span of together(left, now)) await shared.use((db) => rewrite(db, span))
  }
  await shared.use((db) => settle(db))
}

/**
 * Each level remembers, in the list of files, the last key it has compacted: a key behind all others takes its place. Of the
 * two upper levels by tables that are put there one above the other; of all above the deepest one by a mark drawn down to it,
 * since writes of others may keep the first from where they belong.
 */
async function settle<B extends Uint8Array>(db: Level<B>): Promise<void> {
  const last = BEHIND as Uint8Array as B
  for (let above = 2; above >= 0; above--) {
    await db.del(last)
    // A memory table goes down to the third level, but not past a table with the same key.
    if (above > 0) await flush(db)
  }
  await db.compactRange(last, last)
  const deepest = tablesOf(db).at(-1)
  if (deepest !== undefined && deepest.level > 1) await rewrite(db, spanOf(deepest.first.subarray(0, 3)))
}

function tables<B extends Uint8Array>(shared: SharedLevel<B>): Promise<LevelTable[]> {
  return shared.use((db) => tablesOf(db))
}

/** The memory table becomes a table, and a new write-ahead log begins. */
async function flush<B extends Uint8Array>(db: Level<B>): Promise<void> {
  await db.compactRange(BEFORE as Uint8Array as B, BEFORE as Uint8Array as B)
}

async function rewrite<B extends Uint8Array>(db: Level<B>, { from, to }: Span): Promise<void> {
  const marks = [from, to].map((key) => ({ type: 'del' as const, key: key as Uint8Array as B }))
  await db.batch(marks)
  await db.compactRange(from as Uint8Array as B, to as Uint8Array as B)
}

/** Everything that begins with the prefix. */
function spanOf(prefix: Uint8Array): Span {
  const before = Buffer.from(prefix)
  for (let i = before.length - 1; i >= 0; i--) {
    const byte = before[i] as number
    before[i] = byte - 1
    if (byte > 0) break
  }
  return { from: Buffer.concat([before, BEHIND]), to: Buffer.concat([prefix, BEHIND]) }
}

function overlaps({ first, last }: LevelTable, { from, to }: Span): boolean {
  return Buffer.compare(last, from) >= 0 && Buffer.compare(first, to) <= 0
}

/** Spans that lie in the same tables of the deepest level there as one, as long as those are not too much. */
function together(spans: readonly Span[], all: readonly LevelTable[]): Span[] {
  const below = all.filter(({ level }) => level >= 2)
  const joined: Span[] = []
  for (const span of spans) {
    const last = joined.at(-1)
    const both = last === undefined ? null : { from: last.from, to: Buffer.compare(last.to, span.to) > 0 ? last.to : span.to }
    const near = both !== null && (below.length === 0 || below.some((table) => overlaps(table, last as Span) && overlaps(table, span)))
    const size = both === null ? 0 : below.reduce((sum, table) => sum + (overlaps(table, both) ? table.bytes : 0), 0)
    if (both !== null && near && size <= TOGETHER_BYTES) joined[joined.length - 1] = both
    else joined.push(span)
  }
  return joined
}
