import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Follower } from '../../src/index/follower.ts'
import type { Token } from '../../src/index/index.ts'
import { plainToken } from '../../src/index/plain-token.ts'
import { LevelIndex } from '../../src/index/level/index.ts'
import { rebuildIndex } from '../../src/index/level/rebuild.ts'
import { MemoryRecords } from './memory.ts'
import { auditidOf, recordOf, START } from './sample.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealtrail-follower-'))
})
after(() => rm(folder, { recursive: true, force: true }))
let count = 0

/** What the vault would say: one token a record, made of its audit id. */
const tokenOf = (auditid: string): Token => ({ kind: 'k', token: plainToken('vault', auditid) })
const tokens = async (auditids: readonly string[]) => auditids.map((auditid) => [tokenOf(auditid)])
const sample = (n: number) => recordOf({ n, subject: `s${n % 5}`, sequence: 1 + Math.floor(n / 5) })
const idOf = (n: number): string => auditidOf(START + n * 1000, n)

async function assertWhole(index: LevelIndex, log: string, size: number, offset: number): Promise<void> {
  assert.equal(index.size(log), size)
  for (let n = 0; n < size; n++) {
    assert.deepEqual(await index.auditid(idOf(offset + n)), [{ log, index: n }])
    assert.deepEqual(await index.token(log, tokenOf(idOf(offset + n)).token, { after: -1, limit: 9 }), [n])
  }
}

test('commits that come in order, twice, late, or not at all end in the same index', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          size: fc.integer({ min: 1, max: 9 }),
          log: fc.constantFrom('a', 'b'),
          fate: fc.constantFrom('once', 'once', 'twice', 'lost', 'no tokens'),
        }),
        { maxLength: 25 },
      ),
      fc.nat(3),
      async (commits, pauses) => {
        const index = await LevelIndex.open(join(folder, String(count++)))
        const records = new MemoryRecords()
        records.add('a')
        records.add('b')
        const follower = new Follower({ index, records, tokens, onFailure: assert.fail })
        for (const [i, { size, log, fate }] of commits.entries()) {
          const first = records.size(log)
          const base = log === 'a' ? 0 : 10_000
          const made = Array.from({ length: size }, (_, j) => sample(base + first + j))
          records.add(log, ...made)
          const commit = { log, first, records: made, tokens: fate === 'no tokens' ? null : made.map((_, j) => [tokenOf(idOf(base + first + j))]) }
          if (fate !== 'lost') follower.push(commit)
          if (fate === 'twice') follower.push(commit)
          if (pauses > 0 && i % pauses === 0) await follower.idle()
        }
        await follower.catchUp()
        await assertWhole(index, 'a', records.size('a'), 0)
        await assertWhole(index, 'b', records.size('b'), 10_000)
        await follower.close()
        await index.close()
      },
    ),
    { numRuns: 25 },
  ))

test('a backlog longer than memory should hold is read from the segments, to the last commit', async () => {
  const index = await LevelIndex.open(join(folder, String(count++)))
  const records = new MemoryRecords()
  const follower = new Follower({ index, records, tokens: async (ids) => ids.map(() => []), onFailure: assert.fail })
  const made = Array.from({ length: 24_000 }, (_, n) => sample(n))
  for (let first = 0; first < made.length; first += 1_000) {
    records.add('a', ...made.slice(first, first + 1_000))
    follower.push({ log: 'a', first, records: made.slice(first, first + 1_000), tokens: made.slice(first, first + 1_000).map(() => []) })
  }
  await follower.idle()
  assert.equal(index.size('a'), 24_000)
  await index.close()
})

test('records that are damaged do not stop it, and ask the vault for nothing', async () => {
  const index = await LevelIndex.open(join(folder, String(count++)))
  const records = new MemoryRecords()
  records.add('a', sample(0), Buffer.from('{'), Buffer.from('x'.repeat(100)), sample(1))
  const asked: string[] = []
  const follower = new Follower({ index, records, tokens: async (ids) => (asked.push(...ids), tokens(ids)), onFailure: assert.fail })
  await follower.catchUp()
  assert.deepEqual(asked, [idOf(0), idOf(1)])
  assert.deepEqual([index.size('a'), index.unreadable], [4, 2])
  assert.deepEqual(await index.token('a', tokenOf(idOf(1)).token, { after: -1, limit: 9 }), [3])
  await index.close()
})

test('when the index cannot be written the follower stops and says so, once', async () => {
  const records = new MemoryRecords()
  records.add('a', sample(0), sample(1))
  const index = { size: () => 0, apply: async () => Promise.reject(new Error('disk full')) } as unknown as LevelIndex
  const failures: unknown[] = []
  const follower = new Follower({ index, records, tokens, onFailure: (error) => failures.push(error) })
  follower.push({ log: 'a', first: 0, records: [sample(0)], tokens: null })
  follower.push({ log: 'a', first: 1, records: [sample(1)], tokens: null })
  await follower.idle()
  assert.equal(follower.following, false)
  follower.push({ log: 'a', first: 1, records: [sample(1)], tokens: null })
  await follower.idle()
  assert.equal(failures.length, 1)
})

test('rebuilds from nothing but segments and vault, whatever lies in the folder', async () => {
  const directory = join(folder, String(count++))
  const records = new MemoryRecords()
  records.add('a', ...Array.from({ length: 50 }, (_, n) => sample(n)))
  records.add('b', ...Array.from({ length: 7 }, (_, n) => sample(10_000 + n)))
  const progress: number[] = []
  const build = () => rebuildIndex(directory, { records, tokens, onProgress: (done, total) => progress.push(done / total) })
  assert.equal(await build(), 57)
  assert.equal(progress.at(-1), 1)
  for (const name of await readdir(directory)) await writeFile(join(directory, name), 'rubbish')
  await assert.rejects(LevelIndex.open(directory))
  assert.equal(await build(), 57)
  const index = await LevelIndex.open(directory)
  await assertWhole(index, 'a', 50, 0)
  await assertWhole(index, 'b', 7, 10_000)
  await index.close()
})

test('forgets tokens only once it holds what is committed: what it read before they were erased is in by then', async () => {
  const index = await LevelIndex.open(join(folder, String(count++)))
  const records = new MemoryRecords()
  records.add('a', ...Array.from({ length: 50 }, (_, n) => sample(n)))
  const reading = Promise.withResolvers<void>()
  const follower = new Follower({
    index,
    records,
    // Read before the erasure, applied after it.
    async tokens(auditids) {
      const read = await tokens(auditids)
      reading.resolve()
      await new Promise((resolve) => setImmediate(resolve))
      return read
    },
    onFailure: assert.fail,
  })
  const caught = follower.catchUp()
  await reading.promise
  await follower.forgetTokens(
    'a',
    [7, 8].map((n) => ({ index: n, tokens: [tokenOf(idOf(n)).token] })),
  )
  await caught
  for (const n of [6, 7, 8, 9]) assert.deepEqual(await index.token('a', tokenOf(idOf(n)).token, { after: -1, limit: 9 }), n === 7 || n === 8 ? [] : [n])
  await follower.close()
  // One that does not follow any more says so, and nothing counts as forgotten.
  records.add('a', sample(50))
  await assert.rejects(follower.forgetTokens('a', [{ index: 6, tokens: [tokenOf(idOf(6)).token] }]), { code: 'INDEX_BEHIND' })
  assert.deepEqual(await index.token('a', tokenOf(idOf(6)).token, { after: -1, limit: 9 }), [6])
  await index.close()
})
