// A key is destroyed while events of its owner are under way: their senders notice nothing, and nothing is written under it any more.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/event/json.ts'
import type { Input } from '../../src/event/input.ts'
import { aliasTokens } from '../../src/event/alias.ts'
import { Intake } from '../../src/threads/intake.ts'
import type { IntakeDeps } from '../../src/threads/intake.ts'
import { openDatabase } from '../../src/vault/level/database.ts'
import { flatReceipt } from './flat-receipt.ts'
import { World } from './harness.ts'

let sent = 0

describe('a person erased while events arrive', () => {
  let world: World
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())
  beforeEach(() => sent++)

  const vault = (): World['local']['sealing']['vault'] => world.local.sealing.vault
  const keysOf = async (customer: string): Promise<readonly string[]> =>
    (await vault().personOf(aliasTokens(world.local.sealing.keys, world.loaded.config.tenant, 'external-id', customer))).keyIds
  async function rowsUnder(ids: readonly string[]): Promise<number> {
    let rows = 0
    for await (const _ of vault().rowsUnder(new Set(ids))) rows++
    return rows
  }
  const send = async (...events: readonly JsonObject[]): Promise<string[]> => {
    const { status, text } = await world.send('/api/v1/events', events, { role: 'ingest' })
    assert.equal(status, 200, text)
    return (JSON.parse(text) as JsonObject[]).map(({ outcome }) => String(outcome))
  }

  it('a batch under the key is refused whole, and its thread makes it once more: all of it is sealed, once, nothing under the key', async () => {
    assert.deepEqual(await send(flatReceipt('CUST-A'), flatReceipt('CUST-B')), ['sealed', 'sealed'])
    const [old, other] = [await keysOf('CUST-A'), await keysOf('CUST-B')]
    // The batch is encrypted under the key by now, and on its way.
    const { flow } = world.local.sealing
    const accept = flow.accept.bind(flow)
    let refused = 0
    flow.accept = async (taken) => {
      if (refused === 0) await vault().condemn(old)
      return accept(taken).catch((error: unknown) => {
        refused++
        throw error
      })
    }
    const size = world.local.sealing.sizes.get('notifications')
    const batch = [flatReceipt('CUST-B'), flatReceipt('CUST-A'), flatReceipt('CUST-C')]
    assert.deepEqual(await send(...batch), ['sealed', 'sealed', 'sealed'])
    flow.accept = accept
    assert.equal(refused, 1)
    assert.equal(world.local.sealing.sizes.get('notifications'), size + 3)
    const journalled: string[] = []
    for await (const { subject } of world.local.sealing.accepted.entries()) journalled.push(subject)
    for (const { message_uuid: subject } of batch)
      assert.equal(journalled.filter((each) => each === subject).length, 1, 'of the batch that was refused nothing was written')
    assert.deepEqual(await send(...batch), ['duplicate', 'duplicate', 'duplicate'])
    assert.equal(await rowsUnder(old), 1, 'the one from before')
    assert.equal(await rowsUnder(other), 2)
    const renewed = await keysOf('CUST-A')
    assert.equal(renewed.length, 1)
    assert.ok(!old.includes(renewed[0] as string))
  })

  it('twenty senders go on while it happens: each of them is answered, and once it is said nothing comes in under the key any more', async () => {
    await send(flatReceipt('CUST-D'))
    let rounds = 0
    for (let round = 0; round < 5; round++) {
      const old = await keysOf('CUST-D')
      let busy = true
      const senders = Array.from({ length: 20 }, async (_, i) => {
        for (let n = 0; busy || n < 2; n++) {
          rounds++
          assert.deepEqual(await send(flatReceipt('CUST-D'), flatReceipt(`CUST-own-${i}`)), ['sealed', 'sealed'])
        }
      })
      await vault().condemn(old)
      const then = await rowsUnder(old)
      busy = false
      await Promise.all(senders)
      assert.equal(await rowsUnder(old), then)
      assert.ok(!(await keysOf('CUST-D')).some((id) => old.includes(id)))
    }
    assert.ok(rounds >= 5 * 20 * 2)
  })

  it('with everything dropped that a thread remembers the next event is the same person’s', async () => {
    await send(flatReceipt('CUST-E'))
    const before = await keysOf('CUST-E')
    world.local.served.forget()
    await send(flatReceipt('CUST-E'))
    assert.deepEqual(await keysOf('CUST-E'), before)
    assert.equal(await rowsUnder(before), 2)
  })
})

it('refused twice, the sender hears of it: 503, and nothing was written', async () => {
  let [encoded, forgotten, accepted] = [0, 0, 0]
  const steps: IntakeDeps['steps'] = {
    apply: () => ({ kind: 'unmatched' }),
    protect: () => assert.fail(),
    quarantine: () => ({ owners: [{ tokens: ['t'], disclosures: [] }] }) as never,
    keysFor: async () => [],
    encode: () => (encoded++, {} as never),
    forget: () => void forgotten++,
  }
  const intake = new Intake({
    steps,
    trails: new Set(),
    async accept() {
      accepted++
      throw new SealtrailError('PERSON_ERASED')
    },
    receipt: () => assert.fail(),
    onOutcome: () => assert.fail(),
  })
  await assert.rejects(intake.submit([{ trail: null, problem: null } as Input], { wait: 'sealed', receipts: 'lean' }), { code: 'PERSON_ERASED' })
  assert.deepEqual([encoded, forgotten, accepted], [2, 1, 2])
})

it('a vault that refuses writes means nothing is acknowledged, sealed or found later; what comes after it is', async () => {
  const world = await World.open()
  try {
    assert.equal((await world.send('/api/v1/events', flatReceipt('CUST-1'), { role: 'ingest' })).status, 201)
    const journal = world.local.sealing.accepted
    const entries = async (): Promise<number> => {
      let count = 0
      for await (const _ of journal.entries()) count++
      return count
    }
    const before = await entries()
    // Every write of the vault fails, as on a disk that is full; journal and store take theirs.
    const probe = await openDatabase(`${world.folder}/probe`)
    const prototype = Object.getPrototypeOf(probe) as { _batch(this: { location: string }, ...of: unknown[]): Promise<void> }
    const original = prototype._batch
    prototype._batch = async function (...of) {
      if (this.location.endsWith('/vault')) throw new Error('IO error: No space left on device')
      return original.apply(this, of)
    }
    const lost = flatReceipt('CUST-2')
    try {
      for (const path of ['/api/v1/events', '/api/v1/compliance/notifications']) {
        const answer = await world.send(path, lost, { role: 'ingest' })
        assert.equal(answer.status, 503, answer.text)
        assert.equal(answer.headers.get('retry-after') !== null, true)
      }
    } finally {
      prototype._batch = original
      await probe.close()
    }
    assert.ok((await entries()) > before, 'its entry is in the journal, and its disclosures are nowhere')
    const size = world.local.sealing.sizes.get('notifications')
    assert.equal(size, 1)
    await world.restart()
    assert.match(world.lines.join(''), /without their vault row dropped/)
    assert.equal(world.local.sealing.sizes.get('notifications'), 1)
    const again = await world.send('/api/v1/events', lost, { role: 'ingest' })
    assert.equal(again.status, 201, again.text)
    assert.deepEqual(await world.closeAndAudit(), [])
  } finally {
    await world.end()
  }
})
