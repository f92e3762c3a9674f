// "What do you hold about me?": one bundle of all of it, and nothing of anybody else's.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openDisclosure, verifyBundle } from '@sealtrail/evidence'
import type { CertificateBody } from '@sealtrail/evidence'
import type { JsonObject } from '../../src/event/json.ts'
import type { Role } from '../../src/http/ports.ts'
import { bundlePath, exportFolder } from '../../src/export/exports.ts'
import { grep, World } from '../flow/harness.ts'
import type { Answer } from '../flow/harness.ts'

const HER = { phone: '+13175550142', mail: 'wilma.quaken@example.com', id: 'CUST-77-WQ', name: 'Wilma Quakenbrueck' }
const HIM = { phone: '+442079460958', name: 'Balthazar Feuerstein' }

const PACK = `name: line
version: 1
unwrap: [{ has: [kind], take: body, topic: kind }]
events:
  - topic: [call]
    source: urn:example:line
    type: example.call
    id: "{{event.case}}/{{event.serial}}"
    subject: "{{event.case}}"
    time: event.at
    people:
      customer: [{ kind: phone, value: event.phone }, { kind: email, value: event.mail }, { kind: external-id, value: event.id }]
      second: [{ kind: phone, value: event.phone2 }]
    map: { "*": "{{event}}" , case: "{{event.case}}", serial: "{{event.serial}}" }
fields:
  case, serial, at: plain
  phone: { personal: phone, whose: customer, mask: phone }
  mail: { personal: email, whose: customer }
  id: { personal: external-id, whose: customer }
  name: { personal: name, whose: customer }
  phone2: { personal: phone, whose: second }
  name2: { personal: name, whose: second }
  pass: { personal: pass, whose: customer, verify-only: true }
`

