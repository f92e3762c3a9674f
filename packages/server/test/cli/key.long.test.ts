// `sealtrail key` over the life of a ring: locked, given another passphrase, unlocked, rotated, destroyed.
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
after(() => place.remove())
const data = place.at('data')
const ring = (): string[] => readdirSync(place.at('data', 'keys')).map((name) => readFileSync(place.at('data', 'keys', name), 'utf8'))
const secretFile = (name: string, text: string): string => {
  writeFileSync(place.at(name), `${text}\n`, { mode: 0o600 })
  writeFileSync(place.at(`${name}.yaml`), `keys: { passphrase: "file:${place.at(name)}" }\n`)
  return place.at(`${name}.yaml`)
}
const one = secretFile('one', 'correct horse battery')
const two = secretFile('two', 'another horse battery')
const short = secretFile('short', 'horse')
const key = (...args: string[]) => sealtrail(['key', ...args, '--data', data])

test('a ring that lies in clear is locked, opens with its passphrase alone, gets another one, and is unlocked', async () => {
  writeFileSync(place.at('events.ndjson'), `${JSON.stringify(receipt(1))}\n`)
  assert.equal((await sealtrail(['ingest', place.at('events.ndjson'), '--trail', 'notifications', '--data', data])).exit, 0)
  const clear = ring()
  assert.equal((await key('lock')).exit, 2)
  assert.equal((await key('lock', '--config', short)).exit, 2)
  assert.deepEqual(ring(), clear)
  assert.match((await sealtrail(['doctor', '--data', data, '--config', one])).out, /7 keys lie in clear though a passphrase/)
  const locked = await key('lock', '--config', one)
  assert.deepEqual([locked.exit, locked.out], [0, '7 keys are locked by passphrase now\n'])
  assert.equal((await key('lock', '--config', one)).out, '0 keys are locked by passphrase now, 7 were already\n')
  for (const text of ring()) assert.match(text, /"locked":\{"salt"/)
  const refused = await key('list')
  assert.equal(refused.exit, 3)
  assert.match(refused.err, /KEY_UNKNOWN/)
  assert.equal((await key('list', '--config', two)).exit, 3)
  const listed = await key('list', '--config', one)
  assert.match(listed.out, /^log 1 +current +[0-9a-f]{16} +fingerprint [0-9a-f]{16} +kept by passphrase +made today +\d+ signatures since the start$/m)
  assert.equal((await sealtrail(['verify', data])).exit, 3)
  process.env['SEALTRAIL_KEYS_PASSPHRASE'] = 'correct horse battery'
  assert.equal((await sealtrail(['verify', data])).exit, 0)
  delete process.env['SEALTRAIL_KEYS_PASSPHRASE']
  assert.doesNotMatch((await sealtrail(['doctor', '--data', data, '--config', one])).out, /in clear/)
  chmodSync(place.at('one'), 0o644)
  const doctor = await sealtrail(['doctor', '--data', data, '--config', one])
  chmodSync(place.at('one'), 0o600)
  assert.equal(doctor.exit, 1)
  assert.match(doctor.out, /the file that opens the keyring has mode 644/)

  assert.equal((await key('passphrase', '--config', one)).exit, 2)
  assert.equal((await key('passphrase', '--config', one, '--new', `file:${place.at('two')}`)).exit, 0)
  assert.equal((await key('list', '--config', one)).exit, 3)
  assert.equal((await key('list', '--config', two)).exit, 0)
  assert.equal((await key('move', '--config', two, '--to', one)).exit, 0)
  assert.equal((await key('unlock', '--config', two)).exit, 3)
  assert.equal((await key('unlock', '--config', one)).exit, 0)
  assert.deepEqual(ring().sort(), clear.sort(), 'to the byte')
  assert.equal((await sealtrail(['verify', data])).exit, 0)
})

test('a wrapping key is rotated, nothing is left under the old one, and it is destroyed', async () => {
  const rotated = await key('rotate', 'wrapping', '--rewrap')
  assert.match(
    rotated.out,
    /^new wrapping key [0-9a-f]{16}; the older ones stay readable\n1 keys of people and interactions are wrapped under it, 0 are not\n$/,
  )
  assert.equal((await key('rotate', 'segment', '--rewrap')).exit, 2)
  const { items } = JSON.parse((await key('list', '--uses', '--json')).out) as { items: Array<{ id: string; purpose: string; wraps?: number; state: string }> }
  const [old, current] = items.filter(({ purpose }) => purpose === 'wrapping')
  assert.deepEqual([old?.wraps, current?.wraps], [0, 1])
  assert.equal((await key('retire', String(old?.id))).exit, 2)
  assert.equal((await key('destroy', String(current?.id))).exit, 2)
  assert.equal((await key('destroy', '0'.repeat(16))).exit, 1)
  assert.equal((await key('destroy', String(old?.id))).out, `the wrapping key ${String(old?.id)} is destroyed\n`)
  assert.match((await key('list')).out, /^wrapping 1 +destroyed +.* destroyed on \d{4}-\d\d-\d\d$/m)
  assert.match((await key('show', 'notifications')).out, /^sealtrail\.localhost\/notifications\+[0-9a-f]{8}\+/)
  assert.equal((await sealtrail(['verify', data])).exit, 0)
})

test('while a server holds the directory nothing is locked', async () => {
  const { config } = loadConfig(null, { cwd: place.path, env: {}, data })
  const holder = await openLocal(config, { log: createLog({ now: Date.now, level: 'error' }) })
  const before = ring()
  try {
    const refused = await key('lock', '--config', one)
    assert.equal(refused.exit, 3)
    assert.match(refused.err, /DATA_IN_USE/)
    assert.deepEqual(ring(), before)
  } finally {
    await holder.close()
  }
})
