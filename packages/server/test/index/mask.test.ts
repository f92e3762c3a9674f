import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonValue } from '../../src/event/json.ts'
import { HIDDEN, masked } from '../../src/index/mask.ts'
import type { Mask } from '../../src/pack/pack.ts'

const RUNS = { numRuns: process.env['SLOW'] === '1' ? 20_000 : 500 }
const NAMED: readonly Mask[] = ['card', 'card-8', 'phone', 'email', 'address', 'last4']
const anyMask = fc.oneof(
  fc.constantFrom(...NAMED),
  fc.record({ first: fc.nat(6), last: fc.nat(4) }).filter(({ first, last }) => first + last > 0),
) as fc.Arbitrary<Mask>
const graphemes = (text: string): number => [...new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text)].length
/** What is left of a masked text without what stands for the hidden. */
const shown = (text: string): string => text.replaceAll(HIDDEN, '').replace(/^(.*)@\./, '$1')

test('what each mask shows', () => {
  const cases: ReadonlyArray<readonly [JsonValue, Mask, string]> = [
    ['4111111111111111', 'card', '411111***1111'],
    ['4111 1111-1111 1111', 'card', '411111***1111'],
    [4111111111111111, 'card', '411111***1111'],
    ['4111111111111111', 'card-8', '41111111***1111'],
    ['371449635398431', 'card-8', '371449***8431'],
    ['36227206271667', 'card', '362272***1667'],
    ['4222222222222', 'card', '***2222'],
    ['411111111111', 'card', '***1111'],
    ['41111111111', 'card', '***'],
    ['41111111111111111111', 'card', '***'],
    ['4111111111111111 Jane', 'card', '***'],
    ['\u0664111111111111111', 'card', '***'],
    ['4111111111111111', 'last4', '***1111'],
    ['4111111111111111', { first: 6, last: 4 }, '***'],
    ['4111111111111111', { first: 4, last: 4 }, '4111***1111'],
    ['+1 (317) 555-0142', 'phone', '***0142'],
    ['tel:+13175550142', 'phone', '***0142'],
    ['sip:+13175550142@host.example', 'address', '***0142'],
    ['5550142', 'phone', '***'],
    ['anonymous', 'phone', '***'],
    ['jane.roe@example.com', 'email', 'j***@***.com'],
    ['mailto:Jane@Example.COM', 'address', 'J***@***.COM'],
    ['j@example.com', 'email', '***'],
    ['jr@b.com', 'email', '***'],
    ['123-45-6789', 'last4', '***6789'],
    ['1234567', 'last4', '***'],
    ['Jane', { first: 2, last: 1 }, '***'],
    ['Jane Roe', { first: 2, last: 1 }, 'Ja***e'],
    ['👨‍👩‍👧‍👦 Roe', { first: 1, last: 1 }, '***'],
    ['', 'last4', '***'],
    [['+13175550142', '+13175550143', 'x'], 'phone', '***0142, ***0143, ***'],
    [{ number: '+13175550142' }, 'phone', '***'],
    [[['+13175550142']], 'phone', '***'],
    [null, 'phone', '***'],
    [true, 'last4', '***'],
  ]
  for (const [value, mask, expected] of cases) assert.equal(masked(value, mask), expected, JSON.stringify([value, mask]))
})

test('no mask shows more than half of a text, nor more than it says, however the text is written', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('e', '\u0301', '\u200d', '👩', '🏽', '🇩', '7', ' '), maxLength: 40 }),
    fc.emailAddress(),
    fc.stringMatching(/^\+?[\d ().-]{3,24}$/),
  )
  fc.assert(
    fc.property(text, anyMask, (value, mask) => {
      const out = masked(value, mask)
      if (out === HIDDEN) return
      assert.ok(out.includes(HIDDEN))
      // A card number's own rule is PCI's: it shows up to twelve of sixteen.
      if (mask === 'card' || mask === 'card-8') return
      const visible = shown(out)
      assert.ok(2 * visible.length <= value.length, `${JSON.stringify(value)} ${JSON.stringify(mask)} ${out}`)
      if (typeof mask === 'object') assert.ok(graphemes(visible) <= mask.first + mask.last)
      assert.ok(!out.includes(value))
    }),
    RUNS,
  )
})

test('of digits in any number and grouping a card mask shows at most BIN and last four, and hides four', () => {
  const digits = fc
    .array(fc.tuple(fc.nat(9), fc.constantFrom('', '', '', ' ', '-')), { maxLength: 24 })
    .map((parts) => parts.map(([digit, gap]) => `${digit}${gap}`).join(''))
  fc.assert(
    fc.property(digits, fc.constantFrom<Mask>('card', 'card-8', 'last4', 'phone', 'address'), (value, mask) => {
      const all = value.replace(/\D/g, '')
      const [head = '', tail = ''] = masked(value, mask).split(HIDDEN)
      assert.ok(head.length <= (mask === 'card-8' && all.length >= 16 ? 8 : 6))
      assert.ok(tail.replace(/\D/g, '').length <= 4)
      if (head + tail !== '' && mask !== 'last4') assert.ok(all.length - (head + tail).replace(/\D/g, '').length >= 4)
    }),
    RUNS,
  )
})

test('a long value costs no more than its ends', () => {
  const long = 'e\u0301'.repeat(2_000_000)
  assert.equal(masked(long, { first: 1, last: 1 }), 'e\u0301***e\u0301')
  assert.equal(masked('e' + '\u0301'.repeat(4_000_000) + 'abc', { first: 1, last: 1 }), HIDDEN, 'one character that is nearly all of it')
})
