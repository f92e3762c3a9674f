import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { close } from '../../src/pack/expression/close.ts'
import { compileExpression } from '../../src/pack/expression/expression.ts'
import { byLibrary, ExpressionSyntaxError, parse } from '../../src/pack/expression/library.ts'
import { rewrite } from '../../src/pack/expression/rewrite.ts'
import { ExpressionError, newScope, type Run, type Scope } from '../../src/pack/expression/scope.ts'
import { byOracle, type Answer } from './oracle.ts'

const TABLES: JsonObject = { leg: { a: 'x', b: 'y' }, empty: {} }

function scopeOf(event: JsonValue): Scope {
  const scope = newScope(TABLES)
  scope.event = event
  scope.raw = event
  scope.event_type = 'stateChange'
  scope.tenant = { id: 'default' }
  scope.receivedMs = 1_000
  return scope
}

function answer(run: Run, scope: Scope): Answer {
  try {
    return { value: run(scope) }
  } catch (error) {
    assert.ok(error instanceof ExpressionError, String(error))
    return 'error'
  }
}

/** Expressions of the closed subset; `a`-`d` and `s` are members of generated events. */
const CORPUS = [
  'event.s == "a"',
  'event.s != "a"',
  'event.s == "DELIVERED" || event.s == "READ" || event.s == "FAILED" || event.s == "EXPIRED"',
  "event_type == 'stateChange'",
  'event.a == 1',
  'event.a == 1.0',
  'event.a == null',
  'event.a == true',
  'event.a == event.b',
  'event.a == [1, "a", null]',
  'event.a == {"k": "v"}',
  'event.a != event.c.d',
  'event.a < 2',
  'event.a <= event.b',
  'event.s > "a"',
  'event.s >= event.a',
  'event.s in ["a", "b"]',
  'event.a in [1, 2, "a"]',
  'event.a in event.b',
  '"k" in event.a',
  'event.s in tables.leg',
  'tables.leg[event.s]',
  'event.a["k"]',
  'event.a[0]',
  'event.a[event.b]',
  'event.c.d',
  'event.c.d.e.f',
  'event.a && event.b',
  'event.a || event.b',
  'event.a == 1 && event.b < 2',
  'event.a < 1 || event.b == 1',
  '!event.a',
  '!(event.a == 1)',
  'event.a ? event.b : event.c',
  'event.s == "a" ? event.a : null',
  'event.s.startsWith("a")',
  'event.s.endsWith("a") || event.a.contains("a")',
  'event.s + "-" + event.s',
  '"x" + event.a',
  'size(event.a)',
  'event.a.size() > 1',
  'has(event.a)',
  'has(event.c.d) && event.c.d == 1',
  'event.a.exists(x, x == 1)',
  'event.a.all(x, x == 1)',
  'event.a.all(x, x < 2)',
  'event.a.exists(x, x.k == "v" && event.s == "a")',
  'event.a.filter(x, x != null)',
  'event.a.filter(x, x > 1)',
  'event.a.map(x, {"v": x, "s": event.s})',
  'event.a.map(x, event.b.filter(y, y == x))',
  '[event.a, event.s, 1, null]',
  '{"k": event.a, "l": [event.b]}',
  'event.constructor == null && event.toString == null && event["__proto__"] == null',
  'event.a.length',
  'event.s.length',
]

/** What only the library does. */
const LIBRARY = [
  'event.a.exists_one(x, x == 1)',
  'event.a + 1.5',
  'event.a - (event.b - 2.0)',
  'event.s.matches("^a+$")',
  'event.a * 2.0 / 4.0',
  '-event.a',
  'event.a + 1.5e300 > 1.0',
  'string(event.s)',
  'event.a - (event.b + (2.0 - event.a)) == 1.0',
  '(event.a == 1 ? 1 : 2) == 1 || (1 - (2 - 3)) == 2',
]

