import assert from 'node:assert/strict'
import { test } from 'node:test'
import { applyCold, coldDays, coldRuleId } from '../../src/store/lifecycle.ts'
import { probeOf } from '../../src/store/verdict.ts'

test('what could not be tried was not seen', () => {
  const check = (result: 'held' | 'broken' | 'skipped', decisive = true) => ({ name: 'x', result, seen: 'x', decisive })
  assert.equal(probeOf([check('held'), check('broken', false)], 0).assurance, 'store-enforced')
  assert.equal(probeOf([check('held'), check('skipped')], 0).assurance, 'declared')
  assert.equal(probeOf([check('skipped'), check('broken')], 0).assurance, 'none')
  assert.equal(probeOf([check('held'), check('broken')], 0, 'declared').assurance, 'none')
  assert.equal(probeOf([check('held')], 0, 'declared').assurance, 'declared')
  assert.equal(probeOf([], 0).assurance, 'none')
})

test('a rule for colder classes counts whole days, never fewer than were asked for, and its id names its prefix', () => {
  const day = 86_400_000
  assert.deepEqual(
    [1, day, day + 1, 30 * day].map((afterMs) => coldDays({ afterMs, storageClass: 'X' })),
    [1, 1, 2, 30],
  )
  assert.deepEqual(['', 'a/', 'a/b.c/'].map(coldRuleId), ['sealtrail-cold', 'sealtrail-cold-a', 'sealtrail-cold-a-b-c'])
})

test('a rule is written once the lock was seen enforced, and not before', async () => {
  const asked: boolean[] = []
  const lifecycle = async (_: unknown, apply: boolean) => {
    asked.push(apply)
    return { id: 'x', rule: '{}', standing: true }
  }
  const cold = { afterMs: 86_400_000, storageClass: 'COOL' }
  for (const assurance of ['none', 'declared'] as const) assert.match(JSON.stringify(await applyCold({ lifecycle }, cold, { assurance })), /not seen enforced/)
  assert.match(JSON.stringify(await applyCold({}, cold, { assurance: 'store-enforced' })), /no classes/)
  assert.deepEqual(asked, [])
  assert.deepEqual(await applyCold({ lifecycle }, cold, { assurance: 'store-enforced' }), { rule: { id: 'x', rule: '{}', standing: true } })
  assert.deepEqual(asked, [true])
})
