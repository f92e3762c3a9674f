// What a policy for the erasure of people's values says, line by line, on the whole server.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { grepAll } from '../flow/harness.ts'
import { DAY, GROUND, Policy, callEvent, receipt } from './policy-world.ts'

const DISCLOSED = ['disclosed']
const ERASED = ['erased']

describe('a person who asks to be erased', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(receipt('m-ann', 'contact-ann'), receipt('m-ben', 'contact-ben'))
  })
  after(() => policy.world.end())

  it('is found by a name, and the plan says what would go and what stays, and changes nothing', async () => {
    const { status, body } = await policy.plan('external-id:contact-ann')
    assert.equal(status, 200)
    const [log] = body['logs'] as JsonObject[]
    assert.deepEqual([body['keys'], body['blocks'], log?.['log'], log?.['records'], log?.['withOthers']], [1, [], 'notifications', 1, 0])
    assert.match(String(body['stays']), /hash, its place, its times and its delivery status, and still verifies/)
    assert.deepEqual(await policy.states('m-ann'), DISCLOSED)
  })

  it('whom nobody knows is answered so, and nothing is sealed', async () => {
    for (const answer of [await policy.plan('external-id:nobody'), await policy.ask('external-id:nobody')])
      assert.deepEqual([answer.status, answer.body['code']], [404, 'NOT_FOUND'])
    assert.deepEqual(await policy.world.system('erasure-requested'), [])
  })

  it('is erased: every value of this person is gone, and no value of another', async () => {
    const [before] = await policy.records('m-ann')
    const answer = await policy.ask('external-id:contact-ann')
    assert.deepEqual([answer.status, answer.body['state'], answer.body['records']], [200, 'completed', 1], answer.text)
    assert.deepEqual(await policy.states('m-ann'), ERASED)
    assert.deepEqual(await policy.states('m-ben'), DISCLOSED)
    const [record] = await policy.records('m-ann')
    assert.equal((record?.['data'] as JsonObject)['customer_external_id'], null)
    // Hash and delivery status survive.
    assert.equal(record?.['integrity_hash'], before?.['integrity_hash'])
    assert.equal((record?.['data'] as JsonObject)['delivery_status'], 'READ')
  })

  it('leaves intent and completion in the log, who asked and why, and nothing that names or singles out the person', async () => {
    const [started] = await policy.world.system('erasure-started')
    assert.deepEqual([started?.['by'], started?.['approved_by'], started?.['ground'], started?.['reference']], ['officer.token', null, GROUND, 'ticket 7'])
    const [completed] = await policy.world.system('erasure')
    assert.match(String(completed?.['certificate']), /^sha256:[0-9a-f]{64}$/)
    const text = JSON.stringify(await policy.world.records('system'))
    assert.doesNotMatch(text, /contact-ann/)
    assert.doesNotMatch(policy.world.lines.join(''), /contact-ann/)
  })

  it('who comes back is somebody new: another key, and the old values stay gone', async () => {
    await policy.take(receipt('m-ann-again', 'contact-ann'))
    assert.deepEqual(await policy.states('m-ann-again'), DISCLOSED)
    assert.deepEqual(await policy.states('m-ann'), ERASED)
    const { body } = await policy.plan('external-id:contact-ann')
    assert.deepEqual([body['keys'], (body['logs'] as JsonObject[])[0]?.['records']], [1, 1], 'the plan sees the new record, and nothing leads to the old one')
    assert.equal((await policy.ask('external-id:contact-ann')).status, 200)
    assert.deepEqual(await policy.states('m-ann-again'), ERASED)
  })

  it('who asked, planned and looked is noted, as reads are: by token and erasure, never by a name', async () => {
    await policy.world.get('/api/v1/erasures', 'auditor')
    await policy.world.get(`/api/v1/erasures/${'0'.repeat(32)}`)
    await policy.world.local.served.beat()
    const reads = (await policy.world.system('read')).flatMap(({ reads: list }) => list as JsonObject[])
    const by = (operation: string): unknown[] => reads.filter((read) => read['operation'] === operation).map(({ token, parameters }) => [token, parameters])
    const { erasures } = (await policy.world.get('/api/v1/erasures', 'auditor')).body as { erasures: JsonObject[] }
    assert.deepEqual(
      by('requestErasure'),
      [...erasures].reverse().map(({ id }) => ['officer.token', [id]]),
    )
    assert.ok(by('planErasure').length >= 2 && by('listErasures').length === 1)
    assert.doesNotMatch(JSON.stringify(reads), /contact-ann/)
  })

  it('finds the audit content: no problem, and no byte of the name in any file', async () => {
    assert.deepEqual(await policy.world.closeAndAudit(), [])
    assert.deepEqual(await grepAll(policy.world.data, ['contact-ann']), [])
  })
})