const scalar = fc.constantFrom<JsonValue>(null, true, false, 0, 1, 2, 1.5, -1, '', 'a', 'b', 'ab', 'k', 'DELIVERED', 'READ', 'é', '😀a')
const value: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('k', 'd', 'e', 'a', 'length', 'toString'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value
const eventOf = fc.record<JsonObject>({ a: value, b: value, c: value, d: value, s: fc.oneof(scalar, fc.constantFrom('a', 'b', 'ab')) } as never, {
  requiredKeys: [],
  noNullPrototype: true,
}) as fc.Arbitrary<JsonObject>

describe('expressions', () => {
  it('closure, library and oracle agree on every expression of the subset over generated events', () => {
    const compiled = CORPUS.map((text) => {
      const ast = parse(text)
      const run = close(ast)
      assert.notEqual(run, null, `${text} is not closed`)
      return { text, run: run!, library: byLibrary(ast), rewritten: rewrite(ast) }
    })
    fc.assert(
      fc.property(eventOf, fc.nat({ max: compiled.length - 1 }), (event, n) => {
        const { text, run, library, rewritten } = compiled[n]!
        const ours = answer(run, scopeOf(event))
        const detail = `${text} over ${JSON.stringify(event)}`
        assert.deepEqual(answer(library, scopeOf(event)), ours, `library: ${detail}`)
        assert.deepEqual(byOracle(rewritten, { ...scopeOf(event) } as never), ours, `oracle: ${detail}`)
      }),
      { numRuns: 4_000 },
    )
  })

  it('says what plain CEL says wherever plain CEL has an answer', () => {
    // The oracle takes a member that is null for absent, where the specification (and the library) say a key
    // with a null value is there, and false for index 0.
    const compiled = [...CORPUS, ...LIBRARY]
      .filter((text) => !text.includes('has(') && text !== 'event.a[event.b]')
      .map((text) => ({ text, run: compileExpression(text).run }))
    let answered = 0
    fc.assert(
      fc.property(eventOf, fc.nat({ max: compiled.length - 1 }), (event, n) => {
        const { text, run } = compiled[n]!
        if (/ in /.test(text) && JSON.stringify(event).includes('null')) return
        const oracle = byOracle(text, { ...scopeOf(event) } as never)
        if (oracle === 'error') return
        answered++
        assert.deepEqual(answer(run, scopeOf(event)), oracle, `${text} over ${JSON.stringify(event)}`)
      }),
      { numRuns: 3_000 },
    )
    assert.ok(answered > 500, `only ${answered} had an answer`)
  })

  it('library and oracle agree on what is not closed', () => {
    const compiled = LIBRARY.map((text) => ({ text, ast: parse(text) }))
    for (const { text, ast } of compiled) assert.equal(close(ast), null, text)
    fc.assert(
      fc.property(eventOf, fc.nat({ max: compiled.length - 1 }), (event, n) => {
        const { text, ast } = compiled[n]!
        assert.deepEqual(
          answer(byLibrary(ast), scopeOf(event)),
          byOracle(rewrite(ast), { ...scopeOf(event) } as never),
          `${text} over ${JSON.stringify(event)}`,
        )
      }),
      { numRuns: 1_000 },
    )
  })

  it('a missing member is null, in nothing is nothing, and what cannot be compared errs', () => {
    const run = (text: string): Answer => answer(compileExpression(text).run, scopeOf({ s: 'x', n: 1 }))
    for (const [text, expected] of [
      ['event.missing == "DELIVERED"', false],
      ['event.missing.deeper[3].still == null', true],
      ['event.s.member == null', true],
      ['"x" in event.missing', false],
      ['event.missing.exists(x, x == 1)', false],
      ['event.missing.all(x, x == 1)', true],
      ['event.missing.map(x, x)', []],
    ] as const)
      assert.deepEqual(run(text), { value: expected }, text)
    for (const text of [
      'event.missing < 1',
      'event.missing.startsWith("x")',
      'event.missing || false',
      '!event.missing',
      'event.s + event.missing + ""',
      'size(event.missing)',
      'event.missing ? 1 : 2',
    ])
      assert.equal(run(text), 'error', text)
    assert.deepEqual(run('event.missing || true'), { value: true })
  })

  it('sees nothing inherited, and keeps own members with such names', () => {
    const event = JSON.parse('{"__proto__": "own", "constructor": 1, "list": [1]}') as JsonValue
    for (const [text, expected] of [
      ['event.__proto__', 'own'],
      ['event.constructor', 1],
      ['event.toString', null],
      ['event.list.length', null],
      ['event.list["0"]', null],
      ['raw.hasOwnProperty', null],
    ] as const) {
      const { run, closed } = compileExpression(text)
      assert.ok(closed)
      assert.deepEqual(answer(run, scopeOf(event)), { value: expected }, text)
    }
  })

  it('gives the receive time, one spelling of addresses and of times', () => {
    const scope = scopeOf({ ms: 1_000, tel: 'tel:+1 (317) 555-0171', mail: 'mailto:A@B.example', n: 5 })
    for (const [text, expected] of [
      ['now()', '1970-01-01T00:00:01.000Z'],
      ['time(event.ms)', '1970-01-01T00:00:01.000Z'],
      ['time(event.mail)', 'mailto:A@B.example'],
      ['address(event.tel)', '+13175550171'],
      ['address(event.mail)', 'a@b.example'],
      ['address(event.n)', 5],
      ['address(event.tel).matches("^[+]1317")', true],
    ] as const) {
      assert.deepEqual(answer(compileExpression(text).run, scope), { value: expected }, text)
    }
  })

  it('names the offset of a mistake', () => {
    for (const [text, offset] of [
      ['event.', 6],
      ['nobody == 1', 0],
      ['event.a == 1 &&', 15],
      ['event.a.frobnicate()', 0],
    ] as const) {
      assert.throws(
        () => compileExpression(text),
        (error) => error instanceof ExpressionSyntaxError && error.offset === offset,
        text,
      )
    }
  })

  it('never shows a value in a message', () => {
    const scope = scopeOf({ s: 'Pat Secret', a: { k: 'Pat Secret' } })
    for (const text of [
      'event.s < 1',
      'event.s && true',
      '!event.s',
      'event.s.all(x, true)',
      'event.s in event.s',
      'event.s ? 1 : 2',
      'event.s + 1.0',
      'int(event.s)',
      'timestamp(event.s)',
      'event.a.startsWith("x")',
      'duration(event.s)',
    ]) {
      assert.throws(
        () => compileExpression(text).run(scope),
        (error) => error instanceof ExpressionError && !error.message.includes('Pat'),
        text,
      )
    }
  })

  it('lists the member paths it reads', () => {
    assert.deepEqual(compileExpression('event.a.b == raw["c"] || event.l.exists(x, x.y == event.z) || tables.t[event.k] == 1').paths.toSorted(), [
      'event.a.b',
      'event.k',
      'event.l',
      'event.z',
      'raw.c',
      'tables.t[]',
    ])
  })
})
