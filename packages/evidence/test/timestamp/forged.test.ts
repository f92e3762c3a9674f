import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyTimestamp } from '@sealtrail/evidence'
import type { TimestampCode, TimestampTrust } from '@sealtrail/evidence'
import { encodeDer, inside, readDer, toDefinite } from '../../src/timestamp/der.ts'
import { attribute, context, essNamed, essV1, essV2, extension, int, makeCertificate, makeToken, nameOf, octets, oid, OID, seq, sha } from './forge.ts'
import type { CertificateWish, Made, TokenWish } from './forge.ts'

const DAY = 86_400_000
const AT = Date.UTC(2030, 5, 15, 12, 30, 45)
const text = Buffer.from('log.example/calls\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n')

const make = (wish: Partial<CertificateWish> & Pick<CertificateWish, 'name' | 'issuer' | 'kind'>): Made =>
  makeCertificate({ notBefore: AT - 30 * DAY, notAfter: AT + 30 * DAY, ...wish })
const root = make({ name: 'Root', issuer: null, kind: 'ca' })
const other = make({ name: 'Other root', issuer: null, kind: 'ca' })
const tsa = make({ name: 'TSA', issuer: root, kind: 'tsa' })
const roots = [root.der]
const nonce = Uint8Array.of(0, 0x9a, 1, 2, 3)

const token = (wish: Partial<TokenWish> = {}): Uint8Array => makeToken({ text, signer: tsa, genTimeMs: AT, ...wish })
const codes = async (bytes: Uint8Array, trust: TimestampTrust = { roots }, over: Uint8Array = text): Promise<TimestampCode[]> => {
  const verdict = await verifyTimestamp(bytes, over, trust)
  assert.equal(verdict.ok, verdict.problems.length === 0)
  return [...new Set(verdict.problems.map(({ code }) => code))]
}
const good = async (bytes: Uint8Array, trust: TimestampTrust = { roots }): Promise<void> => assert.deepEqual(await codes(bytes, trust), [])
/** Every code among these, and this one for sure. */
const bad = async (code: TimestampCode, bytes: Uint8Array, trust: TimestampTrust = { roots }): Promise<void> => {
  const found = await codes(bytes, trust)
  assert.ok(found.includes(code), `${code} expected, found ${found.join(', ') || 'nothing'}`)
}
/** A token of a certificate that differs in one thing. */
const signedBy = (wish: Partial<CertificateWish>): Uint8Array => token({ signer: make({ name: 'TSA', issuer: root, kind: 'tsa', ...wish }) })