describe('a legal hold against an erasure', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(receipt('m-ann', 'contact-ann'), receipt('m-ben', 'contact-ben'), receipt('m-cleo', 'contact-cleo'))
  })
  after(() => policy.world.end())

  it('in scope record does not block it: the record stays, its values go', async () => {
    await policy.hold('m-ben', 'record')
    const answer = await policy.ask('external-id:contact-ben')
    assert.deepEqual([answer.status, answer.body['state']], [200, 'completed'])
    assert.deepEqual(await policy.states('m-ben'), ERASED)
  })

  it('in scope content defers it: the answer names hold and matter, and nothing is destroyed', async () => {
    const hold = await policy.hold('m-ann', 'content', 'matter 2026-7')
    const plan = (await policy.plan('external-id:contact-ann')).body
    const answer = await policy.ask('external-id:contact-ann')
    assert.deepEqual([answer.status, answer.body['state']], [202, 'deferred'])
    assert.deepEqual(answer.body['blocks'], [{ kind: 'hold', hold: hold['id'], reason: 'matter 2026-7', records: 1 }])
    assert.deepEqual(plan['blocks'], answer.body['blocks'], 'the plan had said so')
    const [deferred] = await policy.world.system('erasure-deferred')
    assert.deepEqual(deferred?.['blocks'], answer.body['blocks'], 'and it is sealed')
    assert.deepEqual(await policy.states('m-ann'), DISCLOSED)

    await policy.restart()
    assert.equal((await policy.show(answer.body['id']))['state'], 'deferred')
    await policy.release(hold)
    assert.equal((await policy.show(answer.body['id']))['state'], 'completed', 'it begins by itself when the hold is released')
    assert.deepEqual(await policy.states('m-ann'), ERASED)
  })

  it('stays deferred while another content hold covers a record, and begins with the last that goes', async () => {
    const [one, two] = [await policy.hold('m-cleo', 'content', 'matter 1'), await policy.hold('m-cleo', 'content', 'matter 2')]
    const { id } = (await policy.ask('external-id:contact-cleo')).body
    await policy.release(one)
    assert.deepEqual(
      ((await policy.show(id))['blocks'] as JsonObject[]).map(({ reason }) => reason),
      ['matter 2'],
    )
    await policy.release(two)
    assert.deepEqual(await policy.states('m-cleo'), ERASED)
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})

describe('an obligation to keep the content', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open(`
trails:
  notifications:
    retain:
      period: P2Y
      classes:
        mifid: { tags: [MIFID], period: P5Y, content: { basis: MiFID II Art. 16(7), period: 30d } }
        hipaa: { period: P6Y }
`)
    await policy.take(receipt('m-mifid', 'contact-ann', { regulatory_tag: 'MIFID' }), receipt('m-hipaa', 'contact-ben', { regulatory_tag: 'HIPAA' }))
  })
  after(() => policy.world.end())

  it('defers it until the time is over, with the clause and the date in the answer', async () => {
    const answer = await policy.ask('external-id:contact-ann')
    const until = new Date(policy.nowMs + 30 * DAY).toISOString()
    assert.deepEqual(answer.body['blocks'], [{ kind: 'obligation', log: 'default.notifications.mifid', basis: 'MiFID II Art. 16(7)', records: 1, until }])
    policy.nowMs += 29 * DAY
    policy.world.local.erasing.look()
    assert.equal((await policy.show(answer.body['id']))['state'], 'deferred')
    policy.nowMs += DAY
    policy.world.local.erasing.look()
    assert.equal((await policy.show(answer.body['id']))['state'], 'completed')
    assert.deepEqual(await policy.states('m-mifid'), ERASED)
  })

  it('is needed: a class that keeps for six years and names no clause keeps records, not values', async () => {
    assert.equal((await policy.ask('external-id:contact-ben')).status, 200)
    assert.deepEqual(await policy.states('m-hipaa'), ERASED)
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})

