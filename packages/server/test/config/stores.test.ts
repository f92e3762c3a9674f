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

test('a replica has a place of its own and says whether it is waited for; the store itself is none', () => {
  const s3 = 'type: s3, bucket: b-1, region: x'
  assert.equal(read(`store: { ${s3} }`).replica, null)
  assert.deepEqual(read(`store: { ${s3}, replica: { type: gcs, bucket: copies, mode: follow } }`).replica, {
    place: { type: 'gcs', bucket: 'copies', prefix: '', endpoint: null, credentialsFile: null },
    mode: 'follow',
  })
  assert.deepEqual(read('store: { type: files, replica: { type: files, path: /mnt/copies } }').replica, {
    place: { type: 'files', path: '/mnt/copies' },
    mode: 'sync',
  })
  assert.match(refused(`store: { ${s3}, replica: { ${s3} } }`), /store\.replica is the store itself/)
  assert.match(refused(`store: { ${s3}, replica: { mode: follow } }`), /store\.replica\.type is missing/)
  assert.match(refused(`store: { ${s3}, replica: { type: files } }`), /store\.replica\.path is missing/)
  assert.match(refused(`store: { ${s3}, replica: { type: s3, bucket: b-2 } }`), /store\.replica\.region is missing/)
  assert.match(refused(`store: { ${s3}, replica: { type: gcs, bucket: b-2, path: /x } }`), /a store of type gcs has no such key/)
})
