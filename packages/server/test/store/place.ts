import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStore } from '../../src/store/files/store.ts'
import type { FileStoreOptions } from '../../src/store/files/store.ts'
import { keyOf, LOCK } from './store.suite.ts'

/** A folder for as long as the function runs. */
export async function within(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-store-'))
  try {
    await run(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Names of a log's segment files. */
export const segments = (directory: string, log = 'calls'): string[] => readdirSync(join(directory, log, 'segment')).sort()

/** Puts `count` small segments; returns key → bytes, in order. */
export async function fill(directory: string, count: number, options: FileStoreOptions = {}, size = 200, from = 0): Promise<Map<string, Buffer>> {
  const store = await FileStore.open(directory, options)
  const objects = new Map<string, Buffer>()
  for (let i = from; i < from + count; i++) {
    const bytes = randomBytes(size)
    const key = keyOf('calls', 'segment', i, bytes)
    await store.put(key, bytes, LOCK)
    objects.set(key, bytes)
  }
  await store.close()
  return objects
}

export async function assertHolds(directory: string, objects: Map<string, Buffer>, options: FileStoreOptions = {}): Promise<void> {
  const store = await FileStore.open(directory, options)
  for (const [key, bytes] of objects) assert.deepEqual(Buffer.from((await store.get(key)) ?? []), bytes, key)
  await store.close()
}
