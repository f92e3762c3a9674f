import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Store } from '../../store/store.ts'
import { readerFile } from './stored.ts'

/** Puts a stored object where people and other programs find it. Not synced: the store has it, and the next start copies what is missing. */
export function writeForReaders(data: string, key: string, bytes: Uint8Array): void {
  const file = readerFile(key)
  if (file === null) return
  const path = join(data, file)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const next = `${path}.${randomBytes(4).toString('hex')}.next`
  writeFileSync(next, bytes, { mode: 0o600 })
  renameSync(next, path)
}

/** Copies what the store has and the folder for readers lacks. @returns how many files were written */
export async function copyForReaders(store: Store, data: string, logs: readonly string[]): Promise<number> {
  let copied = 0
  for (const log of logs) {
    // Lists first: whoever reads a stamp finds what it refers to.
    for (const kind of ['crl', 'timestamp']) {
      for await (const { key, size } of store.list(`${log}/${kind}/`)) {
        const file = readerFile(key)
        if (file === null || isThere(join(data, file), size)) continue
        const bytes = await store.get(key)
        if (bytes === null) continue
        writeForReaders(data, key, bytes)
        copied++
      }
    }
  }
  return copied
}

function isThere(path: string, size: number): boolean {
  return existsSync(path) && statSync(path).size === size
}
