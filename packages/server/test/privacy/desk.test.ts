// The desk and what it sets going: every order in which requests, approvals, holds and failures may come.
import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, it, mock } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import type { AffectedRecord } from '../../src/privacy/eraser.ts'
import type { ErasureView } from '../../src/privacy/erasure.ts'
import { DAY, DeskWorld } from './desk-world.ts'

const ANN = { name: 'ann' }
const BOB = { name: 'bob' }
const named = (...values: string[]): { kind: null; value: string }[] => values.map((value) => ({ kind: null, value }))
const asked = (...values: string[]) => ({ person: named(...values), ground: 'GDPR Art. 17(1)(b)', reference: 'T-1' })

let world: DeskWorld
afterEach(async () => {
  mock.timers.reset()
  await world.end()
})
const open = (approveWithinMs: number | null = null): void => void (world = new DeskWorld(approveWithinMs))

describe('an erasure', () => {
  it('without anything in its way is completed at once, sealed in order, and leaves no file', async () => {
    open()
    world.person({ phone: ['k1'] })
    const view = await world.desk.request(asked('phone'), ANN)
    assert.deepEqual([view.state, view.records, view.blocks, view.problem, view.progress], ['completed', 1, [], null, null])
    assert.match(String(view.certificate), /^sha256:[0-9a-f]{64}$/)
    assert.deepEqual(world.kinds(), ['erasure-requested', 'erasure-started', 'erasure'])
    assert.deepEqual(world.files.list(), [])
    assert.deepEqual([world.orders[0]?.requested.by, world.orders[0]?.approved, world.orders[0]?.started], ['ann', null, view.started])
    await assert.rejects(world.desk.request(asked('phone'), ANN), { code: 'NOT_FOUND' }, 'nobody is known by it any more')
  })

  it('waits for a second person, who is another one, however the name is written', async () => {
    open(3 * DAY)
    world.person({ phone: ['k1'] })
    const { id, state, expires } = await world.desk.request(asked('phone'), { name: 'Ann' })
    assert.deepEqual([state, Date.parse(String(expires)) - world.nowMs, world.orders.length], ['requested', 3 * DAY, 0])
    for (const name of ['ann', 'Ann', 'ANN']) await assert.rejects(world.desk.approve(id, { name }), { code: 'SAME_APPROVER' })
    assert.equal(world.orders.length, 0)
    assert.equal((await world.desk.approve(id, BOB)).state, 'completed')
    assert.equal(world.orders[0]?.approved?.by, 'bob')
    await assert.rejects(world.desk.approve(id, BOB), { code: 'NOT_FOUND', message: /was completed on/ })
  })

  it('that nobody approves in time expires, and can be asked for again', async () => {
    open(DAY)
    world.person({ phone: ['k1'] })
    const { id } = await world.desk.request(asked('phone'), ANN)
    world.nowMs += DAY - 1
    assert.equal((await world.desk.get(id)).state, 'requested')
    world.nowMs += 1
    assert.equal((await world.desk.get(id)).state, 'expired')
    await assert.rejects(world.desk.approve(id, BOB), { code: 'NOT_FOUND', message: /expired on/ })
    await assert.rejects(world.desk.withdraw(id, 'late', ANN), { code: 'NOT_FOUND' })
    assert.equal((await world.desk.request(asked('phone'), ANN)).state, 'requested')
  })

  it('is asked for once a person, by whatever name', async () => {
    open(DAY)
    world.person({ phone: ['k1'], email: ['k1', 'k2'], other: ['k3'] })
    const { id } = await world.desk.request(asked('phone'), ANN)
    for (const names of [['phone'], ['email'], ['other', 'email']])
      await assert.rejects(world.desk.request(asked(...names), BOB), { code: 'ERASURE_EXISTS', message: new RegExp(id) })
    assert.equal((await world.desk.request(asked('other'), ANN)).state, 'requested')
    await world.desk.withdraw(id, 'a slip', ANN)
    assert.equal((await world.desk.request(asked('email'), ANN)).state, 'requested')
    assert.equal(
      (await Promise.allSettled([1, 2, 3].map(() => world.desk.request(asked('email'), ANN)))).filter((each) => each.status === 'fulfilled').length,
      0,
    )
  })

  it('two approvals at once are one, and a withdrawal beside an approval is either', async () => {
    open(DAY)
    world.person({ phone: ['k1'] })
    const { id } = await world.desk.request(asked('phone'), ANN)
    const all = await Promise.allSettled([world.desk.approve(id, BOB), world.desk.approve(id, BOB), world.desk.withdraw(id, 'no', ANN)])
    assert.deepEqual(
      all.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'].map((status, i) => (i === 2 ? (all[2]?.status ?? status) : status)),
    )
    await world.keeper.idle()
    const { state } = await world.desk.get(id)
    assert.ok(state === 'completed' || state === 'withdrawn', state)
    assert.equal(world.orders.length, state === 'completed' ? 1 : 0)
    assert.equal(world.kinds().filter((kind) => kind === 'erasure-approved').length, 1)
  })
})

