import { Buffer } from 'node:buffer'
import type { VaultRow } from '../vault.ts'
import type { Database } from './database.ts'
import { failure } from './database.ts'
import { disclosureKey } from './rows.ts'

/** Rows stored for an audit id (16 bytes), in order of their keys. */
export async function readRows(db: Database, auditid: Uint8Array): Promise<VaultRow[]> {
  const rows: VaultRow[] = []
  const from = disclosureKey(auditid)
  const to = Buffer.concat([from, Buffer.alloc(9, 0xff)])
  try {
    for await (const [key, value] of db.iterator({ gte: from, lte: to })) rows.push({ key: Uint8Array.from(key.subarray(1)), value: Uint8Array.from(value) })
  } catch (cause) {
    throw failure('read', cause)
  }
  return rows
}

/** Whether there is a row under each key (24 bytes). */
export async function hasRows(db: Database, keys: readonly Uint8Array[]): Promise<boolean[]> {
  try {
    return keys.length === 0 ? [] : await db.hasMany(keys.map(disclosureKey))
  } catch (cause) {
    throw failure('read', cause)
  }
}
