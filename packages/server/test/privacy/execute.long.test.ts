// The eraser by itself, on a whole server: what comes meanwhile, what is done twice, what is damaged.
import assert from 'node:assert/strict'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import type { CertificateBody, JsonObject } from '@sealtrail/evidence'
import { patternsOf, tracesOf } from '../../bench/erase-traces.ts'
import { openEraser } from '../../src/config/open-eraser.ts'
import { aliasTokens } from '../../src/event/alias.ts'
import { LevelIndex } from '../../src/index/level/index.ts'
import type { EraseOrder, Eraser } from '../../src/privacy/eraser.ts'
import { searchFiles } from '../../src/privacy/search.ts'
import { ErasureFiles } from '../../src/privacy/work-file.ts'
import { World } from '../flow/harness.ts'
import { ADAS_CALL, call, receipt } from './erased-world.ts'

const ID = '00112233445566778899aabbccddeeff'
const ADA = '+12025550123'
const NAMES = [
  ['external-id', 'CUST-ADA-1815'],
  ['phone', ADA],
] as const
const STARTED = '2026-03-01T10:00:00.000Z'

let world: World
let index: LevelIndex
afterEach(async () => {
  await index.close()
  await world.end()
})

/** A server with these events, and an eraser beside its own. */
async function open(...list: JsonObject[]): Promise<{ eraser: Eraser; files: ErasureFiles; order: () => Promise<EraseOrder> }> {
  world = await World.open()
  for (const event of list) await post(event)
  index = await LevelIndex.open(join(world.data, 'index'))
  const { sealing } = world.local
  const files = new ErasureFiles(world.data, sealing.vkey('system').split('+')[0] as string, sealing.keys)
  const eraser = openEraser(world.loaded.config, sealing, {
    now: () => Date.parse('2026-03-01T10:05:00.000Z'),
    vault: sealing.vault,
    files,
    index,
    async forgetTokens(log, records) {
      await world.local.indexed()
      await index.forgetTokens(log, records)
    },
    scrubIndex: () => index.scrub(),
    exports: { idle: async () => {}, has: () => false, remove() {} },
    search: ({ folder, patterns, except }, onProgress) => searchFiles(folder, patterns, except, onProgress),
  })
  return {
    eraser,
    files,
    async order() {
      const tokens = NAMES.flatMap(([kind, value]) => aliasTokens(sealing.keys, world.loaded.config.tenant, kind, value))
      const person = await sealing.vault.personOf(tokens)
      assert.ok(person.keyIds.length > 0)
      files.write({ id: ID, person, work: null })
      const requested = { by: 'ann', at: STARTED, ground: 'a ground', reference: null }
      return { id: ID, person, requested, approved: null, started: STARTED }
    },
  }
}

async function post(event: JsonObject): Promise<JsonObject> {
  const answer = await world.send('/api/v1/events', event, { role: 'ingest' })
  assert.ok(answer.status < 300, answer.text)
  return answer.body
}

const named = (body: CertificateBody): string[] => body.records.map(({ log, index: at }) => `${log} ${at}`)

