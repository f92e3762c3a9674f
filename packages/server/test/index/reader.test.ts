import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { integrityHash, parseReceipt, verifyReceipt } from '@sealtrail/evidence'
import { ed25519Verifier, leafHash, verifyTlogProof } from '@sealtrail/tlog'
import { SealtrailError } from '../../src/errors.ts'
import { START, uuidOf } from './sample.ts'
import { Personal, World, auditor, officer } from './world.ts'
import type { EventSample } from './world.ts'

const CALL = uuidOf(1)
const OPEN = uuidOf(2)
const T = 'com.genesys.cloud.conversation.'
const now = START + 7_200_000

const event = (at: number, type: string, participantId: string, sessionId: string, more: EventSample['data'] = {}, late = false): EventSample => ({
  id: `${CALL}/${type}/${sessionId}/${at}`,
  subject: CALL,
  type: T + type,
  timeMs: START + at,
  late,
  data: { conversationId: CALL, participantId, sessionId, ani: new Personal('phone', '+13175550142', 'caller'), ...more },
})

/** As it was sealed: the queue's end and the first agent's start came too late. */
const SEALED: readonly EventSample[] = [
  event(0, 'customer.start', 'C', 'c'),
  event(10, 'acd.start', 'Q', 'q', { queueId: 'sales' }),
  event(600, 'user.end', 'A', 'a', { userId: 'ann', transfer: { kind: 'blind', by: 'agent' } }),
  event(100, 'acd.end', 'Q', 'q', { transfer: { kind: 'routed', by: 'queue' } }, true),
  event(101, 'user.start', 'A', 'a', { userId: 'ann', wrapupNotes: new Personal('text', 'Mrs. Quill asked for her refund', 'caller') }, true),
  event(900, 'customer.end', 'C', 'c'),
  event(950, 'acw', 'A', 'a', { userId: 'ann' }),
]

let world: World
const ids: string[] = []

before(async () => {
  world = await World.open(() => now)
  for (const each of SEALED) ids.push(await world.seal('interactions', each))
  ids.push(await world.seal('interactions', { ...event(5, 'user.end', 'B', 'b'), subject: OPEN, id: 'open/1' }))
  ids.push(await world.seal('interactions', { ...event(6, 'customer.start', 'C', 'c2'), subject: OPEN, id: 'open/2' }))
  ids.push(
    await world.seal('interactions', {
      id: 'quarantine:1',
      subject: 'quarantine/1',
      type: 'sealtrail.quarantined',
      timeMs: START + 2000,
      data: { code: 'UNMATCHED', reason: 'no pack matches the event' },
    }),
  )
  ids.push(
    await world.seal('notifications', {
      id: 'm/READ',
      subject: uuidOf(9),
      type: 'receipt',
      timeMs: START + 50,
      late: true,
      tag: 'T',
      data: { delivery_status: 'READ' },
    }),
  )
  ids.push(await world.seal('system', { id: 's', subject: 'config', type: 'sealtrail.system.config', timeMs: START, data: {} }))
  await world.follower.catchUp()
})
after(() => world.close())

const bytesOf = (log: string, at: number) => (world.records.logsByName.get(log) as Uint8Array[])[at] as Uint8Array
const interaction = async (id: string, limit = 100, cursor?: string, viewer = auditor): Promise<any> =>
  (await world.reader.interaction(id, { limit, ...(cursor === undefined ? {} : { cursor }) }, viewer))?.body
const stateAt = async (at: number, id = CALL): Promise<any> => (await world.reader.interactionState(id, START + at, auditor))?.body