describe('what blocks an erasure', () => {
  it('defers it with the reason, sealed once, and it begins by itself when the last block has ended', async () => {
    open()
    world.person({ phone: ['k1'] })
    world.duties.set('notifications', { basis: 'SEC 17a-4(b)(4)', periodMs: 2 * DAY })
    await world.hold('h1', 'subject of k1')
    const view = await world.desk.request(asked('phone'), ANN)
    assert.equal(view.state, 'deferred')
    assert.deepEqual(
      view.blocks.map((block) => (block.kind === 'hold' ? block.reason : `${block.basis} until ${block.until}`)),
      ['matter h1', `SEC 17a-4(b)(4) until ${new Date(world.nowMs + 2 * DAY).toISOString()}`],
    )
    await look()
    assert.equal(world.kinds().filter((kind) => kind === 'erasure-deferred').length, 1, 'the same blocks are sealed once')
    world.nowMs += 2 * DAY
    assert.deepEqual((await look(view.id)).blocks.length, 1)
    await world.hold('h2', 'subject of k1')
    await world.release('h1')
    assert.deepEqual([(await look(view.id)).state, world.orders.length], ['deferred', 0], 'the second hold was placed before the first was released')
    await world.release('h2')
    assert.equal((await look(view.id)).state, 'completed')
    assert.equal(world.kinds().filter((kind) => kind === 'erasure-deferred').length, 3)
  })

  it('blocks also when it comes while the values are looked for, and not when it comes after the intent', async () => {
    open()
    world.person({ phone: ['k1'] })
    world.onFind = () => world.hold('h1', 'subject of k1')
    assert.equal((await world.desk.request(asked('phone'), ANN)).state, 'deferred')
    world.onFind = () => {}
    world.onExecute = () => world.hold('h2', 'subject of k1')
    await world.release('h1')
    const view = await look(world.erasures.all()[0]?.id)
    assert.equal(view.state, 'completed')
    const { placed } = world.holds.get('h2')!
    assert.deepEqual(world.erasures.runningAt(placed.at), [], 'at the same millisecond it counts as before the completion')
  })

  it('is looked at again when an obligation ends, or after a day, with nobody asking', async () => {
    open()
    world.person({ phone: ['k1'] })
    world.duties.set('notifications', { basis: 'SEC 17a-4(b)(4)', periodMs: 2.5 * DAY })
    mock.timers.enable({ apis: ['setTimeout'] })
    const { id } = await world.desk.request(asked('phone'), ANN)
    let looked = 0
    world.onFind = () => void looked++
    for (const [ms, state] of [
      [DAY, 'deferred'],
      [DAY, 'deferred'],
      [DAY / 2 - 1, 'deferred'],
      [1, 'completed'],
    ] as const) {
      world.nowMs += ms
      mock.timers.tick(ms)
      await world.keeper.idle()
      assert.equal((await world.desk.get(id)).state, state)
    }
    assert.equal(looked, 3)
  })

  it('is no hold in scope record', async () => {
    open()
    world.person({ phone: ['k1'] })
    await world.hold('h1', 'subject of k1', 'record')
    assert.equal((await world.desk.request(asked('phone'), ANN)).state, 'completed')
  })

  it('stays over a restart, and ends with it', async () => {
    open()
    world.person({ phone: ['k1'] })
    await world.hold('h1', 'subject of k1')
    const { id } = await world.desk.request(asked('phone'), ANN)
    world.start()
    const view = await world.desk.get(id)
    assert.deepEqual([view.state, view.blocks.length], ['deferred', 1], 'the blocks are those that were sealed')
    await world.release('h1')
    world.start()
    assert.equal((await look(id)).state, 'completed')
  })

  it('can be withdrawn from, with a reason, until it begins', async () => {
    open()
    world.person({ phone: ['k1'] })
    await world.hold('h1', 'subject of k1')
    const { id } = await world.desk.request(asked('phone'), ANN)
    const view = await world.desk.withdraw(id, 'she stays a customer', BOB)
    assert.deepEqual([view.state, view.withdrawn?.by, view.withdrawn?.reason, world.files.list()], ['withdrawn', 'bob', 'she stays a customer', []])
    await world.release('h1')
    assert.deepEqual([(await look(id)).state, world.orders.length], ['withdrawn', 0])
    await assert.rejects(world.desk.withdraw(id, 'again', BOB), { code: 'NOT_FOUND', message: /was withdrawn on/ })
  })

  it('is waited for where events are not sealed yet, for as long as one may be held', async () => {
    open()
    world.person({ phone: ['k1'] })
    world.waiting = 1
    const { id, state } = await world.desk.request(asked('phone'), ANN)
    assert.deepEqual([state, world.orders.length], ['deferred', 0])
    world.nowMs += 11 * DAY
    assert.equal((await look(id)).state, 'completed')
  })
})

