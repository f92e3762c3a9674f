// A server killed between any two steps of the desk: untouched, or completed after the restart, and each record sealed once.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { Served } from '../retain/child.ts'
import { GROUND, receipt } from './policy-world.ts'

const ERASURES = '/api/v1/erasures'
const body = { person: 'external-id:contact-ann', ground: GROUND }

/** Where it dies, again and again, and what has become of it at the start after the last. */
const KILLED: ReadonlyArray<readonly [at: readonly string[], state: string | null]> = [
  // The file is there, no record names it, and nobody has an answer.
  [['erase:asked'], null],
  // Journalled and never answered: it counts, as the next start seals it.
  [['journal:after'], 'completed'],
  [['erase:meant'], 'completed'],
  [['erase:started'], 'completed'],
  [['erase:executed'], 'completed'],
  [['erase:completed'], 'completed'],
  [['erase:meant', 'erase:meant', 'erase:started', 'erase:executed', 'erase:completed'], 'completed'],
]

describe('killed between two steps of the desk', { concurrency: 2 }, () => {
  for (const [[at, ...andThen], state] of KILLED) {
    test(`at ${[at, ...andThen].join(', then ')}: ${state ?? 'untouched'}`, () =>
      inFolder(async (folder, start) => {
        const served = (await start()) as Served
        for (const contact of ['contact-ann', 'contact-ben']) await served.send('/api/v1/events', receipt(`m-${contact.slice(-3)}`, contact))
        await served.settle()
        await served.arm(at as string)
        assert.equal(await served.send(ERASURES, body), null)
        assert.equal(await served.ended, 'SIGKILL')
        for (const again of andThen) await (await start(again))?.ended

        const whole = (await start()) as Served
        await whole.settle()
        const list = (await whole.send(ERASURES))?.body['erasures'] as JsonObject[]
        assert.deepEqual(
          list.map((each) => each['state']),
          state === null ? [] : [state],
        )
        assert.deepEqual(await statesOf(whole, 'm-ann'), [state === null ? 'disclosed' : 'erased'])
        assert.deepEqual(await statesOf(whole, 'm-ben'), ['disclosed'])
        const sealed = (await whole.send('/api/v1/records?log=system&limit=1000'))?.body['records'] as JsonObject[]
        const kinds = sealed.map(({ type }) => String(type).slice('sealtrail.system.'.length)).filter((kind) => kind.startsWith('erasure'))
        assert.deepEqual(kinds, state === null ? [] : ['erasure-requested', 'erasure-started', 'erasure'], 'each once, in order')
        await whole.close()
        const files = join(folder, 'data', 'erasures')
        assert.deepEqual(readdirSync(files), [], 'nothing on disk says who it was')
        const verdicts = await auditDirectory(join(folder, 'data'), { key: null, vault: true, now: Date.now })
        assert.deepEqual(
          verdicts.flatMap(({ log, problems }) => problems.map(({ code }) => `${log} ${code}`)),
          [],
        )
      }))
  }

  test('at erase:withdrawn: withdrawn, and its file is gone', () =>
    inFolder(async (folder, start) => {
      const served = (await start(null, 'auth: { dualControl: [erase] }')) as Served
      await served.send('/api/v1/events', receipt('m-ann', 'contact-ann'))
      await served.settle()
      const asked = await served.send(ERASURES, body)
      assert.equal(asked?.status, 202)
      await served.arm('erase:withdrawn')
      assert.equal(await served.send(`${ERASURES}/${String(asked?.body['id'])}/withdraw`, { reason: 'she stays' }), null)
      const whole = (await start(null, 'auth: { dualControl: [erase] }')) as Served
      await whole.settle()
      assert.equal((await whole.send(`${ERASURES}/${String(asked?.body['id'])}`))?.body['state'], 'withdrawn')
      assert.deepEqual(await statesOf(whole, 'm-ann'), ['disclosed'])
      await whole.close()
      assert.deepEqual(readdirSync(join(folder, 'data', 'erasures')), [])
    }))
})

async function statesOf(served: Served, subject: string): Promise<string[]> {
  const records = (await served.send(`/api/v1/records?subject=${subject}`))?.body['records'] as JsonObject[]
  return [...new Set(records.flatMap((record) => Object.values(record['field_states'] as JsonObject)))] as string[]
}

type Start = (crashAt?: string | null, yaml?: string) => Promise<Served | null>

async function inFolder(work: (folder: string, start: Start) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-desk-crash-'))
  const all: Served[] = []
  try {
    await work(folder, async (crashAt = null, yaml = '') => {
      const served = new Served(folder, yaml)
      all.push(served)
      await served.open(crashAt)
      return served
    })
  } finally {
    for (const served of all) served.kill()
    await Promise.all(all.map(({ ended }) => ended))
    rmSync(folder, { recursive: true, force: true })
  }
}