describe('two people', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open('auth: { dualControl: [erase], approveWithin: 2d }')
    await policy.take(receipt('m-ann', 'contact-ann'), receipt('m-ben', 'contact-ben'))
  })
  after(() => policy.world.end())

  it('are two names: who asked cannot approve', async () => {
    assert.equal((await policy.plan('external-id:contact-ann')).body['needsApproval'], true)
    const asked = await policy.ask('external-id:contact-ann', 'officer')
    assert.deepEqual([asked.status, asked.body['state']], [202, 'requested'])
    const same = await policy.approve(asked.body['id'], 'officer')
    assert.deepEqual([same.status, same.body['code']], [403, 'SAME_APPROVER'])
    assert.deepEqual(await policy.states('m-ann'), DISCLOSED)
    const other = await policy.approve(asked.body['id'], 'admin')
    assert.deepEqual([other.status, other.body['state'], (other.body['approved'] as JsonObject)['by']], [200, 'completed', 'admin.token'])
    assert.deepEqual(await policy.states('m-ann'), ERASED)
  })

  it('a request that nobody approves in time is over, and its file with who was meant goes', async () => {
    const { id } = (await policy.ask('external-id:contact-ben')).body
    policy.nowMs += 2 * DAY
    const late = await policy.approve(id, 'admin')
    assert.deepEqual([late.status, late.body['code']], [404, 'NOT_FOUND'])
    assert.match(String(late.body['detail']), /expired/)
    assert.equal((await policy.show(id))['state'], 'expired')
    await policy.restart()
    assert.deepEqual(await policy.states('m-ben'), DISCLOSED)
  })

  it('a request is withdrawn, with a reason, before it begins; then it can be asked for again', async () => {
    const { id } = (await policy.ask('external-id:contact-ben')).body
    assert.equal((await policy.ask('external-id:contact-ben')).body['code'], 'ERASURE_EXISTS', 'the same person is not asked for twice at once')
    const withdrawn = await policy.withdraw(id)
    assert.deepEqual([withdrawn.status, withdrawn.body['state']], [200, 'withdrawn'])
    assert.equal((await policy.approve(id, 'admin')).body['code'], 'NOT_FOUND')
    assert.equal((await policy.ask('external-id:contact-ben')).status, 202)
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})

