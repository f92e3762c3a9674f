import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeKeyFile, encodeKeyFile } from '../../src/keys/files/key-file.ts'
import { openKey } from '../../src/keys/files/keyring.ts'
import { passphraseKms } from '../../src/keys/files/passphrase.ts'
import type { Locked } from '../../src/keys/kms.ts'
import type { KeyName } from '../../src/keys/ring.ts'
import { kmsSuite, refuses } from './kms.suite.ts'

kmsSuite('passphrase', { open: async () => passphraseKms('correct horse battery'), other: async () => passphraseKms('correct Horse battery') })

const NAME: KeyName = { purpose: 'token', generation: 1, id: '00112233445566ff', created: '2026-11-22T10:00:00.000Z' }

test('a passphrase is a text, not its bytes; a short one opens what it locked long ago and locks nothing new', async () => {
  const locked = await passphraseKms('Übergrößenträger').lock(new Uint8Array(32), NAME)
  assert.equal((await passphraseKms('Übergrößenträger'.normalize('NFD')).unlock(locked, NAME)).length, 32)
  await assert.rejects(passphraseKms('elevenchars').lock(new Uint8Array(32), NAME), refuses('USAGE'))
})

test('a file cannot ask for more work than a passphrase is worth', async () => {
  const kms = passphraseKms('correct horse battery')
  const locked = await kms.lock(new Uint8Array(32), NAME)
  for (const n of [0, 1, 2 ** 13, 2 ** 21, 2 ** 40, 2 ** 16 + 1, '65536', null])
    await assert.rejects(kms.unlock({ ...locked, n }, NAME), refuses('DATA_CORRUPT'), String(n))
  for (const salt of [undefined, '', 'AA==', 7]) await assert.rejects(kms.unlock({ ...locked, salt }, NAME), refuses('DATA_CORRUPT'))
})

test('a key that an earlier version locked opens: the form of its file has not changed', async () => {
  // Its file, written before there was a port, with the passphrase "correct horse".
  const text =
    '{"format":"sealtrail/key/1","purpose":"wrapping","generation":1,"id":"00112233445566ff","created":"2026-11-22T10:00:00.000Z","locked":{"salt":"AQEBAQEBAQEBAQEBAQEBAQ==","n":65536,"nonce":"AgICAgICAgICAgIC","secret":"Mb9J/OupISgMaxwp4Gw3XuLyiAIOLOlvjfOzXK8XASaGyxOtkeiesdt98x1jTJ5M"}}\n'
  const stored = decodeKeyFile('wrapping-0001.json', text)
  assert.equal(encodeKeyFile(stored, { locked: (stored.what as { locked: Locked }).locked }), text)
  const { secret } = await openKey(stored, [passphraseKms('correct horse')])
  assert.deepEqual(secret, Buffer.alloc(32, 7))
  await assert.rejects(openKey(stored, [passphraseKms('correct Horse')]), refuses('KEY_UNKNOWN'))
  // Either of two may have locked it while a passphrase is changed.
  assert.ok(await openKey(stored, [passphraseKms('correct Horse'), passphraseKms('correct horse')]))
})
