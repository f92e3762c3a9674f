import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Book, Child, LARGE, comesBackWhole, range, temporary } from './harness.ts'

/** In the order of the flow: an object is whole before the entry that names it is anywhere. */
const STEPS: ReadonlyArray<readonly [at: string, andThen?: string]> = [
  ['single:declared'],
  ['single:linked#2'],
  ['object:after'],
  ['journal:before'],
  ['journal:written'],
  ['journal:after'],
  ['journal:after', 'replay:placed'],
  ['seal:before-put'],
  ['seal:after-put', 'recover:after-swap'],
  ['seal:after-swap', 'catch-up:written'],
  ['ledger:after'],
]

describe('killed at every step with records that name objects, none is promised whose object is not there', { concurrency: 3 }, () => {
  for (const [at, andThen] of STEPS) {
    test([at, ...(andThen === undefined ? [] : [andThen])].join(', then '), async () => {
      const { data, remove } = temporary()
      const book = new Book()
      const child = new Child(data, book)
      const next = andThen === undefined ? null : new Child(data, book)
      try {
        await child.open()
        await child.submit('notifications', [...range(0, 5), LARGE, LARGE + 1])
        child.arm(at)
        await child.submit('notifications', [LARGE + 1, ...range(3, 10), LARGE + 2, LARGE + 3, LARGE + 4])
        assert.equal(await child.ended, 'SIGKILL')
        if (next !== null) {
          assert.equal(await next.open(andThen), null)
          assert.equal(await next.ended, 'SIGKILL')
        }
        await comesBackWhole(data, book)
        const folder = join(data, 'store', 'notifications', 'object')
        const names = readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name))
        // Five are named; what an attempt left that was never acknowledged does no harm.
        assert.ok(names.length >= 5 && names.length <= 8, String(names.length))
        for (const name of names) assert.ok(existsSync(join(folder, `${name}.lock`)))
      } finally {
        child.kill()
        next?.kill()
        remove()
      }
    })
  }
})
