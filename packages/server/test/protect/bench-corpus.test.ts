// The corpus of `npm run bench:detect`: floors of precision and recall, and no ordinary event refused.
import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { corpus } from '../../bench/detect/corpus.ts'
import { clearEvent, protectEvent } from '../../bench/detect/clear.ts'
import { FLOORS, ours, scored } from '../../bench/detect/score.ts'
import type { Input } from '../../src/event/input.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { sampleInput } from '../../src/pack/check.ts'
import { loadPack } from '../../src/pack/load.ts'
import { sensitiveInput } from '../../src/protect/sensitive-input.ts'

const ROOT = join(import.meta.dirname, '../../../..')
const items = corpus()
let mapped = 0
const packs = readdirSync(join(ROOT, 'packs')).map((name) => loadPack(join(ROOT, 'packs', name)))

test('the corpus is large, every item is there once, and every kind and way is in it', () => {
  assert.ok(items.length >= 1_400, String(items.length))
  assert.equal(new Set(items.map(({ shown }) => shown)).size, items.length)
  for (const kind of ['none', ...Object.keys(FLOORS)]) assert.ok(items.filter(({ label }) => label === kind).length >= 15, kind)
})

test('precision and recall of every kind are above their floors', () => {
  const { scores, falsePositives, falseNegatives } = scored(items, ours)
  const below = scores.filter(({ kind, precision, recall }) => precision < FLOORS[kind].precision || recall < FLOORS[kind].recall)
  assert.deepEqual(below, [], JSON.stringify([...falsePositives, ...falseNegatives].map(({ item, said }) => `${item.shown}: ${said}, not ${item.label}`)))
})

test('of ordinary events none is refused, and nothing in them is found personal', () => {
  mapped = 0
  for (const { event, label, group } of items) {
    if (!group.startsWith('events')) continue
    assert.equal(label, 'none')
    assert.deepEqual(clearEvent(event).hits, [], JSON.stringify(event))
    assert.deepEqual(refusals(event), [])
  }
  assert.ok(mapped > 15, `packs take many of them, not ${mapped}`)
})

test('of the packs’ samples none is refused, whatever their ids, times and durations are', () => {
  let samples = 0
  for (const name of readdirSync(join(ROOT, 'packs'))) {
    for (const file of readdirSync(join(ROOT, 'packs', name, 'samples'))) {
      if (!file.endsWith('.json')) continue
      samples++
      const bytes = readFileSync(join(ROOT, 'packs', name, 'samples', file))
      assert.deepEqual(refusals(JSON.parse(bytes.toString()) as JsonObject, sampleInput(bytes)), [], file)
      for (let round = 0; round < 8; round++) {
        const other = bytes
          .toString()
          .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi, () => randomUUID())
          .replace(/\b17\d{11}\b/g, () => String(1_700_000_000_000 + randomInt(3e11)))
          .replace(/(?<=DurationMs": ?)\d+/g, () => String(randomInt(1e7)))
        assert.deepEqual(refusals(JSON.parse(other) as JsonObject, sampleInput(Buffer.from(other))), [], other)
      }
    }
  }
  assert.ok(samples > 50)
})

const PAYLOADS = join(ROOT, '../shared/payloads')
test('of payloads that platforms publish none is refused', { skip: !existsSync(PAYLOADS) && 'they are not beside this checkout' }, () => {
  for (const file of readdirSync(PAYLOADS)) {
    if (!file.endsWith('.json')) continue
    for (const each of [JSON.parse(readFileSync(join(PAYLOADS, file), 'utf8')) as JsonObject | JsonObject[]].flat()) assert.deepEqual(refusals(each), [], file)
  }
})

/** Why an event would be refused or quarantined, whichever pack takes it. */
function refusals(event: JsonObject, input: Input = sampleInput(Buffer.from(JSON.stringify(event)))): string[] {
  const found = sensitiveInput(input.value, input.bytes)
  for (const pack of packs) {
    const result = pack.apply(input, { tenant: 'default' })
    if (result.kind !== 'events') continue
    for (const each of result.events) {
      mapped++
      const { kind } = protectEvent(each, pack.fields)
      if (kind !== 'protected') found.push(`${pack.name}: ${kind}`)
    }
  }
  return found
}
