import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Marks } from '../../src/journal/marks.ts'

test('the low-water mark never passes an entry that is still needed, and reaches the end when none is', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ file: fc.integer({ min: 1, max: 6 }), done: fc.boolean() }), { maxLength: 40 }), (entries) => {
      const marks = new Marks()
      const end = { file: 6, offset: 1_000 }
      entries.forEach(({ file }, i) => marks.add({ file, offset: i }))
      entries.forEach(({ file, done }, i) => done && marks.done({ file, offset: i }))
      const low = marks.low(end)
      const needed = entries.filter(({ done }) => !done).map(({ file }) => file)
      if (needed.length === 0) assert.deepEqual(low, end)
      else assert.deepEqual(low, { file: Math.min(...needed), offset: 0 })
    }),
  )
})
