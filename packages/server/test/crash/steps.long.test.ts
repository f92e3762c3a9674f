import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Book, Child, HELD, comesBackWhole, range, shuffled, temporary } from './harness.ts'

const TAKEN_UP = /\d+ events taken up again from the journal/
const DROPPED = /journal entries without their vault row dropped/
const ROLLED = /head rolled forward from size \d+ to \d+ over a segment/
const HASHES = /hash files (extended|rebuilt)/

interface Step {
  readonly at: string
  /** Found by the recovery that is let finish, besides a ledger that is behind. */
  readonly finds: readonly RegExp[]
  /** Crash points of the recovery, in turn, before one is let finish. */
  readonly andThen?: readonly string[]
  readonly rotateBytes?: number
}

/** In the order of the flow. The first of two concurrent writes may or may not be done when the other one's point is reached. */
const STEPS: readonly Step[] = [
  { at: 'journal:before', finds: [] },
  { at: 'vault:before', finds: [] },
  { at: 'journal:written', finds: [] },
  { at: 'journal:synced', finds: [] },
  { at: 'vault:after', finds: [] },
  { at: 'journal:after', finds: [TAKEN_UP], andThen: ['replay:placed'] },
  { at: 'seal:before-put', finds: [TAKEN_UP] },
  { at: 'seal:after-put', finds: [ROLLED] },
  { at: 'seal:after-put', finds: [HASHES], andThen: ['recover:after-swap'] },
  { at: 'seal:after-swap', finds: [HASHES] },
  { at: 'seal:after-swap', finds: [/ledger state caught up from size 0/], andThen: ['catch-up:written'] },
  { at: 'seal:after-sign', finds: [HASHES] },
  { at: 'publish:hashes', finds: [] },
  { at: 'publish:after', finds: [] },
  { at: 'ledger:after', finds: [] },
  { at: 'release:after', finds: [] },
  { at: 'journal:created', finds: [], rotateBytes: 20_000 },
  { at: 'journal:released', finds: [], rotateBytes: 20_000 },
]

describe('killed at every step, the server comes back with all it promised, once', { concurrency: 3 }, () => {
  for (const { at, finds, andThen, rotateBytes } of STEPS) {
    test([at, ...(andThen ?? [])].join(', then '), async () => {
      const { data, remove } = temporary()
      const book = new Book()
      const child = new Child(data, book, rotateBytes === undefined ? HELD : { ...HELD, rotateBytes })
      const next = (andThen ?? []).map(() => new Child(data, book))
      try {
        await child.open()
        // Calls are cut in two: the second half must be numbered behind the first.
        await child.submit('notifications', range(0, 20))
        await child.submit('interactions', shuffled([...range(0, 5), ...range(10, 16), ...range(20, 30)]))
        await child.flush()
        const before = book.size
        child.arm(at)
        await Promise.all([
          child.submit('notifications', range(15, 40)),
          child.submit('interactions', shuffled([...range(3, 10), ...range(14, 20), ...range(30, 40)])),
        ])
        await child.flush()
        assert.equal(await child.ended, 'SIGKILL')
        assert.equal(before, 41)
        for (const [i, again] of (andThen ?? []).entries()) {
          assert.equal(await (next[i] as Child).open(again), null)
          assert.equal(await (next[i] as Child).ended, 'SIGKILL')
        }
        const found = (await comesBackWhole(data, book)).join('\n')
        for (const finding of finds) assert.match(found, finding)
        if (!['journal:written', 'journal:synced', 'vault:after', 'vault:before'].includes(at)) assert.doesNotMatch(found, DROPPED)
      } finally {
        for (const each of [child, ...next]) each.kill()
        remove()
      }
    })
  }
})

describe('killed while it is made, a data directory is as good as new', { concurrency: 3 }, () => {
  for (const at of ['open:keys', 'recover:created', 'recover:created#3', 'journal:created', 'seal:after-put', 'ledger:after']) {
    test(at, async () => {
      const { data, remove } = temporary()
      const book = new Book()
      const child = new Child(data, book)
      try {
        // The last two belong to the record of the start itself, which may be sealed a moment later than the server is open.
        await child.open(at)
        assert.equal(await child.ended, 'SIGKILL')
        for (const serial of range(0, 20)) book.sent.interactions.add(serial)
        await comesBackWhole(data, book)
      } finally {
        child.kill()
        remove()
      }
    })
  }
})

test('killed before or behind the write of a hash pack, the pack is there once and right', async () => {
  for (const at of ['hashes:before-put', 'hashes:after-put']) {
    const { data, remove } = temporary()
    try {
      const run = async (crashAt: string | undefined): Promise<{ signal: string | null; said: unknown }> => {
        const child = fork(join(import.meta.dirname, 'hashes.ts'), [data], {
          execArgv: ['--conditions=@sealtrail/source'],
          env: { ...process.env, ...(crashAt === undefined ? {} : { SEALTRAIL_CRASH_AT: crashAt }) },
        })
        let said: unknown = null
        child.on('message', (message) => (said = message))
        const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
        return { signal, said }
      }
      assert.equal((await run(at)).signal, 'SIGKILL')
      for (let i = 0; i < 2; i++) assert.deepEqual(await run(undefined), { signal: null, said: { packed: 65_536, packs: 1, right: true } })
    } finally {
      remove()
    }
  }
})
