import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '@sealtrail/evidence'
import { Served } from '../retain/child.ts'
import { ADA, YAML, erasedWhole, everything, lookBefore } from './erased-world.ts'
import type { Before } from './erased-world.ts'

/** Points at which it dies, one start after the other; the last start is left alone. */
const KILLS: ReadonlyArray<readonly string[]> = [
  ['erase:asked'],
  ['journal:after'],
  ['seal:after-put'],
  ['seal:after-put#2'],
  ['erase:meant'],
  ['erase:started'],
  ['erase:condemned'],
  ['erase:work'],
  ['vault:destroyed'],
  ['erase:destroyed'],
  ['vault:redacted'],
  ['erase:redacted'],
  ['erase:index'],
  ['erase:index#2'],
  ['erase:ledger'],
  ['erase:ledger#2'],
  ['erase:forgotten'],
  ['erase:turned'],
  ['journal:created'],
  ['journal:released'],
  ['erase:journal'],
  ['erase:exports-known'],
  ['erase:exports'],
  ['vault:rewritten'],
  ['erase:scrubbed'],
  ['erase:searched'],
  ['erase:stored'],
  ['erase:executed'],
  ['erase:completed'],
  // Again at the next start, at the same step, an earlier one, a later one.
  ['erase:started', 'erase:condemned'],
  ['erase:work', 'erase:work'],
  ['erase:work', 'erase:destroyed', 'erase:redacted'],
  ['vault:destroyed', 'erase:work'],
  ['erase:destroyed', 'erase:destroyed'],
  ['erase:destroyed', 'vault:redacted'],
  ['vault:redacted', 'erase:condemned', 'erase:redacted'],
  ['erase:redacted', 'erase:work'],
  ['erase:ledger', 'erase:index'],
  ['erase:forgotten', 'erase:turned'],
  ['erase:turned', 'erase:journal', 'erase:journal'],
  ['erase:exports-known', 'erase:exports-known'],
  ['erase:exports-known', 'erase:exports', 'erase:scrubbed'],
  ['vault:rewritten', 'vault:rewritten'],
  ['erase:scrubbed', 'erase:work'],
  ['erase:searched', 'erase:stored'],
  ['erase:stored', 'erase:stored', 'erase:stored'],
  ['erase:executed', 'erase:destroyed'],
  ['erase:executed', 'erase:executed'],
  ['erase:completed', 'open:keys'],
  ['erase:condemned', 'erase:redacted', 'erase:ledger', 'erase:searched'],
]

describe('killed at any step, an erasure has not begun or is completed at the next start, once', { concurrency: 2 }, () => {
  let template: string
  let known: Before
  before(async () => {
    template = mkdtempSync(join(tmpdir(), 'sealtrail-erase-template-'))
    const served = new Served(template, YAML)
    try {
      assert.ok((await served.open()) !== null)
      for (const event of everything()) await served.send('/api/v1/events', event)
      await served.settle()
      // A bundle with her values, and one without her.
      for (const subject of ['a0', 'b0']) {
        const made = await served.send('/api/v1/exports', { subject }, 'ann', 'officer')
        assert.ok(made !== null && made.status < 300, JSON.stringify(made))
      }
      for (let ready = 0; ready < 2;) {
        const list = (await served.send('/api/v1/exports'))?.body['exports'] as JsonObject[]
        ready = list.filter(({ state }) => state === 'ready').length
        assert.ok(!list.some(({ state }) => state === 'failed'), JSON.stringify(list))
      }
      await served.settle()
      await served.close()
    } finally {
      served.kill()
    }
    known = await lookBefore(template)
  })
  after(() => rmSync(template, { recursive: true, force: true }))

  assert.equal(KILLS.length, 50)
  for (const [first, ...then] of KILLS)
    test([first, ...then].join(', then '), async () => {
      const folder = mkdtempSync(join(tmpdir(), 'sealtrail-erase-'))
      cpSync(template, folder, { recursive: true })
      const children: Served[] = []
      const start = async (crashAt: string | null = null): Promise<Served | null> => {
        const served = new Served(folder, YAML)
        children.push(served)
        return (await served.open(crashAt)) === null ? null : served
      }
      try {
        const served = (await start()) as Served
        await served.arm(first as string)
        const asked = { person: ADA, ground: 'GDPR Art. 17(1)(b)', reference: 'T-1' }
        const answered = await served.send('/api/v1/erasures', asked, 'ann', 'officer')
        // Where the answer came first it dies on its own a moment later, or has passed that point before.
        if (answered === null) assert.equal(await served.ended, 'SIGKILL')
        else if (first === 'erase:completed') await served.ended
        else assert.fail(`it went past ${first}: ${JSON.stringify(answered)}`)
        for (const again of then) {
          const next = await start(again)
          assert.equal(await (next ?? (children.at(-1) as Served)).ended, 'SIGKILL')
        }
        const whole = (await start()) as Served
        await whole.settle()
        const list = async (): Promise<JsonObject[]> => (await whole.send('/api/v1/erasures'))?.body['erasures'] as JsonObject[]
        if ((await list()).length === 0) {
          // Nothing of the request is sealed: untouched. It is asked for once more.
          const again = await whole.send('/api/v1/erasures', asked, 'ann', 'officer')
          assert.ok(again !== null && again.status < 300, JSON.stringify(again))
          await whole.settle()
        }
        assert.deepEqual(
          (await list()).map(({ state }) => state),
          ['completed'],
        )
        await whole.close()
        const body = await erasedWhole(folder, known, RECORDS)
        assert.deepEqual(
          body.notReached.filter(({ what }) => what === 'export').map(({ detail }) => /^export [0-9a-f]{32}, made for ann/.test(detail)),
          [true],
        )
        // Of hers one of each name, as they were never said together; of her call and of the input that names her.
        assert.deepEqual([body.method.destroyed, body.method.removed.exports], [{ person: 2, interactions: 2 }, 1])
      } finally {
        for (const each of children) each.kill()
        rmSync(folder, { recursive: true, force: true })
      }
    })
})

/** Six receipts, three events of her call, one input that no pack could read. */
const RECORDS = 10
