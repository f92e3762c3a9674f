import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseReceipt, verifyReceipt } from '@sealtrail/evidence'
import { SealtrailError } from '../../src/errors.ts'
import type { Reading, Viewer } from '../../src/http/ports.ts'
import { RECORD } from '../guides.ts'
import { START, uuidOf } from './sample.ts'
import { Personal, World, auditor, officer } from './world.ts'

const RECEIPT = 'com.genesys.cloud.notification.receipt'
const [FIRST, SECOND, THIRD, LONE] = [uuidOf(1), uuidOf(2), uuidOf(3), uuidOf(4)] as [string, string, string, string]
/** As the second guide prints it. */
const NAMES = Object.keys(JSON.parse(RECORD) as object)

let world: World
let ids: string[]
const later = START + 3_600_000

function receipt(subject: string, status: string, n: number, more: Record<string, unknown> = {}, late = false) {
  const customer = (more['customer'] as string | undefined) ?? 'CUST-1'
  return {
    id: `${subject}/${status}`,
    subject,
    type: RECEIPT,
    timeMs: START + n * 1000,
    late,
    tag: 'COMPLIANCE_ARCHIVE_V1',
    data: {
      message_uuid: subject,
      customer_external_id: new Personal('external-id', customer, customer),
      recipient_address: new Personal('address', '+13175550199', customer),
      communication_type: 'outbound_message_status_update',
      delivery_status: status,
      carrier_receipt_timestamp: new Date(START + n * 1000).toISOString(),
      carrier_error_code: null,
      originating_workflow_id: 'wf-7',
      originating_agent_id: null,
      platform_tenant_id: 'tenant-1',
      ...(more['carrier'] === undefined ? {} : { carrier_message_id: more['carrier'] as string }),
      ...(more['audit_id'] === undefined ? {} : { audit_id: more['audit_id'] as string, ingestion_timestamp: '2031-03-04T10:00:00Z' }),
    },
  }
}

before(async () => {
  world = await World.open(() => later)
  ids = []
  const events = [
    receipt(FIRST, 'READ', 10, { carrier: 'SM-1' }),
    receipt(SECOND, 'FAILED', 20, { carrier: 'SM-2' }),
    receipt(FIRST, 'DELIVERED', 9, { carrier: 'SM-1' }, true),
    receipt(SECOND, 'EXPIRED', 21, { carrier: 'SM-2' }),
    receipt(THIRD, 'DELIVERED', 30, { customer: 'CUST-2', audit_id: 'evt_their_own' }),
    receipt(LONE, 'DELIVERED', 40, { customer: 'CUST-3' }),
    // An event of the message that was refused takes its number, and is no receipt.
    {
      id: `${LONE}/x#refused`,
      subject: LONE,
      type: 'sealtrail.refused',
      timeMs: START + 41_000,
      data: { code: 'SENSITIVE_AUTHENTICATION_DATA', fields: ['cvv'] },
    },
  ]
  for (const event of events) ids.push(await world.seal('notifications', event))
  await world.follower.catchUp()
})
after(() => world.close())

async function ask(query: Record<string, string>, viewer: Viewer = auditor): Promise<any> {
  const reading = await world.reader.auditNotifications(query, viewer)
  return reading === null ? null : (reading as Reading).body
}

test('the current status is the highest, whatever came last; the history has every receipt in sequence', async () => {
  const body = await ask({ message_uuid: FIRST })
  assert.equal(body.status, 'verified')
  assert.deepEqual(Object.keys(body.audit_record).sort(), [...NAMES].sort())
  assert.equal(body.audit_record.delivery_status, 'READ')
  assert.equal(body.audit_record.message_uuid, FIRST)
  assert.equal(body.audit_record.audit_id, ids[0])
  assert.equal(body.audit_record.ingestion_timestamp, new Date(later).toISOString())
  assert.equal(body.audit_record.regulatory_tag, 'COMPLIANCE_ARCHIVE_V1')
  assert.equal(body.audit_record.customer_external_id, 'CUST-1')
  assert.equal(body.audit_record.originating_agent_id, null)
  assert.equal(body.verification_timestamp, new Date(later).toISOString())
  assert.deepEqual(
    body.history.map((each: any) => [each.delivery_status, each.subjectsequence, each.superseded, each.auditid]),
    [
      ['READ', 1, false, ids[0]],
      ['DELIVERED', 2, true, ids[2]],
    ],
  )
  assert.deepEqual(body.field_states, { customer_external_id: 'disclosed', recipient_address: 'sealed' })
  assert.deepEqual(body.more, [])
  assert.equal('problems' in body, false)
  assert.equal((await ask({ message_uuid: SECOND })).audit_record.delivery_status, 'EXPIRED')
})

