import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEAP_MS, LeapGuard } from '../../src/retain/clock.ts'

const HOUR = 3_600_000
const T = Date.UTC(2026, 0, 5)

test('a clock that leaps is not believed, however it comes to it, until somebody answers for it', () => {
  let passed = 0
  const guard = new LeapGuard(T, T + HOUR, () => passed)
  assert.equal(guard.check(T + HOUR + LEAP_MS), null)
  // Believed, so that days in a row are no leap.
  assert.equal(guard.check(T + HOUR + 2 * LEAP_MS), null)
  assert.match(guard.check(T + HOUR + 4 * LEAP_MS + 1) ?? '', /nothing expires/)
  assert.match(guard.check(T + 1000 * LEAP_MS) ?? '', /nothing expires/, 'asking again does not wear it down')
  passed += LEAP_MS + 1
  assert.equal(guard.check(T + HOUR + 4 * LEAP_MS + 1), null, 'so much time has passed by a clock nobody sets')
  assert.notEqual(guard.check(T + 30 * LEAP_MS), null)
  guard.confirm(T + 30 * LEAP_MS)
  assert.equal(guard.check(T + 30 * LEAP_MS), null)
  guard.confirm(T)
  assert.equal(guard.check(T + 31 * LEAP_MS), null, 'nobody confirms it back')
})

test('a start beyond what was sealed before it is a leap too; the first start of all is none', () => {
  assert.notEqual(new LeapGuard(T, T + LEAP_MS + 1, () => 0).check(T + LEAP_MS + 1), null)
  assert.equal(new LeapGuard(T, T + LEAP_MS, () => 0).check(T + LEAP_MS), null)
  assert.equal(new LeapGuard(null, T, () => 0).check(T), null)
  assert.notEqual(new LeapGuard(null, T, () => 0).check(T + LEAP_MS + 1), null)
  assert.equal(new LeapGuard(T, T - 9 * LEAP_MS, () => 0).check(T - 9 * LEAP_MS), null, 'behind is for others to say')
})
