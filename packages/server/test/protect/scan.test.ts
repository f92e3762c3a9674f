import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scanner } from '../../src/protect/scan.ts'

test('a scanner finds what a search for each word finds', () => {
  const letters = fc.constantFrom('a', 'b', 'c', '0', '"')
  const word = fc.array(letters, { minLength: 1, maxLength: 5 }).map((each) => each.join(''))
  const text = fc.array(fc.constantFrom('a', 'A', 'b', 'c', 'C', '0', '7', '"', 'x'), { maxLength: 30 }).map((each) => each.join(''))
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), text, (words, haystack) => {
      const plain = haystack.toLowerCase().replace(/\d/g, '0')
      assert.equal(
        scanner(words)(Buffer.from(haystack)),
        words.some((each) => plain.includes(each)),
      )
    }),
    { numRuns: 5000 },
  )
})