describe('an erasure', () => {
  test('goes before what is held: its keys at once, its tokens once it is sealed, and its record is on the certificate', async () => {
    const { eraser, order, files } = await open(receipt('a0', 'CUST-ADA-1815', ADA), call(ADAS_CALL, ADA, 'customer.start'))
    const { sealing } = world.local
    const asked = await order()
    const before = await eraser.find(asked.person)
    assert.deepEqual([before.records.length, before.waiting], [1, 1])
    const patterns = patternsOf(await tracesOf(sealing, NAMES))
    const told: string[] = []
    let waits!: () => void
    const waiting = new Promise<void>((resolve) => (waits = resolve))
    const done = eraser.execute(asked, (step) => {
      told.push(step)
      if (step.startsWith('wait for held events, at most until 20')) waits()
    })
    await waiting
    // Nothing of hers opens any more, and her call goes on as somebody else's.
    const keys = await sealing.vault.keysById(asked.person.keyIds.map((id) => Buffer.from(id, 'latin1')))
    assert.deepEqual(
      keys.map((key) => key.state === 'erased' && key.certificate),
      asked.person.keyIds.map(() => ID),
    )
    await post(call(ADAS_CALL, ADA, 'customer.end', { disconnectType: 'CLIENT' }))
    await world.flush()
    const body = await done
    assert.deepEqual(named(body), ['interactions 0', 'notifications 0'])
    assert.equal(body.records[0]?.hash, (await world.records('interactions'))[0]?.['integrity_hash'])
    const left = await searchFiles(world.data, patterns, [`erasures/${ID}.json`])
    // Her number and the one she called are known again: with a key, values and tokens of their own.
    assert.deepEqual(new Set(left.found.map(({ what }) => what)), new Set(['token']))
    assert.deepEqual(body.searched.found, [])
    assert.match(body.notReached.map(({ detail }) => detail).join('\n'), /2 search tokens stand for values that other records hold as well/)
    assert.equal(files.read(ID)?.work?.rows.length, 2)
    assert.ok(told.indexOf('destroy keys') < told.findIndex((step) => step.startsWith('wait')))
  })

  test('done twice is done once: the same records, the first tombstones, and nothing new destroyed', async () => {
    const { eraser, order } = await open(...[0, 1, 2].map((i) => receipt(`a${i}`, 'CUST-ADA-1815', ADA)), receipt('b0', 'CUST-BOB-1900', '+12025550177'))
    const asked = await order()
    const first = await eraser.execute(asked)
    // She comes back meanwhile, under a new key.
    await post(receipt('a9', 'CUST-ADA-1815', ADA))
    await world.flush()
    const second = await eraser.execute({ ...asked, started: '2026-03-01T11:00:00.000Z' })
    assert.deepEqual(second.records, first.records)
    assert.deepEqual(second.method, first.method)
    const { vault } = world.local.sealing
    for (const key of await vault.keysById(asked.person.keyIds.map((id) => Buffer.from(id, 'latin1'))))
      assert.deepEqual(key, { state: 'erased', erasedMs: Date.parse(STARTED), certificate: ID })
    const records = (await world.records('notifications')) as Array<{ subject: string; field_states: Record<string, string> }>
    assert.deepEqual(
      records.map(({ subject, field_states: states }) => `${subject} ${[...new Set(Object.values(states))].join()}`),
      ['a0 erased', 'a1 erased', 'a2 erased', 'b0 disclosed', 'a9 disclosed'],
    )
  })

  test('has the ledger forget what was said: a resend is the same, whatever it says, and the other person’s is in conflict', async () => {
    const { eraser, order } = await open(receipt('a0', 'CUST-ADA-1815', ADA), receipt('b0', 'CUST-BOB-1900', '+12025550177'))
    await eraser.execute(await order())
    const answer = async (event: JsonObject): Promise<number> => (await world.send('/api/v1/events', event, { role: 'ingest' })).status
    assert.equal(await answer(receipt('b0', 'CUST-EVE', '+12025550188')), 422)
    assert.notEqual(await answer(receipt('a0', 'CUST-EVE', '+12025550188')), 422)
    assert.equal((await world.records('notifications')).length, 2, 'nothing is sealed twice')
  })

  test('passes events of hers that arrive meanwhile: each is of before, and erased, or of after, and readable', async () => {
    const { eraser, order } = await open(receipt('a0', 'CUST-ADA-1815', ADA))
    const asked = await order()
    let going = true
    let sent = 0
    const sending = (async () => {
      for (; going; sent++) await post(receipt(`m${sent}`, 'CUST-ADA-1815', ADA))
    })()
    const body = await eraser.execute(asked)
    going = false
    await sending
    await world.flush()
    const records = (await world.records('notifications')) as Array<{ index: number; field_states: Record<string, string> }>
    assert.equal(records.length, 1 + sent)
    assert.ok(sent > 0)
    const erased = records.filter(({ field_states: states }) => Object.values(states).includes('erased')).map(({ index: at }) => `notifications ${at}`)
    assert.deepEqual(named(body), erased, 'the certificate names exactly those')
    for (const { index: at, field_states: states } of records)
      assert.ok(erased.includes(`notifications ${at}`) || !Object.values(states).includes('missing'), `record ${at} is whole`)
  })

  test('destroys nothing on the word of a work file that is cut, damaged or of another server', async () => {
    const { eraser, order, files } = await open(receipt('a0', 'CUST-ADA-1815', ADA))
    const asked = await order()
    const path = join(world.data, 'erasures', `${ID}.json`)
    const whole = readFileSync(path)
    const { vault } = world.local.sealing
    const spoilt: Array<() => void> = [
      () => truncateSync(path, whole.length - 1),
      () => writeFileSync(path, Buffer.concat([whole.subarray(0, 60), Buffer.from('0'), whole.subarray(61)])),
      () => new ErasureFiles(world.data, 'elsewhere/system', world.local.sealing.keys).write({ id: ID, person: asked.person, work: null }),
    ]
    for (const spoil of spoilt) {
      spoil()
      await assert.rejects(eraser.execute(asked), { code: 'DATA_CORRUPT' })
      for (const key of await vault.keysById(asked.person.keyIds.map((id) => Buffer.from(id, 'latin1')))) assert.equal(key.state, 'live')
    }
    files.write({ id: ID, person: asked.person, work: null })
    assert.deepEqual(named(await eraser.execute(asked)), ['notifications 0'])
  })
})
