// How many bytes of bodies may be under way at once, announced or not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyBudget } from '../../src/http/body.ts'
import type { Share } from '../../src/http/body.ts'

function held(budget: BodyBudget, bytes: number): Promise<{ share: Share; end: () => void }> {
  return new Promise((resolve, reject) => {
    budget.hold(bytes, (share) => new Promise<void>((end) => resolve({ share, end }))).catch(reject)
  })
}

test('shares grow while bodies come in, shrink to what they became, and are given back', async () => {
  const budget = new BodyBudget(100)
  const first = await held(budget, 60)
  await assert.rejects(held(budget, 41), { code: 'OVERLOADED' })
  const second = await held(budget, 0)
  second.share.needs(40)
  assert.throws(() => second.share.needs(41), { code: 'OVERLOADED' })
  first.share.is(10)
  second.share.needs(90)
  second.share.needs(5) // it has them already
  await assert.rejects(held(budget, 1), { code: 'OVERLOADED' })
  second.end()
  await new Promise(setImmediate)
  const third = await held(budget, 90)
  first.end()
  third.end()
})

test('one body alone is always let in; work that fails gives its bytes back', async () => {
  const budget = new BodyBudget(10)
  await assert.rejects(
    budget.hold(1_000, async () => Promise.reject(new TypeError('broken'))),
    TypeError,
  )
  const alone = await held(budget, 1_000)
  await assert.rejects(held(budget, 1), { code: 'OVERLOADED' })
  alone.end()
})
