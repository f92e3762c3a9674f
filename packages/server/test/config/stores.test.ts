import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import type { StoreConfig } from '../../src/config/store-config.ts'

const read = (yaml: string): StoreConfig => parseConfig(yaml, 'sealtrail.yaml', '/srv', { cwd: '/srv', env: { ID: 'AKIA', KEY: 'secret' } }).config.store
const refused = (yaml: string): string => {
  try {
    read(yaml)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

test('a bucket of S3 is named with its region, secrets by reference, a prefix as a folder', () => {
  const { place } = read('store: { type: s3, bucket: b-1, region: eu-central-1, prefix: audit/eu, accessKeyId: env:ID, secretAccessKey: env:KEY }')
  assert.deepEqual(place, {
    type: 's3',
    bucket: 'b-1',
    prefix: 'audit/eu/',
    region: 'eu-central-1',
    endpoint: null,
    credentials: { accessKeyId: 'env:ID', secretAccessKey: 'env:KEY' },
  })
  assert.match(refused('store: { type: s3, region: x }'), /store\.bucket is missing/)
  assert.match(refused('store: { type: s3, bucket: b-1, region: x, accessKeyId: env:ID }'), /store\.secretAccessKey is missing: both are needed/)
  assert.match(refused('store: { type: s3, bucket: b-1, region: x, accessKeyId: AKIA, secretAccessKey: env:KEY }'), /write env:NAME or file:PATH/)
  assert.match(refused('store: { type: s3, bucket: b-1, region: x, container: cont }'), /a store of type s3 has no such key/)
})

test('a colder class needs a period of whole days and a name, and a store that has classes', () => {
  const s3 = 'type: s3, bucket: b-1, region: x'
  assert.deepEqual(read(`store: { ${s3}, cold: { after: P90D, class: GLACIER_IR } }`).cold, { afterMs: 90 * 86_400_000, storageClass: 'GLACIER_IR' })
  assert.equal(read(`store: { ${s3} }`).cold, null)
  assert.match(refused(`store: { ${s3}, cold: { after: P90D } }`), /store\.cold\.class is missing/)
  assert.match(refused(`store: { ${s3}, cold: { class: COOL } }`), /store\.cold\.after is missing/)
  assert.match(refused(`store: { ${s3}, cold: { after: 1h, class: COOL } }`), /at least P1D/)
  assert.match(refused('store: { type: files, cold: { after: P90D, class: COOL } }'), /files have no classes/)
})
