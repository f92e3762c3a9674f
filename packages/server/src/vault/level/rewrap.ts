import { SealtrailError } from '../../errors.ts'
import type { Keys } from '../../keys/keys.ts'
import { wrappingId } from '../../keys/wrap.ts'
import type { SharedLevel } from '../../observe/shared-level.ts'
import { failure } from './database.ts'
import { latin1 } from '../row.ts'
import type { KeyRows } from './key-rows.ts'
import { decodeKeyRow } from './rows.ts'
import { wrappedPlace } from './wrapped-place.ts'

/** What people's and interactions' keys are wrapped under, counted over all rows. */
export interface Wrapped {
  /** Wrapping key's id (16 hex characters) → keys wrapped under it. */
  readonly under: ReadonlyMap<string, number>
  /** Rows that are damaged: nobody knows what they need. */
  readonly damaged: number
}

const SCANNED = 1_024

/** Reads every key row once; what is not written yet is not counted. @throws SealtrailError DATA_UNWRITABLE, NOT_DURABLE */
export async function wrappedUnder(level: SharedLevel): Promise<Wrapped> {
  const under = new Map<string, number>()
  let damaged = 0
  for await (const { wrapped } of keyRows(level)) {
    if (wrapped === null) damaged++
    else if (wrapped !== 'erased') under.set(wrapped, (under.get(wrapped) ?? 0) + 1)
  }
  return { under, damaged }
}

/** Ids (latin1) of keys wrapped under another key than this one, so many at a time. */
export async function* wrappedElsewhere(level: SharedLevel, current: string): AsyncGenerator<string[]> {
  let ids: string[] = []
  for await (const { id, wrapped } of keyRows(level)) {
    if (wrapped === null || wrapped === 'erased' || wrapped === current) continue
    if (ids.push(id) < SCANNED) continue
    yield ids
    ids = []
  }
  if (ids.length > 0) yield ids
}

/** Wraps these keys under the current wrapping key, in the rows to be written; how many. A key that is gone or erased meanwhile stays so. */
export async function rewrap(rows: KeyRows, ids: readonly string[], keys: Pick<Keys, 'wrap' | 'unwrap'>): Promise<number> {
  let count = 0
  for (const [id, row] of await rows.keys(ids)) {
    if (row?.state !== 'live') continue
    try {
      const secret = keys.unwrap(row.wrapped, wrappedPlace(id))
      rows.setKey(id, { ...row, wrapped: keys.wrap(secret, wrappedPlace(id)) })
      secret.fill(0)
      count++
    } catch (error) {
      // It is damaged under either key, and `verify` says so; it still counts as wrapped under the old one.
      if (!(error instanceof SealtrailError) || error.code !== 'DATA_CORRUPT') throw error
    }
  }
  return count
}

async function* keyRows(level: SharedLevel): AsyncGenerator<{ readonly id: string; readonly wrapped: string | 'erased' | null }> {
  const cursor = level.cursor<[Uint8Array, Uint8Array]>(
    (db, after) => db.iterator({ ...(after === null ? { gte: Uint8Array.of(0x6b) } : { gt: after }), lt: Uint8Array.of(0x6c), highWaterMarkBytes: 1 << 20 }),
    ([key]) => key,
  )
  try {
    for (let found = await cursor.nextv(SCANNED); found.length > 0; found = await cursor.nextv(SCANNED))
      for (const [key, value] of found) {
        const id = latin1(key.subarray(1))
        const row = decodeKeyRow(id, value)
        yield { id, wrapped: row === null ? null : row.state === 'erased' ? 'erased' : wrappingId(row.wrapped) }
      }
  } catch (cause) {
    throw failure('read', cause)
  } finally {
    await cursor.close()
  }
}
