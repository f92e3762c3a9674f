// Tokens that OpenSSL made (make-fixtures.sh), and pkijs asked about the same ones: nothing here was written by our own code.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import { certificatePem, crlInFile, describeCertificate, describeCrl, pemOf, readCertificates, readTimestampAnswer, verifyTimestamp } from '@sealtrail/evidence'
import { inside, readDer } from '../../src/timestamp/der.ts'
import type { TimestampTrust, TimestampVerdict } from '@sealtrail/evidence'

const kept = JSON.parse(readFileSync(new URL('fixtures.json', import.meta.url), 'utf8')) as Record<string, string>
const file = (name: string): Uint8Array => new Uint8Array(Buffer.from(kept[name] ?? assert.fail(name), 'base64'))
const text = file('text')
const roots = [file('root.der')]
const nonce =
  inside(readDer(file('query.tsq')))
    .rest(8)
    .at(-2)?.body ?? assert.fail()

function tokenOf(name: string): Uint8Array {
  if (name.endsWith('.tst')) return file(name)
  const answer = readTimestampAnswer(file(name))
  assert.ok(answer.granted)
  return answer.token
}
const ask = (name: string, trust: Partial<TimestampTrust> = {}): Promise<TimestampVerdict> => verifyTimestamp(tokenOf(name), text, { roots, ...trust })
const codes = async (name: string, trust?: Partial<TimestampTrust>): Promise<string> =>
  [...new Set((await ask(name, trust)).problems.map(({ code }) => code))].join() || 'good'

describe('tokens OpenSSL made', () => {
  test('good ones: RSA, P-384, under an intermediate, with the whole chain bound, with ESS version 1', async () => {
    for (const name of ['rsa.tsr', 'ec384.tsr', 'below.tsr', 'chain.tsr', 'essv1.tsr', 'revoked.tsr']) assert.equal(await codes(name, { nonce }), 'good', name)
    const { genTime, accuracyMs, policy, tsa, chain } = await ask('below.tsr')
    assert.match(genTime ?? '', /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/)
    assert.deepEqual([accuracyMs, policy, tsa, chain.length], [1500.1, '1.3.6.1.4.1.99999.1', 'O=Sealtrail tests, CN=below', 3])
  })

  test('good ones in other forms of CMS: PSS, named by key identifier, streamed as BER', async () => {
    for (const name of ['pss.tst', 'key-id.tst', 'streamed.tst']) assert.equal(await codes(name), 'good', name)
    assert.equal(file('streamed.tst')[1], 0x80)
  })

  test('bad ones', async () => {
    assert.equal(await codes('no-ess.tst'), 'TIMESTAMP_SIGNER')
    assert.match(await codes('wrong-eku.tst'), /TIMESTAMP_USAGE/)
    for (const name of ['wrong-eku-ess.tst', 'soft-eku.tst', 'two-ekus.tst']) assert.match(await codes(name), /TIMESTAMP_USAGE/, name)
    assert.match(await codes('expired.tst'), /TIMESTAMP_VALIDITY/)
    assert.match(await codes('sha1-signature.tst'), /TIMESTAMP_ALGORITHM/)
    assert.equal(await codes('sha1.tsr'), 'TIMESTAMP_IMPRINT')
    assert.equal(await codes('rsa.tsr', { nonce: Uint8Array.of(1) }), 'TIMESTAMP_NONCE')
    assert.equal(await codes('rsa.tsr', { policies: ['1.3.6.1.4.1.99999.2'] }), 'TIMESTAMP_POLICY')
    assert.equal(await codes('rsa.tsr', { roots: [file('middle.der')] }), 'TIMESTAMP_CHAIN')
    const { problems } = await verifyTimestamp(tokenOf('rsa.tsr'), text.subarray(1), { roots })
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['TIMESTAMP_IMPRINT'],
    )
    const refused = readTimestampAnswer(file('refused.tsr'))
    assert.deepEqual(refused.granted || refused.failure, 'rejection: the data has the wrong format (badDataFormat)')
  })

  test('lists OpenSSL made: one that clears, one that revokes', async () => {
    assert.equal((await ask('rsa.tsr', { crls: [file('clean.der')] })).revocation, 'good')
    assert.equal((await ask('revoked.tsr', { crls: [file('clean.der')] })).revocation, 'good')
    const revoked = await ask('revoked.tsr', { crls: [file('revoking.der')] })
    assert.deepEqual([revoked.ok, revoked.revocation, revoked.problems.map(({ code }) => code)], [false, 'revoked', ['TIMESTAMP_REVOKED']])
    assert.equal((await ask('rsa.tsr', { crls: [file('revoking.der')] })).revocation, 'good')
    assert.equal((await ask('below.tsr', { crls: [file('clean.der')] })).revocation, 'unknown')
  })
})

