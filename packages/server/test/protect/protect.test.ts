import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { disclosureDigest, isCommitmentElement, isValueOf, openDisclosure, readKeptSalt } from '@sealtrail/evidence'
import fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import type { MappedEvent } from '../../src/event/mapped.ts'
import { keyedHashes } from '../../src/keys/hashes.ts'
import type { FieldNode, FieldRule } from '../../src/pack/pack.ts'
import { protectEnv } from '../../src/protect/env.ts'
import { protect } from '../../src/protect/protect.ts'
import type { ProtectResult } from '../../src/protect/protect.ts'
import { mappedEvent } from '../../bench/detect/clear.ts'
import { sensitiveFields } from '../../src/protect/sensitive.ts'

const hashes = keyedHashes({ naming: randomBytes(32), token: randomBytes(32), fingerprint: randomBytes(32) })
const env = protectEnv('acme', hashes, randomBytes)

type Rules = { [key: string]: FieldRule | Rules }
const isRule = (value: FieldRule | Rules): value is FieldRule => typeof (value as { class?: unknown }).class === 'string'
const node = (rule: FieldRule | null, more: Partial<FieldNode> = {}): FieldNode => ({ rule, keys: new Map(), items: null, any: null, ...more })
const tree = (rules: Rules): FieldNode =>
  node(null, { keys: new Map(Object.entries(rules).map(([key, value]) => [key, isRule(value) ? node(value) : tree(value)])) })

const plain: FieldRule = { class: 'plain' }
const drop: FieldRule = { class: 'drop' }
const refuse: FieldRule = { class: 'refuse' }
const personal = (whose: string | null, kind = 'text', token = false): FieldRule => ({
  class: 'personal',
  kind,
  whose,
  token,
  mask: null,
  verifyOnly: false,
})
const map = (whose: string | null, ...allow: string[]): FieldRule => ({ class: 'map', allow: new Set(allow), whose })

type Protected = Extract<ProtectResult, { kind: 'protected' }>
function run(data: JsonObject, fields: FieldNode, people: MappedEvent['people'] = {}): Protected {
  const result = protect(mappedEvent(data, people), fields, env)
  assert.equal(result.kind, 'protected')
  return result as Protected
}

/** The data with every commitment replaced by its disclosed value, as any SD-JWT library does it (RFC 9901 section 7.1). */
function resolved(result: Protected): JsonValue {
  const values = new Map<string, JsonValue>()
  for (const { disclosures } of result.owners) for (const disclosure of disclosures) values.set(disclosureDigest(disclosure), openDisclosure(disclosure).value)
  const visit = (value: JsonValue): JsonValue => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map((each) => (isCommitmentElement(each) ? (values.get(each['...']) as JsonValue) : visit(each)))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, visit(each)]))
  }
  return visit(result.data)
}

test('of a verify-only value the salt is kept, and nothing that is the value: digest and salt check it and nothing else', () => {
  const loyalty: FieldRule = { class: 'personal', kind: 'value', whose: null, token: false, mask: null, verifyOnly: true }
  const result = run({ loyalty: 'GOLD-4711', note: 'x' }, tree({ loyalty, note: plain }))
  const [kept, ...others] = result.owners[0]?.disclosures ?? []
  assert.deepEqual(others, [])
  const { digest, salt } = readKeptSalt(kept as string) ?? assert.fail('no kept salt')
  assert.deepEqual(result.data, { loyalty: [{ '...': digest }], note: 'x' })
  assert.equal(result.firstDigest, digest)
  assert.ok(isValueOf({ digest, salt }, 'GOLD-4711'))
  for (const other of ['GOLD-4712', 'gold-4711', '', null, 4711, ['GOLD-4711']]) assert.ok(!isValueOf({ digest, salt }, other))
  assert.ok(!JSON.stringify(result).includes('4711'))
  assert.throws(() => openDisclosure(kept as string), { code: 'COMMITMENT_FORMAT' })
})