describe('more records than a certificate can name', () => {
  it('are told, and nothing begins', async () => {
    open()
    world.person({ switchboard: ['k1'] })
    const [record] = world.records.values().next().value as [AffectedRecord]
    world.records.set(
      world.records.keys().next().value as string,
      Array.from({ length: 240_001 }, () => record),
    )
    const view = await world.desk.request(asked('switchboard'), ANN)
    assert.deepEqual([view.state, view.problem?.slice(0, 26)], ['deferred', 'TOO_LARGE: 240,001 records'])
    assert.equal(world.orders.length, 0)
  })
})

describe('what was begun', () => {
  it('cannot be withdrawn, is tried again until it is done, and says so meanwhile', async () => {
    open()
    world.person({ phone: ['k1'] })
    let failures = 0
    const seen: string[] = []
    world.onExecute = async () => {
      seen.push(String((await world.desk.get(world.orders[0]!.id)).problem))
      await assert.rejects(world.desk.withdraw(world.orders[0]!.id, 'no', ANN), { code: 'ERASURE_RUNNING' })
      if (++failures < 4) throw new SealtrailError('KEY_UNAVAILABLE', 'the service is away')
    }
    const { id } = await world.desk.request(asked('phone'), ANN)
    await until(async () => (await world.desk.get(id)).state === 'completed')
    assert.equal(world.orders.length, 4)
    assert.deepEqual(seen.slice(0, 2), ['null', 'KEY_UNAVAILABLE: the service is away'])
    assert.equal((await world.desk.get(id)).problem, null)
    assert.equal(world.kinds().filter((kind) => kind === 'erasure-started').length, 1)
  })

  it('is tried again with pauses that grow to a limit', async () => {
    open()
    world.person({ phone: ['k1'] })
    world.onExecute = () => {
      throw new SealtrailError('NOT_DURABLE', 'the disk is full')
    }
    mock.timers.enable({ apis: ['setTimeout'] })
    const { id, state } = await world.desk.request(asked('phone'), ANN)
    let tried = 1
    assert.deepEqual([state, world.orders.length], ['running', tried])
    for (const pause of [2, 4, 8, 8, 8]) {
      for (const [ms, more] of [
        [pause - 1, 0],
        [1, 1],
      ] as const) {
        mock.timers.tick(ms)
        await world.keeper.idle()
        assert.equal(world.orders.length, (tried += more), `a pause of ${pause}`)
      }
    }
    world.onExecute = () => {}
    mock.timers.tick(8)
    await world.keeper.idle()
    assert.equal((await world.desk.get(id)).state, 'completed')
  })

  it('goes on after a crash before each record, and each is sealed once', async () => {
    for (const what of ['erasure-requested', 'erasure-started', 'erasure']) {
      open()
      world.person({ phone: ['k1'] })
      let crashed = false
      world.onSeal = (kind) => {
        if (kind !== what || crashed) return
        crashed = true
        throw new SealtrailError('NOT_DURABLE', 'the process is gone')
      }
      const view = await world.desk.request(asked('phone'), ANN).catch(() => null)
      await world.keeper.close()
      world.start()
      world.keeper.lookAll()
      await world.keeper.idle()
      if (what === 'erasure-requested') assert.deepEqual([view, world.erasures.all(), world.orders], [null, [], []])
      else {
        assert.deepEqual(world.kinds(), ['erasure-requested', 'erasure-started', 'erasure'], what)
        assert.equal((await world.desk.list())[0]?.state, 'completed')
        assert.deepEqual(world.files.list(), [])
      }
      await world.end()
    }
    open()
  })
})