describe('files', () => {
  test('certificates and lists, PEM or DER, with other things between', () => {
    const der = file('root.der')
    const pem = certificatePem(der)
    assert.match(pem, /^-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----\n$/)
    const both = readCertificates(Buffer.from(`# roots\r\n${pem.replaceAll('\n', '\r\n')}\nsubject=x\n${certificatePem(file('rsa.der'))}`))
    assert.deepEqual(both.ok && both.value.map((each) => Buffer.from(each)), [Buffer.from(der), Buffer.from(file('rsa.der'))])
    assert.deepEqual(readCertificates(der), { ok: true, value: [der] })
    // A summary that begins like DER is text all the same.
    assert.equal(readCertificates(Buffer.from(`0 s:CN=root\n${pem}`)).ok, true)
    assert.deepEqual(describeCertificate(file('rsa.der'))?.crls, ['http://crl.example/root.crl'])
    assert.equal(describeCertificate(der)?.subject, 'CN=root, O=Sealtrail tests')
    assert.ok(crlInFile(Buffer.from(pem + pemOf('X509 CRL', file('clean.der')))) !== null)
    assert.ok(crlInFile(file('clean.der')) !== null && crlInFile(der) === null && describeCrl(file('clean.der')) !== null)
  })
})

test('one certificate that cannot be read spoils the file, and is named', () => {
  const der = file('root.der')
  const pem = certificatePem(der)
  const why = (text: string | Uint8Array): string => {
    const read = readCertificates(Buffer.from(text))
    return read.ok ? '' : read.message
  }
  assert.equal(why(pem + pem), '')
  for (const [text, expected] of [
    ['', /no certificate here/],
    ['# none\n', /no certificate here/],
    [pem + pem.replace('MII', 'MIJ') + pem, /Certificate 2 is damaged/],
    [pem + certificatePem(new Uint8Array(3)), /Certificate 2 is damaged/],
    [pem + pem.slice(0, -5), /Certificate 2 is damaged/],
    [pem.slice(0, 200) + pem, /Certificate 1 is damaged/],
    [pem + pem.replace('BEGIN C', 'BEGINC'), /Certificate 2 is damaged/],
    [pem + pem.replace('M', '*'), /Certificate 2 is damaged/],
    [pem + pem.replace('-----BEGIN', '----BEGIN'), /an end and no beginning/],
    [pem + pemOf('X509 CRL', file('clean.der')), /Block 2 is no certificate/],
    [pem.repeat(1_001), /more than 1,000/],
    [der.slice(0, -1), /no certificate, or it is damaged/],
    [Buffer.concat([der, der]), /no certificate, or it is damaged/],
  ] as const)
    assert.match(why(text), expected)
})

describe('pkijs says the same, as far as it looks', () => {
  const pkijsSays = async (token: Uint8Array, data: Uint8Array, root: Uint8Array): Promise<boolean> => {
    const content = pkijs.ContentInfo.fromBER(token.slice().buffer)
    const signed = new pkijs.SignedData({ schema: content.content })
    const trustedCerts = [pkijs.Certificate.fromBER(root.slice().buffer)]
    try {
      return (await signed.verify({ signer: 0, data: data.slice().buffer, trustedCerts, checkChain: true })) === true
    } catch {
      return false
    }
  }

  test('of good and of damaged tokens', async () => {
    assert.ok(asn1js.fromBER(tokenOf('rsa.tsr').slice().buffer).offset > 0)
    for (const name of ['rsa.tsr', 'ec384.tsr', 'below.tsr']) {
      const token = tokenOf(name)
      assert.equal(await pkijsSays(token, text, roots[0] as Uint8Array), true, name)
      assert.equal(await pkijsSays(token, text.subarray(1), roots[0] as Uint8Array), false, name)
    }
    // And what it leaves out, which is why it does not decide here.
    for (const name of ['wrong-eku.tst', 'no-ess.tst', 'soft-eku.tst']) assert.equal(await pkijsSays(tokenOf(name), text, roots[0] as Uint8Array), true, name)
  })
})