test('an interaction in logical order, late records in their place, each with a proof that verifies', async () => {
  const body = await interaction(CALL)
  assert.deepEqual(
    body.records.map((each: any) => [each.subjectsequence, each.type.slice(T.length), each.late]),
    [
      [1, 'customer.start', false],
      [2, 'acd.start', false],
      [4, 'acd.end', true],
      [5, 'user.start', true],
      [3, 'user.end', false],
      [6, 'customer.end', false],
      [7, 'acw', false],
    ],
  )
  assert.equal(body.closed, true)
  assert.deepEqual(body.gaps, [])
  assert.equal(body.next, null)
  assert.equal('problems' in body, false)
  for (const { auditid, index, integrity_hash, proof } of body.records) {
    const receipt = parseReceipt({ auditid, log: 'interactions', index, integrity_hash, checkpoint: body.checkpoint, proof, published: false })
    assert.equal(verifyReceipt(receipt, { record: bytesOf('interactions', index) }, world.vkey('interactions')).ok, true)
  }
})

test('pages of any size give the same records once', async () => {
  const whole = (await interaction(CALL)).records.map((each: any) => each.auditid)
  for (let limit = 1; limit <= 8; limit++) {
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const body: any = await interaction(CALL, limit, cursor)
      seen.push(...body.records.map((each: any) => each.auditid))
      cursor = body.next ?? undefined
    } while (cursor !== undefined)
    assert.deepEqual(seen, whole)
  }
  for (const cursor of ['x', 'bjk5', Buffer.from('n99').toString('base64url')]) await assert.rejects(interaction(CALL, 1, cursor), isCode('BAD_REQUEST'))
})

test('personal values are null for an auditor, and shown to an officer', async () => {
  const sealed = await interaction(CALL)
  assert.equal(JSON.stringify(sealed).includes('Quill'), false)
  assert.equal(JSON.stringify(sealed).includes('3175550142'), false)
  assert.equal(sealed.records[3].data.wrapupNotes, null)
  assert.deepEqual(sealed.records[3].field_states, { ani: 'sealed', wrapupNotes: 'sealed' })
  const disclosed = await interaction(CALL, 100, undefined, officer)
  assert.equal(disclosed.records[3].data.wrapupNotes, 'Mrs. Quill asked for her refund')
  assert.equal(disclosed.records[3].data.ani, '+13175550142')
})

test('an end without a start and an open session are not a closed interaction', async () => {
  const body = await interaction(OPEN)
  assert.equal(body.closed, false)
  assert.deepEqual(body.gaps, [{ kind: 'unseen-start', session: 'b' }])
  assert.equal(await interaction(uuidOf(77)), undefined)
  assert.equal(await interaction(uuidOf(9)), undefined)
})

test('the state at an instant, with the proof of the record it rests on', async () => {
  assert.equal(await stateAt(-1), undefined)
  assert.equal((await stateAt(0)).state, 'connected')
  assert.equal((await stateAt(50)).state, 'queued')
  const talking = await stateAt(300)
  assert.equal(talking.state, 'interacting')
  assert.equal(talking.at, new Date(START + 300).toISOString())
  assert.equal(talking.subjectsequence, 5)
  assert.deepEqual(talking.participants[2], {
    participantId: 'A',
    purpose: 'user',
    userId: 'ann',
    queueId: null,
    state: 'interacting',
    since: new Date(START + 101).toISOString(),
    transfer: null,
    transferredFrom: null,
  })
  assert.equal(verifyReceipt(parseReceipt(talking.proof), { record: bytesOf('interactions', 4) }, world.vkey('interactions')).ok, true)
  assert.equal((await stateAt(700)).participants[2].transfer.kind, 'blind')
  assert.equal((await stateAt(900)).state, 'closed')
  assert.equal(await stateAt(900, uuidOf(77)), undefined)
})