test('each class does what it says', () => {
  const result = run(
    {
      id: 'a1',
      phone: '+13175550142',
      note: 'x',
      secret: null,
      gone: 'g',
      flags: { on: true, n: 7, none: null },
      attributes: { segment: 'gold', name: 'Jane' },
      empty: {},
      list: [],
    },
    tree({ id: plain, phone: personal('customer', 'phone', true), secret: refuse, gone: drop, attributes: map('customer', 'segment') }),
    {
      customer: [
        { kind: 'phone', value: '+13175550142' },
        { kind: 'email', value: 'jane@example.com' },
      ],
    },
  )
  const commitment = [{ '...': result.firstDigest }]
  assert.deepEqual(Object.keys(result.data), ['id', 'phone', 'note', 'secret', 'flags', 'attributes', 'empty', 'list'])
  assert.equal(result.data['id'], 'a1')
  assert.deepEqual(result.data['phone'], commitment)
  assert.deepEqual(resolved(result), {
    id: 'a1',
    phone: ['+13175550142'],
    note: ['x'],
    secret: null,
    flags: { on: true, n: [7], none: null },
    attributes: [
      { key: 'segment', value: 'gold' },
      { key: 'name', value: 'Jane' },
    ],
    empty: {},
    list: [],
  })
  assert.deepEqual(result.data['attributes'], [{ key: 'segment', value: 'gold' }, { '...': (result.data['attributes'] as JsonObject[])[1]?.['...'] }])
  const customer = [hashes.token('acme\nphone\n+13175550142'), hashes.token('acme\nemail\njane@example.com')]
  assert.deepEqual(
    result.owners.map(({ tokens }) => tokens),
    [customer, [hashes.token('acme\ninteraction\ncall-1')]],
  )
  assert.deepEqual(
    result.owners.map(({ disclosures }) => disclosures.length),
    [2, 2],
  )
  assert.deepEqual(result.tokens, [{ kind: 'phone', token: customer[0], owner: 0 }])
  assert.deepEqual(result.hits, [])
})

test('the event itself is left as it was', () => {
  const data = { a: '+13175550142', b: { c: ['x', { d: 1 }] }, m: { k: 'v' } }
  const before = structuredClone(data)
  run(data, tree({ a: personal('customer'), m: map(null) }))
  assert.deepEqual(data, before)
})

test('salts, and so commitments, never repeat', () => {
  const digests = new Set<string>()
  for (let i = 0; i < 2000; i++) digests.add(run({ a: 'same' }, tree({})).firstDigest as string)
  assert.equal(digests.size, 2000)
})

test('whose a value is: a person with a name, else the interaction; one person in two roles has one key', () => {
  const fields = tree({ a: personal('customer'), b: personal('caller'), c: personal('agent'), d: personal(null), e: personal('constructor') })
  const data = { a: '1', b: '2', c: '3', d: '4', e: '5' }
  const jane = [{ kind: 'phone', value: 'tel:+1 317 555 0142' }]
  const result = run(data, fields, { customer: jane, caller: [{ kind: 'phone', value: '+13175550142' }], agent: [{ kind: 'phone', value: '' }] })
  assert.deepEqual(
    result.owners.map(({ disclosures }) => disclosures.map((each) => openDisclosure(each).value)),
    [
      ['1', '2'],
      ['3', '4', '5'],
    ],
  )
})

test('detection commits what stands in plain fields, and says where, never what', () => {
  const data = {
    id: 'call 4111 1111 1111 1111',
    list: ['ok', 'jane@example.com'],
    deep: { phone: '+13175550142', number: 4111111111111111, when: 1795183331204 },
    attributes: { segment: 'SSN 536-22-8145' },
  }
  const all = node(plain, { any: null })
  const fields = node(null, {
    keys: new Map([
      ['id', all],
      ['list', all],
      [
        'deep',
        node(plain, {
          keys: new Map([
            ['phone', all],
            ['number', all],
            ['when', all],
          ]),
        }),
      ],
      ['attributes', node(map(null, 'segment'))],
    ]),
  })
  const result = run(data, fields)
  assert.deepEqual(result.hits, [
    { path: 'id', kind: 'card' },
    { path: 'list', kind: 'email' },
    { path: 'deep.phone', kind: 'phone' },
    { path: 'deep.number', kind: 'card' },
    { path: 'attributes.segment', kind: 'ssn' },
  ])
  assert.deepEqual(result.data['list'], ['ok', (result.data['list'] as JsonValue[])[1] as JsonValue])
  assert.deepEqual((result.data['deep'] as JsonObject)['when'], 1795183331204)
  for (const text of ['4111', 'jane', '317555', '8145']) assert.ok(!JSON.stringify([result.data, result.hits]).includes(text))
})

