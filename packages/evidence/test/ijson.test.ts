import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalize, parseIJson, scanJson } from '@sealtrail/evidence'
import type { JsonValue } from '@sealtrail/evidence'

const limits = { maxBytes: 1 << 20, maxDepth: 64 }
const read = (text: string | Uint8Array) => parseIJson(typeof text === 'string' ? Buffer.from(text) : text, limits)
const valueOf = (text: string): JsonValue => {
  const parsed = read(text)
  assert.ok('value' in parsed, `${JSON.stringify(parsed)} for ${text}`)
  return parsed.value
}
const problemOf = (text: string | Uint8Array): string => {
  const parsed = read(text)
  assert.ok('problem' in parsed, `accepted ${typeof text === 'string' ? text : Buffer.from(text).toString('latin1')}`)
  return `${parsed.problem.code} ${parsed.problem.message}`
}

test('any I-JSON value is read back, however it is spaced and escaped', () => {
  const value = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' })
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const parsed = read(text)
      if ('problem' in parsed) return assert.match(parsed.problem.message, /^number /)
      assert.deepEqual(parsed.value, JSON.parse(text))
      const escaped = text.replace(/[\u0080-\uffff]/g, (unit) => '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0'))
      assert.deepEqual(read(escaped), parsed)
      // What was accepted stays acceptable in canonical form: a record can always be read back.
      assert.ok('value' in read(canonicalize(parsed.value)))
    }),
    { numRuns: 500 },
  )
})

test('duplicate keys at any depth and in any spelling', () => {
  for (const [text, at] of [
    ['{"a":1,"a":1}', 7],
    ['{"a":1,"\\u0061":2}', 7],
    ['[{"x":{"é":1,"b":[],"\\u00e9":2}}]', 21],
    ['{"__proto__":1,"__proto__":2}', 15],
    ['{"a":{},"b":[{"c":"a:\\"b","c":null}]}', 26],
    ['{"":1,"":2}', 6],
    ['{"a":{"x":1},"a":{"x":1,"y":2}}', 13],
    ['{"1":0,"1":0}', 7],
    ['{"\\/":0,"/":0}', 8],
  ] as const) {
    assert.equal(problemOf(text), `NOT_I_JSON duplicate key at byte ${at}`)
  }
})

test('a duplicated member is found in every random object', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 }), fc.nat(), (object, pick) => {
      const members = Object.entries(object).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
      const text = `{${[...members, members[pick % members.length]].join(',')}}`
      const parsed = read(text)
      assert.ok('problem' in parsed && parsed.problem.code === 'NOT_I_JSON')
    }),
    { numRuns: 300 },
  )
})

test('prototype keys are data', () => {
  const value = valueOf('{"__proto__":{"admin":true},"constructor":{"prototype":1},"hasOwnProperty":0}')
  assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor', 'hasOwnProperty'])
  assert.equal(({} as { admin?: boolean }).admin, undefined)
  assert.equal(canonicalize(value), '{"__proto__":{"admin":true},"constructor":{"prototype":1},"hasOwnProperty":0}')
})

test('numbers a double cannot hold', () => {
  const bad = ['9007199254740992', '-9007199254740993', '1234567890123456789', '1e16', '1E400', '-1e999', '0.1234567890123456789', '3.141592653589793238462643383279', '1e-400', '4.9e-325', '123456789012345678901234567890e-20', '12345678901234567890.0', '0.' + '0'.repeat(1200) + '1'] // prettier-ignore
  for (const number of bad)
    for (const text of [number, `[${number}]`, `{"a":${number}}`, `[1,${number} ,2]`]) assert.match(problemOf(text), /^NOT_I_JSON number /)
  const good = ['0', '-0', '9007199254740991', '-9007199254740991', '1e15', '9.007199254740991e15', '0.1', '0.30000000000000004', '0.10000000000000001', '1424953923781206.2', '5e-324', '1.5e-10', '100000000000000000e-5', '0e5', '0.000000000000000000000'] // prettier-ignore
  for (const number of good) assert.equal(valueOf(`[${number}]`)?.toString(), String(Number(number)))
})

test('lone surrogates, escaped; pairs pass', () => {
  for (const text of [
    '"\\ud800"',
    '"\\uDFFF"',
    '"\\udc00\\ud800"',
    '["x\\ud83dx"]',
    '{"\\ud800":1}',
    '"\\ud800\\u0041"',
    '"\\ud83d\\n"',
    '"\\ud800\\ud800\\udc00"',
  ]) {
    assert.match(problemOf(text), /^NOT_I_JSON lone surrogate at byte \d+$/)
  }
  assert.equal(valueOf('"\\ud83d\\ude00 \\\\ud800"'), '😀 \\ud800')
  assert.equal(valueOf('"😀\\uD83D\\uDE00"'), '😀😀')
})