test('one record: its attributes, the leaf byte for byte, and its receipt', async () => {
  const body: any = (await world.reader.record(ids[4] as string, auditor))?.body
  const bytes = bytesOf('interactions', 4)
  assert.equal(body.leaf, Buffer.from(bytes).toString())
  assert.equal(body.integrity_hash, integrityHash(bytes))
  assert.equal(body.log, 'interactions')
  assert.equal(body.index, 4)
  assert.equal(body.subject, CALL)
  assert.equal(body.data.ani, null)
  assert.equal(verifyReceipt(parseReceipt(body.receipt), { record: bytes }, world.vkey('interactions')).ok, true)
  assert.equal(await world.reader.record('01ARZ3NDEKTSV4RRFFQ69G5FAV', auditor), null)
  assert.equal(await world.reader.record('nonsense', auditor), null)
})

test('a tlog-proof that any C2SP program verifies', async () => {
  for (const [i, log, at] of [
    [0, 'interactions', 0],
    [10, 'notifications', 0],
    [11, 'system', 0],
  ] as const) {
    const proof = await world.reader.proof(ids[i] as string)
    assert.equal(proof?.log, log)
    const verifier = ed25519Verifier(world.vkey(log))
    const { index } = verifyTlogProof(proof?.text as string, leafHash(bytesOf(log, at)), { origin: verifier.name, log: [verifier] })
    assert.equal(index, BigInt(at))
  }
  assert.equal(await world.reader.proof('01ARZ3NDEKTSV4RRFFQ69G5FAV'), null)
})

test('the result of a sealed event: outcome, code, superseded, receipt', async () => {
  const result = async (i: number) => (await world.reader.eventResult(ids[i] as string)) as any
  assert.equal((await result(0)).outcome, 'sealed')
  assert.equal('superseded' in (await result(3)), false)
  assert.deepEqual([(await result(9)).outcome, (await result(9)).code], ['quarantined', 'UNMATCHED'])
  assert.deepEqual([(await result(10)).outcome, (await result(10)).superseded], ['sealed', true])
  assert.equal((await result(0)).receipt.auditid, ids[0])
  assert.equal(await world.reader.eventResult('01ARZ3NDEKTSV4RRFFQ69G5FAV'), null)
})

test('records: searched in all logs but the system trail, each proved', async () => {
  const body: any = (await world.reader.records({ limit: 100 }, auditor)).body
  assert.equal(body.records.length, 11)
  assert.equal(body.lag, 0)
  assert.deepEqual(Object.keys(body.checkpoints).sort(), ['interactions', 'notifications'])
  for (const { auditid, log, index, integrity_hash, proof } of body.records) {
    const receipt = parseReceipt({ auditid, log, index, integrity_hash, checkpoint: body.checkpoints[log], proof, published: false })
    assert.equal(verifyReceipt(receipt, { record: bytesOf(log, index) }, world.vkey(log)).ok, true)
  }
  const found = async (query: object): Promise<any[]> => ((await world.reader.records({ limit: 100, ...query }, auditor)).body as any).records
  assert.deepEqual(
    (await found({ log: 'system' })).map((each) => each.auditid),
    [ids[11]],
  )
  assert.deepEqual(
    (await found({ status: 'READ', tag: 'T' })).map((each) => each.auditid),
    [ids[10]],
  )
  assert.deepEqual((await found({ type: `${T}user.end` })).length, 2)
  assert.deepEqual((await found({ subject: OPEN })).length, 2)
  assert.deepEqual(
    (await found({ fromMs: START + 50, toMs: START + 101 })).map((each) => each.auditid),
    [ids[10], ids[3]],
  )
  await assert.rejects(world.reader.records({ log: 'nothing', limit: 1 }, auditor), isCode('UNKNOWN_TRAIL'))
})