describe('a good token', () => {
  test('says time, accuracy, policy, serial and who', async () => {
    const bytes = token({
      nonce,
      policy: '1.2.3.9',
      genTime: '20300615123045.25Z',
      accuracy: seq(int(2), encodeDer(0x80, Uint8Array.of(5)), encodeDer(0x81, Uint8Array.of(1, 0xf4))),
    })
    const verdict = await verifyTimestamp(bytes, text, { roots, nonce, policies: ['1.2.3.9'] })
    assert.deepEqual(verdict.problems, [])
    const { ok, trust, genTime, accuracyMs, policy, tsa: who, revocation } = verdict
    assert.deepEqual(
      [ok, trust, genTime, accuracyMs, policy, who, revocation],
      [true, 'given', '2030-06-15T12:30:45.25Z', 2005.5, '1.2.3.9', 'CN=TSA', 'unknown'],
    )
    assert.match(verdict.serial ?? '', /^[0-9a-f]{2,16}$/)
    assert.deepEqual(
      verdict.chain.map((der) => Buffer.from(der).toString('hex')),
      [tsa, root].map(({ der }) => Buffer.from(der).toString('hex')),
    )
  })

  test('without roots is consistent at most', async () => {
    const verdict = await verifyTimestamp(token(), text, { roots: [] })
    assert.deepEqual([verdict.ok, verdict.trust, verdict.revocation], [true, 'none', 'unknown'])
    const enclosed = await verifyTimestamp(token({ certificates: [tsa.der, root.der] }), text, { roots: [] })
    assert.deepEqual([enclosed.ok, enclosed.trust, enclosed.chain.length], [true, 'none', 2])
  })

  test('of every kind of key that is accepted', async () => {
    await good(signedBy({ keys: 'ec384' }))
    await good(signedBy({ keys: 'rsa' }))
    const rsa = make({ name: 'TSA', issuer: root, kind: 'tsa', keys: 'rsa' })
    await good(token({ signer: rsa, signature: OID.rsaSha256 }))
    await good(token({ digestAlgorithm: OID.sha512 }))
    await good(token({ signature: OID.ecdsaSha384 }))
    const rsaRoot = make({ name: 'RSA root', issuer: null, kind: 'ca', keys: 'rsa' })
    await good(token({ signer: make({ name: 'TSA', issuer: rsaRoot, kind: 'tsa' }) }), { roots: [rsaRoot.der] })
  })

  test('with either form of the ESS attribute, with issuer and number, with its chain', async () => {
    await good(token({ ess: [essV1(tsa.der)] }))
    await good(token({ ess: [essV1(tsa.der), essV2(tsa.der)] }))
    await good(token({ ess: [essNamed(tsa.der, 'Root', tsa.serial)] }))
    await good(token({ ess: [essV2(tsa.der, root.der)] }))
  })

  test('in BER, as some authorities stream it', async () => {
    const bytes = token()
    const der = { body: bytes.subarray(4) }
    assert.equal(bytes[1], 0x82)
    const streamed = Buffer.concat([Uint8Array.of(0x30, 0x80), der.body, Uint8Array.of(0, 0)])
    await good(streamed)
    assert.deepEqual(Buffer.from(toDefinite(streamed)), Buffer.from(bytes))
    await bad('TIMESTAMP_FORMAT', Buffer.concat([Uint8Array.of(0x30, 0x80), der.body]))
    await bad('TIMESTAMP_FORMAT', Buffer.concat([streamed, Uint8Array.of(0)]))
    // A length in more octets than it needs says the same and is another text.
    await bad('TIMESTAMP_FORMAT', Buffer.concat([Uint8Array.of(0x30, 0x83, 0), bytes.subarray(2)]))
  })

  test('whose certificate is not enclosed but given', async () => {
    await bad('TIMESTAMP_SIGNER', token({ certificates: [] }))
    await good(token({ certificates: [] }), { roots, intermediates: [tsa.der] })
    await good(token({ certificates: [] }), { roots: [tsa.der] })
  })
})

