import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parseRecord } from '@sealtrail/evidence'
import { auditDirectory } from '../../src/config/open-audit.ts'
import { openStore } from '../../src/config/open-store.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { unpackSync } from '../../src/store/unpack.ts'
import { Served } from './child.ts'

const receipt = (message: string, status: string): JsonObject => ({ message_uuid: message, delivery_status: status, customer_external_id: 'c' })

/** Which segments hold a record of the subject, and which of all are on hold. */
async function look(folder: string, subject: string): Promise<{ ours: string[]; held: string[] }> {
  const { config } = parseConfig('', 'sealtrail.yaml', folder, { cwd: folder, env: {}, data: join(folder, 'data') })
  const store = await openStore(config, { readOnly: true })
  const [ours, held]: [string[], string[]] = [[], []]
  for await (const { key } of store.list('notifications/segment/')) {
    if ((await store.held(key))?.legalHold === true) held.push(key)
    const lines = Buffer.from(unpackSync((await store.get(key)) as Uint8Array))
      .toString()
      .trim()
      .split('\n')
      .slice(1, -1)
    if (lines.some((line) => parseRecord(Buffer.from(line)).subject === subject)) ours.push(key)
  }
  await store.close()
  return { ours, held }
}

const listed = async (served: Served): Promise<JsonObject[]> => (await served.send('/api/v1/holds'))?.body['holds'] as JsonObject[]

const SEALING: ReadonlyArray<readonly string[]> = [
  ['journal:after'],
  ['seal:after-put'],
  ['hold:sealed'],
  ['hold:object'],
  ['hold:object#2', 'hold:object#3'],
  ['hold:objects', 'hold:objects'],
]

describe('killed at any step, a hold that was sealed is on all its objects, and one that was released on none', { concurrency: 2 }, () => {
  for (const [at, ...andThen] of process.env['SLOW'] === '1' ? SEALING : SEALING.filter((_, i) => i !== 1 && i !== 3)) {
    test(`placed: ${[at, ...andThen].join(', then ')}`, () =>
      inFolder(async (folder, start) => {
        const served = (await start()) as Served
        for (const status of ['DELIVERED', 'READ', 'FAILED'])
          for (const message of ['ours', 'other']) await served.send('/api/v1/events', receipt(message, status))
        await served.settle()
        await served.arm(at as string)
        assert.equal(await served.send('/api/v1/holds', { subject: 'ours', reason: 'matter 1' }), null)
        for (const again of andThen) {
          const next = await start(again)
          // It dies as soon as it has come to the objects.
          await next?.ended
        }
        const whole = (await start()) as Served
        await whole.settle()
        const [hold] = await listed(whole)
        assert.deepEqual([hold?.['state'], hold?.['subject']], ['placed', 'ours'])
        await whole.send('/api/v1/events', receipt('ours', 'EXPIRED'))
        await whole.settle()
        assert.equal((await listed(whole))[0]?.['objects'], 3)
        await whole.close()
        const { ours, held } = await look(folder, 'ours')
        assert.deepEqual([ours.length, held], [4, ours])
      }))
  }

  const RELEASING: ReadonlyArray<readonly string[]> = [
    ['journal:after'],
    ['hold:sealed'],
    ['hold:let'],
    ['hold:let#2', 'hold:let'],
    ['hold:released', 'hold:released'],
  ]
  for (const [at, ...andThen] of process.env['SLOW'] === '1' ? RELEASING : RELEASING.slice(2)) {
    test(`released: ${[at, ...andThen].join(', then ')}`, () =>
      inFolder(async (folder, start) => {
        const served = (await start()) as Served
        for (const status of ['DELIVERED', 'READ', 'FAILED'])
          for (const message of ['ours', 'other']) await served.send('/api/v1/events', receipt(message, status))
        await served.settle()
        const { id } = ((await served.send('/api/v1/holds', { subject: 'ours', reason: 'matter 1' })) as { body: JsonObject }).body
        await served.send('/api/v1/holds', { subject: 'other', reason: 'another matter' })
        await served.arm(at as string)
        assert.equal(await served.send(`/api/v1/holds/${String(id)}/release`, { reason: 'closed' }), null)
        for (const again of andThen) await (await start(again))?.ended
        const whole = (await start()) as Served
        await whole.settle()
        const holds = await listed(whole)
        assert.deepEqual(
          holds.map(({ state, objects }) => [state, objects !== null]),
          [
            ['placed', true],
            ['released', true],
          ],
        )
        await whole.close()
        assert.deepEqual((await look(folder, 'ours')).held, (await look(folder, 'other')).ours)
      }))
  }
})

async function inFolder(work: (folder: string, start: (crashAt?: string) => Promise<Served | null>) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-holds-'))
  const children: Served[] = []
  const start = async (crashAt: string | null = null): Promise<Served | null> => {
    const served = new Served(folder, '')
    children.push(served)
    return (await served.open(crashAt)) === null ? null : served
  }
  try {
    await work(folder, start)
    const verdicts = await auditDirectory(join(folder, 'data'), { key: null, vault: true, now: Date.now })
    assert.deepEqual(
      verdicts.flatMap(({ log, problems }) => problems.map(({ code }) => `${log} ${code}`)),
      [],
    )
  } finally {
    for (const each of children) each.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
