import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'

const delay = (text: string): number => parseConfig(text, 'sealtrail.yaml', tmpdir(), { cwd: tmpdir(), env: {} }).config.seal.maxDelayMs

test('a commit waits longer where it is billed, unless the file says how long', () => {
  assert.equal(delay(''), 2)
  assert.equal(delay('store: files'), 2)
  for (const store of ['s3, bucket: b-1, region: r', 'azure, account: a-1, container: c-1', 'gcs, bucket: b-1']) {
    assert.equal(delay(`store: { type: ${store} }`), 100, store)
    assert.equal(delay(`store: { type: ${store} }\nseal: { maxDelay: 0s }`), 0, store)
  }
})
