import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Metrics, renderPrometheus } from '../../src/observe/metrics.ts'
import { CountedStore, StoreCounts } from '../../src/store/counted.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { within } from './place.ts'
import { keyOf, keysIn, LOCK, storeSuite } from './store.suite.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

storeSuite('counted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-counted-'))
  return {
    open: async () => new CountedStore(await FileStore.open(directory), new StoreCounts(new Metrics()), 'files'),
    remove: async () => rmSync(directory, { recursive: true }),
    assurance: 'declared' as const,
  }
})

const lines = (metrics: Metrics, name: string): string[] =>
  renderPrometheus(metrics.snapshot())
    .split('\n')
    .filter((line) => line.startsWith(name))

test('calls, bytes and errors are counted by store and operation', () =>
  within(async (directory) => {
    const metrics = new Metrics()
    const store = new CountedStore(await FileStore.open(directory), new StoreCounts(metrics), 'files')
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'hashes', 0, bytes)
    await store.put(key, bytes, LOCK)
    await store.put(key, bytes, LOCK)
    await assert.rejects(store.put(key, randomBytes(300), LOCK), { code: 'ALREADY_WRITTEN' })
    await store.get(key)
    assert.equal(await store.get(keyOf('calls', 'hashes', 1, bytes)), null)
    await assert.rejects(store.remove(key, 0), { code: 'OBJECT_LOCKED' })
    await assert.rejects(store.extend(keyOf('calls', 'hashes', 1, bytes), LOCK), { code: 'NOT_FOUND' })
    assert.deepEqual(await keysIn(store, ''), [key])
    assert.deepEqual(lines(metrics, 'sealtrail_store_operations_total{'), [
      'sealtrail_store_operations_total{store="files",operation="extend"} 1',
      'sealtrail_store_operations_total{store="files",operation="get"} 2',
      'sealtrail_store_operations_total{store="files",operation="list"} 1',
      'sealtrail_store_operations_total{store="files",operation="put"} 3',
      'sealtrail_store_operations_total{store="files",operation="remove"} 1',
    ])
    assert.deepEqual(lines(metrics, 'sealtrail_store_errors_total{'), [
      'sealtrail_store_errors_total{store="files",operation="extend",code="NOT_FOUND"} 1',
      'sealtrail_store_errors_total{store="files",operation="put",code="ALREADY_WRITTEN"} 1',
      'sealtrail_store_errors_total{store="files",operation="remove",code="OBJECT_LOCKED"} 1',
    ])
    assert.deepEqual(lines(metrics, 'sealtrail_store_bytes_total{'), [
      'sealtrail_store_bytes_total{store="files",operation="get"} 300',
      'sealtrail_store_bytes_total{store="files",operation="put"} 600',
    ])
    assert.deepEqual(lines(metrics, 'sealtrail_store_put_seconds_count'), ['sealtrail_store_put_seconds_count{store="files"} 3'])
    await store.close()
  }))

test('what a platform calls its requests and errors cannot fill the metrics', () => {
  const metrics = new Metrics()
  const traffic = new StoreCounts(metrics).traffic('s3')
  traffic.sent('PutObject')
  traffic.sent('PutObject')
  traffic.again('PutObject', 'SlowDown')
  traffic.again('PutObject', 'a\n"code"')
  for (let i = 0; i < 500; i++) traffic.again('PutObject', `Code${i}`)
  traffic.sent('GetObject')
  assert.deepEqual(lines(metrics, 'sealtrail_store_requests_total{'), [
    'sealtrail_store_requests_total{store="s3",request="GetObject"} 1',
    'sealtrail_store_requests_total{store="s3",request="PutObject"} 2',
  ])
  const retries = lines(metrics, 'sealtrail_store_retries_total{')
  assert.equal(retries.length, 100)
  assert.ok(retries.includes('sealtrail_store_retries_total{store="s3",request="PutObject",code="SlowDown"} 1'))
})