test("the sender's audit id and ingestion time are kept", async () => {
  const { audit_record } = await ask({ message_uuid: THIRD })
  assert.equal(audit_record.audit_id, 'evt_their_own')
  assert.equal(audit_record.ingestion_timestamp, '2031-03-04T10:00:00Z')
})

test('the proof is a receipt that verifies with the key from elsewhere, over the stored bytes', async () => {
  const body = await ask({ message_uuid: FIRST })
  const bytes = (world.records.logsByName.get('notifications') as Uint8Array[])[0] as Uint8Array
  const verdict = verifyReceipt(parseReceipt(body.proof), { record: bytes }, world.vkey('notifications'))
  assert.deepEqual(verdict, { ok: true, trust: 'given', size: 7, problems: [] })
  assert.equal(body.proof.integrity_hash, body.audit_record.integrity_hash)
})

test('finds by customer and by carrier id, names the other messages, and refuses identifiers that disagree', async () => {
  const byCustomer = await ask({ customer_external_id: 'CUST-1' })
  assert.equal(byCustomer.audit_record.message_uuid, SECOND)
  assert.deepEqual(byCustomer.more, [FIRST])
  assert.equal((await ask({ carrier_message_id: 'SM-1' })).audit_record.message_uuid, FIRST)
  assert.equal((await ask({ message_uuid: FIRST, customer_external_id: 'CUST-1', carrier_message_id: 'SM-1' })).status, 'verified')
  assert.equal((await ask({ carrier_message_id: 'SM-2', customer_external_id: 'CUST-1' })).audit_record.message_uuid, SECOND)
  for (const query of [
    { message_uuid: uuidOf(99) },
    { customer_external_id: 'CUST-9' },
    { carrier_message_id: 'SM-9' },
    { message_uuid: FIRST, customer_external_id: 'CUST-2' },
    { message_uuid: FIRST, carrier_message_id: 'SM-2' },
    { carrier_message_id: 'SM-1', customer_external_id: 'CUST-2' },
    { customer_external_id: 'cust-1' },
  ]) {
    assert.equal(await ask(query as Record<string, string>), null, JSON.stringify(query))
  }
  await assert.rejects(ask({}), (error) => error instanceof SealtrailError && error.code === 'NO_IDENTIFIER')
})

test('who may see what: nobody below auditor sees the customer, only officers see the address', async () => {
  const seen = async (role: Viewer['role']) => (await ask({ message_uuid: FIRST }, { ...auditor, role })).field_states
  assert.deepEqual(await seen('security'), { customer_external_id: 'sealed', recipient_address: 'sealed' })
  assert.deepEqual(await seen('ingest'), { customer_external_id: 'sealed', recipient_address: 'sealed' })
  assert.deepEqual(await seen('officer'), { customer_external_id: 'disclosed', recipient_address: 'disclosed' })
  const sealed = await ask({ message_uuid: FIRST }, { ...auditor, role: 'security' })
  assert.equal(sealed.audit_record.customer_external_id, null)
  assert.equal(JSON.stringify(sealed).includes('CUST-1'), false)
  assert.equal(JSON.stringify(await ask({ message_uuid: FIRST })).includes('3175550199'), false)
})

test('the answer says which records were shown', async () => {
  const reading = await world.reader.auditNotifications({ message_uuid: FIRST }, officer)
  assert.deepEqual(reading?.shown, [
    { log: 'notifications', auditid: ids[0], disclosed: ['customer_external_id'] },
    { log: 'notifications', auditid: ids[2], disclosed: ['customer_external_id'] },
  ])
})

test('each receipt is found at once, before the index has it', async () => {
  const uuid = uuidOf(50)
  await world.seal('notifications', receipt(uuid, 'DELIVERED', 60, { customer: 'CUST-50', carrier: 'SM-50' }))
  for (const query of [
    { message_uuid: uuid },
    { customer_external_id: 'CUST-50' },
    { carrier_message_id: 'SM-50' },
    { message_uuid: uuid, customer_external_id: 'CUST-50' },
  ]) {
    assert.equal((await ask(query as Record<string, string>))?.audit_record.message_uuid, uuid, JSON.stringify(query))
  }
  await world.seal('notifications', receipt(uuid, 'READ', 61, { customer: 'CUST-50', carrier: 'SM-50' }))
  assert.equal((await ask({ message_uuid: uuid })).audit_record.delivery_status, 'READ')
  await world.follower.catchUp()
  assert.equal((await ask({ message_uuid: uuid })).history.length, 2)
})

