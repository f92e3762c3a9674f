import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseRecord } from '@sealtrail/evidence'
import { parseConfig } from '../../src/config/load.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import { randomFrom, shuffled } from '../flow/harness.ts'
import { Served } from './child.ts'

const YAML = `
trails:
  notifications:
    retain: { period: P30D, classes: { phi: { period: P6Y }, tcpa: { period: P4Y } } }
`
const LOGS = ['notifications', 'default.notifications.phi', 'default.notifications.tcpa']
const TAGS = [undefined, 'phi', 'tcpa', 'unheard-of']
const random = randomFrom(11)

/** Receipts of a dozen messages, each of them with tags that disagree. */
const EVENTS: readonly JsonObject[] = Array.from({ length: 12 }, (_, n) =>
  ['DELIVERED', 'READ', 'FAILED', 'EXPIRED'].map((status) => {
    const tag = TAGS[Math.floor(random() * TAGS.length)]
    return { message_uuid: `m-${n}`, delivery_status: status, customer_external_id: `c-${n % 3}`, ...(tag === undefined ? {} : { regulatory_tag: tag }) }
  }),
).flat()

/** Audit id → where its record was promised to be. */
type Promised = Map<string, { log: string; index: number }>

async function send(served: Served, events: readonly JsonObject[], promised: Promised): Promise<boolean> {
  const answer = await served.send('/api/v1/events', events)
  if (answer === null) return false
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  for (const { auditid, outcome, receipt } of answer.body as unknown as JsonObject[]) {
    assert.ok(['sealed', 'duplicate'].includes(String(outcome)), String(outcome))
    const { log, index } = receipt as unknown as { log: string; index: number }
    const before = promised.get(String(auditid))
    if (before !== undefined) assert.deepEqual({ log, index }, before)
    promised.set(String(auditid), { log, index })
  }
  return true
}

describe('killed at any step, a subject is in one log, and everything promised is where it was promised', { concurrency: 2 }, () => {
  const steps: ReadonlyArray<[string, ...string[]]> = [['journal:written'], ['journal:after', 'replay:placed'], ['keep-longer:after'], ['seal:after-put']]
  const more: typeof steps = [
    ['journal:before'],
    ['vault:before'],
    ['journal:synced'],
    ['vault:after'],
    ['seal:after-put', 'recover:after-swap'],
    ['seal:after-swap', 'catch-up:written'],
    ['publish:after'],
    ['ledger:after'],
  ]
  for (const [at, ...andThen] of process.env['SLOW'] === '1' ? [...steps, ...more] : steps) {
    test([at, ...andThen].join(', then '), async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sealtrail-classes-'))
      const promised: Promised = new Map()
      const children: Served[] = []
      const start = async (crashAt: string | null = null): Promise<Served | null> => {
        const served = new Served(folder, YAML)
        children.push(served)
        return (await served.open(crashAt)) === null ? null : served
      }
      try {
        const served = (await start()) as Served
        await send(served, shuffled(EVENTS.slice(0, 20), random), promised)
        await served.arm(at)
        // Two senders at once, so that events of one subject cross.
        await Promise.all([send(served, shuffled(EVENTS.slice(10, 40), random), promised), send(served, shuffled(EVENTS.slice(18), random), promised)])
        await served.settle()
        assert.equal(await served.ended, 'SIGKILL')
        for (const again of andThen) await start(again)
        const whole = (await start()) as Served
        assert.ok(await send(whole, shuffled(EVENTS, random), promised))
        await whole.close()
        await check(folder, promised)
      } finally {
        for (const each of children) each.kill()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  }
})

async function check(folder: string, promised: Promised): Promise<void> {
  const { config } = parseConfig(YAML, 'sealtrail.yaml', folder, { cwd: folder, env: {}, data: join(folder, 'data') })
  const local = await openLocal(config, { log: createLog({ level: 'error', now: Date.now }) })
  const homes = new Map<string, string>()
  const ids = new Map<string, { log: string; index: number }>()
  const flagged = new Set<string>()
  try {
    const { records, sizes } = local.sealing
    for (const log of LOGS) {
      const counts = new Map<string, number>()
      let index = 0
      for await (const bytes of records.range(log, 0, sizes.get(log))) {
        const { auditid, subject, subjectsequence } = parseRecord(bytes)
        assert.ok(!ids.has(auditid), 'sealed once')
        ids.set(auditid, { log, index: index++ })
        assert.equal(homes.get(subject) ?? log, log, `${subject} is in one log`)
        homes.set(subject, log)
        counts.set(subject, (counts.get(subject) ?? 0) + 1)
        assert.equal(subjectsequence, counts.get(subject))
      }
    }
    assert.equal(ids.size, EVENTS.length)
    for (const [auditid, place] of promised) assert.deepEqual(ids.get(auditid), place)
    for await (const bytes of records.range('system', 0, sizes.get('system'))) {
      const { type, data } = parseRecord(bytes)
      if (type === 'sealtrail.system.flag') flagged.add(`${String(data['log'])} ${String(data['subject'])}`)
    }
  } finally {
    await local.close()
  }
  // A subject in a log that ends before what one of its events asks for is flagged.
  const order = ['notifications', 'default.notifications.tcpa', 'default.notifications.phi']
  const asks = (tag: unknown): string => (tag === undefined ? 'notifications' : tag === 'tcpa' ? 'default.notifications.tcpa' : 'default.notifications.phi')
  for (const { message_uuid, regulatory_tag } of EVENTS) {
    const log = homes.get(String(message_uuid)) as string
    if (order.indexOf(asks(regulatory_tag)) > order.indexOf(log))
      assert.ok(flagged.has(`${log} ${String(message_uuid)}`), `${String(message_uuid)} is kept longer`)
  }
  const verdicts = await auditDirectory(config.data, { key: null, vault: true, now: Date.now })
  assert.deepEqual(
    verdicts.flatMap(({ log, problems }) => problems.map(({ code }) => `${log} ${code}`)),
    [],
  )
}