test('keys are data: one that is personal, or no word, is committed with its value', () => {
  const result = run({ contacts: { '+13175550142': true, other: 'x' }, by: { 'jane@example.com': { n: 1 } }, family: { 'Jane Roe': true, Zoë: 1 } }, tree({}))
  assert.deepEqual(resolved(result), {
    contacts: { other: ['x'], '*': [{ key: '+13175550142', value: true }] },
    by: { '*': [{ key: 'jane@example.com', value: { n: 1 } }] },
    family: {
      '*': [
        { key: 'Jane Roe', value: true },
        { key: 'Zoë', value: 1 },
      ],
    },
  })
  assert.deepEqual(
    result.hits,
    [
      { path: '*.*', kind: 'phone' },
      { path: '*.*', kind: 'email' },
    ],
    'paths name what a pack names: keys may be anything, and any number',
  )
  const root = run({ id: 'a1', '+13175550142': true, '*': 1 }, tree({ id: plain }))
  assert.deepEqual(resolved(root), {
    id: 'a1',
    '*': [
      { key: '+13175550142', value: true },
      { key: '*', value: 1 },
    ],
  })
  assert.ok(!JSON.stringify(root.data).includes('317'))
  assert.deepEqual(run({ plain_words: { some_key: true } }, tree({})).data, { plain_words: { some_key: true } }, 'words stay')
  const listed = run({ counts: { 'queue 1': 'a' } }, node(null, { keys: new Map([['counts', node(null, { any: node(plain) })]]) }))
  assert.deepEqual(listed.data, { counts: { 'queue 1': 'a' } }, 'so do members a pack lets in by `*`')
})

test('a card number is committed and never becomes a token, nor does an alias that holds one', () => {
  const fields = tree({ account: personal('customer', 'account', true), other: personal('customer', 'account', true) })
  const result = run({ account: '4111-1111-1111-1111', other: 'A-77' }, fields, {
    customer: [
      { kind: 'account', value: '4111111111111111' },
      { kind: 'account', value: 'A-77' },
    ],
  })
  assert.deepEqual(
    result.tokens.map(({ token }) => token),
    [hashes.token('acme\naccount\nA-77')],
  )
  assert.deepEqual(
    result.owners.map(({ tokens }) => tokens),
    [[hashes.token('acme\naccount\nA-77')]],
  )
})

test('several values under one personal name are committed whole and found one by one', () => {
  const result = run({ numbers: ['+13175550142', '+13175550143', '+13175550142'] }, tree({ numbers: personal(null, 'phone', true) }))
  assert.deepEqual(resolved(result), { numbers: [['+13175550142', '+13175550143', '+13175550142']] })
  assert.equal(result.tokens.length, 2)
})

test('refusals: by class, by name in the mapped data, by what the raw input held', () => {
  const refused = (data: JsonObject, fields: FieldNode, raw: string[] = []): unknown => protect(mappedEvent(data), fields, env, raw)
  assert.deepEqual(refused({ a: { secret: 'x' } }, tree({ a: { secret: refuse } })), { kind: 'refused', fields: ['a.secret'] })
  assert.deepEqual(refused({ attributes: { cvv: '123' } }, tree({ attributes: map('customer') })), { kind: 'refused', fields: ['attributes.cvv'] })
  assert.deepEqual(refused({ id: '1' }, tree({ id: plain }), ['detail.cvv']), { kind: 'refused', fields: ['detail.cvv'] })
})

test('what nobody classified grows dear for nobody: many unclassified values are committed together', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({ a: `v${i}`, b: i }))
  const result = run({ rows, list: Array.from({ length: 5000 }, (_, i) => `x${i}`) }, tree({}))
  assert.ok(result.owners.reduce((sum, { disclosures }) => sum + disclosures.length, 0) < 300 + 5000, 'bounded')
  const all = resolved(result) as { list: JsonValue[] }
  assert.equal((all.list[0] as JsonValue[]).length, 5000)
})

test('prototype keys are data like any other', () => {
  const data = JSON.parse('{"__proto__":{"polluted":"x"},"constructor":"y","a":{"__proto__":"z","toString":"t"}}') as JsonObject
  const result = run(data, tree({}))
  assert.deepEqual(Object.keys(result.data), ['__proto__', 'constructor', 'a'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.equal(Object.getPrototypeOf(result.data), Object.prototype)
  assert.equal(result.owners[0]?.disclosures.length, 4)
})

const rules: fc.Arbitrary<FieldRule | null> = fc.constantFrom(
  null,
  plain,
  drop,
  personal('customer', 'phone', true),
  personal(null),
  personal('agent', 'email', true),
  map('customer', 'kept'),
  map(null),
)
function treesOf(depth: number): fc.Arbitrary<FieldNode> {
  if (depth === 0) return rules.map((rule) => node(rule))
  const below = treesOf(depth - 1)
  const keys = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'kept'), below, { maxKeys: 3 }).map((named) => new Map(Object.entries(named)))
  return fc.record({ rule: rules, keys, items: fc.option(below), any: fc.option(below) })
}
const fieldTrees = treesOf(3)
const MARK = /QZ[0-9a-f]{8}/g
const data = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: 1e9, max: 2e9 }),
    fc.nat(0xffffffff).map((n) => `QZ${n.toString(16).padStart(8, '0')}`),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'kept'), tie('value'), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>,
  ),
})).value