test('an erased person: the record still verifies, and says that the value was erased', async () => {
  const uuid = uuidOf(60)
  await world.seal('notifications', receipt(uuid, 'DELIVERED', 70, { customer: 'CUST-60' }))
  await world.follower.catchUp()
  await world.erase('CUST-60')
  const body = await ask({ message_uuid: uuid }, officer)
  assert.equal(body.status, 'verified')
  assert.equal(body.audit_record.customer_external_id, null)
  assert.deepEqual(body.field_states, { customer_external_id: 'erased', recipient_address: 'erased' })
})

test('any byte changed is tampered, never verified and never hidden', async () => {
  const own = await World.open(() => later)
  try {
    for (const event of [receipt(FIRST, 'DELIVERED', 1), receipt(SECOND, 'READ', 2, { carrier: 'SM-2' }), receipt(FIRST, 'READ', 3)])
      await own.seal('notifications', event)
    await own.follower.catchUp()
    const list = own.records.logsByName.get('notifications') as Uint8Array[]
    const whole = Buffer.from(list[0] as Uint8Array)
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 7))
      list[0] = damaged
      const body = (await own.reader.auditNotifications({ message_uuid: FIRST }, auditor))?.body as any
      assert.equal(body?.status, 'tampered', `byte ${at}`)
      assert.deepEqual(
        body.problems.map((problem: any) => [problem.index, problem.code]),
        [[0, 'RECORD_CHANGED']],
        `byte ${at}`,
      )
    }
    list[0] = whole
    // The other message is as it was.
    assert.equal(((await own.reader.auditNotifications({ message_uuid: SECOND }, auditor))?.body as any).status, 'verified')
    // A record that claims another message and another customer, found by a token of its own.
    own.change('notifications', 1, (text) => text.replaceAll(SECOND, THIRD))
    for (const query of [{ customer_external_id: 'CUST-1', carrier_message_id: 'SM-2' }, { message_uuid: SECOND }]) {
      assert.equal(((await own.reader.auditNotifications(query, auditor))?.body as any).status, 'tampered')
    }
    assert.equal(await own.reader.auditNotifications({ message_uuid: THIRD }, auditor), null)
    assert.deepEqual(own.damage, [])
  } finally {
    await own.close()
  }
})

test('a checkpoint nobody signed, and one that is too small, verify nothing', async () => {
  const own = await World.open(() => later)
  try {
    await own.seal('notifications', receipt(FIRST, 'DELIVERED', 1))
    await own.follower.catchUp()
    const status = async () => ((await own.reader.auditNotifications({ message_uuid: FIRST }, auditor))?.body as any).status
    assert.equal(await status(), 'verified')
    own.replaceNote('notifications', (note) => note.replace('\n1\n', '\n2\n'))
    assert.equal(await status(), 'tampered')
    own.sign('notifications')
    assert.equal(await status(), 'verified')
    let old = ''
    own.replaceNote('notifications', (note) => (old = note))
    await own.seal('notifications', receipt(FIRST, 'READ', 2))
    await own.follower.catchUp()
    own.replaceNote('notifications', () => old)
    await assert.rejects(status(), (error) => error instanceof SealtrailError && error.code === 'NOT_READY')
  } finally {
    await own.close()
  }
})

test('a receipt hidden by a damaged index is missed', async () => {
  const own = await World.open(() => later)
  try {
    for (const [status, n] of [
      ['DELIVERED', 1],
      ['READ', 2],
      ['FAILED', 3],
    ] as const)
      await own.seal('notifications', receipt(FIRST, status, n))
    // An index that holds the first and the third: the second stands under another message.
    const list = own.records.logsByName.get('notifications') as Uint8Array[]
    const second = list[1] as Uint8Array
    own.change('notifications', 1, (text) => text.replaceAll(FIRST, SECOND))
    await own.follower.catchUp()
    list[1] = second
    const body = (await own.reader.auditNotifications({ message_uuid: FIRST }, auditor))?.body as any
    assert.equal(body.status, 'tampered')
    assert.deepEqual(
      body.problems.map((problem: any) => problem.code),
      ['SEQUENCE_GAP'],
    )
    assert.equal(await own.reader.auditNotifications({ message_uuid: SECOND }, auditor), null)
    assert.deepEqual(own.damage, ['notifications 1'])
  } finally {
    await own.close()
  }
})
