// What an examiner is told claims no more than was checked, and no stranger's words stand as ours.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseReceipt, recordBytes, verifyBundle } from '@sealtrail/evidence'
import type { BundleTrust, JsonObject } from '@sealtrail/evidence'
import { bundleReport } from '../../src/report/of-bundle.ts'
import { checkProof } from '../../src/report/of-proof.ts'
import type { Answer, Report } from '../../src/report/report.ts'
import { readTrust } from '../../src/report/trust-text.ts'
import { int, makeCertificate, makeCrl, makeToken, seq } from '../timestamp/forge.ts'
import { brought, FROM, goodRange, goodSubject, loneProof, SIZE, TO, trustOf, world } from './examiner.ts'
import { bundleOf, CERTIFICATE, rangeDraft } from './sample-bundle.ts'
import type { Draft } from './sample-bundle.ts'
import { house, policyOf, sampleLog, sampleRecord, signedCheckpoint, START } from './sample-log.ts'

const blob = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)])
const reportOf = async (bytes: Uint8Array, trust: BundleTrust = trustOf(brought())): Promise<Report> => bundleReport(await verifyBundle(blob(bytes), trust))
const answer = ({ answers }: Report, id: string): Answer => answers.find((each) => each.id === id) as Answer
const says = (report: Report, id: string): string => answer(report, id).says.join(' ')
const range = (change: (draft: Draft) => void): Buffer => {
  const draft = rangeDraft(world().log, FROM, TO)
  change(draft)
  return bundleOf(draft)
}
const none = `log ${world().log.house.log.vkey}\nquorum none\n`

describe('of a bundle', () => {
  test('what no signature covers is named, and not vouched for', async () => {
    for (const bundle of [goodRange(), goodSubject()]) {
      const report = await reportOf(bundle)
      assert.equal(report.verdict, 'verified')
      assert.doesNotMatch(report.sentence, /everything/i)
      assert.match(report.sentence, /^Every record in this bundle leads to a state of its log that was signed/)
      assert.match(says(report, 'records'), /No signature covers the README, .*schemas, who asked/)
      assert.equal(answer(report, 'schemas').state, 'part')
      assert.match(says(report, 'schemas'), /40 records name “urn:sealtrail:schema:calls:1”|4 records name “urn:sealtrail:schema:calls:1”/)
      assert.match(says(report, 'schemas'), /word of whoever made the file/)
    }
  })

  test('nothing is called signed whose signature nobody could check', async () => {
    const signed = await reportOf(goodRange())
    assert.deepEqual([answer(signed, 'records').state, /signed checkpoint/.test(says(signed, 'records'))], ['yes', true])
    const bare = await reportOf(goodRange(), {})
    assert.equal(answer(bare, 'records').state, 'part')
    assert.match(says(bare, 'records'), /each leads to a state the file holds, whose signature nobody here can check/)
    assert.doesNotMatch(JSON.stringify([answer(bare, 'records'), answer(bare, 'signer').detail]), /signed checkpoint|was signed|Signed state/)
    const others = await reportOf(goodRange(), { vkeys: [world().forger.log.vkey] })
    assert.match(says(others, 'records'), /a state that no key you brought establishes/)
  })

  test('a policy that asks for no witness is not said to be met', async () => {
    const report = await reportOf(goodRange(), { policy: none })
    assert.equal(report.verdict, 'verified')
    assert.match(says(report, 'signer'), /Your policy asks for no witness/i)
    assert.doesNotMatch(JSON.stringify(answer(report, 'signer')), /policy is met|as many as/)
    assert.match(says(await reportOf(goodRange()), 'signer'), /the witness policy is met/i)
  })

  test('a record existed by the latest time its stamp allows', async () => {
    const stamped = (accuracySeconds: number | null): Buffer =>
      range(({ stamp, log }) => {
        const accuracy = accuracySeconds === null ? {} : { accuracy: seq(int(accuracySeconds)) }
        stamp!.token = makeToken({
          text: Buffer.from(stamp!.text),
          signer: log.house.tsa,
          genTimeMs: START + 20_000_000,
          certificates: [log.house.tsa.der],
          ...accuracy,
        })
      })
    const by = async (bundle: Buffer): Promise<string | undefined> => (await verifyBundle(blob(bundle), { tsaRoots: brought().roots })).logs[0]?.since?.time
    assert.equal(await by(stamped(null)), new Date(START + 20_000_000).toISOString().replace('.000', ''))
    assert.equal(await by(stamped(90)), new Date(START + 20_090_000).toISOString().replace('.000', ''))
  })

  test('certificates are not withdrawn by the lists in the file, and as of their day', async () => {
    const { root, tsa } = world().log.house
    const list = makeCrl({ issuer: root, thisUpdate: START - 86_400_000, nextUpdate: START + 864_000_000 })
    const report = await reportOf(
      range((draft) => {
        draft.files = (files) => {
          const pem = `-----BEGIN X509 CRL-----\n${Buffer.from(list).toString('base64')}\n-----END X509 CRL-----\n`
          files.set('log/calls/timestamp/tsa-1/crls.pem', Buffer.from(pem))
        }
      }),
    )
    assert.deepEqual(report.findings, [])
    const [stamp] = answer(report, 'time').detail
    assert.equal(stamp?.label, `Time stamp of “CN=${tsa.name}”`)
    assert.match(stamp?.value ?? '', /certificates not withdrawn according to the lists in the file, the oldest of 1 March 2026/)
  })

  test('a certificate of erasure is looked for, checked, and named with its date', async () => {
    const good = await reportOf(goodRange())
    assert.match(
      says(good, 'erased'),
      new RegExp(`8 values erased on 11 April 2026, 11:00:09 UTC under the certificate ${CERTIFICATE}, which is in this file, names each`),
    )
    assert.match(answer(good, 'erased').detail[0]?.value ?? '', /^8 values, erased on 11 April 2026, 11:00:09 UTC, ground “GDPR Art\. 17\(1\)\(b\)”/)
    const bundle = range((draft) => (draft.certificates = new Map()))
    const verdict = await verifyBundle(blob(bundle), trustOf(brought()))
    assert.deepEqual(verdict.problems, [])
    assert.deepEqual(Object.entries(verdict.logs[0]!.erasedUnder), [[CERTIFICATE, 8]])
    const report = bundleReport(verdict)
    assert.match(says(report, 'erased'), new RegExp(`8 values said to be erased under the certificate ${CERTIFICATE}, which is not in this file`))
    assert.deepEqual(answer(report, 'erased').detail, [{ label: `Certificate ${CERTIFICATE}, not in this file`, value: '8 values' }])
  })

  test('a stranger’s words stand between marks they cannot close', async () => {
    const words = 'x”. It is genuine and was signed by "the court"'
    const liar = house('log.example.org/calls', 55)
    const years = { notBefore: START - 1e10, notAfter: START + 1e12 }
    const tsa = makeCertificate({ name: words, issuer: liar.root, kind: 'tsa', ...years })
    const log = sampleLog({ ...liar, tsa }, SIZE, (i) => {
      const { fields, ...rest } = sampleRecord(i)
      const own = { ...fields, dataschema: words }
      return { ...rest, fields: own, bytes: recordBytes(own) }
    })
    const report = await reportOf(bundleOf(rangeDraft(log, FROM, TO)), {})
    const quoted = "x'. It is genuine and was signed by 'the court'”"
    for (const id of ['time', 'schemas']) assert.ok(says(report, id).includes(quoted), says(report, id))
    for (const each of report.answers)
      for (const text of [...each.says, ...each.detail.flatMap(({ label, value }) => [label, value])])
        assert.ok(!text.replaceAll(quoted, '').includes('genuine'), text)
    assert.ok(report.pictures[0]!.times.every(({ label }) => !label.replaceAll(quoted, '').includes('genuine')))
  })
})

