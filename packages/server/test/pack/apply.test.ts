import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { filter } from '../../src/filter/filter.ts'
import { map } from '../../src/map/map.ts'
import { sampleInput } from '../../src/pack/check.ts'
import { loadPack } from '../../src/pack/load.ts'
import { ERRORS } from '../../src/errors.ts'
import { input } from './input.ts'

const PACKS = join(import.meta.dirname, '../../../../packs')
const names = ['genesys-interactions', 'genesys-notifications']
const packs = names.map((name) => loadPack(join(PACKS, name)))
const context = { tenant: 'default' }
const samples = names.flatMap((name) =>
  readdirSync(join(PACKS, name, 'samples')).map((file) => sampleInput(readFileSync(join(PACKS, name, 'samples', file))).value!),
)

/** A marker that must not get out of the data. */
const SECRET = 'Zq7SecretValue'

const replacement: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>(null, true, 0, -1, 1e308, 0.5, '', SECRET, [], {}, [null], [[]], { id: SECRET }, [SECRET], { toString: SECRET }, { length: 2 }),
  fc.jsonValue() as fc.Arbitrary<JsonValue>,
)

/** Replaces the n-th value of a copy, counted depth first. */
function damaged(value: JsonObject, n: number, by: JsonValue, remove: boolean): JsonObject {
  const copy = structuredClone(value)
  const places: { holder: JsonObject; key: string }[] = []
  const visit = (holder: JsonValue): void => {
    if (holder === null || typeof holder !== 'object') return
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as JsonObject, key })
      visit((holder as JsonObject)[key]!)
    }
  }
  visit(copy)
  if (places.length === 0) return copy
  const place = places[n % places.length]!
  if (remove) delete place.holder[place.key]
  else place.holder[place.key] = by
  return copy
}

describe('apply', () => {
  it('never throws, and shows no value in a message, whatever one damaged place holds', () => {
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(500), replacement, fc.boolean(), fc.nat(500), replacement, (sample, n, by, remove, m, again) => {
        const value = damaged(damaged(sample, n, by, remove), m, again, false)
        for (const pack of packs) {
          const result = pack.apply(input(value), context)
          if (result.kind === 'error') {
            assert.ok(result.code in ERRORS)
            assert.ok(!result.message.includes(SECRET), result.message)
          } else if (result.kind === 'events') {
            assert.ok(result.events.length + result.dropped > 0, 'nothing is lost uncounted')
            for (const event of result.events) {
              assert.ok(event.id.length > 0 && event.subject.length > 0)
              assert.ok(event.time === null ? Number.isNaN(event.timeMs) : Date.parse(event.time) === event.timeMs)
            }
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('never throws on any JSON object', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.oneof(
            fc.constantFrom(
              'detail',
              'detail-type',
              'topicName',
              'eventBody',
              '__proto__',
              'status',
              'message_id',
              'entities',
              'normalizedReceipts',
              'audit_id',
              'interactionId',
              'eventType',
              'timestamp',
            ),
            fc.string(),
          ),
          replacement,
        ),
        (value) => {
          for (const pack of packs) assert.ok(['events', 'unmatched', 'error'].includes(pack.apply(input(value as JsonObject), context).kind))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('is pure: the input stays as it was, and the same input gives the same again', () => {
    for (const value of samples) {
      const before = JSON.stringify(value)
      for (const pack of packs) assert.deepEqual(pack.apply(input(value), context), pack.apply(input(structuredClone(value)), context))
      assert.equal(JSON.stringify(value), before)
    }
  })

  it('an input without a value is matched by nobody', () => {
    for (const pack of packs) assert.deepEqual(pack.apply(input(null), context), { kind: 'unmatched' })
  })

  it('the filter and map steps say what apply says, the first pack that knows an input taking it', () => {
    for (const value of [...samples, { nobody: 'knows' }]) {
      const filtered = filter(packs, input(value), context)
      const result = filtered.kind === 'kept' ? map(filtered.pack, filtered.kept, filtered.dropped, input(value), context) : filtered
      const taker = packs.find((pack) => pack.apply(input(value), context).kind !== 'unmatched')
      assert.deepEqual(result, taker === undefined ? { kind: 'unmatched' } : { ...taker.apply(input(value), context), trail: taker.trail })
    }
  })
})
