import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ErasurePlan, ErasureView } from '../../src/privacy/erasure.ts'
import { sealtrail } from './io.ts'

const folder = mkdtempSync(join(tmpdir(), 'erase-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const data = ['--data', join(folder, 'data')]
const receipt = (message: string, contact: string): string =>
  `${JSON.stringify({ message_uuid: message, delivery_status: 'READ', customer_external_id: contact, carrier_receipt_timestamp: '2026-01-02T03:04:05Z' })}\n`

test('an erasure from the command line: planned, asked for, shown, each in words a compliance officer reads and as JSON', async () => {
  assert.equal((await sealtrail(['ingest', '-', ...data], { stdin: receipt('m-1', 'contact-ann') + receipt('m-2', 'contact-ben') })).exit, 0)
  const plan = await sealtrail(['erase', 'plan', '--person', 'external-id:contact-ann', ...data])
  assert.equal(plan.exit, 0, plan.err)
  assert.match(plan.out, /^1 name of one person, under 1 key\. Gone for ever would be:\n {2}log +records +values/)
  assert.match(plan.out, /\n {2}notifications +1 +\d+ +0 /)
  assert.match(plan.out, /\nNothing is in the way\.\n/)
  assert.match(plan.out, /What stays, and what cannot be reached:\n {2}- The record stays in the log/)
  const { keys, blocks } = JSON.parse((await sealtrail(['erase', 'plan', '--person', 'contact-ann', '--json', ...data])).out) as ErasurePlan
  assert.deepEqual([keys, blocks], [1, []])

  const held = await sealtrail(['hold', 'place', '--subject', 'm-1', '--reason', 'matter 7', '--scope', 'content', ...data])
  const blocked = await sealtrail(['erase', 'plan', '--person', 'contact-ann', ...data])
  assert.match(
    blocked.out,
    new RegExp(`In the way, until all of it has ended:\n {2}legal hold ${held.out.slice(0, 32)} on 1 record: matter 7; until it is released\n`),
  )
  const asked = await sealtrail(['erase', 'request', '--person', '-', '--ground', 'GDPR Art. 17(1)(b)', '--reference', 'T-1', ...data], {
    stdin: 'external-id:contact-ann\n\n',
  })
  assert.equal(asked.exit, 0, asked.err)
  assert.match(asked.out, /^[0-9a-f]{32} {2}deferred: asked for by command-line on .*; 1 block in the way\n {2}legal hold /)
  const id = asked.out.slice(0, 32)
  assert.match((await sealtrail(['erase', 'request', '--person', 'contact-ann', '--ground', 'g', ...data])).err, /ERASURE_EXISTS/)
  assert.match((await sealtrail(['erase', 'approve', id, ...data])).err, /nothing of this id waits for a second person/)
  assert.match((await sealtrail(['erase', 'withdraw', id, '--reason', 'asked twice', ...data])).out, /withdrawn by command-line on .*: asked twice/)

  const done = await sealtrail(['erase', 'request', '--person', 'external-id:contact-ben', '--ground', 'GDPR Art. 17(1)(b)', ...data])
  assert.match(done.out, /^[0-9a-f]{32} {2}completed on .*: 1 record, certificate sha256:[0-9a-f]{64}; asked for by command-line/)
  assert.doesNotMatch(done.out + done.err, /contact-ben/)
  const view = JSON.parse((await sealtrail(['erase', 'show', done.out.slice(0, 32), '--json', ...data])).out) as ErasureView
  assert.deepEqual([view.state, view.records], ['completed', 1])
  const file = join(folder, 'certificate.json')
  const told = await sealtrail(['erase', 'certificate', view.id, '-o', file, ...data])
  assert.equal(told.exit, 0, told.err)
  const { certificate } = JSON.parse(readFileSync(file, 'utf8')) as { certificate: { id: string; records: unknown[] } }
  assert.deepEqual([certificate.id, certificate.records.length], [view.id, 1])
  assert.equal((await sealtrail(['erase', 'certificate', view.id, '-o', join(folder, 'c.pdf'), '--pdf', ...data])).exit, 0)
  assert.equal(readFileSync(join(folder, 'c.pdf')).subarray(0, 5).toString(), '%PDF-')
  assert.match((await sealtrail(['erase', 'certificate', view.id, '-o', file, ...data])).err, /nothing is overwritten/)
  assert.match((await sealtrail(['erase', 'certificate', id, '-o', join(folder, 'none.json'), ...data])).err, /no erasure of this id was completed/)
  assert.deepEqual([existsSync(join(folder, 'none.json')), existsSync(join(folder, 'none.json.part'))], [false, false])

  const list = await sealtrail(['erase', 'list', ...data])
  assert.deepEqual(
    list.out.split('\n').map((line) => line.slice(0, 32)),
    [view.id, id, ''],
  )
  assert.match((await sealtrail(['erase', 'plan', '--person', 'contact-ben', ...data])).err, /nobody is known by this name/)
})

test('who is meant is gone: the list says so and ends with 1', async () => {
  writeFileSync(join(folder, 'two.yaml'), 'auth: { dualControl: [erase] }\n')
  const config = ['--config', join(folder, 'two.yaml'), ...data]
  const { id, expires } = JSON.parse(
    (await sealtrail(['erase', 'request', '--person', 'contact-ann', '--ground', 'g', '--json', ...config])).out,
  ) as ErasureView
  assert.match(
    (await sealtrail(['erase', 'show', id, ...config])).out,
    new RegExp(`requested: asked for by command-line on .*, to be approved until ${expires}`),
  )
  assert.match((await sealtrail(['erase', 'approve', id, ...config])).err, /SAME_APPROVER/)
  rmSync(join(folder, 'data', 'erasures', `${id}.json`))
  const list = await sealtrail(['erase', 'list', ...config])
  assert.equal(list.exit, 1)
  assert.match(list.out, /does not go on: DATA_CORRUPT: erasures\/[0-9a-f]{32}\.json is gone/)
})

test('wrong use says what is right, and repeats no name', async () => {
  for (const args of [
    [],
    ['plan'],
    ['plan', 'contact-ann', '--person', 'contact-ann'],
    ['request', '--person', 'contact-ann'],
    ['request', '--ground', 'g'],
    ['approve'],
    ['approve', 'a', 'b'],
    ['withdraw', 'a'],
    ['certificate', 'a'],
    ['forget', 'contact-ann'],
  ]) {
    const { exit, err } = await sealtrail(['erase', ...args, ...data])
    assert.equal(exit, 2, args.join(' '))
    assert.match(err, /erase|--person|-o/)
    assert.doesNotMatch(err, /contact-ann/)
  }
  assert.equal((await sealtrail(['erase', 'plan', '--person', '-', ...data], { stdin: '\n' })).exit, 2)
  assert.match((await sealtrail(['erase', 'request', '--person', 'contact-ann', '--ground', 'for contact-ann', ...data])).err, /ground names the person/)
})
