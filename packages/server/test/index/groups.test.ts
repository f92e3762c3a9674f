import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Fields } from '../../src/index/fields.ts'
import { fieldsMatch } from '../../src/index/facets.ts'
import { Groups, decodeGroup, encodeGroup, groupDecides } from '../../src/index/level/groups.ts'
import { groupMatches } from '../../src/index/facets.ts'
import type { Group } from '../../src/index/facets.ts'
import type { Facets } from '../../src/index/index.ts'

const word = fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', ',', '1', '-'), fc.string({ unit: 'binary', maxLength: 4 }))
const record = fc.record({ type: word, status: word, tag: word, schema: word })
const facets = fc.record({ type: word, status: word, tag: word, schema: word }, { requiredKeys: [] })

test('whatever senders write into tags, a search never misses a group that holds a match', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), facets, fc.integer({ min: 1, max: 6 }), (records, wanted, max) => {
      const made = new Map<number, Group>()
      const groups = new Groups([], max)
      const placed = records.map((fields) => ({
        fields: fields as Fields,
        number: groups.numberOf(fields as Fields, (number, group) => made.set(number, decodeGroup(encodeGroup(group)))),
      }))
      assert.ok(made.size <= 2 * max + 1)
      // A reader that knows only what was written, and a writer that starts again from it, agree.
      const again = new Groups(made, max)
      for (const { fields, number } of placed) {
        const group = made.get(number) as Group
        assert.equal(
          again.numberOf(fields, () => assert.fail('made again')),
          number,
        )
        if (fieldsMatch(fields, wanted as Facets)) assert.ok(groupMatches(group, wanted as Facets))
        else if (groupMatches(group, wanted as Facets)) assert.equal(groupDecides(group, wanted as Facets), false)
      }
    }),
    { numRuns: 2000 },
  )
})
