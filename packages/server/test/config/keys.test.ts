import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { KeysConfig } from '../../src/config/keys-config.ts'
import { keepKeysPlace, keysPlaceOf, placeOfKeys } from '../../src/config/keys-place.ts'
import { parseConfig } from '../../src/config/load.ts'
import { openKeys } from '../../src/config/open-keys.ts'

const data = mkdtempSync(join(tmpdir(), 'sealtrail-keys-config-'))
after(() => rmSync(data, { recursive: true, force: true }))

const read = (yaml: string): KeysConfig =>
  parseConfig(yaml, 'sealtrail.yaml', '/srv', { cwd: '/srv', env: { PIN: '1234', ID: 'AKIA', KEY: 'secret' } }).config.keys
const refused = (yaml: string): string => {
  try {
    read(yaml)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

test('each keeper has its own settings, the short form says only which', () => {
  assert.deepEqual(read('keys: files'), { folder: null, keeping: { type: 'files', passphrase: null }, maxAgeMs: null })
  assert.deepEqual(read('keys: { passphrase: env:PIN }').keeping, { type: 'files', passphrase: 'env:PIN' })
  assert.deepEqual(read('keys: { type: pkcs11, module: /usr/lib/p11.so, token: audit, pin: env:PIN }').keeping, {
    type: 'pkcs11',
    module: '/usr/lib/p11.so',
    token: 'audit',
    label: 'sealtrail',
    pin: 'env:PIN',
  })
  assert.deepEqual(
    read('keys: { type: aws-kms, keyId: alias/audit, region: eu-central-1, accessKeyId: env:ID, secretAccessKey: env:KEY, timeout: 2s }').keeping,
    {
      type: 'aws-kms',
      keyId: 'alias/audit',
      region: 'eu-central-1',
      endpoint: null,
      credentials: { accessKeyId: 'env:ID', secretAccessKey: 'env:KEY' },
      timeoutMs: 2_000,
    },
  )
  assert.match(refused('keys: pkcs11'), /keys\.module is missing[^]*keys\.token is missing/)
  assert.match(refused('keys: { type: aws-kms, region: x }'), /keys\.keyId is missing/)
  assert.match(refused('keys: { type: aws-kms, keyId: k, region: x, accessKeyId: env:ID }'), /keys\.secretAccessKey is missing: both/)
  assert.match(refused('keys: { type: pkcs11, module: /m, token: t, passphrase: env:PIN }'), /keys\.passphrase: keys of type pkcs11 have no such setting/)
  assert.match(refused('keys: { type: pkcs11, module: /m, token: t, pin: 1234 }'), /write env:NAME or file:PATH/)
  assert.match(refused('keys: { passphrase: correct horse battery }'), /write env:NAME or file:PATH/)
})

test('the data directory remembers where its keys are, without a secret or where one is; the configuration goes before it', () => {
  const keys = read('keys: { type: pkcs11, folder: /mnt/keys, module: /usr/lib/p11.so, token: audit, pin: env:PIN }')
  keepKeysPlace(data, keys)
  assert.doesNotMatch(readFileSync(join(data, 'keys.json'), 'utf8'), /PIN|1234/)
  const known = keysPlaceOf(data)
  assert.deepEqual(known, { ...keys, keeping: { ...keys.keeping, pin: null } })
  assert.deepEqual(placeOfKeys({ data, keys: read('keys: files') }), known)
  assert.deepEqual(placeOfKeys({ data, keys: read('keys: { passphrase: env:PIN }') }).keeping, { type: 'files', passphrase: 'env:PIN' })
})

test('without pkcs11js the error says how to install it', async () => {
  const keys = read('keys: { type: pkcs11, module: /usr/lib/none.so, token: audit, pin: env:PATH }'.replace('env:PATH', 'env:PIN'))
  process.env['PIN'] = '1234'
  await assert.rejects(
    openKeys({ data, keys }, { create: true, now: Date.now }),
    (error: Error) => /npm install pkcs11js@/.test(error.message) && !error.message.includes('1234'),
  )
})