describe('subject access', () => {
  const world = new World()
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-access-'))
  let answer: Answer
  let values: Map<string, unknown[]>
  let records: string[]
  const call = (id: string, serial: number, more: JsonObject): Promise<Answer> =>
    world.send('/api/v1/events?trail=line', { kind: 'call', body: { case: id, serial, at: '2026-03-01T10:00:00Z', ...more } })
  const ask = (body: JsonObject, role: Role = 'officer'): Promise<Answer> =>
    world.send('/api/v1/exports', { subject_access: true, ...body }, { role, headers: { 'x-audit-purpose': 'DSAR-9' } })

  before(async () => {
    writeFileSync(join(folder, 'pack.yaml'), PACK)
    await world.start(`trails: { line: { pack: ${folder} } }`)
    // One person under three names that one event ties together; no field of hers is searchable.
    await call('a', 1, { phone: HER.phone, mail: HER.mail, name: HER.name, note: 'asked for a refund', pass: 'PASS-4711' })
    await call('a', 2, { note: 'was called back about the refund' })
    await call('b', 1, { mail: HER.mail, id: HER.id, name: HER.name })
    await call('c', 1, { id: HER.id, name: HER.name, phone2: HIM.phone, name2: HIM.name, note: 'both spoke of the inheritance' })
    await call('d', 1, { phone: HIM.phone, name: HIM.name, note: 'his own affair entirely' })
    await world.flush()
    answer = await ask({ person: HER.phone })
    const zip = bundlePath(exportFolder(world.data), String(answer.body['id']))
    const out = join(folder, 'out')
    execFileSync('unzip', ['-q', zip, '-d', out])
    values = new Map()
    records = readFileSync(join(out, 'log/line/records.ndjson'), 'utf8').trim().split('\n')
    const subjects = records.map((line) => (JSON.parse(line) as { subject: string }).subject)
    const indexes = readFileSync(join(out, 'log/line/proofs.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { index: number }).index)
    for (const line of readFileSync(join(out, 'disclosures/line.ndjson'), 'utf8').trim().split('\n')) {
      const { index, disclosures } = JSON.parse(line) as { index: number; disclosures: string[] }
      const subject = subjects[indexes.indexOf(index)] as string
      values.set(subject, [...(values.get(subject) ?? []), ...disclosures.map((each) => openDisclosure(each).value)])
    }
  })
  after(async () => {
    await world.end()
    rmSync(folder, { recursive: true })
  })

  it('holds every record of every interaction she took part in, found by her keys, under all her names', () => {
    assert.deepEqual([answer.status, answer.body['kind'], answer.body['records']], [201, 'subject-access', 4])
    assert.deepEqual(
      records.map((line) => (JSON.parse(line) as { subject: string }).subject),
      ['a', 'a', 'b', 'c'],
    )
  })

  it('shows her values in clear and unmasked, nobody’s where she was alone, and nothing of his', () => {
    const sorted = (subject: string): unknown[] => [...(values.get(subject) ?? [])].sort()
    assert.deepEqual(sorted('a'), [HER.phone, HER.name, 'asked for a refund', 'was called back about the refund', HER.mail].sort())
    assert.deepEqual(sorted('b'), [HER.id, HER.name, HER.mail].sort())
    assert.deepEqual(sorted('c'), [HER.id, HER.name].sort())
    const all = Buffer.concat([readFileSync(join(folder, 'out/disclosures/line.ndjson')), readFileSync(join(folder, 'out/disclosures/line.sd-jwt'))])
    assert.deepEqual(grep('bundle', all, [HIM.phone, HIM.name, 'inheritance', 'his own affair', 'PASS-4711']), [])
    assert.match(readFileSync(join(folder, 'out/README.md'), 'utf8'), /You asked what is held about you/)
  })

  it('verifies offline, as every bundle does', async () => {
    const bytes = readFileSync(bundlePath(exportFolder(world.data), String(answer.body['id'])))
    const verdict = await verifyBundle(new Blob([bytes]), { vkeys: [world.local.sealing.vkey('line')] })
    assert.deepEqual(verdict.problems, [])
  })

  it('is the same by any of her names, or several; nobody is known by one that was never heard', async () => {
    for (const person of [`email:${HER.mail}`, HER.id, [HER.mail, `external-id:${HER.id}`]]) assert.equal((await ask({ person })).body['records'], 4)
    const nobody = await ask({ person: '+15005550006' })
    assert.deepEqual([nobody.status, nobody.body['code']], [404, 'NOT_FOUND'])
    assert.deepEqual(grep('problem', nobody.text, ['+15005550006']), [])
  })

  it('is for officers and admins, and is sealed with purpose, records and fields, without a name of hers', async () => {
    assert.deepEqual([(await ask({ person: HER.phone }, 'auditor')).body['code'], (await ask({ person: HER.phone }, 'admin')).status], ['FORBIDDEN', 201])
    const sealed = (await world.system('export')).find(({ sha256 }) => sha256 === answer.body['sha256'])
    assert.deepEqual(
      [sealed?.['asked'], sealed?.['purpose'], sealed?.['token'], sealed?.['runs'], sealed?.['disclosed_fields']],
      [
        { kind: 'subject-access' },
        'DSAR-9',
        'officer.token',
        [{ log: 'line', from: 0, to: 4 }],
        [{ fields: ['id', 'mail', 'name', 'note', 'phone'], log: 'line' }],
      ],
    )
    for (const body of [{ person: '' }, { person: [] }, { person: 1 }, { person: 'a', subject: 'b' }, {}])
      assert.equal((await ask(body as JsonObject)).status, 400)
  })

  it('of somebody erased there is nothing to hand over', async () => {
    const { body } = await world.send('/api/v1/erasures', { person: HER.phone, ground: 'GDPR Art. 17(1)(b)' }, { role: 'officer' })
    assert.equal(body['state'], 'completed')
    // What was verify-only is gone as well, and the certificate names it.
    const { certificate } = (await world.get(`/api/v1/certificates/${String(body['id'])}`)).body as unknown as { certificate: CertificateBody }
    assert.ok(certificate.records.some(({ fields }) => fields.some(({ path }) => path === '/pass')))
    assert.ok(
      certificate.records.every(({ fields }) => fields.every(({ path }) => !path.endsWith('2'))),
      'nothing of his',
    )
    assert.equal((await ask({ person: HER.phone })).status, 404)
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
