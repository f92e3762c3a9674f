// Keys in a token of SoftHSM2: made and kept there, taken away while a server runs, and put back.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { randomBytes } from 'node:crypto'
import { pkcs11js } from '../../../../scripts/key-services.ts'
import { openRing } from '../../src/keys/files/keyring.ts'
import { loadCryptoki } from '../../src/keys/pkcs11/cryptoki.ts'
import type { Cryptoki } from '../../src/keys/pkcs11/cryptoki.ts'
import { openPkcs11 } from '../../src/keys/pkcs11/kms.ts'
import { receipt } from '../cli/io.ts'
import { kmsSuite, refuses } from '../keys/kms.suite.ts'
import { scratch } from './outside.ts'
import { Served, command } from './served.ts'

const at = scratch()
const MODULE =
  ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'].find((path) => spawnSync('test', ['-e', path]).status === 0) ?? ''
const skip = MODULE === '' ? 'SoftHSM2 is not installed (Debian: softhsm2)' : false
const PIN = '82019374'
const options = (token: string, create = true) => ({ module: MODULE, token, label: 'sealtrail', pin: PIN, create })

before(async () => {
  if (skip !== false) return
  mkdirSync(at('tokens'))
  writeFileSync(at('softhsm2.conf'), `directories.tokendir = ${at('tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = at('softhsm2.conf')
  process.env['SEALTRAIL_PKCS11JS'] = await pkcs11js()
  process.env['AUDIT_PIN'] = PIN
  for (const label of ['audit', 'another', 'served'])
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '11223344'], { stdio: 'ignore' })
})

async function takeAway(): Promise<() => Promise<void>> {
  renameSync(at('tokens'), at('taken'))
  return async () => renameSync(at('taken'), at('tokens'))
}

kmsSuite('SoftHSM2', { open: () => openPkcs11(options('audit')), other: () => openPkcs11(options('another')), away: takeAway }, { skip })

/** The real library, of which the next calls by these names fail as told. */
function failing(real: Cryptoki): { cryptoki: Cryptoki; fail(code: number, ...names: string[]): void } {
  const waiting: Array<{ name: string; code: number }> = []
  const cryptoki = new Proxy(real, {
    get(target, name) {
      const method = target[name as keyof Cryptoki] as (...of: unknown[]) => unknown
      return (...of: unknown[]) => {
        const next = waiting.findIndex((each) => each.name === name)
        if (next >= 0) throw Object.assign(new Error('failed on purpose'), { code: waiting.splice(next, 1)[0]?.code })
        return method.apply(target, of)
      }
    },
  })
  return { cryptoki, fail: (code, ...names) => void waiting.push(...names.map((name) => ({ name, code }))) }
}

test('a call that fails is made once more in a new session; failing again is KEY_UNAVAILABLE, and not for good', { skip }, async () => {
  const { cryptoki, fail } = failing(await loadCryptoki(MODULE))
  const kms = await openPkcs11(options('audit'), cryptoki)
  const ring = await openRing({ folder: at('failing', 'keys'), create: true, now: Date.now, random: randomBytes }, [kms])
  const message = Buffer.from('m')
  const right = ring.signLog(message)
  const codes = { removed: 0x32, error: 0x30, general: 0x05, closed: 0xb0, session: 0xb3, object: 0x82, token: 0xe0, user: 0x101, library: 0x190 }
  for (const [called, code] of Object.entries(codes)) {
    for (const name of ['C_SignInit', 'C_Sign']) {
      fail(code, name)
      assert.deepEqual(ring.signLog(message), right, `${called} once in ${name}`)
      fail(code, name, name)
      assert.throws(() => ring.signLog(message), refuses('KEY_UNAVAILABLE'), `${called} twice in ${name}`)
      assert.deepEqual(ring.signLog(message), right, `${called}, and over`)
    }
    fail(code, ...Array.from({ length: 4 }, () => 'C_DecryptInit'))
    await assert.rejects(
      openRing({ folder: at('failing', 'keys'), create: false, now: Date.now, random: randomBytes }, [kms]),
      refuses('KEY_UNAVAILABLE'),
      called,
    )
  }
  await kms.close()
})

test('log and segment keys are nowhere but in the token; another key under their name is not theirs', { skip }, async () => {
  const kms = await openPkcs11(options('audit'))
  const folder = at('held', 'keys')
  const ring = await openRing({ folder, create: true, now: Date.now, random: randomBytes }, [kms])
  assert.deepEqual(
    ring.list().flatMap(({ purpose, held, service }) => (held ? [`${purpose} ${service}`] : [])),
    ['log pkcs11', 'segment pkcs11'],
  )
  for (const purpose of ['log', 'segment'])
    assert.deepEqual(Object.keys((JSON.parse(readFileSync(`${folder}/${purpose}-0001.json`, 'utf8')) as { held: object }).held), ['service', 'publicKey'])
  const started = performance.now()
  for (let i = 0; i < 1_000; i++) ring.signLog(Buffer.from(`message ${i}`))
  console.log(`signed in the token and checked: ${((performance.now() - started) / 1_000).toFixed(3)} ms each`)
  const log = ring.list().find(({ purpose }) => purpose === 'log')
  assert.ok(log !== undefined && kms.held !== null)
  await assert.rejects(kms.held.open(log, ring.segmentPublicKey), refuses('KEY_UNKNOWN'), 'another public key')
  await assert.rejects(kms.held.open({ ...log, id: '0000000000000000' }, ring.logPublicKey), refuses('KEY_UNKNOWN'), 'no such key')
  await kms.close()
})

test('a wrong PIN is tried once, and is in no error', { skip }, async () => {
  const { cryptoki } = failing(await loadCryptoki(MODULE))
  let logins = 0
  const counting = new Proxy(cryptoki, {
    get: (target, name) => (name === 'C_Login' && logins++, target[name as keyof Cryptoki]),
  })
  await assert.rejects(
    openPkcs11({ ...options('audit'), pin: '00000000' }, counting),
    (error: Error) => refuses('KEY_UNKNOWN')(error) && !error.message.includes('00000000'),
  )
  assert.equal(logins, 1)
  await assert.rejects(openPkcs11(options('none')), refuses('KEY_UNAVAILABLE'))
  await assert.rejects(openPkcs11({ ...options('audit', false), label: 'none' }), refuses('KEY_UNKNOWN'))
})

test('a server whose token is taken away acknowledges nothing falsely, says why, and goes on when it is back', { skip }, async () => {
  const yaml = `keys: { type: pkcs11, folder: ${at('ring')}, module: ${MODULE}, token: served, pin: env:AUDIT_PIN }\nlimits: { answerWithin: 300ms, ingestThreads: 1 }\n`
  const served = await Served.start(at('served', 'data'), yaml)
  await served.seal(0, 20)
  assert.deepEqual(
    readdirSync(at('served', 'data')).filter((name) => name === 'keys' || name === 'ring'),
    [],
    'nothing of the keys lies in the data directory',
  )
  const back = await takeAway()
  const one = (n: number): Promise<Response> =>
    fetch(`${served.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${served.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(receipt(n)),
    })
  const during: number[] = []
  for (let n = 100; n < 106; n++) {
    const answer = await one(n)
    const body = (await answer.json()) as { code?: string }
    during.push(answer.status)
    if (answer.status === 503) assert.equal(body.code, 'KEY_UNAVAILABLE')
  }
  assert.ok(during.every((status) => status === 202 || status === 503) && during.includes(202) && during.includes(503), String(during))
  let ready = { ok: true, text: '' }
  for (let i = 0; i < 100 && !ready.text.includes('KEY_UNAVAILABLE'); i++) {
    const answer = await fetch(`${served.url}/readyz`)
    ready = { ok: answer.ok, text: await answer.text() }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(!ready.ok && ready.text.includes('KEY_UNAVAILABLE'), ready.text)
  await back()
  let last = 0
  for (let i = 0; i < 200 && last !== 201; i++) {
    last = (await one(200)).status
    if (last === 202 || last === 200) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(last === 201 || last === 202 || last === 200, String(last))
  assert.match(await served.text('/metrics'), /sealtrail_key_service_calls_total\{service="pkcs11",operation="sign",code="KEY_UNAVAILABLE"\} [1-9]/)
  await served.stop()
  const verified = await command(['verify', at('served', 'data'), '--json'], { SEALTRAIL_KEYS_PIN: PIN })
  assert.equal(verified.exit, 0, verified.out + verified.err)
  // What was answered 202 was sealed once.
  const sizes = verified.out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { log: string; size: number }]))
  const expected = 20 + during.filter((status) => status === 202).length + 1
  assert.equal(sizes.find(({ log }) => log === 'notifications')?.size, expected)
  const doctor = await command(['doctor', '--data', at('served', 'data'), '--config', at('served', 'data.yaml')])
  assert.match(doctor.out, /locked by the token served/)
  const without = await takeAway()
  const refused = await command(['key', 'list', '--data', at('served', 'data')], { SEALTRAIL_KEYS_PIN: '00000000' })
  await without()
  assert.notEqual(refused.exit, 0)
})
