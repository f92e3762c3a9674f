// Extending is possible, shortening never.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { sealtrail } from '../cli/io.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { World } from '../flow/harness.ts'
import { Served } from './child.ts'

const DAY_MS = 86_400_000
const yaml = (period: string, mode = 'COMPLIANCE', phi = 'P6Y'): string =>
  `trails: { interactions: false, notifications: { retain: { period: ${period}, mode: ${mode}, classes: { phi: { period: ${phi} } } } } }`
const LARGE = { details: { note: 'x', ...Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`flag_${i}`, i % 2 === 0])) } }
const receipt = (message: string, more: JsonObject = {}): JsonObject => ({ message_uuid: message, delivery_status: 'READ', customer_external_id: 'c', ...more })

test('killed between two objects, and again, a longer retention reaches every object', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-extend-'))
  const children: Served[] = []
  const start = async (period: string, crashAt: string | null = null): Promise<Served> => {
    const served = new Served(folder, yaml(period))
    children.push(served)
    await served.open(crashAt)
    return served
  }
  try {
    const first = await start('P30D')
    for (const message of ['a', 'b', 'c', 'd']) await first.send('/api/v1/events', receipt(message))
    await first.settle()
    await first.close()
    for (const crashAt of ['extend:object#2', 'extend:object']) assert.equal(await (await start('P90D', crashAt)).ended, 'SIGKILL')
    // Of the same period as the one that was sealed by the starts that died.
    const last = await start('P90D')
    await last.settle()
    await last.close()
    const store = await FileStore.open(join(folder, 'data/store'), { readOnly: true })
    let objects = 0
    for await (const { key } of store.list('notifications/')) {
      const left = ((await store.held(key))?.lock?.retainUntilMs ?? 0) - Date.now()
      assert.ok(left > 89 * DAY_MS, key)
      objects++
    }
    assert.equal(objects, 4)
    await store.close()
  } finally {
    for (const each of children) each.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})

describe('locks of what is stored, when the retention changes', () => {
  let world: World
  let nowMs = Date.UTC(2026, 0, 1)
  const now = (): number => nowMs
  before(async () => {
    world = await World.open(yaml('P30D', 'GOVERNANCE'), { now })
    for (const message of ['a', 'b']) {
      await world.send('/api/v1/events', receipt(message), { role: 'ingest' })
      nowMs += DAY_MS
    }
    await world.send('/api/v1/events', receipt('c', LARGE), { role: 'ingest' })
    await world.flush()
  })
  after(() => world.end())

  /** Key → days from the first of January until its lock ends, and its mode. */
  async function locks(log = 'notifications'): Promise<Array<[kind: string, days: number, mode: string]>> {
    const { store } = world.local.sealing
    const found: Array<[string, number, string]> = []
    for await (const { key } of store.list(`${log}/`)) {
      const lock = (await store.held(key))?.lock
      found.push([key.split('/')[1] as string, Math.round(((lock?.retainUntilMs ?? 0) - Date.UTC(2026, 0, 1)) / DAY_MS), lock?.mode ?? ''])
    }
    return found.sort()
  }

  it('as it was written', async () => {
    assert.deepEqual(await locks(), [
      ['object', 33, 'GOVERNANCE'],
      ['segment', 30, 'GOVERNANCE'],
      ['segment', 31, 'GOVERNANCE'],
      ['segment', 32, 'GOVERNANCE'],
    ])
  })

  it('shorter: only for what is sealed from now on, with a warning at start and in doctor', async () => {
    const file = join(world.folder, 'shorter.yaml')
    await world.restart(yaml('P30D', 'GOVERNANCE'), { now })
    const before = await locks()
    writeFileSync(file, yaml('P10D', 'GOVERNANCE'))
    world.lines.length = 0
    await world.restart(yaml('P10D', 'GOVERNANCE'), { now })
    assert.ok(
      world.lines.some((line) =>
        /retention of notifications: GOVERNANCE for 10 days, before GOVERNANCE for 30 days; only for what is sealed from now on/.test(line),
      ),
    )
    assert.deepEqual(await locks(), before)
    await world.send('/api/v1/events', receipt('d'), { role: 'ingest' })
    assert.equal((await locks()).filter(([, days]) => days === 12).length, 1)
    await world.local.extending.run()
    assert.equal((await locks()).filter(([, days]) => days === 12).length, 1)
    assert.deepEqual(
      (await locks()).filter(([, days]) => days !== 12),
      before,
    )
  })

  it('longer: what is stored is locked as long, counted from when it was made', async () => {
    await world.restart(yaml('P40D', 'COMPLIANCE'), { now })
    await world.local.extending.idle()
    assert.deepEqual(await locks(), [
      ['object', 43, 'COMPLIANCE'],
      ['segment', 40, 'COMPLIANCE'],
      ['segment', 41, 'COMPLIANCE'],
      ['segment', 42, 'COMPLIANCE'],
      ['segment', 42, 'COMPLIANCE'],
    ])
    assert.equal(existsSync(join(world.data, 'retain/extend.json')), false)
  })

  it('is done once: the next start changes nothing, and an older configuration brings nothing back', async () => {
    const before = await locks()
    for (const each of [yaml('P40D', 'COMPLIANCE'), yaml('P5D', 'GOVERNANCE')]) {
      await world.restart(each, { now })
      await world.local.extending.idle()
      assert.deepEqual(await locks(), before)
    }
  })

  it('is gone on with by the next start', async () => {
    await world.restart(yaml('P50D', 'COMPLIANCE'), { now })
    await world.local.extending.idle()
    assert.ok((await locks()).every(([, days]) => days >= 50))
    // Written down before the start was sealed, and found by the next one.
    writeFileSync(join(world.data, 'retain/extend.json'), '{"format":"sealtrail/extend/1","logs":{"notifications":0,"__proto__":1,"x":-1}}')
    await world.restart(yaml('P50D', 'COMPLIANCE'), { now })
    await world.local.extending.idle()
    assert.equal(existsSync(join(world.data, 'retain/extend.json')), false)
    assert.deepEqual(await world.closeAndAudit(), [])
  })

  it('doctor tells of it before a start does', async () => {
    const file = join(world.folder, 'doctor.yaml')
    writeFileSync(file, yaml('P7D', 'COMPLIANCE'))
    const { out } = await sealtrail(['doctor', '--config', file, '--data', world.data, '--json'])
    const { findings } = JSON.parse(out) as { findings: Array<{ area: string; level: string; text: string }> }
    const told = findings.filter(({ area }) => area === 'retention')
    assert.ok(
      told.some(({ level, text }) => level === 'warn' && /notifications: COMPLIANCE for 7 days, before COMPLIANCE for 50 days/.test(text)),
      out,
    )
  })
})
