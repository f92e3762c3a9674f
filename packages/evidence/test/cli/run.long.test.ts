import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { run } from '../../src/cli/run.ts'
import type { Report } from '../../src/report/report.ts'
import { SENTENCES } from '../../src/report/sentences.ts'
import { certificatePem } from '../../src/timestamp/pem.ts'
import { bytesOf as certificateBytes, goodCertificate, recordsErased } from '../certificate/maker.ts'
import { brought, goodRange, goodSubject, loneProof, world } from '../bundle/examiner.ts'
import type { Brought } from '../bundle/examiner.ts'
import { FORGERIES } from '../bundle/forgeries.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-verify-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content)
  return name
}

interface Ended {
  readonly exit: number
  readonly out: string
  readonly err: string
}

async function verify(args: readonly string[], terminal = false): Promise<Ended> {
  let out = ''
  let err = ''
  const exit = await run(args, { stdout: (text) => void (out += text), stderr: (text) => void (err += text), cwd: folder, terminal })
  return { exit, out, err }
}

/** The command line of an examiner who brings this. */
function options({ keys, policy, roots, asked }: Brought): string[] {
  const args = keys.flatMap((vkey, i) => ['--key', i === 0 ? vkey : file(`key-${i}`, vkey)])
  if (policy !== '') args.push('--policy', file('policy', policy))
  for (const [i, der] of roots.entries()) args.push('--tsa-roots', file(`root-${i}.pem`, certificatePem(der)))
  if (asked.range !== undefined) args.push('--range', `${asked.range.log}:${asked.range.from}..${asked.range.to}`)
  if (asked.subject !== undefined) args.push('--subject', asked.subject)
  return args
}

const good = file('good.zip', goodRange())

