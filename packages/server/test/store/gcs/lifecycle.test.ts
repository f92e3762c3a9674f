import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomBytes } from 'node:crypto'
import { openGcs, within } from './open.ts'

const DAY = 86_400_000
const NEARLINE = { afterMs: 30 * DAY, storageClass: 'NEARLINE' }
const OTHERS: readonly unknown[] = [
  { action: { type: 'Delete' }, condition: { age: 7, matchesPrefix: ['tmp/'] } },
  { action: { type: 'SetStorageClass', storageClass: 'NEARLINE' }, condition: { age: 9, matchesPrefix: ['b/'] } },
  { action: { type: 'SetStorageClass', storageClass: 'NEARLINE' }, condition: { age: 9, matchesPrefix: ['a/', 'b/'] } },
  { action: { type: 'SetStorageClass', storageClass: 'COLDLINE' }, condition: { age: 9, matchesPrefix: ['a/'], isLive: false } },
  { action: { type: 'SetStorageClass', storageClass: 'COLDLINE' }, condition: { age: 9 } },
  { action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 1 } },
]
const ours = (age: number, storageClass: string): unknown => ({ action: { type: 'SetStorageClass', storageClass }, condition: { age, matchesPrefix: ['a/'] } })

test('one rule of our own, for our prefix, that sets a class and nothing else; the others stay as they are', () =>
  within(
    async (server, store) => {
      server.rules.lifecycle = { rule: [...OTHERS] }
      const looked = await store.lifecycle(NEARLINE, false)
      assert.deepEqual(looked, { id: 'sealtrail-cold-a', rule: JSON.stringify(ours(30, 'NEARLINE')), standing: false })
      assert.deepEqual(server.rules.lifecycle, { rule: OTHERS })
      for (let i = 0; i < 2; i++) assert.equal((await store.lifecycle(NEARLINE, true)).standing, true)
      assert.deepEqual(server.rules.lifecycle, { rule: [...OTHERS, ours(30, 'NEARLINE')] })
      assert.equal(server.seen.filter(({ method }) => method === 'buckets.patch').length, 1)
      // Asked for otherwise, the one that stands makes room.
      assert.equal((await store.lifecycle({ afterMs: 90 * DAY, storageClass: 'COLDLINE' }, false)).standing, false)
      await store.lifecycle({ afterMs: 90 * DAY, storageClass: 'COLDLINE' }, true)
      assert.deepEqual(server.rules.lifecycle, { rule: [...OTHERS, ours(90, 'COLDLINE')] })
      assert.equal((await store.lifecycle(NEARLINE, false)).standing, false)
    },
    { prefix: 'a/' },
  ))

test('without a prefix only the rule of this very class is ours', () =>
  within(async (server, store) => {
    server.rules.lifecycle = { rule: [...OTHERS] }
    await store.lifecycle(NEARLINE, true)
    await store.lifecycle({ ...NEARLINE, afterMs: 40 * DAY }, true)
    assert.deepEqual(server.rules.lifecycle, { rule: [...OTHERS, { action: { type: 'SetStorageClass', storageClass: 'NEARLINE' }, condition: { age: 40 } }] })
  }))

test('no rule before the lock, none for classes there are not, none that the store does not show', () =>
  within(async (server, store) => {
    for (const storageClass of ['STANDARD', 'nearline', 'GLACIER', ''])
      await assert.rejects(store.lifecycle({ ...NEARLINE, storageClass }, false), { code: 'CONFIG_INVALID' }, storageClass)
    server.rules.objectRetention = false
    await assert.rejects(store.lifecycle(NEARLINE, true), { code: 'STORE_NOT_LOCKED' })
    server.rules.objectRetention = true
    // The bucket says that it locks, and a probe saw that it does not.
    server.rules.lies.add('deletes-locked')
    const lax = await openGcs(server, { requireLock: false })
    await lax.probe({ now: server.now, random: randomBytes, pause: async (ms) => server.pass(ms) })
    await assert.rejects(lax.lifecycle(NEARLINE, true), { code: 'STORE_NOT_LOCKED' })
    await lax.close()
    assert.equal(server.rules.lifecycle, null)
    server.fault = (seen) => (seen.method === 'buckets.patch' ? 'lost' : null)
    assert.equal((await store.lifecycle(NEARLINE, true)).standing, true)
    server.fault = () => null
    // Forgotten as soon as it was taken.
    server.rules.lifecycle = null
    let gone = false
    server.fault = (seen) => {
      if (gone) server.rules.lifecycle = null
      gone ||= seen.method === 'buckets.patch'
      return null
    }
    await assert.rejects(store.lifecycle(NEARLINE, true), { code: 'NOT_DURABLE' })
  }))

test('a rule that somebody else adds meanwhile is not lost, and one that cannot be read is not written over', () =>
  within(
    async (server, store) => {
      let first = true
      server.fault = (seen) => {
        if (seen.method !== 'buckets.patch' || !first) return null
        first = false
        server.rules.lifecycle = { rule: [OTHERS[0]] }
        server.rules.metageneration++
        return null
      }
      await store.lifecycle(NEARLINE, true)
      assert.deepEqual(server.rules.lifecycle, { rule: [OTHERS[0], ours(30, 'NEARLINE')] })
      server.rules.lifecycle = { rule: 'all' } as never
      await assert.rejects(store.lifecycle(NEARLINE, true), { code: 'NOT_DURABLE' })
      assert.deepEqual(server.rules.lifecycle, { rule: 'all' })
    },
    { prefix: 'a/' },
  ))