test('a record changed in the store is named in every answer that shows it', async () => {
  const list = world.records.logsByName.get('interactions') as Uint8Array[]
  const whole = list[4] as Uint8Array
  try {
    for (const change of [
      (text: string) => text.replace('"ann"', '"bob"'),
      (text: string) => text.replaceAll(CALL, OPEN),
      (text: string) => text.replace((ids[4] as string).slice(-5), 'ZZZZZ'),
      () => '{"half":',
    ]) {
      list[4] = Buffer.from(change(Buffer.from(whole).toString()))
      const problems = async (body: any) => body?.problems?.map((each: any) => [each.index, each.code])
      assert.deepEqual(await problems(await interaction(CALL)), [[4, 'RECORD_CHANGED']])
      assert.deepEqual(await problems(await stateAt(1000)), [[4, 'RECORD_CHANGED']])
      assert.deepEqual(await problems((await world.reader.record(ids[4] as string, auditor))?.body), [[4, 'RECORD_CHANGED']])
      assert.deepEqual(await problems((await world.reader.records({ subject: CALL, limit: 50 }, auditor)).body), [[4, 'RECORD_CHANGED']])
      await assert.rejects(world.reader.proof(ids[4] as string), isCode('DATA_CORRUPT'))
      await assert.rejects(world.reader.eventResult(ids[4] as string), isCode('DATA_CORRUPT'))
    }
    assert.deepEqual(world.damage, [])
  } finally {
    list[4] = whole
  }
})

test('a segment that cannot be read is a problem of the answer, not the end of it', async () => {
  const { record } = world.records
  try {
    world.records.record = async (log, at) => {
      if (log === 'interactions' && at === 2) throw new SealtrailError('DATA_CORRUPT', 'damaged')
      return record.call(world.records, log, at)
    }
    const body = await interaction(CALL)
    assert.equal(body.records.length, 6)
    assert.deepEqual(
      body.problems.map((each: any) => [each.index, each.code]),
      [[2, 'SEGMENT_UNREADABLE']],
    )
    assert.deepEqual(body.gaps, [{ kind: 'missing', from: 3, to: 3 }])
    const shown: any = (await world.reader.record(ids[2] as string, auditor))?.body
    assert.deepEqual(
      shown.problems.map((each: any) => each.code),
      ['SEGMENT_UNREADABLE'],
    )
  } finally {
    world.records.record = record
  }
})

test('damaged hash files give no proof, and the answer says so', async () => {
  const { prove } = world.hashes('interactions')
  try {
    world.hashes('interactions').prove = (index, size) =>
      prove.call(world.hashes('interactions'), index, size).map((hash, i) => (i === 1 ? hash.map((byte) => byte ^ 1) : hash))
    assert.equal((await interaction(CALL)).problems.length, 7)
    world.hashes('interactions').prove = () => {
      throw new SealtrailError('DATA_CORRUPT', 'short')
    }
    assert.deepEqual(
      (await interaction(CALL)).problems.map((each: any) => each.code),
      Array(7).fill('RECEIPT_PROOF'),
    )
  } finally {
    world.hashes('interactions').prove = prove
  }
})

test('what is sealed is found before it is indexed', async () => {
  const id = await world.seal('interactions', { ...event(2000, 'customer.start', 'N', 'n'), subject: uuidOf(33), id: 'fresh' })
  assert.equal(((await world.reader.record(id, auditor))?.body as any).auditid, id)
  assert.equal((await interaction(uuidOf(33))).records.length, 1)
  const listed: any = (await world.reader.records({ subject: uuidOf(33), limit: 5 }, auditor)).body
  assert.deepEqual([listed.records.length, listed.lag], [1, 1])
  await world.follower.catchUp()
  assert.equal(((await world.reader.records({ subject: uuidOf(33), limit: 5 }, auditor)).body as any).lag, 0)
})

test('a vault that cannot be read takes the values, not the answer', async () => {
  const { rows } = world.vault
  try {
    world.vault.rows = async () => {
      throw new SealtrailError('DATA_CORRUPT', 'damaged')
    }
    const body = await interaction(CALL, 100, undefined, officer)
    assert.equal(body.records.length, 7)
    assert.deepEqual(body.records[0].field_states, { ani: 'missing' })
  } finally {
    world.vault.rows = rows
  }
})

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof SealtrailError && error.code === code
}