/** Every string the tree leaves in clear, by an independent reading of the rules. */
function clear(value: JsonValue, at: FieldNode | null, out: Set<string>): void {
  const rule = at?.rule ?? null
  if (rule?.class === 'personal' || rule?.class === 'drop' || value === null) return
  if (rule?.class === 'map') {
    if (typeof value === 'object' && !Array.isArray(value)) for (const name of rule.allow) if (typeof value[name] === 'string') out.add(value[name])
    return
  }
  if (typeof value === 'string' && rule?.class === 'plain') out.add(value)
  if (typeof value !== 'object') return
  if (Array.isArray(value))
    for (const each of value) clear(each, at?.items ?? (rule?.class === 'plain' && (typeof each !== 'object' || each === null) ? node(plain) : null), out)
  else for (const key of Object.keys(value)) clear(value[key] as JsonValue, at?.keys.get(key) ?? at?.any ?? null, out)
}

test('for any data and any classification: no committed text is in the record, and every commitment has its disclosure', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), data) as fc.Arbitrary<JsonObject>, fieldTrees, (value, fields) => {
      const root = { ...fields, rule: null }
      const result = protect(mappedEvent(value, { customer: [{ kind: 'phone', value: '+13175550142' }] }), root, env)
      assert.equal(result.kind, 'protected')
      if (result.kind !== 'protected') return
      const allowed = new Set<string>()
      clear(value, root, allowed)
      const text = JSON.stringify(result.data)
      for (const mark of text.match(MARK) ?? []) assert.ok(allowed.has(mark), mark)
      const digests = new Set(result.owners.flatMap(({ disclosures }) => disclosures.map(disclosureDigest)))
      const named = [...text.matchAll(/"\.\.\.":"([^"]*)"/g)].map((match) => match[1] as string)
      assert.deepEqual(new Set(named), digests)
      assert.equal(named.length, digests.size)
      assert.equal(result.firstDigest === null, digests.size === 0)
      for (const { tokens } of result.owners) for (const token of tokens) assert.equal(token.length, 16)
    }),
    { numRuns: 1500 },
  )
})

test('with no classification at all, everything but booleans and null is committed, and comes back', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), data) as fc.Arbitrary<JsonObject>, (value) => {
      const result = run(value, node(null))
      assert.deepEqual(JSON.stringify(result.data).match(MARK), null)
      const strings = (each: JsonValue): string[] => (JSON.stringify(each).match(MARK) ?? []).sort()
      assert.deepEqual(strings(resolved(result)), strings(value))
    }),
    { numRuns: 500 },
  )
})

const folder = fileURLToPath(new URL('../../../../../shared/payloads/', import.meta.url))
const skip = existsSync(folder) ? false : 'the folder of captured payloads is not beside this checkout'

test('captured Genesys events: none refused, and no number or address is left even if all fields are called plain', { skip }, () => {
  const everything: FieldNode = { rule: plain, keys: new Map(), items: null, any: null }
  ;(everything as { items: FieldNode; any: FieldNode }).items = everything
  ;(everything as { items: FieldNode; any: FieldNode }).any = everything
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  let events = 0
  for (const name of files) {
    const bytes = readFileSync(folder + name)
    const value = JSON.parse(bytes.toString('utf8')) as JsonValue
    assert.deepEqual(sensitiveFields(value), [], name)
    assert.deepEqual(sensitiveFields(value, bytes), [], name)
    if (!/genesys|cloudevents/.test(name)) continue
    const result = run({ value }, node(null, { any: everything }))
    const text = JSON.stringify(result.data)
    assert.doesNotMatch(text, /\+\d{7,}/, name)
    assert.doesNotMatch(text, /[\w.+-]+@[\w-]+\.[a-z]{2,}/i, name)
    assert.doesNotMatch(text, /(?<!\d)(?:1?3175550\d{3}|1?3178723000|15557655942)(?!\d)/, name)
    // Ids and times are left: they are what a trail is for.
    for (const id of bytes.toString('utf8').match(/"(?:conversationId|participantId|sessionId|eventTime)": ?"?([\w-]{10,})/g) ?? [])
      assert.ok(text.includes(id.split(/: ?"?/)[1] as string), `${name}: ${id}`)
    events++
  }
  assert.ok(events > 80, String(events))
})