test('invalid UTF-8 wherever it stands', () => {
  const bad = [[0xff], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3], [0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]]
  for (const bytes of bad) {
    assert.match(problemOf(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])), /^NOT_JSON not UTF-8 in the string at byte 5$/)
    assert.match(problemOf(Buffer.concat([Buffer.from('{"'), Buffer.from(bytes), Buffer.from('":1}')])), /^NOT_JSON /)
    assert.match(problemOf(Buffer.concat([Buffer.from('[1'), Buffer.from(bytes), Buffer.from(']')])), /^NOT_JSON /)
  }
  assert.match(problemOf(Buffer.from('\ufeff{}')), /^NOT_JSON .* at byte 0$/)
})

test('what is not JSON is named with its place, never quoted', () => {
  for (const [text, at] of [
    ['', 0],
    ['{', 1],
    ['[1,]', 3],
    ['{"a":1,}', 7],
    ['{a:1}', 1],
    ["{'a':1}", 1],
    ['[1 2]', 3],
    ['01', 0],
    ['+1', 0],
    ['1.', 0],
    ['.5', 0],
    ['1e', 0],
    ['NaN', 0],
    ['nul', 0],
    ['truex', 0],
    ['"abc', 0],
    ['"a\nb"', 0],
    ['"\\x"', 0],
    ['"\\u12g4"', 0],
    ['{"a" 1}', 5],
    ['{"secret-value":}', 16],
    ['[}', 1],
    ['{]', 1],
    ['{}{}', 2],
    ['1 1', 2],
    ['[[1]', 4],
    ['{"a":[}', 6],
    ['/*c*/1', 0],
    ['{"k":undefined}', 5],
    ['\u00a01', 0],
  ] as const) {
    // prettier-ignore
    const problem = problemOf(text)
    assert.match(problem, new RegExp(`^NOT_JSON [a-zA-Z8 -]+ at byte ${at}$`), `${problem} for ${text}`)
    assert.doesNotMatch(problem, /secret|undefined/)
  }
})

test('grammar is that of JSON.parse, on random damage', () => {
  const bytes = fc.jsonValue({ maxDepth: 3 }).map((value) => Buffer.from(JSON.stringify(value)))
  fc.assert(
    fc.property(bytes, fc.nat(), fc.integer({ min: 0, max: 127 }), (bytes, at, byte) => {
      bytes[at % bytes.length] = byte
      let expected = true
      try {
        JSON.parse(bytes.toString())
      } catch {
        expected = false
      }
      const parsed = read(bytes)
      if ('value' in parsed) assert.ok(expected)
      else if (!expected) assert.match(parsed.problem.message, / at byte \d+$/)
      else assert.equal(parsed.problem.code, 'NOT_I_JSON')
    }),
    { numRuns: 2000 },
  )
})

test('limits of size and depth, before the value is built', () => {
  const small = { maxBytes: 10, maxDepth: 2 }
  assert.deepEqual(parseIJson(Buffer.from('[[1]]'), small), { value: [[1]], reserved: false })
  assert.deepEqual(parseIJson(Buffer.from('[[[1]]]'), small), { problem: { code: 'TOO_DEEP', message: 'nested deeper than 2 levels at byte 2' } })
  assert.match(JSON.stringify(parseIJson(Buffer.from('"123456789"'), small)), /TOO_LARGE/)
  assert.match(problemOf('['.repeat(200_000)), /^TOO_DEEP /)
  assert.equal(valueOf(`"${'['.repeat(1000)}"`), '['.repeat(1000), 'brackets within a string are text')
})

test('keys of commitments are noticed', () => {
  for (const [text, reserved] of [
    ['{"_sd":[]}', true],
    ['[{"a":{"...":"x"}}]', true],
    ['{"_sd_alg":1}', true],
    ['{"\\u005fsd":1}', true],
    ['{"_sdx":1,"..":2,"a":"..."}', false],
    ['"_sd"', false],
    ['{"_":1,".":2,"....":3}', false],
  ] as const) {
    // prettier-ignore
    const parsed = read(text)
    assert.ok('value' in parsed && parsed.reserved === reserved, text)
  }
})

test('the scan counts members and says whether all is ASCII', () => {
  assert.deepEqual(scanJson(Buffer.from('{"a:b":{"c":":"},"d":[{"e":1}]}'), limits), { ok: true, ascii: true, members: 4 })
  assert.deepEqual(scanJson(Buffer.from('{"a":"é"}'), limits), { ok: true, ascii: false, members: 1 })
})