describe('sealtrail-verify', () => {
  test('verifies a good bundle, exit 0, and answers each question', async () => {
    const { exit, out, err } = await verify([good, ...options(brought())])
    assert.deepEqual([exit, err], [0, ''])
    assert.match(out, /^VERIFIED/)
    for (const words of [
      /signed by the log “log\.example\.org\/calls”/i,
      /existed by 2 March 2026/,
      /40 records, numbers 240 to 279/,
      /none was left out/,
      /54 values disclosed/,
      /erased on 11 April 2026, 11:00:09/,
    ])
      assert.match(out, words)
    assert.doesNotMatch(out, /\[WRONG\]|problem/i)
    assert.ok(out.split('\n').every((line) => line.length <= 110))
  })

  test('without anything from elsewhere it says so loudly and does not exit 0, unless that is allowed', async () => {
    const { exit, out } = await verify([good])
    assert.equal(exit, 1)
    assert.match(out, /^SIGNER NOT ESTABLISHED – Consistent, signer not established/)
    assert.doesNotMatch(out, /verified/i)
    assert.equal((await verify([good, '--allow-unestablished'])).exit, 0)
    const json = JSON.parse((await verify([good, '--json'])).out) as Report & { ok: boolean }
    assert.deepEqual([json.ok, json.verdict, json.findings], [false, 'consistent', []])
  })

  test('roots alone establish a time and no signer', async () => {
    const { exit, out } = await verify([good, ...options({ ...brought(), keys: [], policy: '' })])
    assert.equal(exit, 1)
    assert.match(out, /^SIGNER NOT ESTABLISHED/)
    assert.match(out, /\[shown\] Since when/)
  })

  test('--allow-unestablished allows nothing that is wrong', async () => {
    const forged = file('forged.zip', FORGERIES[0]!.make().bundle)
    const { exit, out } = await verify([forged, '--allow-unestablished', '--json'])
    const { ok, verdict, findings } = JSON.parse(out) as Report & { ok: boolean }
    assert.deepEqual([exit, ok, verdict, findings[0]?.code, findings[0]?.index], [1, false, 'refuted', 'RECORD_CHANGED', 245])
  })

  for (const { id, what, code, make } of FORGERIES) {
    test(`${id}: ${what}`, async () => {
      const { bundle, brought: with_ = {} } = make()
      const args = [file(`${id}.zip`, bundle), ...options({ ...brought(), ...with_ })]
      const { exit, out } = await verify(args)
      assert.equal(exit, 1)
      if (code === null) return assert.match(out, /^SIGNER NOT ESTABLISHED/)
      assert.match(out, /^PROBLEM – Do not rely on this file/)
      assert.ok(out.replace(/\s+/g, ' ').includes(SENTENCES[code] as string))
      assert.ok(out.includes(`(${code}: `))
      return undefined
    })
  }

  test('checks a certificate of erasure, by the key of any log of its server, and says what it says', async () => {
    const { house } = world().log
    const sound = goodCertificate(house, recordsErased(world().log.records.slice(0, 20)))
    const certificate = file('certificate.json', certificateBytes(sound))
    const { exit, out } = await verify([certificate, '--key', house.log.vkey])
    assert.equal(exit, 0)
    assert.match(out, /^VERIFIED/)
    for (const words of [/“olga” asked for it on 11 April 2026/, /4 values of 4 records/, /\[part\] {2}What could not be reached\?/, /handed out to\s+counsel/])
      assert.match(out, words)
    assert.ok(out.split('\n').every((line) => line.length <= 110))
    assert.equal((await verify([certificate])).exit, 1)
    assert.equal((await verify([certificate, '--allow-unestablished'])).exit, 0)
    assert.equal((await verify([certificate, '--record', certificate])).exit, 2)
    const changed = file('changed.json', certificateBytes({ ...sound, certificate: { ...sound.certificate, notReached: [] } }))
    const json = JSON.parse((await verify([changed, '--key', house.log.vkey, '--json'])).out) as Report & { ok: boolean }
    assert.deepEqual([json.ok, json.subject, json.findings.map(({ code }) => code)], [false, 'certificate', ['CERTIFICATE_CHANGED']])
  })

  test('lists records with disclosed values, and says of the others why there is none', async () => {
    const { out } = await verify([good, '--records', ...options(brought())])
    assert.match(out, /record 240 .* com\.example\.call\.start {2}call-60 no\. 1/)
    assert.match(out, /caller: \+13175551060 {2}\(disclosed\)/)
    assert.match(out, /agent: \(sealed\)/)
    assert.match(out, /note: \(erased on 11 April 2026, 11:00:09 UTC, under the certificate [0-9a-f]{32}\)/)
    assert.match(out, /email: \(expired on 1 May 2026, 00:00:00 UTC, under the class short\)/)
    assert.equal(out.match(/^record \d+/gm)?.length, 40)
    const { rows } = JSON.parse((await verify([good, '--records', '--json'])).out) as { rows: { index: number; fields: { state: string }[] }[] }
    assert.deepEqual([rows.length, rows[0]?.index], [40, 240])
  })

  test('marks records that are not proven', async () => {
    const forged = file('invented.zip', FORGERIES.find(({ id }) => id === 'record-invented')!.make().bundle)
    const { out } = await verify([forged, '--records', ...options(brought())])
    assert.match(out, /^NOT PROVEN record 245 .*\n.*\n(?: {4}.*\n)*? {4}caller: \+15550000000\n/m)
    assert.equal(out.match(/^NOT PROVEN/gm)?.length, 1)
  })

  test('marks every record that a changed tile covers, and numbers those behind a gap as the log does', async () => {
    const forged = (id: string): string => file(`${id}.zip`, FORGERIES.find((each) => each.id === id)!.make().bundle)
    const tile = (await verify([forged('tile-changed'), '--records', ...options(brought())])).out
    assert.match(tile, /^PROBLEM/)
    assert.equal(tile.match(/^NOT PROVEN record/gm)?.length, 16)
    const dropped = (await verify([forged('record-dropped'), '--records', ...options(brought())])).out
    assert.match(dropped, /^record 256 .* call-64 no\. 1$/m)
    // The finding that a number is missing names it.
    assert.match(dropped, /^NOT PROVEN record 258 .* call-64 no\. 3$/m)
    assert.match(dropped, /^record 259 .* call-64 no\. 4$/m)
    assert.doesNotMatch(dropped, /^record 257 /m)
    assert.match(dropped, /^record 279 /m)
    const invented = (await verify([forged('record-inserted'), '--records', ...options(brought())])).out
    assert.equal(invented.match(/^NOT PROVEN record \(of no known number\)/gm)?.length, 1)
    assert.match(invented, /^record 279 .* call-69 no\. 4$/m)
  })

  test('compares with what was asked for', async () => {
    const subject = file('subject.zip', goodSubject())
    assert.equal((await verify([subject, '--subject', 'call-9', ...options(brought())])).exit, 0)
    assert.equal((await verify([subject, '--subject', 'call-1', ...options(brought())])).exit, 1)
    assert.equal((await verify([good, '--range', 'calls:240..280', ...options(brought())])).exit, 0)
    assert.equal((await verify([good, '--range', 'calls:239..280', ...options(brought())])).exit, 1)
  })

  test('draws progress on a terminal, and nowhere else', async () => {
    assert.match((await verify([good], true)).err, /checking \[#*\.*\] \d+ %/)
    assert.equal((await verify([good])).err, '')
  })
})

describe('a proof or a receipt', () => {
  const { record, proof, receipt } = loneProof()
  const parts = [file('record.json', record), file('e.tlog-proof', proof), file('receipt.json', receipt)] as const
  const [recordFile, proofFile, receiptFile] = parts

  for (const [kind, name] of [
    ['proof', proofFile],
    ['receipt', receiptFile],
  ] as const) {
    test(`a ${kind} with its record is verified with key or policy, and consistent without`, async () => {
      const { exit, out } = await verify([name, '--record', recordFile, ...options({ ...brought(), roots: [] })])
      assert.equal(exit, 0, out)
      assert.match(out, /Record 242 of the log “log\.example\.org\/calls”/)
      assert.match(out, /witness\.example\/north/)
      assert.equal((await verify([name, '--record', recordFile, '--key', world().log.house.log.vkey])).exit, 0)
      const none = await verify([name, '--record', recordFile])
      assert.equal(none.exit, 1)
      assert.match(none.out, /^SIGNER NOT ESTABLISHED/)
    })

    test(`a ${kind} of another record, index, key or log is refused`, async () => {
      const key = ['--key', world().log.house.log.vkey]
      const other = file('other.json', world().log.records[7]!.bytes)
      const changed = file('changed.json', Buffer.from(record).toString().replace('"outbound"', '"inbound"').replace('"queue":"S', '"queue":"s'))
      for (const wrong of [other, changed]) assert.equal((await verify([name, '--record', wrong, ...key])).exit, 1)
      const text = kind === 'proof' ? proof : receipt
      const moved = file(
        `moved-${name}`,
        text.replace(/index (\d+)|"index":(\d+)/, (all) => all.replace('242', '243')),
      )
      assert.equal((await verify([moved, '--record', recordFile, ...key])).exit, 1)
      const stranger = await verify([name, '--record', recordFile, '--key', world().forger.log.vkey])
      assert.equal(stranger.exit, 1)
      assert.match(stranger.out, /CHECKPOINT_SIGNATURE/)
      for (const cut of [10, 40, text.length - 20]) {
        const { exit } = await verify([file(`cut-${name}`, text.slice(0, cut)), '--record', recordFile, ...key])
        assert.ok(exit === 1 || exit === 2)
      }
    })

    test(`a ${kind} without its record is wrong use`, async () => {
      const { exit, err } = await verify([name])
      assert.equal(exit, 2)
      assert.match(err, /--record/)
    })
  }
})

describe('wrong use and what cannot run', () => {
  const wrong: readonly (readonly string[])[] = [
    [],
    [good, good],
    ['--nonsense', good],
    ['not-there.zip'],
    [file('note.txt', 'hello')],
    [good, '--key', 'nonsense'],
    [good, '--policy', file('bad-policy', 'quorum\n')],
    [good, '--policy', 'not-there'],
    [good, '--tsa-roots', file('bad.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')],
    [good, '--tsa-roots', file('empty.pem', 'nothing\n')],
    [good, '--range', 'calls:9..1'],
    [good, '--record', 'x'],
  ]
  for (const args of wrong) {
    test(`exit 2: ${args.join(' ')}`, async () => {
      const { exit, out, err } = await verify(args)
      assert.deepEqual([exit, out], [2, ''])
      assert.match(err, /^sealtrail-verify: \S/)
      const json = await verify([...args, '--json'])
      assert.equal((JSON.parse(json.err) as { error: { code: string } }).error.code, 'USAGE')
    })
  }

  test('exit 3 when the file cannot be read', async () => {
    assert.equal((await verify([folder])).exit, 3)
  })

  test('as a program: help, version, and the exit code of the process', () => {
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
    const node = (...args: string[]): string =>
      execFileSync(process.execPath, ['--conditions=@sealtrail/source', main, ...args], { encoding: 'utf8', cwd: folder, stdio: 'pipe' })
    assert.match(node('--help'), /Exit: 0 verified; 1 /)
    assert.match(node('--version'), /^\d+\.\d+\.\d+\n$/)
    assert.throws(() => node(good), { status: 1 })
    assert.match(node(good, ...options(brought())), /^VERIFIED/)
  })
})