describe('what the token says', () => {
  test('imprint', async () => {
    assert.deepEqual(await codes(token(), { roots }, Buffer.concat([text, Buffer.from('\n')])), ['TIMESTAMP_IMPRINT'])
    assert.deepEqual(await codes(token({ imprint: Buffer.alloc(32) })), ['TIMESTAMP_IMPRINT'])
    await bad('TIMESTAMP_IMPRINT', token({ imprintAlgorithm: OID.sha512 }))
    await bad('TIMESTAMP_IMPRINT', token({ imprintAlgorithm: OID.sha1 }))
    await bad('TIMESTAMP_IMPRINT', token({ imprint: Buffer.alloc(0) }))
  })

  test('nonce', async () => {
    assert.deepEqual(await codes(token({ nonce }), { roots, nonce: Uint8Array.of(7) }), ['TIMESTAMP_NONCE'])
    assert.deepEqual(await codes(token(), { roots, nonce }), ['TIMESTAMP_NONCE'])
    await good(token({ nonce }), { roots, nonce })
    await good(token({ nonce }))
  })

  test('policy, version, time, extensions, name', async () => {
    assert.deepEqual(await codes(token(), { roots, policies: ['1.2.3.5'] }), ['TIMESTAMP_POLICY'])
    await bad('TIMESTAMP_FORMAT', token({ version: 2 }))
    for (const genTime of [
      '20300615123045',
      '20300615123045.50Z',
      '20300615123045.Z',
      '20300231123045Z',
      '20300615243045Z',
      '20300615123060Z',
      '20300615123045+0100',
      '300615123045Z',
    ])
      await bad('TIMESTAMP_FORMAT', token({ genTime }))
    await bad('TIMESTAMP_FORMAT', token({ accuracy: seq(encodeDer(0x80, Uint8Array.of(3, 0xe8))) }))
    await bad('TIMESTAMP_FORMAT', token({ infoExtensions: [extension('1.2.3', true, Uint8Array.of(5, 0))] }))
    await good(token({ infoExtensions: [extension('1.2.3', false, Uint8Array.of(5, 0))] }))
    await good(token({ tsa: context(4, nameOf('TSA')) }))
    assert.deepEqual(await codes(token({ tsa: context(4, nameOf('Another')) })), ['TIMESTAMP_SIGNER'])
    assert.deepEqual(await codes(token({ tsa: encodeDer(0x86, Buffer.from('https://tsa.example')) })), ['TIMESTAMP_SIGNER'])
  })

  test('signed attributes', async () => {
    assert.deepEqual(await codes(token({ attributeType: '1.2.840.113549.1.7.1' })), ['TIMESTAMP_ATTRIBUTES'])
    assert.deepEqual(await codes(token({ attributeType: null })), ['TIMESTAMP_ATTRIBUTES'])
    assert.deepEqual(await codes(token({ attributeDigest: Buffer.alloc(32) })), ['TIMESTAMP_ATTRIBUTES'])
    assert.deepEqual(await codes(token({ attributeDigest: null })), ['TIMESTAMP_ATTRIBUTES'])
    assert.deepEqual(await codes(token({ contentType: '1.2.840.113549.1.7.1' })), ['TIMESTAMP_ATTRIBUTES'])
    const twice = attribute('1.2.840.113549.1.9.3', oid('1.2.840.113549.1.9.16.1.4'), oid('1.2.840.113549.1.7.1'))
    assert.deepEqual(await codes(token({ attributeType: null, moreAttributes: [twice] })), ['TIMESTAMP_ATTRIBUTES'])
    await bad('TIMESTAMP_FORMAT', token({ ess: [essV2(tsa.der), essV2(root.der)] }))
    await bad('TIMESTAMP_FORMAT', token({ signers: 0 }))
    await bad('TIMESTAMP_FORMAT', token({ announced: OID.sha512 }))
    await bad('TIMESTAMP_FORMAT', token({ signers: 2 }))
  })
})

