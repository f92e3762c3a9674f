import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coldDays, coldRuleId } from '../../src/store/lifecycle.ts'
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
