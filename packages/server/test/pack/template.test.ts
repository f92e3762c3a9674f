import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { JsonValue } from '../../src/event/json.ts'
import { ExpressionError, newScope } from '../../src/pack/expression/scope.ts'
import { templateAt } from '../../src/pack/template.ts'
import { isoText, readTime } from '../../src/pack/time.ts'
import { TopicTable } from '../../src/pack/topics.ts'
import { Place } from '../../src/pack/yaml.ts'

function run(template: JsonValue, event: JsonValue): JsonValue {
  const scope = newScope({})
  scope.event = event
  return templateAt(Place.parse(JSON.stringify(template), 'x')).run(scope)
}

describe('templates', () => {
  it('a whole string keeps the type, a mixed one becomes text, null is nothing in it', () => {
    const event = { n: 1.5, b: false, l: [1], m: { k: 'v' }, s: 'x' }
    for (const [template, expected] of [
      ['{{event.n}}', 1.5],
      ['{{ event.b }}', false],
      ['{{event.l}}', [1]],
      ['{{event.m}}', { k: 'v' }],
      ['{{event.none.at.all}}', null],
      ['{{event.n}}{{event.b}}-{{event.none}}.', '1.5false-.'],
      ['no template', 'no template'],
      ['', ''],
      ['{ { }} }', '{ { }} }'],
      [`{{ {"a": {"b": "}}"}} }}`, { a: { b: '}}' } }],
      [`{{ 'it''s' == "x" }}`.replace("''", "\\'"), false],
      [`a{{ "{{" }}b`, 'a{{b'],
      [7, 7],
      [null, null],
      [
        ['{{event.s}}', { deep: '{{event.n}}' }],
        ['x', { deep: 1.5 }],
      ],
    ] as const)
      assert.deepEqual(run(template as JsonValue, event), expected, JSON.stringify(template))
  })

  it('"*" copies a map, other keys go over it, "name?" leaves null out', () => {
    assert.deepEqual(run({ '*': '{{event}}', a: 'over', 'b?': '{{event.none}}', 'c?': '{{event.x}}' }, { x: 1, a: 2 }), { x: 1, a: 'over', c: 1 })
    assert.deepEqual(run({ '*': '{{event.none}}', a: 1 }, {}), { a: 1 })
    for (const wrong of ['text', 5, [1]]) assert.throws(() => run({ '*': '{{event.x}}' }, { x: wrong }), ExpressionError)
    assert.throws(
      () => run('a {{event.x}}', { x: { k: 'Secret' } }),
      (error) => error instanceof ExpressionError && !error.message.includes('Secret'),
    )
  })
})

describe('times', () => {
  it('writes what Date writes', () => {
    fc.assert(fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (ms) => assert.equal(isoText(ms), new Date(ms).toISOString())))
    for (const ms of [0, -1, -86_400_000, 86_399_999, 253_402_300_799_999]) assert.equal(isoText(ms), new Date(ms).toISOString())
  })

  it('reads epoch milliseconds and RFC 3339, nothing else', () => {
    for (const [value, text] of [
      [0, '1970-01-01T00:00:00.000Z'],
      [1.9, '1970-01-01T00:00:00.001Z'],
      ['2024-05-10T14:32:01Z', '2024-05-10T14:32:01.000Z'],
      ['2024-05-10t14:32:01.123456+02:00', '2024-05-10T12:32:01.123Z'],
      ['2024-05-10 14:32:01Z', '2024-05-10T14:32:01.000Z'],
    ] as const)
      assert.equal(readTime(value)?.text, text)
    for (const value of ['yesterday', '2024-05-10', '2024-13-10T00:00:00Z', '2024-05-10T14:32:01', 'Fri, 10 May 2024', true, {}, [], 1e300, -1e300, Number.NaN])
      assert.equal(readTime(value as JsonValue), null, String(value))
    assert.deepEqual(readTime(null), { ms: Number.NaN, text: null })
  })
})

describe('topics', () => {
  it('finds exact topics, patterns by id, and the template itself', () => {
    const table = new TopicTable<number>()
    for (const [pattern, n] of [
      ['a.{id}.x.start', 1],
      ['a.{id}.x.end', 2],
      ['a.{id}', 3],
      ['b.exact', 4],
      ['a.b.{id}.y', 5],
    ] as const)
      assert.ok(table.add(pattern, n))
    assert.deepEqual(table.find('a.7.x.start'), { value: 1, pattern: 'a.{id}.x.start', id: '7', tail: 'x.start' })
    assert.deepEqual(table.find('a.{id}.x.end')?.value, 2)
    assert.deepEqual(table.find('a.7'), { value: 3, pattern: 'a.{id}', id: '7', tail: '' })
    assert.deepEqual(table.find('b.exact'), { value: 4, pattern: 'b.exact', id: null, tail: 'b.exact' })
    assert.deepEqual(table.find('a.b.9.y')?.value, 5)
    for (const topic of ['a.7.x', 'a.7.x.start.more', 'a', '', 'b.exact.', 'c.7.x.start', 'a.7.constructor', '__proto__'])
      assert.equal(table.find(topic), null, topic)
    for (const pattern of ['a.{id}', 'b.exact', 'c.{id}.{id}', 'c.{id}x']) assert.equal(table.add(pattern, 0), false, pattern)
  })
})
