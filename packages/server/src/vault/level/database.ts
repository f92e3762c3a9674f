import { ClassicLevel } from 'classic-level'
import { SealtrailError } from '../../errors.ts'

export type Database = ClassicLevel<Uint8Array, Uint8Array>

/**
 * Opens the vault's LevelDB, shared by all threads of this process. Uncompressed, so that a search of the files for a
 * personal value is honest.
 * @throws SealtrailError DATA_IN_USE, DATA_CORRUPT or DATA_UNWRITABLE.
 */
export async function openDatabase(folder: string): Promise<Database> {
  const db: Database = new ClassicLevel(folder, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    multithreading: true,
    writeBufferSize: 8 * 1024 * 1024,
    cacheSize: 16 * 1024 * 1024,
  })
  try {
    await db.open()
    return db
  } catch (cause) {
    throw failure('opened', cause)
  }
}

/**
 * LevelDB's own repair, a new manifest over every table and log that can be read; then everything is written anew, so that
 * blocks with a changed value get a checksum that fits and are not taken for new damage. Such a value does not pass as
 * another one: rows of keys carry a checksum, all others are authenticated when they are opened.
 */
export async function repairDatabase(folder: string): Promise<void> {
  try {
    await ClassicLevel.repair(folder)
    const db = await openDatabase(folder)
    await db.compactRange(Uint8Array.of(0), Uint8Array.of(0xff))
    await db.close()
  } catch (cause) {
    throw failure('repaired', cause)
  }
}

/** What a failed call of the database means; `stopsLog` is never needed: nothing was acknowledged. */
export function failure(step: string, cause: unknown): SealtrailError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : ''
  const text = inner instanceof Error ? inner.message : ''
  const kind =
    code === 'LEVEL_LOCKED'
      ? 'DATA_IN_USE'
      : code === 'LEVEL_CORRUPTION' || /corrupt/i.test(text)
        ? 'DATA_CORRUPT'
        : /No space|Read-only|Permission|denied/i.test(text)
          ? 'DATA_UNWRITABLE'
          : 'NOT_DURABLE'
  return new SealtrailError(kind, `the vault could not be ${step}${code === '' ? '' : ` (${code})`}`, { cause })
}
