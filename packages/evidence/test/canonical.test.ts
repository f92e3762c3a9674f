import assert from 'node:assert/strict'
import { test } from 'node:test'
import reference from 'canonicalize'
import fc from 'fast-check'
import { EvidenceError, canonicalize, canonicalizeSized } from '@sealtrail/evidence'
import type { JsonValue } from '@sealtrail/evidence'

const oracle = reference as unknown as (value: unknown) => string
const code = (expected: string) => (error: unknown) => error instanceof EvidenceError && error.code === expected

test('equals the canonicalize package on any JSON, whatever the cache holds', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
      const json = value as JsonValue
      assert.equal(canonicalize(json), oracle(json))
      assert.equal(canonicalize(json), oracle(json), 'a second time, from the cache')
    }),
    { numRuns: 500 },
  )
})

test('counts UTF-8 bytes exactly, keys included, first time and from the cache', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), (value) => {
      for (let i = 0; i < 2; i++) {
        const { text, bytes } = canonicalizeSized(value as JsonValue)
        assert.equal(bytes, Buffer.byteLength(text))
      }
    }),
    { numRuns: 500 },
  )
})

test('RFC 8785 section 3.2.2 sample', () => {
  const sample = JSON.parse(
    String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
  ) as JsonValue
  assert.equal(
    canonicalize(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('RFC 8785 appendix B: the number samples', () => {
  const samples: Array<[string, string]> = [
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]
  for (const [bits, text] of samples) assert.equal(canonicalize(Buffer.from(bits, 'hex').readDoubleBE()), text)
  for (const bits of ['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000']) {
    assert.throws(() => canonicalize(Buffer.from(bits, 'hex').readDoubleBE()), code('NOT_I_JSON'))
  }
})

test('RFC 8785 section 3.2.3: keys by UTF-16 code units', () => {
  const value = { '\u20ac': 'Euro Sign', '\r': 'Carriage Return', '\ufb33': 'Hebrew Letter Dalet With Dagesh', '1': 'One', '\ud83d\ude00': 'Emoji: Grinning Face', '\u0080': 'Control', '\u00f6': 'Latin Small Letter O With Diaeresis' } // prettier-ignore
  const order = Object.values(JSON.parse(canonicalize(value).replace('"1"', '"x1"')) as Record<string, string>)
  assert.deepEqual(order, [
    'Carriage Return',
    'One',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ])
})

test('integer-like and prototype keys', () => {
  const value = JSON.parse('{"b":1,"10":1,"9":1,"":1,"__proto__":{"x":1},"constructor":2,"toString":3}') as JsonValue
  const text = '{"":1,"10":1,"9":1,"__proto__":{"x":1},"b":1,"constructor":2,"toString":3}'
  assert.equal(canonicalize(value), text)
  assert.equal(canonicalize(value), text)
})

test('what JSON cannot say exactly is refused', () => {
  for (const bad of ['\ud800', 'a\udfff', '\udc00\ud800']) {
    assert.throws(() => canonicalize(bad), code('NOT_I_JSON'))
    assert.throws(() => canonicalize({ [bad]: 1 }), code('NOT_I_JSON'))
  }
  for (const bad of [Number.NaN, Infinity, undefined, 1n, () => 0, Symbol('s'), { a: undefined }]) {
    assert.throws(() => canonicalize(bad as never), code('NOT_I_JSON'))
  }
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  assert.throws(() => canonicalize(cycle as never), code('TOO_DEEP'))
})

test('an extended Object.prototype changes nothing', () => {
  const proto = Object.prototype as { polluted?: string }
  proto.polluted = 'yes'
  try {
    assert.equal(canonicalize({ b: 1, a: { c: 2 } }), '{"a":{"c":2},"b":1}')
    assert.equal(canonicalize({ b: 1, a: { c: 2 } }), '{"a":{"c":2},"b":1}')
  } finally {
    delete proto.polluted
  }
})

test('a hundred thousand different shapes neither slow it to a halt nor stay in memory', () => {
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 100_000; i++) canonicalize({ [`k${i}`]: { [`m${i}`]: i } })
  assert.ok(process.memoryUsage().heapUsed - before < 200e6)
  assert.equal(canonicalize({ b: 1, a: 2 }), '{"a":2,"b":1}')
})