describe('who signed', () => {
  test('without the ESS attribute, or with that of another certificate', async () => {
    const twin = make({ name: 'TSA', issuer: root, kind: 'tsa', keyOf: tsa })
    assert.deepEqual(await codes(token({ ess: [] })), ['TIMESTAMP_SIGNER'])
    for (const ess of [
      essV2(twin.der),
      essV1(twin.der),
      essNamed(tsa.der, 'Other', tsa.serial),
      essNamed(tsa.der, 'Root', tsa.serial + 1),
      essV2(tsa.der, other.der),
    ])
      assert.deepEqual(await codes(token({ ess: [ess] })), ['TIMESTAMP_SIGNER'])
    // Two values: which of them would count?
    const value = (der: Uint8Array): Uint8Array => seq(seq(seq(octets(sha('sha256', der)))))
    assert.deepEqual(await codes(token({ ess: [attribute('1.2.840.113549.1.9.16.2.47', value(tsa.der), value(twin.der))] })), ['TIMESTAMP_SIGNER'])
    // One right, one wrong: both are asked.
    assert.deepEqual(await codes(token({ ess: [essV1(twin.der), essV2(tsa.der)] })), ['TIMESTAMP_SIGNER'])
    assert.deepEqual(await codes(token({ ess: [attribute('1.2.840.113549.1.9.16.2.47', seq(seq()))] })), ['TIMESTAMP_SIGNER'])
    assert.deepEqual(await codes(token({ ess: [attribute('1.2.840.113549.1.9.16.2.47')] })), ['TIMESTAMP_SIGNER'])
    assert.deepEqual(await codes(token({ ess: [attribute('1.2.840.113549.1.9.16.2.47', octets())] })), ['TIMESTAMP_SIGNER'])
    // The signer info names a certificate that is not there, though the ESS attribute names one that is.
    assert.deepEqual(await codes(token({ named: { ...tsa, serial: tsa.serial + 1 } })), ['TIMESTAMP_SIGNER'])
    assert.deepEqual(await codes(token({ named: { ...tsa, issuer: 'Other root' } })), ['TIMESTAMP_SIGNER'])
    // Shown with another certificate of the same key, what was signed does not speak of it.
    assert.deepEqual(await codes(token({ named: twin, certificates: [twin.der] })), ['TIMESTAMP_SIGNER'])
  })

  test('a false certificate of the same name and number in front of the right one does no harm', async () => {
    const forged = { ...makeCertificate({ name: 'TSA', issuer: other, kind: 'tsa', notBefore: AT - DAY, notAfter: AT + DAY }) }
    const der = Buffer.from(forged.der)
    await good(token({ certificates: [Buffer.from([0x30, 0]), der, tsa.der] }))
  })

  test('with another key', async () => {
    const twin = make({ name: 'TSA', issuer: root, kind: 'tsa' })
    const found = await codes(makeToken({ text, signer: { ...tsa, key: twin.key }, genTimeMs: AT }))
    assert.deepEqual(found, ['TIMESTAMP_SIGNATURE'])
  })

  test('a certificate for other uses', async () => {
    assert.deepEqual(await codes(signedBy({ eku: [OID.codeSigning] })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ eku: [OID.timeStamping, OID.codeSigning] })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ eku: ['2.5.29.37.0'] })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ eku: [] })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ ekuCritical: false })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ keyUsage: [0x20, 5] })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ keyUsage: [0xa0, 5] })), ['TIMESTAMP_USAGE'])
    await good(signedBy({ keyUsage: [0xc0, 6] }))
    await good(signedBy({ keyUsage: null }))
    assert.deepEqual(await codes(signedBy({ keyUsage: [0x00, 7] })), ['TIMESTAMP_USAGE'])
    assert.deepEqual(await codes(signedBy({ extensions: [extension('1.2.3.4', true, Uint8Array.of(5, 0))] })), ['TIMESTAMP_CHAIN'])
    // Twice the same extension: which of the two would count?
    await bad('TIMESTAMP_SIGNER', signedBy({ extensions: [extension('2.5.29.37', true, seq(oid(OID.timeStamping)))] }))
  })

  test('weak algorithms and keys', async () => {
    assert.deepEqual(await codes(token({ signature: OID.ecdsaSha1 })), ['TIMESTAMP_ALGORITHM'])
    assert.deepEqual(await codes(token({ digestAlgorithm: OID.sha1 })), ['TIMESTAMP_ALGORITHM'])
    assert.deepEqual(await codes(signedBy({ keys: 'rsa1024' })), ['TIMESTAMP_ALGORITHM'])
    assert.deepEqual(await codes(signedBy({ signature: OID.ecdsaSha1 })), ['TIMESTAMP_CHAIN'])
    // RFC 8017: a key that says it is for PSS signs nothing else.
    const rsa = make({ name: 'TSA', issuer: root, kind: 'tsa', keys: 'rsa' })
    const bits = inside(readDer(rsa.spki)).rest(2)[1]?.whole ?? assert.fail()
    assert.deepEqual(await codes(signedBy({ keyOf: { ...rsa, spki: seq(seq(oid('1.2.840.113549.1.1.10')), bits) } })), ['TIMESTAMP_ALGORITHM'])
    // The key is of another kind than the signature says.
    assert.deepEqual(await codes(token({ signature: OID.rsaSha256 })), ['TIMESTAMP_ALGORITHM'])
  })
})
