// Bundles as the server makes them, of every kind of question, checked by our verifier and by other people's programs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, createPublicKey, verify } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { SDJwt } from '@sd-jwt/core'
import type { BundleVerdict, JsonObject } from '@sealtrail/evidence'
import { callEvents, PERSON, PERSONAL } from '../flow/fixtures/call.ts'
import { grep, World } from '../flow/harness.ts'
import { Fetched, fetchExport } from './fetched.ts'

const CUSTOMER = 'CUST_404040'
const receipt = (message: string, status: string, customer = CUSTOMER): JsonObject => ({
  message_uuid: message,
  customer_external_id: customer,
  delivery_status: status,
  carrier_receipt_timestamp: '2026-02-03T08:15:30Z',
  regulatory_tag: 'KEEP_7Y',
})
const answers = ({ questions }: BundleVerdict): Record<string, string> => Object.fromEntries(questions.map(({ id, answer }) => [id, answer]))
const here = (program: string): boolean => ['/usr/bin', '/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, program)))
const tools = ['bash', 'unzip', 'jq', 'sha256sum', 'xxd', 'basenc', 'openssl'].every(here)

describe('evidence bundles', () => {
  let world: World
  let call = ''
  const open: Fetched[] = []
  const fetch = async (...args: Parameters<typeof fetchExport> extends [World, ...infer R] ? R : never): Promise<Fetched> => {
    const fetched = await fetchExport(world, ...args)
    open.push(fetched)
    return fetched
  }
  const vkey = (log: string): string => world.local.sealing.vkey(log)

  before(async () => {
    world = await World.open()
    const events = callEvents(3)
    assert.equal((await world.send('/api/v1/events', events, { role: 'ingest' })).status, 200)
    for (let i = 0; i < 8; i++) await world.send('/api/v1/events', receipt(`m-${i}`, 'DELIVERED', i % 2 === 0 ? CUSTOMER : 'CUST_1'), { role: 'ingest' })
    await world.send('/api/v1/events', receipt('m-0', 'READ'), { role: 'ingest' })
    await world.flush()
    call = String((await world.records('interactions'))[0]?.['subject'])
  })
  after(async () => {
    for (const each of open) each.end()
    await world.end()
  })

  it('of a range: every record of it, proven whole', async () => {
    const { size } = { size: world.local.sealing.sizes.get('interactions') }
    for (const [range, from, to] of [
      [`interactions:0..${size}`, 0, size],
      ['interactions:3..7', 3, 7],
      ['interactions:5..', 5, size],
      ['interactions:4..4', 4, 4],
    ] as const) {
      const bundle = await fetch({ range }, 'auditor', { 'x-audit-purpose': 'case-7' })
      const verdict = await bundle.verify({ vkeys: [vkey('interactions')], asked: { range: { log: 'interactions', from, to } } })
      assert.deepEqual(verdict.problems, [])
      assert.equal(verdict.conclusion, 'established')
      assert.deepEqual(verdict.logs[0]?.range, { from, to, complete: true })
      assert.equal(answers(verdict)['complete'], 'yes')
      assert.deepEqual(verdict.manifest?.requester, { name: 'auditor.token', role: 'auditor', purpose: 'case-7' })
      assert.equal(verdict.manifestSha256, bundle.job['manifest'])
      assert.equal(createHash('sha256').update(bundle.bytes).digest('hex'), bundle.job['sha256'])
    }
  })

  it('of a subject, a person by each of its names, and a search', async () => {
    const subject = await fetch({ subject: call })
    assert.deepEqual((await subject.verify({ vkeys: [vkey('interactions')], asked: { subject: call } })).problems, [])
    assert.equal(subject.job['records'], callEvents(3).length)
    for (const [person, records] of [
      [CUSTOMER, 5],
      [PERSON.contact, null],
      [PERSON.phone, null],
      [PERSON.email.toUpperCase(), null],
      ['nobody', 0],
    ] as const) {
      const bundle = await fetch({ person })
      const verdict = await bundle.verify()
      assert.deepEqual(verdict.problems, [])
      if (records === null) assert.ok(Number(bundle.job['records']) > 0, person)
      else assert.equal(bundle.job['records'], records, person)
      assert.deepEqual(verdict.manifest?.asked, { kind: 'person' })
    }
    const search = await fetch({ query: { status: 'READ', log: 'notifications' } })
    assert.deepEqual((await search.verify({ vkeys: [vkey('notifications')] })).problems, [])
    assert.equal(search.job['records'], 1)
    const both = await fetch({ query: { from: '2020-01-01T00:00:00Z' } })
    const verdict = await both.verify({ vkeys: [vkey('notifications'), vkey('interactions')] })
    assert.deepEqual(verdict.problems, [])
    assert.equal(verdict.conclusion, 'established')
    assert.deepEqual(
      verdict.logs.map(({ log }) => log),
      ['interactions', 'notifications'],
    )
  })

  it('with the data that did not fit its record', async () => {
    const payload = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`k${i}`, `value ${i} of ${'x'.repeat(40)}`]))
    const event = { eventId: 'large', timestamp: '2026-01-01T00:00:00Z', eventType: 'call.stateChange', interactionId: 'large-call', payload }
    assert.equal((await world.send('/api/v1/events', event, { role: 'ingest' })).status, 202)
    await world.flush()
    const bundle = (await fetch({ subject: 'large-call' })).unzip()
    assert.deepEqual((await bundle.verify()).problems, [])
    const objects = bundle.paths().filter((path) => path.includes('/object/'))
    assert.equal(objects.length, 1)
    const [digest] = (objects[0] as string).split('/').slice(-1)
    assert.ok(bundle.text('log/interactions/records.ndjson').includes(`"dataobject":"sha256:${digest}"`))
    assert.ok(bundle.manifest.logs[0]!.fields.disclosed >= 1_500)
    assert.ok(bundle.text('disclosures/interactions.ndjson').length > 100_000)
    assert.equal((await (await fetch({ subject: 'large-call' }, 'auditor')).verify()).logs[0]?.fields.disclosed, 0)
    const [line] = bundle.lines('disclosures/interactions.sd-jwt')
    assert.equal(
      (
        await SDJwt.fromEncode(
          line as string,
          (data) =>
            new Uint8Array(
              createHash('sha256')
                .update(new Uint8Array(Buffer.from(data as string)))
                .digest(),
            ),
        )
      ).jwt?.payload?.['subject'],
      'large-call',
    )
  })

  it('of the log system too, by range', async () => {
    const verdict = await (await fetch({ range: 'system:0..' })).verify({ vkeys: [vkey('system')] })
    assert.deepEqual(verdict.problems, [])
  })

  it('with as many values as the role may see, and personal values in disclosures only', async () => {
    const [officer, auditor] = [(await fetch({ subject: call })).unzip(), (await fetch({ subject: call }, 'auditor')).unzip()]
    const inside = (bundle: Fetched, where: (path: string) => boolean): string[] =>
      bundle
        .paths()
        .filter(where)
        .flatMap((path) => grep(path, decoded(bundle.text(path)), PERSONAL))
    const isDisclosure = (path: string): boolean => path.startsWith('disclosures/')
    assert.deepEqual(
      inside(officer, (path) => !isDisclosure(path)),
      [],
    )
    assert.deepEqual(
      inside(auditor, () => true),
      [],
    )
    assert.ok(inside(officer, isDisclosure).length > PERSONAL.length / 2)
    for (const bundle of [officer, auditor]) assert.deepEqual((await bundle.verify()).problems, [])
    const [all, none] = [officer.manifest.logs[0]!.fields, auditor.manifest.logs[0]!.fields]
    assert.deepEqual([none.disclosed, none.sealed], [0, all.disclosed])
    // The one thing an auditor may see.
    const message = await fetch({ subject: 'm-0' }, 'auditor')
    const { fields } = (await message.verify()).logs[0]!
    assert.equal(fields.disclosed, 2)
    assert.equal(message.unzip().text('disclosures/notifications.sd-jwt').split('~').length - 1, 4)
  })

  it('without the alias of a person, anywhere', async () => {
    const bundle = (await fetch({ person: PERSON.phone }, 'auditor')).unzip()
    assert.deepEqual(
      bundle.paths().flatMap((path) => grep(path, decoded(bundle.text(path)), [PERSON.phone, PERSON.phone.slice(1)])),
      [],
    )
    const sealed = await world.system('export')
    assert.ok(sealed.length > 5)
    assert.deepEqual(grep('system', JSON.stringify(sealed), [...PERSONAL, CUSTOMER]), [])
    assert.deepEqual(grep('log', world.lines.join('\n'), [...PERSONAL, CUSTOMER]), [])
  })

  it('sealed in system before it can be fetched: who, why, what', async () => {
    const bundle = await fetch({ range: 'notifications:2..6' }, 'auditor', { 'x-audit-purpose': 'case-99' })
    const record = (await world.system('export')).find((each) => each['manifest'] === bundle.job['manifest'])
    assert.deepEqual([record?.['token'], record?.['role'], record?.['purpose']], ['auditor.token', 'auditor', 'case-99'])
    assert.deepEqual(record?.['runs'], [{ log: 'notifications', from: 2, to: 6 }])
    assert.deepEqual(record?.['asked'], { kind: 'range' })
    assert.equal(record?.['sha256'], bundle.job['sha256'])
  })

  it('whose SD-JWTs another library resolves, under the key of the answers', async () => {
    const bundle = (await fetch({ subject: call })).unzip()
    const keys = JSON.parse(bundle.text('keys.json')) as { wrapper: JsonObject }
    const directory = (await world.get('/.well-known/http-message-signatures-directory')).text
    assert.ok(directory.includes(String(keys.wrapper['kid'])))
    const key = createPublicKey({ key: keys.wrapper as never, format: 'jwk' })
    const hasher = (data: string | ArrayBuffer, alg: string): Uint8Array => {
      assert.equal(alg, 'sha-256')
      return new Uint8Array(
        createHash('sha256')
          .update(typeof data === 'string' ? data : new Uint8Array(data))
          .digest(),
      )
    }
    const lines = bundle.lines('disclosures/interactions.sd-jwt')
    const seen: unknown[] = []
    for (const [i, line] of lines.entries()) {
      const jwt = await SDJwt.fromEncode(line, hasher)
      const claims = (await jwt.getClaims(hasher)) as JsonObject
      const record = JSON.parse(bundle.lines('log/interactions/records.ndjson')[i] as string) as JsonObject
      assert.equal(claims['auditid'], record['auditid'])
      assert.ok(!JSON.stringify(claims).includes('"..."'))
      assert.ok(
        verify(null, Buffer.from(line.split('~')[0]!.split('.').slice(0, 2).join('.')), key, Buffer.from(line.split('~')[0]!.split('.')[2]!, 'base64url')),
      )
      seen.push(claims)
    }
    assert.equal(lines.length, callEvents(3).length)
    for (const value of [PERSON.phone, PERSON.name, PERSON.note]) assert.ok(JSON.stringify(seen).includes(value), value)
  })

  it('that Info-ZIP, zipfile and the README’s own commands check', { skip: tools ? false : 'bash, unzip, jq, xxd, basenc or openssl is missing' }, async () => {
    // A shell takes seconds for each: the other questions with SLOW=1.
    const rest = process.env['SLOW'] === '1' ? [{ subject: call }, { query: { from: '2020-01-01T00:00:00Z' } }] : []
    for (const body of [{ range: 'interactions:3..7' }, { person: 'nobody' }, ...rest]) {
      const bundle = (await fetch(body)).unzip()
      execFileSync('unzip', ['-tq', bundle.zip])
      const said = run(bundle)
      assert.match(said, /^files: same$/m)
      assert.equal(said.match(/Signature Verified Successfully/g)?.length ?? 0, bundle.manifest.logs.length)
      assert.match(said, /^disclosures: done$/m)
      assert.doesNotMatch(said, /not proven|does not lead|is not what|does not commit|FAILED/)
      for (const { log, range, records } of bundle.manifest.logs)
        assert.match(said, new RegExp(range === null ? `^${log}: ${records} records$` : `^${log}: records up to, and without, number ${range.to}$`, 'm'))
    }
  })

  it('whose README commands find what was changed', { skip: tools ? false : 'bash, unzip, jq, xxd, basenc or openssl is missing' }, async () => {
    const bundle = (await fetch({ range: 'interactions:3..7' })).unzip()
    execFileSync('sed', ['-i', '2s/"late":false/"late":true/', 'log/interactions/records.ndjson'], { cwd: bundle.folder })
    assert.match(run(bundle), /record 4 is not what was sealed/)
    const subject = (await fetch({ subject: call })).unzip()
    execFileSync('sed', ['-i', '2s/"late":false/"late":true/', 'log/interactions/records.ndjson'], { cwd: subject.folder })
    assert.match(run(subject), /is not proven/)
  })

  it('with a certificate that claims nothing: a draft with blanks', async () => {
    const bundle = (await fetch({ subject: call })).unzip()
    const draft = bundle.text('CERTIFICATE-DRAFT.md')
    assert.match(draft, /^# DRAFT/)
    assert.match(draft, /28 U\.S\.C\. § 1746/)
    assert.doesNotMatch(draft, /self-authenticat/i)
    assert.ok(draft.includes(bundle.manifest.logs[0]!.root))
    for (const { path, sha256 } of bundle.manifest.files.filter(({ path: each }) => each.endsWith('records.ndjson'))) assert.ok(draft.includes(sha256), path)
  })
})

/** What stands in base64url within SD-JWTs and disclosures, beside the text itself. */
function decoded(text: string): string {
  return [text, ...(text.match(/[A-Za-z0-9_-]{24,}/g) ?? []).map((word) => Buffer.from(word, 'base64url').toString())].join('\n')
}

/** Runs every `sh` block of the README, one after the other, in the unpacked folder. */
function run(bundle: Fetched): string {
  const script = [...bundle.text('README.md').matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block).join('\n')
  return execFileSync('bash', ['-c', `${script}\n`], { cwd: bundle.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
