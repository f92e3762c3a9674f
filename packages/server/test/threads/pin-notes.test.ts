import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../src/observe/log.ts'
import { pinned, type Pin } from '../../src/store/pinned.ts'
import type { Store } from '../../src/store/store.ts'
import { PinNotes } from '../../src/threads/pin-notes.ts'
import type { SystemEvent } from '../../src/threads/system-entry.ts'

const LOCK = { mode: 'COMPLIANCE', retainUntilMs: 0 } as const
const quiet = createLog({ level: 'debug', now: Date.now, write: () => {} })

test('objects that got a version are told of, segments and objects without one are not; everything else is the store’s own', async () => {
  const told: Pin[] = []
  class Kept {
    #closed = 0
    version: string | null = 'v1'
    async put(key: string, bytes: Uint8Array) {
      return { key, size: bytes.length, assurance: 'declared' as const, version: this.version }
    }
    async close(): Promise<void> {
      this.#closed++
    }
    get closed(): number {
      return this.#closed
    }
  }
  const inner = new Kept()
  const store = pinned(inner as unknown as Store, (pin) => told.push(pin))
  const bytes = Buffer.from('abc')
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  await store.put(`calls/object/${digest}`, bytes, LOCK)
  await store.put(`calls/segment/${'0'.repeat(20)}-${digest.slice(0, 32)}`, bytes, LOCK)
  inner.version = null
  await store.put('calls/kept/x', bytes, LOCK)
  assert.deepEqual(told, [{ key: `calls/object/${digest}`, digest, version: 'v1' }])
  await store.close()
  assert.equal(inner.closed, 1)
  assert.equal(store.lifecycle, undefined)
})

test('pins are sealed in batches that fit a record, none twice, none lost while the trail cannot take them', async () => {
  const sealed: SystemEvent[] = []
  let refuse = 2
  const notes = new PinNotes({ run: 'r', now: () => 0, log: quiet })
  const pin = (i: number): Pin => ({ key: `calls/hashes/${i}`, digest: 'd'.repeat(64), version: 'v'.repeat(1000) })
  for (let i = 0; i < 100; i++) notes.note(pin(i))
  // Nothing can be sealed yet.
  await notes.handOver()
  notes.start(async (event) => {
    if (refuse-- > 0) throw new Error('not now')
    sealed.push(event)
  })
  for (let i = 0; i < 3; i++) await notes.handOver()
  const keys = sealed.flatMap(({ data }) => (data['objects'] as { key: string }[]).map(({ key }) => key))
  assert.deepEqual(
    keys,
    Array.from({ length: 100 }, (_, i) => pin(i).key),
  )
  assert.ok(sealed.length > 1 && sealed.every(({ data }) => JSON.stringify(data).length < 60_000))
  assert.equal(new Set(sealed.map(({ id }) => id)).size, sealed.length)
  await notes.handOver()
  assert.equal(sealed.length, new Set(sealed.map(({ id }) => id)).size)
})