describe('who is meant', () => {
  it('is looked up again when it begins: keys that came meanwhile go along', async () => {
    open(DAY)
    world.person({ phone: ['k1'] })
    const { id } = await world.desk.request(asked('phone'), ANN)
    world.person({ phone: ['k1', 'k2'], email: ['k2'] })
    await world.desk.approve(id, BOB)
    assert.deepEqual(world.orders[0]?.person.keyIds.map((key) => key.slice(0, 2)).sort(), ['k1', 'k2'])
  })

  it('is looked up once more right before the intent: who was brought together meanwhile is looked for again', async () => {
    open()
    world.person({ phone: ['k1'], email: ['k2'] })
    world.onFind = () => world.person({ phone: ['k1', 'k2'], email: ['k1', 'k2'] })
    const { id, state } = await world.desk.request(asked('phone'), ANN)
    assert.deepEqual([state, world.orders], ['deferred', []], 'what was found was not all of it')
    assert.equal((await look(id)).state, 'completed')
    assert.equal(world.orders[0]?.person.keyIds.length, 2)
  })

  it('is nobody where a name leads elsewhere by then: nothing is erased, and it says so', async () => {
    open(DAY)
    world.person({ phone: ['k1'], email: ['k1'] })
    const { id } = await world.desk.request(asked('phone', 'email'), ANN)
    world.person({ phone: ['k9'] })
    const view = await world.desk.approve(id, BOB)
    assert.deepEqual([view.state, world.orders], ['deferred', []])
    assert.match(String(view.problem), /leads elsewhere than when it was asked for/)
    assert.equal((await world.desk.withdraw(id, 'taken apart', ANN)).state, 'withdrawn')
  })

  it('may be erased already by another one, which ends it', async () => {
    open(DAY)
    world.person({ phone: ['k1'], email: ['k2'] })
    const [one, two] = [await world.desk.request(asked('phone'), ANN), await world.desk.request(asked('email'), ANN)]
    world.person({ phone: ['k1', 'k2'], email: ['k1', 'k2'] })
    assert.equal((await world.desk.approve(one.id, BOB)).state, 'completed')
    const view = await world.desk.approve(two.id, BOB)
    assert.deepEqual([view.state, view.withdrawn?.by], ['withdrawn', 'sealtrail'])
    assert.match(String(view.withdrawn?.reason), new RegExp(one.id))
    assert.equal(world.orders.length, 1)
  })

  it('is an alarm where the file is lost or damaged: in the list, and nobody is guessed', async () => {
    for (const harm of [(path: string) => rmSync(path), (path: string) => writeFileSync(path, readFileSync(path, 'utf8').replace('person', 'persom'))]) {
      open(DAY)
      world.person({ phone: ['k1'] })
      const { id } = await world.desk.request(asked('phone'), ANN)
      harm(join(world.folder, 'erasures', `${id}.json`))
      const [listed] = await world.desk.list()
      assert.match(String(listed?.problem), /DATA_CORRUPT: erasures\/0+1\.json is/)
      await assert.rejects(world.desk.approve(id, BOB), { code: 'DATA_CORRUPT' })
      assert.deepEqual([(await world.desk.get(id)).state, world.orders], ['requested', []])
      assert.equal((await world.desk.withdraw(id, 'the file is lost', ANN)).state, 'withdrawn')
      await world.end()
    }
    open()
  })
})

async function look(id?: string): Promise<ErasureView> {
  world.keeper.lookAll()
  await world.keeper.idle()
  return id === undefined ? (await world.desk.list())[0]! : world.desk.get(id)
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await new Promise((resolve) => setImmediate(resolve))
}
