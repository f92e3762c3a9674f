import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  EvidenceError,
  commitmentDigests,
  commitmentOf,
  disclosureDigest,
  flatten,
  hasReservedKey,
  isCommitment,
  isCommitmentElement,
  makeDisclosure,
  openDisclosure,
} from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '@sealtrail/evidence'

const salt = (): string => randomBytes(16).toString('base64url')

test('RFC 9901 section 4.2.2 and 4.2.4.2: the array element of its example', () => {
  const disclosure = 'WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0'
  assert.equal(disclosureDigest(disclosure), 'w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs')
  assert.deepEqual(openDisclosure(disclosure), { salt: 'lklxF5jMYlGTPUovMNIvCA', value: 'FR', digest: 'w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs' })
  // Ours has no white space, so the same value and salt make another disclosure: the digest is over the text as given.
  assert.equal(Buffer.from(makeDisclosure('lklxF5jMYlGTPUovMNIvCA', 'FR'), 'base64url').toString(), '["lklxF5jMYlGTPUovMNIvCA","FR"]')
})

test('any value is opened again, and the digest is plain SHA-256', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }), (value) => {
      const s = salt()
      const disclosure = makeDisclosure(s, value as JsonValue)
      assert.match(disclosure, /^[A-Za-z0-9_-]+$/)
      const opened = openDisclosure(disclosure)
      assert.equal(opened.salt, s)
      assert.equal(JSON.stringify(opened.value), JSON.stringify(JSON.parse(Buffer.from(disclosure, 'base64url').toString())[1]))
      assert.equal(opened.digest, createHash('sha256').update(disclosure, 'ascii').digest('base64url'))
      assert.ok(isCommitment(commitmentOf(opened.digest) as unknown as JsonValue))
    }),
    { numRuns: 200 },
  )
})

test('one changed character changes the digest or breaks the disclosure', () => {
  const disclosure = makeDisclosure('AAAAAAAAAAAAAAAAAAAAAA', { phone: '+13175550142' })
  const digest = disclosureDigest(disclosure)
  for (let i = 0; i < disclosure.length; i++) {
    for (const other of 'A_-9z= +/\u0100') {
      if (other === disclosure[i]) continue
      const forged = disclosure.slice(0, i) + other + disclosure.slice(i + 1)
      try {
        assert.notEqual(openDisclosure(forged).digest, digest)
      } catch (error) {
        assert.ok(error instanceof EvidenceError && error.code === 'COMMITMENT_FORMAT')
        assert.doesNotMatch(error.message, /1317/)
      }
    }
  }
})

test('what is no disclosure', () => {
  const encode = (text: string): string => Buffer.from(text).toString('base64url')
  for (const bad of [
    '',
    '!',
    'AA=',
    encode('{}'),
    encode('["salt"]'),
    encode('["salt","k","v"]'),
    encode('[1,2]'),
    encode('["s",1'),
    Buffer.from([0x5b, 0xff]).toString('base64url'),
  ]) {
    assert.throws(
      () => openDisclosure(bad),
      (error) => error instanceof EvidenceError && error.code === 'COMMITMENT_FORMAT',
    )
  }
})

test('what is no commitment', () => {
  const digest = disclosureDigest('x')
  for (const bad of [
    null,
    [],
    {},
    'x',
    { '...': digest },
    [[{ '...': digest }]],
    [{ '...': digest }, { '...': digest }],
    [{ '...': digest, a: 1 }],
    [{ '...': digest.slice(1) }],
    [{ '...': digest.slice(0, -1) + 'B' }],
    [{ '...': 1 }],
    [{ _sd: digest }],
  ]) {
    assert.ok(!isCommitment(bad as JsonValue), JSON.stringify(bad))
  }
  assert.ok(isCommitmentElement({ '...': digest }))
})

test('reserved keys at any depth', () => {
  assert.ok(hasReservedKey({ a: [{ b: { _sd_alg: 1 } }] }))
  assert.ok(hasReservedKey(JSON.parse('{"__proto__":{"...":1}}') as JsonValue))
  assert.ok(!hasReservedKey({ a: '...', b: ['_sd'], __sd: 1 }))
})

test('flatten puts back what was disclosed and gives the reason for the rest', () => {
  const phone = makeDisclosure(salt(), '+13175550142')
  const name = makeDisclosure(salt(), null)
  const language = makeDisclosure(salt(), { key: 'language', value: 'de' })
  const account = makeDisclosure(salt(), { key: '__proto__', value: { a: 1 } })
  const of = (disclosure: string): JsonValue => commitmentOf(disclosureDigest(disclosure)) as unknown as JsonValue
  const element = (disclosure: string): JsonValue => ({ '...': disclosureDigest(disclosure) })
  const data: JsonObject = {
    'a/b~c': of(phone),
    name: of(name),
    list: [of(phone), 'x', [of(name)]],
    attributes: [element(language), element(account), { key: 'queue', value: 'Q1' }],
    one: [element(language)],
    plain: [{ key: 'k', value: 1 }],
  }
  const all = flatten(data, [phone, name, language, account, makeDisclosure(salt(), 'unrelated')])
  assert.equal(
    JSON.stringify(all.data),
    '{"a/b~c":"+13175550142","name":null,"list":["+13175550142","x",[null]],"attributes":{"language":"de","__proto__":{"a":1},"queue":"Q1"},"one":{"language":"de"},"plain":[{"key":"k","value":1}]}',
  )
  assert.deepEqual(
    all.fields.map(({ path, state }) => [path, state]),
    [['/a~1b~0c', 'disclosed'], ['/name', 'disclosed'], ['/list/0', 'disclosed'], ['/list/2/0', 'disclosed'], ['/attributes/0', 'disclosed'], ['/attributes/1', 'disclosed'], ['/one', 'disclosed']], // prettier-ignore
  )
  assert.deepEqual(
    commitmentDigests(data),
    all.fields.map(({ digest }) => digest),
  )

  const some = flatten(data, [language], (digest) => (digest === disclosureDigest(phone) ? 'erased' : 'sealed'))
  assert.equal(
    JSON.stringify(some.data),
    '{"a/b~c":null,"name":null,"list":[null,"x",[null]],"attributes":{"language":"de","queue":"Q1"},"one":{"language":"de"},"plain":[{"key":"k","value":1}]}',
  )
  assert.deepEqual(
    some.fields.map(({ state }) => state),
    ['erased', 'sealed', 'erased', 'sealed', 'disclosed', 'sealed', 'disclosed'],
  )
})