describe('of a proof or a receipt', () => {
  const { record, proof, receipt } = loneProof()
  const check = (kind: 'proof' | 'receipt', bytes: string, keys: string, policy = ''): Report => {
    const read = readTrust({ keys, policy, roots: '' })
    assert.ok(read.ok)
    return checkProof({ kind, bytes: Buffer.from(bytes), record }, read.value).report
  }
  const key = world().log.house.log.vkey
  /** With one of the two witnesses that must sign. */
  const fewer = (text: string): string => {
    const old = text.slice(text.indexOf('log.example.org/calls\n'))
    return text.replace(old, signedCheckpoint(world().log, [1]))
  }

  test('too few witnesses are too few witnesses, and no forgery', () => {
    const short = JSON.stringify({ ...(JSON.parse(receipt) as JsonObject), checkpoint: signedCheckpoint(world().log, [1]) })
    for (const [kind, text] of [
      ['proof', fewer(proof)],
      ['receipt', short],
    ] as const) {
      const report = check(kind, text, '', policyOf(world().log.house))
      assert.deepEqual(
        report.findings.map(({ code }) => code),
        ['QUORUM_NOT_MET'],
      )
      assert.equal(report.verdict, 'refuted')
      assert.equal(answer(report, 'signer').state, 'part')
      assert.match(says(report, 'signer'), /^The log “log\.example\.org\/calls”, with the key you gave\. Fewer independent witnesses/)
      assert.equal(answer(report, 'records').state, 'yes')
      assert.equal(check(kind, text, key).verdict, 'verified')
      // A stranger's signature is no matter of witnesses.
      assert.deepEqual(
        check(kind, text, '', policyOf(world().forger)).findings.map(({ code }) => code),
        ['CHECKPOINT_SIGNATURE'],
      )
    }
  })

  test('keys of other logs are called that', () => {
    const other = house('log.example.org/chats', 44)
    for (const report of [check('proof', proof, other.log.vkey), check('receipt', receipt, '', policyOf(other))]) {
      assert.deepEqual(
        report.findings.map(({ code }) => code),
        ['CHECKPOINT_SIGNATURE'],
      )
      assert.match(report.findings[0]!.detail, /nothing you gave is of a log of this name/)
      assert.match(says(report, 'signer'), /names the log “log\.example\.org\/calls”, and nothing you gave is of a log of this name/)
    }
  })

  test('without a key nothing is called signed', () => {
    assert.equal(parseReceipt(JSON.parse(receipt)).index, 242)
    for (const [kind, text] of [
      ['proof', proof],
      ['receipt', receipt],
    ] as const) {
      const bare = answer(check(kind, text, ''), 'records')
      assert.equal(bare.state, 'part')
      assert.match(bare.says[0]!, /it leads to a state of 300 records that the .* holds, whose signature nobody here can check/)
      const report = check(kind, text, key)
      assert.equal(answer(report, 'records').state, 'yes')
      assert.match(report.sentence, /^The record leads to a state of its log that was signed/)
      assert.match(says(check(kind, text, '', none), 'signer'), /Your policy asks for no witness/)
    }
  })

  test('a log’s name is quoted', () => {
    const report = check('proof', proof.replace('log.example.org/calls\n', 'x. It is genuine\n'), '')
    assert.match(says(report, 'signer'), /^Somebody who calls themselves “x\. It is genuine”\./)
  })
})
