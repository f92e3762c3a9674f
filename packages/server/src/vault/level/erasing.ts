import { SealtrailError } from '../../errors.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import { rewriteLevel } from '../../observe/rewrite-level.ts'
import type { SharedLevel } from '../../observe/shared-level.ts'
import type { ErasableVault, OwnedRow } from '../erasable.ts'
import type { OtherThreads } from '../other-threads.ts'
import { ownedIn, redactRow } from '../redact.ts'
import { failure } from './database.ts'
import { aliasKey, disclosureKey, keyKey } from './rows.ts'

/** Rows read in one call: much less than a millisecond of this thread. */
const TOGETHER = 512
const READ_BYTES = 1 << 20
const ALIAS_SHOWN = 3

/** Every row with a part under one of the keys, in the order of audit ids. The database may be opened anew meanwhile. */
export async function* rowsUnder(level: SharedLevel, keyIds: ReadonlySet<string>, onProgress?: (rows: number) => void): AsyncIterable<OwnedRow> {
  const cursor = level.cursor<[Uint8Array, Uint8Array]>(
    (db, after) => db.iterator({ ...(after === null ? { gte: Uint8Array.of(0x64) } : { gt: after }), lt: Uint8Array.of(0x65), highWaterMarkBytes: READ_BYTES }),
    ([key]) => key,
  )
  let read = 0
  try {
    for (let rows = await cursor.nextv(TOGETHER); rows.length > 0; rows = await cursor.nextv(TOGETHER)) {
      for (const [key, value] of rows) {
        const owned = ownedIn({ key: key.subarray(1), value }, keyIds)
        if (owned !== null) yield owned
      }
      onProgress?.((read += rows.length))
    }
  } catch (cause) {
    throw cause instanceof SealtrailError ? cause : failure('read', cause)
  } finally {
    await cursor.close()
  }
}

/** Rows that are gone are passed over; those redacted already stay as they are. Durable when it resolves. */
export async function redact(level: SharedLevel, rowKeys: readonly Uint8Array[], keyIds: ReadonlySet<string>): Promise<void> {
  try {
    for (let at = 0; at < rowKeys.length; at += TOGETHER) {
      const keys = rowKeys.slice(at, at + TOGETHER).map(disclosureKey)
      await level.use(async (db) => {
        const values = await db.getMany(keys)
        const changed = keys.flatMap((key, i) => {
          const value = values[i]
          if (value === undefined || ownedIn({ key: key.subarray(1), value }, keyIds) === null) return []
          return [{ type: 'put' as const, key, value: redactRow({ key: key.subarray(1), value }, keyIds) }]
        })
        // Dying between two of these: the rest is redacted when it is called again.
        if (changed.length > 0) await db.batch(changed, { sync: true })
      })
      crashPoint('vault:redacted')
    }
  } catch (cause) {
    throw cause instanceof SealtrailError ? cause : failure('written', cause)
  }
}

/**
 * No file of the folder holds old copies any more. Opened anew first, so that no iterator begun before makes LevelDB keep
 * them; and once more, since its list of files and its log name keys of the tables that were.
 */
export async function scrub(
  level: SharedLevel,
  { rowKeys, keyIds, tokens }: Parameters<ErasableVault['scrub']>[0],
  threads: Pick<OtherThreads, 'renew'>,
): Promise<void> {
  try {
    await threads.renew(level.location)
    await rewriteLevel(level, [
      // Of a token no more than many have in common; ids of records and keys stay as they are.
      ...tokens.map((token) => aliasKey(token).subarray(0, ALIAS_SHOWN)),
      ...keyIds.map(keyKey),
      ...rowKeys.map((key) => disclosureKey(key).subarray(0, 17)),
    ])
    crashPoint('vault:rewritten')
    await threads.renew(level.location)
  } catch (cause) {
    throw cause instanceof SealtrailError ? cause : failure('written', cause)
  }
}
