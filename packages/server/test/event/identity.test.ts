import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseAuditId } from '@sealtrail/evidence'
import { aliasTokens, interactionTokens, normalizeAlias } from '../../src/event/alias.ts'
import { identify } from '../../src/event/identity.ts'
import { keyedHashes } from '../../src/keys/hashes.ts'
import { protectEnv } from '../../src/protect/env.ts'

const keys = { naming: randomBytes(32), token: randomBytes(32), fingerprint: randomBytes(32) }
const hashes = keyedHashes(keys)

test('an identity is the keyed hash of tenant, trail and id; the audit id is its time and first bytes', () => {
  const { identity, auditid } = identify(hashes, 'acme', 'calls', 'id-1', 1795183331204)
  assert.equal(identity, createHmac('sha256', keys.naming).update('acme\ncalls\nid-1').digest('binary'))
  assert.equal(auditid.length, 26)
  assert.deepEqual(parseAuditId(auditid), { timeMs: 1795183331204, identity: identity.slice(0, 10) })
})

test('tenant, trail and id each matter; time changes only the audit id', () => {
  const one = identify(hashes, 'a', 'b', 'c', 1)
  for (const other of [identify(hashes, 'x', 'b', 'c', 1), identify(hashes, 'a', 'x', 'c', 1), identify(hashes, 'a', 'b', 'x', 1)])
    assert.notEqual(other.identity, one.identity)
  const later = identify(hashes, 'a', 'b', 'c', 2)
  assert.equal(later.identity, one.identity)
  assert.ok(later.auditid > one.auditid)
  assert.equal(parseAuditId(identify(hashes, 'a', 'b', 'c', Number.NaN).auditid).timeMs, 0)
  assert.equal(parseAuditId(identify(hashes, 'a', 'b', 'c', -5).auditid).timeMs, 0)
  assert.equal(parseAuditId(identify(hashes, 'a', 'b', 'c', 1e300).auditid).timeMs, 2 ** 48 - 1)
})

test('every spelling of a name gives one token', () => {
  const phones = [
    '+13175550142',
    'tel:+13175550142',
    '+1 (317) 555-0142',
    'TEL:+1-317-555-0142',
    'sip:+13175550142@edge.example.net;user=phone',
    '13175550142',
    '0013175550142',
    '+1 317 555 0142',
    '＋１３１７５５５０１４２',
  ]
  for (const phone of phones) assert.equal(normalizeAlias('phone', phone), '+13175550142', phone)
  for (const email of ['Jane.Doe@Example.com', ' jane.doe@example.com ', 'mailto:jane.doe@example.com'])
    assert.equal(normalizeAlias('email', email), 'jane.doe@example.com')
  assert.equal(normalizeAlias('phone', '317-555-0142'), '3175550142', 'of no known country')
  assert.equal(normalizeAlias('contact', ' CUST_99281 '), 'CUST_99281')
  for (const [kind, value] of [
    ...phones.map((phone) => ['phone', phone]),
    ['phone', 'anonymous'],
    ['phone', ''],
    ['email', 'X@Y.z'],
    ['other', ' é '],
  ] as Array<[string, string]>) {
    const once = normalizeAlias(kind, value)
    assert.equal(normalizeAlias(kind, once), once)
  }
})

test('tokens differ by tenant and kind, and an interaction is nobody', () => {
  const tokens = [
    aliasTokens(hashes, 't', 'phone', '1'),
    aliasTokens(hashes, 'u', 'phone', '1'),
    aliasTokens(hashes, 't', 'mail', '1'),
    interactionTokens(hashes, 't', '1'),
  ].flat()
  assert.equal(new Set(tokens).size, 4)
  assert.equal(tokens[0], createHmac('sha256', keys.token).update('t\nphone\n1').digest('binary').slice(0, 16))
  assert.equal(tokens[3], createHmac('sha256', keys.token).update('t\ninteraction\n1').digest('binary').slice(0, 16))
  for (const token of tokens) assert.equal(token.length, 16)
})

test('after a rotation an alias has a token under each key, the current one first, and what is remembered is forgotten', () => {
  const running = keyedHashes(keys)
  const env = protectEnv('t', running, randomBytes)
  const before = [...env.alias('phone', '1'), ...env.interaction('i')]
  const next = { ...keys, token: randomBytes(32), olderTokens: [keys.token] }
  running.renew(next)
  const after = [env.alias('phone', '1'), env.interaction('i')]
  assert.deepEqual(
    after.map((tokens) => tokens[1]),
    before,
  )
  assert.equal(after[0]?.[0], createHmac('sha256', next.token).update('t\nphone\n1').digest('binary').slice(0, 16))
  assert.deepEqual(after, [aliasTokens(keyedHashes(next), 't', 'phone', '1'), interactionTokens(keyedHashes(next), 't', 'i')])
  assert.deepEqual(env.alias('phone', ''), [], 'nobody')
})
