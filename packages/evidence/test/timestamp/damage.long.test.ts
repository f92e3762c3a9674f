import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { crlInFile, describeCertificate, readCertificates, readTimestampAnswer, timestampRequest, verifyTimestamp } from '@sealtrail/evidence'
import type { TimestampVerdict } from '@sealtrail/evidence'
import { encodeDer } from '../../src/timestamp/der.ts'
import { context, essNamed, extension, int, makeCertificate, makeCrl, makeToken, nameOf, octets, seq, sha } from './forge.ts'

const DAY = 86_400_000
const AT = Date.UTC(2032, 1, 29)
const text = Buffer.from('log.example/calls\n9\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n')
const span = { notBefore: AT - DAY, notAfter: AT + DAY }
const root = makeCertificate({ name: 'Root', issuer: null, kind: 'ca', ...span })
const middle = makeCertificate({ name: 'Middle', issuer: root, kind: 'ca', pathLength: 0, ...span })
const tsa = makeCertificate({ name: 'TSA', issuer: middle, kind: 'tsa', ...span })
const nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
// Every structure that is read stands somewhere in it.
const token = makeToken({
  text,
  signer: tsa,
  genTimeMs: AT,
  nonce,
  accuracy: seq(int(1), encodeDer(0x80, Uint8Array.of(7))),
  tsa: context(4, nameOf('TSA')),
  certificates: [middle.der, tsa.der],
  crls: [makeCrl({ issuer: middle, thisUpdate: AT, nextUpdate: AT + DAY }), makeCrl({ issuer: root, thisUpdate: AT, nextUpdate: AT + DAY })],
  ess: [essNamed(tsa.der, 'Middle', tsa.serial)],
})
const trust = { roots: [root.der], nonce, policies: ['1.2.3.4'] }
const check = (bytes: Uint8Array): Promise<TimestampVerdict> => verifyTimestamp(bytes, text, trust)
const said = ({ genTime, accuracyMs, serial, policy, tsa, chain }: TimestampVerdict): unknown => ({ genTime, accuracyMs, serial, policy, tsa, chain })

test('a token with any bit turned is refused, or says exactly the same', async () => {
  const whole = await check(token)
  assert.deepEqual([whole.ok, whole.revocation], [true, 'good'])
  let same = 0
  for (let at = 0; at < token.length; at++)
    for (const mask of [1 << (at % 8), 0xff]) {
      const damaged = Uint8Array.from(token)
      damaged[at]! ^= mask
      const verdict = await check(damaged)
      if (!verdict.ok) continue
      same++
      assert.deepEqual(said(verdict), said(whole), `byte ${at}`)
    }
  // Outside the signatures stand lists (their damage leaves the standing unknown), digest algorithms and version numbers only.
  assert.ok(same < token.length, `${same} of ${2 * token.length}`)
})

test('a token cut off anywhere, or longer by anything, is none', async () => {
  for (let length = 0; length < token.length; length++) {
    const { ok, problems } = await check(token.subarray(0, length))
    assert.deepEqual([ok, problems[0]?.code], [false, 'TIMESTAMP_FORMAT'])
  }
  assert.equal((await check(Buffer.concat([token, Uint8Array.of(0)]))).problems[0]?.code, 'TIMESTAMP_FORMAT')
})

test('what is nested without end, or too long, is none', async () => {
  const deep = new Uint8Array(60_000)
  for (let at = 0; at < deep.length; at += 2) deep.set([0x30, 0x80], at)
  const flat = encodeDer(0x30, ...Array.from({ length: 25_000 }, () => Uint8Array.of(5, 0)))
  const huge = encodeDer(0x30, new Uint8Array(70_000))
  const padding = makeCertificate({ name: 'Long', issuer: root, kind: 'ca', ...span, extensions: [extension('1.2.3', false, new Uint8Array(66_000))] })
  const long = makeToken({ text, signer: tsa, genTimeMs: AT, nonce, certificates: [tsa.der, middle.der, padding.der] })
  const lying = Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0)
  for (const bytes of [deep, flat, huge, lying, long]) {
    assert.equal((await check(bytes)).problems[0]?.code, 'TIMESTAMP_FORMAT')
    assert.equal(readTimestampAnswer(bytes).granted, false)
  }
})

test('no bytes make a reader throw', async () => {
  const around = fc.tuple(fc.nat(token.length - 1), fc.uint8Array({ maxLength: 40 })).map(([at, bytes]) => {
    const copy = Uint8Array.from(token)
    copy.set(bytes.subarray(0, copy.length - at), at)
    return copy
  })
  await fc.assert(
    fc.asyncProperty(fc.oneof(around, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
      const verdict = await check(bytes)
      assert.ok(!verdict.ok || verdict.genTime !== null)
      await verifyTimestamp(token, text, { roots: [bytes], intermediates: [bytes], crls: [bytes], nonce: bytes })
      readTimestampAnswer(bytes)
      readCertificates(bytes)
      crlInFile(bytes)
      describeCertificate(bytes)
    }),
    { numRuns: process.env['SLOW'] === '1' ? 20_000 : 400 },
  )
})

test('an answer is granted with a token, or says why not', () => {
  const status = (n: number, ...more: Uint8Array[]): Uint8Array => seq(int(n), ...more)
  const answer = readTimestampAnswer(seq(status(0), token))
  assert.deepEqual(answer.granted && Buffer.from(answer.token), Buffer.from(token))
  assert.equal(readTimestampAnswer(seq(status(1), token)).granted, true)
  const refused = seq(status(2, seq(encodeDer(0x0c, Buffer.from('not\u001b[2J today'))), encodeDer(3, Uint8Array.of(1, 0, 2))))
  assert.deepEqual(readTimestampAnswer(refused), {
    granted: false,
    failure: 'rejection: its time source is not available (timeNotAvailable)',
    text: 'not\ufffd[2J today',
  })
  // A token beside a refusal is no token.
  for (const wrong of [seq(status(2), token), seq(status(0)), seq(status(7)), token, Buffer.from('<html>'), new Uint8Array(0)])
    assert.equal(readTimestampAnswer(wrong).granted, false)
})

test('a request is what RFC 3161 says', () => {
  const digest = sha('sha256', text)
  const sha256 = seq(Uint8Array.of(6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1), Uint8Array.of(5, 0))
  const expected = seq(int(1), seq(sha256, octets(digest)), Uint8Array.of(6, 3, 0x2a, 3, 4), Uint8Array.of(2, 3, 0, 0x80, 1), Uint8Array.of(1, 1, 0xff))
  assert.deepEqual(Buffer.from(timestampRequest(digest, Uint8Array.of(0, 0x80, 1), '1.2.3.4')), Buffer.from(expected))
  assert.throws(() => timestampRequest(digest, nonce, 'policy'), { code: 'DER_FORMAT' })
})
