import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { fingerprintOf, sameContent } from '../../src/event/fingerprint.ts'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { keyedHashes } from '../../src/keys/hashes.ts'

const hashes = keyedHashes({ naming: randomBytes(32), token: randomBytes(32), fingerprint: randomBytes(32) })
const of = (agree: readonly JsonValue[] | null, compared: JsonObject = {}, id = 'm/READ'): string => fingerprintOf({ id, agree, compared }, hashes)
const value = fc.oneof(fc.constant(null), fc.constantFrom<JsonValue>('+13175550164', 'sms.30005', '', 7, true))
const rest = fc.oneof(fc.constant({}), fc.record({ workflow: fc.constantFrom('wf_a', 'wf_b') }))

test('two deliveries are the same exactly if they agree wherever both say something', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 3 }), rest, rest, (pairs, a, b) => {
      const agreed = pairs.every(([x, y]) => x === null || y === null || x === y)
      const full = Object.keys(a).length > 0 && Object.keys(b).length > 0
      const expected = agreed && (!full || JSON.stringify(a) === JSON.stringify(b))
      const [left, right] = [
        of(
          pairs.map(([x]) => x),
          a,
        ),
        of(
          pairs.map(([, y]) => y),
          b,
        ),
      ]
      assert.deepEqual([sameContent(left, right), sameContent(right, left)], [expected, expected])
    }),
  )
})

test('without a list all of what is compared must be equal, in 16 bytes', () => {
  assert.equal(of(null, { a: 1 }).length, 16)
  assert.ok(sameContent(of(null, { a: 1, b: 2 }), of(null, { b: 2, a: 1 })))
  for (const other of [{ a: 2 }, { a: null }, {}, { a: 1, b: 1 }]) assert.ok(!sameContent(of(null, { a: 1 }), of(null, other)))
  // One differing word is enough, at either end and between.
  const whole = of(null, { a: 1 })
  for (let at = 0; at < 16; at++) {
    const changed = whole.slice(0, at) + String.fromCharCode(whole.charCodeAt(at) ^ 1) + whole.slice(at + 1)
    assert.ok(!sameContent(whole, changed), `byte ${at}`)
  }
})

test('a fingerprint nobody knows any more is like any; a word is told from another place and another event', () => {
  const known = of(['+13175550164', null, null])
  for (const unknown of ['', '\0'.repeat(16)]) assert.ok(sameContent(known, unknown) && sameContent(unknown, known))
  const words = (text: string): string[] => [0, 4, 8, 12].map((at) => text.slice(at, at + 4))
  const [first, second] = words(of(['x', 'x', null]))
  assert.notEqual(first, second)
  // attacker: whoever reads the ledger learns nothing of who has the same address as whom.
  assert.notEqual(words(of(['x'], {}, 'm1/READ'))[0], words(of(['x'], {}, 'm2/READ'))[0])
})

test('a hash that is zero by chance is not read as "not said"', () => {
  const zero = { fingerprint: () => '\0'.repeat(16) }
  const made = fingerprintOf({ id: 'm', agree: ['x', null], compared: { a: 1 } }, zero)
  assert.equal(made, `\x01${'\0'.repeat(7)}\x01${'\0'.repeat(7)}`)
})
