import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyTimestamp } from '@sealtrail/evidence'
import type { TimestampTrust, TimestampVerdict } from '@sealtrail/evidence'
import { encodeDer } from '../../src/timestamp/der.ts'
import { context, extension, makeCertificate, makeCrl, makeToken, OID, seq } from './forge.ts'
import type { CertificateWish, CrlWish, Made } from './forge.ts'

const DAY = 86_400_000
const AT = Date.UTC(2031, 0, 10, 8)
const text = Buffer.from('log.example/calls\n8\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n')
const make = (name: string, issuer: Made | null, wish: Partial<CertificateWish> = {}): Made =>
  makeCertificate({ name, issuer, kind: 'ca', notBefore: AT - 30 * DAY, notAfter: AT + 30 * DAY, ...wish })
const leaf = (issuer: Made, wish: Partial<CertificateWish> = {}): Made => make('TSA', issuer, { kind: 'tsa', ...wish })

const root = make('Root', null)
const other = make('Other', null)
const middle = make('Middle', root)
const low = make('Low', middle)

const ask = (signer: Made, between: readonly Made[], trust: Partial<TimestampTrust> = {}): Promise<TimestampVerdict> =>
  verifyTimestamp(makeToken({ text, signer, genTimeMs: AT, certificates: [signer, ...between].map(({ der }) => der) }), text, { roots: [root.der], ...trust })
const verdictOf = async (signer: Made, between: readonly Made[], trust?: Partial<TimestampTrust>): Promise<string> => {
  const { problems, chain } = await ask(signer, between, trust)
  return problems.length === 0 ? `good ${chain.length}` : [...new Set(problems.map(({ code }) => code.slice(10)))].join()
}

describe('chains', () => {
  test('over intermediates, in any order, enclosed or given', async () => {
    assert.equal(await verdictOf(leaf(middle), [middle]), 'good 3')
    assert.equal(await verdictOf(leaf(low), [root, middle, low, other]), 'good 4')
    assert.equal(await verdictOf(leaf(low), [], { intermediates: [middle.der, low.der] }), 'good 4')
    assert.equal(await verdictOf(leaf(low), [low]), 'CHAIN')
    // What is trusted may stand in the middle.
    assert.equal(await verdictOf(leaf(low), [low], { roots: [middle.der] }), 'good 3')
  })

  test('to a root that is not given', async () => {
    assert.equal(await verdictOf(leaf(other), [other]), 'CHAIN')
    // The same name and another key.
    const imposter = make('Root', null)
    assert.equal(await verdictOf(leaf(imposter), [imposter]), 'CHAIN')
    const both = await ask(leaf(imposter), [imposter], { roots: [root.der, imposter.der] })
    assert.equal(both.ok, true)
    // The right key under another name has issued nothing.
    assert.equal(await verdictOf(leaf({ ...root, name: 'Renamed' }), []), 'CHAIN')
    assert.equal((await ask(leaf(other), [other])).trust, 'none')
  })

  test('to a root that stands behind many others', async () => {
    const others = Array.from({ length: 60 }, (_, i) => make(`Root ${i}`, null).der)
    assert.equal(await verdictOf(leaf(middle), [middle], { roots: [...others, root.der] }), 'good 3')
    assert.equal(await verdictOf(leaf(middle), [middle], { roots: others }), 'CHAIN')
  })

  test('of certificates that may not issue', async () => {
    const notCa = make('Not an authority', root, { ca: false })
    assert.equal(await verdictOf(leaf(notCa), [notCa]), 'CHAIN')
    const noSigning = make('No signing', root, { keyUsage: [0x02, 1] })
    assert.equal(await verdictOf(leaf(noSigning), [noSigning]), 'CHAIN')
    const web = make('Web only', root, { eku: [OID.codeSigning] })
    assert.equal(await verdictOf(leaf(web), [web]), 'CHAIN')
    const own = make('Time only', root, { eku: [OID.timeStamping] })
    assert.equal(await verdictOf(leaf(own), [own]), 'good 3')
    const named = make('Names', root, { extensions: [extension('2.5.29.30', true, seq())] })
    assert.equal(await verdictOf(leaf(named), [named]), 'CHAIN')
    // A time-stamping certificate issues nothing, though its key could sign.
    const stamping = leaf(root, { name: 'Stamping' })
    assert.equal(await verdictOf(leaf(stamping), [stamping]), 'CHAIN')
  })

  test('longer than an authority allows', async () => {
    const none = make('No authority below', root, { pathLength: 0 })
    const below = make('Below', none)
    assert.equal(await verdictOf(leaf(none), [none]), 'good 3')
    assert.equal(await verdictOf(leaf(below), [below, none]), 'CHAIN')
    let issuer = root
    const many = Array.from({ length: 8 }, (_, i) => (issuer = make(`Level ${i}`, issuer)))
    assert.equal(await verdictOf(leaf(issuer), many), 'CHAIN')
    assert.equal(await verdictOf(leaf(many[5] as Made), many), 'good 8')
  })

  test('at a time when a certificate was not valid', async () => {
    const then = (notBefore: number, notAfter: number): Partial<CertificateWish> => ({ notBefore: AT + notBefore, notAfter: AT + notAfter })
    assert.equal(await verdictOf(leaf(root, then(-DAY, -1000)), []), 'VALIDITY')
    assert.equal(await verdictOf(leaf(root, then(1000, DAY)), []), 'VALIDITY')
    assert.equal(await verdictOf(leaf(root, then(0, 0)), []), 'good 2')
    const expired = make('Expired', root, then(-DAY, -1000))
    assert.equal(await verdictOf(leaf(expired), [expired]), 'VALIDITY')
    const young = make('Root of tomorrow', null, then(1000, DAY))
    assert.equal(await verdictOf(leaf(young), [], { roots: [young.der] }), 'VALIDITY')
  })

  test('a renewed authority: the chain that is valid is found', async () => {
    const old = make('Middle', root, { keyOf: middle, notAfter: AT - 1000 })
    assert.equal(await verdictOf(leaf(middle), [old, middle]), 'good 3')
    assert.equal(await verdictOf(leaf(middle), [old]), 'VALIDITY')
  })

  test('two authorities that certify each other, and many of one name, end the search', async () => {
    const a = make('A', null)
    const b = make('B', a)
    const again = make('A', b, { keyOf: a })
    assert.equal(await verdictOf(leaf(a), [a, b, again]), 'CHAIN')
    // Each could have issued each other: the number of ways is beyond counting.
    const first = make('Many', null)
    const same = Array.from({ length: 14 }, () => make('Many', null, { keyOf: first }))
    assert.equal(await verdictOf(leaf(first), same), 'CHAIN')
    const swarm = Array.from({ length: 20 }, () => make('Swarm', null))
    assert.equal(await verdictOf(leaf(swarm[0] as Made), swarm), 'CHAIN')
  })
})