describe('an erasure that has begun', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open('limits: { answerWithin: 100ms }')
    await policy.take(receipt('m-ann', 'contact-ann'), receipt('m-ben', 'contact-ben'))
  })
  after(() => policy.world.end())

  it('waits for events that are held, says that it runs, and cannot be withdrawn', async () => {
    // Of anybody: the journal has it until its call is over, so nothing is certified before.
    await policy.world.send('/api/v1/events', callEvent('call', { remark: 'hm' }), { role: 'ingest' })
    const asked = await policy.ask('external-id:contact-ann')
    assert.deepEqual([asked.status, asked.body['state']], [202, 'running'], asked.text)
    assert.equal((await policy.withdraw(asked.body['id'])).body['code'], 'ERASURE_RUNNING')
    assert.equal((await policy.ask('external-id:contact-ann')).status, 404, 'her keys are handed out no more')
    await policy.world.local.served.beat()
    assert.match((await policy.world.get('/readyz')).text, /erasure [0-9a-f]{32} is under way/)
    assert.match((await policy.world.get('/metrics')).text, /sealtrail_erasures\{state="running"\} 1/)
  })

  it('a hold placed then is placed, and says that the erasure had begun; another one is not concerned', async () => {
    const [running] = (await policy.world.get('/api/v1/erasures')).body['erasures'] as JsonObject[]
    assert.deepEqual((await policy.hold('m-ann', 'content'))['erasing'], [running?.['id']])
    assert.equal((await policy.hold('m-ann', 'record', 'matter 2'))['erasing'], undefined)
    await policy.world.flush()
    assert.equal((await policy.show(running?.['id']))['state'], 'completed')
    assert.deepEqual(await policy.states('m-ann'), ['erased'])
    policy.nowMs += DAY
    assert.equal((await policy.hold('m-ben', 'content', 'matter 3'))['erasing'], undefined)
  })

  it('is completed after a restart, whatever stopped it, and intent and completion are sealed once', async () => {
    await policy.take(receipt('m-cleo', 'contact-cleo'))
    await policy.world.send('/api/v1/events', callEvent('call-2', { remark: 'hm' }), { role: 'ingest' })
    const { id } = (await policy.ask('external-id:contact-cleo')).body
    await policy.restart()
    assert.equal((await policy.world.get(`/api/v1/erasures/${String(id)}`)).body['state'], 'running')
    await policy.world.flush()
    assert.equal((await policy.show(id))['state'], 'completed')
    assert.deepEqual(await policy.states('m-cleo'), ERASED)
    for (const what of ['erasure-started', 'erasure']) assert.equal((await policy.world.system(what)).filter(({ erasure }) => erasure === id).length, 1, what)
    assert.deepEqual(await policy.world.closeAndAudit(), [])
  })
})

describe('a log of the server’s own that cannot be read', () => {
  let policy: Policy
  before(async () => {
    policy = await Policy.open()
    await policy.take(receipt('m-ann', 'contact-ann'))
  })
  after(() => policy.world.end())

  it('means that nothing is erased, since nobody knows what is held: it says so, and events are taken in all the same', async () => {
    const hold = await policy.hold('m-ann', 'content')
    assert.equal((await policy.ask('external-id:contact-ann')).body['state'], 'deferred')
    await policy.release(hold)
    await policy.take(receipt('m-ben', 'contact-ben'))
    await policy.hold('m-ben', 'content')
    assert.equal((await policy.ask('external-id:contact-ben')).body['state'], 'deferred')
    await policy.world.closeAndAudit()
    spoil(join(policy.world.data, 'store', 'system'))
    rmSync(join(policy.world.data, 'retain'), { recursive: true })
    await policy.restart()
    await policy.world.local.erasing.idle()
    assert.notEqual(policy.world.local.sealing.holds.unknown, null)
    for (const answer of [
      await policy.ask('external-id:contact-ben'),
      await policy.world.get('/api/v1/erasures'),
      await policy.plan('external-id:contact-ben'),
    ])
      assert.deepEqual([answer.status, answer.body['code']], [500, 'DATA_CORRUPT'], answer.text)
    await policy.world.local.served.beat()
    assert.match((await policy.world.get('/readyz')).text, /the erasures cannot be read \(DATA_CORRUPT\): nothing is erased/)
    await policy.take(receipt('m-cleo', 'contact-cleo'))
    for (const subject of ['m-ben', 'm-cleo']) assert.deepEqual(await policy.states(subject), DISCLOSED)
    assert.equal(readdirSync(join(policy.world.data, 'erasures')).length, 1, 'who is meant is kept')
  })

  /** One byte of the first segment, in what says which object it is. */
  function spoil(folder: string): void {
    const [first] = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.name.endsWith('.zst'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
    const bytes = readFileSync(String(first))
    bytes[120] = (bytes[120] as number) ^ 1
    rmSync(String(first))
    writeFileSync(String(first), bytes)
  }
})