describe('revocation lists', () => {
  const tsa = leaf(middle, { crl: 'http://crl.example/middle.crl' })
  const crl = (wish: Partial<CrlWish> = {}): Uint8Array => makeCrl({ issuer: middle, thisUpdate: AT - DAY, nextUpdate: AT + DAY, ...wish })
  const ofRoot = makeCrl({ issuer: root, thisUpdate: AT - DAY, nextUpdate: AT + DAY })
  const standing = async (...crls: Uint8Array[]): Promise<string> => {
    const { revocation, problems } = await ask(tsa, [middle], { crls })
    return [revocation, ...problems.map(({ code }) => code.slice(10))].join()
  }
  const revokedAt = (atMs: number, reason?: number): Uint8Array =>
    crl({ thisUpdate: AT + DAY, nextUpdate: AT + 2 * DAY, revoked: [{ certificate: tsa, atMs, ...(reason === undefined ? {} : { reason }) }] })

  test('clear when all of the chain are covered by lists that were not out of date', async () => {
    assert.equal(await standing(), 'unknown')
    assert.equal(await standing(crl()), 'unknown')
    assert.equal(await standing(crl(), ofRoot), 'good')
    assert.equal(await standing(crl({ nextUpdate: AT - 1000 }), ofRoot), 'unknown')
    assert.equal(await standing(crl({ nextUpdate: null }), ofRoot), 'unknown')
    assert.equal(await standing(crl({ thisUpdate: AT + DAY, nextUpdate: AT + 2 * DAY }), ofRoot), 'good')
  })

  test('are enclosed in the token as well as given', async () => {
    const bytes = makeToken({ text, signer: tsa, genTimeMs: AT, certificates: [tsa.der, middle.der], crls: [crl(), ofRoot] })
    assert.equal((await verifyTimestamp(bytes, text, { roots: [root.der] })).revocation, 'good')
    assert.equal((await verifyTimestamp(bytes, text, { roots: [] })).revocation, 'unknown')
  })

  test('revoke before the token, and after it only for some reasons', async () => {
    for (const reason of [undefined, 0, 1, 4]) assert.equal(await standing(revokedAt(AT - 1000, reason), ofRoot), 'revoked,REVOKED')
    assert.equal(await standing(revokedAt(AT, 4), ofRoot), 'revoked,REVOKED')
    // RFC 3161 section 4.
    for (const reason of [0, 3, 4, 5]) assert.equal(await standing(revokedAt(AT + 1000, reason), ofRoot), 'good')
    for (const reason of [undefined, 1, 2, 6, 9]) assert.equal(await standing(revokedAt(AT + 1000, reason), ofRoot), 'revoked,REVOKED')
    // A list that says so once is believed, whatever another one says.
    assert.equal(await standing(crl(), ofRoot, revokedAt(AT - 1000)), 'revoked,REVOKED')
    assert.equal(await standing(crl({ nextUpdate: AT - 1000, revoked: [{ certificate: tsa, atMs: AT - 2000 }] })), 'revoked,REVOKED')
  })

  test('revoke authorities too, and others not', async () => {
    const other = leaf(middle)
    assert.equal(await standing(crl({ revoked: [{ certificate: other, atMs: AT - DAY, reason: 1 }] }), ofRoot), 'good')
    assert.equal(
      await standing(crl(), makeCrl({ issuer: root, thisUpdate: AT, nextUpdate: AT + DAY, revoked: [{ certificate: middle, atMs: AT - DAY }] })),
      'revoked,REVOKED',
    )
  })

  test('of somebody else, or that cover something else, clear nobody', async () => {
    const imposter = make('Middle', other)
    assert.equal(await standing(crl({ signWith: imposter }), ofRoot), 'unknown')
    assert.equal(
      await standing(makeCrl({ issuer: imposter, thisUpdate: AT, nextUpdate: AT + DAY, revoked: [{ certificate: tsa, atMs: AT - DAY }] }), ofRoot),
      'unknown',
    )
    const renamed = { ...middle, name: 'Renamed' }
    assert.equal(
      await standing(makeCrl({ issuer: renamed, thisUpdate: AT, nextUpdate: AT + DAY, revoked: [{ certificate: tsa, atMs: AT - DAY }] }), ofRoot),
      'unknown',
    )
    const point = (...parts: Uint8Array[]): Uint8Array => extension('2.5.29.28', true, seq(...parts))
    const at = (address: string): Uint8Array => context(0, context(0, encodeDer(0x86, Buffer.from(address))))
    const yes = (n: number): Uint8Array => encodeDer(0x80 + n, Uint8Array.of(0xff))
    for (const [extensions, expected] of [
      [[point(at('http://crl.example/middle.crl'))], 'good'],
      [[point(at('http://crl.example/part-2.crl'))], 'unknown'],
      [[point(yes(1))], 'good'],
      [[point(yes(2))], 'unknown'],
      [[point(yes(4))], 'unknown'],
      [[point(yes(5))], 'unknown'],
      [[extension('2.5.29.27', true, Uint8Array.of(2, 1, 1))], 'unknown'],
      [[extension('1.2.3', true, Uint8Array.of(5, 0))], 'unknown'],
      [[extension('1.2.3', false, Uint8Array.of(5, 0))], 'good'],
    ] as const)
      assert.equal(await standing(crl({ extensions }), ofRoot), expected)
    const mute = make('Mute', root, { keyUsage: [0x04, 2] })
    const { revocation } = await ask(leaf(mute), [mute], { crls: [makeCrl({ issuer: mute, thisUpdate: AT, nextUpdate: AT + DAY }), ofRoot] })
    assert.equal(revocation, 'unknown')
  })

  test('that are damaged anywhere clear nobody and revoke nobody', async () => {
    const whole = crl({ revoked: [{ certificate: leaf(middle), atMs: AT - DAY, reason: 4 }] })
    for (let at = 0; at < whole.length; at++) {
      const damaged = Uint8Array.from(whole)
      damaged[at]! ^= 1 << (at % 8)
      assert.equal(await standing(damaged, ofRoot), 'unknown', `byte ${at}`)
    }
    assert.equal(await standing(whole.subarray(0, -1), ofRoot), 'unknown')
    assert.equal(await standing(new Uint8Array(0), ofRoot), 'unknown')
  })
})
