import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decodeSegment, segmentRecord } from '@sealtrail/evidence'
import { Frontier, ed25519PublicKey, ed25519Sign, emptyRoot, leafHash, rootOf } from '@sealtrail/tlog'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { SealtrailError } from '../../src/errors.ts'
import type { Numbered } from '../../src/event/numbered.ts'
import type { Head, HeadStore } from '../../src/head/head.ts'
import { Sealer } from '../../src/seal/sealer.ts'
import type { Committed } from '../../src/seal/commit.ts'
import type { Store } from '../../src/store/store.ts'
import { numbered } from './numbered.ts'

const unzip = promisify(zstdDecompress)
const seed = randomBytes(32)
const segmentSigner = { publicKey: ed25519PublicKey(seed), sign: (message: Uint8Array) => ed25519Sign(seed, message) }

const item = (n: number): Numbered =>
  numbered('test', `subject-${n}`, { data: { n, note: n % 3 === 0 ? 'grüße' : 'plain' }, late: n % 2 === 0, sequence: n + 1, offset: n })

/** Asked before each signature; throws while the key's service is away. */
type Away = (key: 'segment' | 'log') => void

/** A store that fails as told before it takes the bytes, and a head store in memory that may lose a race. */
function world(options: {
  away?: Away
  failPuts?: number
  failSwaps?: number
  swapLandsButThrows?: boolean
  rival?: boolean
  maxRecords?: number
  maxDelayMs?: number
}) {
  const objects = new Map<string, Uint8Array>()
  const puts: string[] = []
  const signed: Head[] = []
  const trouble: string[] = []
  const commits: Committed[] = []
  let failPuts = options.failPuts ?? 0
  let failSwaps = options.failSwaps ?? 0
  let head: Head = { size: 0, root: Buffer.from(emptyRoot()).toString('hex'), segment: '', digest: '' }
  const store: Pick<Store, 'put'> = {
    async put(key, bytes) {
      puts.push(key)
      if (failPuts-- > 0) throw new SealtrailError('NOT_DURABLE', 'the disk is full')
      objects.set(key, Uint8Array.from(bytes))
      return { key, size: bytes.length, assurance: 'declared', version: null }
    },
  }
  const heads: Pick<HeadStore, 'read' | 'swap'> = {
    read: () => head,
    swap(_, expected, next) {
      if (options.rival) return false
      if (failSwaps-- > 0) {
        if (options.swapLandsButThrows) head = next
        throw new Error('the connection broke')
      }
      if (JSON.stringify(expected) !== JSON.stringify(head)) return false
      head = next
      return true
    },
  }
  const sealer = new Sealer(
    { origin: 'example.org/test', head, checkpoint: '', frontier: new Frontier() },
    {
      log: 'test',
      store: store as Store,
      heads: heads as HeadStore,
      segmentSigner: { ...segmentSigner, sign: (message) => (options.away?.('segment'), segmentSigner.sign(message)) },
      signCheckpoint(next) {
        options.away?.('log')
        signed.push(next)
        return `checkpoint ${next.size}\n`
      },
      lock: () => ({ mode: 'COMPLIANCE', retainUntilMs: 0 }),
      now: () => 1_700_000_000_000,
      maxDelayMs: options.maxDelayMs ?? 0,
      maxRecords: options.maxRecords ?? 1_000,
      maxBytes: 1 << 20,
      refusal: () => null,
      journalPosition: () => ({ file: 1, offset: 0 }),
      onCommit: async (committed) => void commits.push(committed),
      onTrouble: (error) => void trouble.push(error.code),
    },
  )
  return { sealer, objects, puts, signed, trouble, commits, head: () => head }
}

test('what is enqueued is sealed in order: leaves, roots, chain of digests and checkpoints agree', async () => {
  const { sealer, objects, commits, signed } = world({ maxRecords: 7 })
  sealer.enqueue(Array.from({ length: 23 }, (_, n) => item(n)))
  await sealer.drained()
  const leaves: Uint8Array[] = []
  let previous = ''
  for (const { next, expected } of commits) {
    const segment = decodeSegment(await unzip(objects.get(next.segment) as Uint8Array))
    assert.equal(segment.header.first, expected.size)
    assert.equal(segment.header.previous.segment, previous)
    previous = next.digest
    for (let i = 0; i < segment.header.count; i++) leaves.push(leafHash(segmentRecord(segment, i)))
    assert.equal(segment.trailer.root, Buffer.from(rootOf(Buffer.concat(leaves))).toString('hex'))
    const record = JSON.parse(Buffer.from(segmentRecord(segment, 0)).toString()) as { late: boolean; subjectsequence: number }
    assert.deepEqual([record.late, record.subjectsequence], [expected.size % 2 === 0, expected.size + 1])
  }
  assert.equal(leaves.length, 23)
  assert.deepEqual(
    signed.map(({ size }) => size),
    commits.map(({ next }) => next.size),
  )
})

test('a PUT that fails is tried again with the same bytes under the same key, and nothing is sealed twice', async () => {
  const { sealer, puts, objects, commits, trouble } = world({ failPuts: 2 })
  sealer.enqueue([item(0), item(1)])
  await sealer.drained()
  assert.deepEqual(trouble, ['NOT_DURABLE', 'NOT_DURABLE'])
  assert.equal(puts.length, 3)
  assert.equal(new Set(puts).size, 1)
  assert.equal(objects.size, 1)
  assert.equal(commits.length, 1)
  assert.equal(sealer.standing.head.size, 2)
})

test('a swap of unknown outcome is read back: landed counts, not landed is tried again', async () => {
  const landed = world({ failSwaps: 1, swapLandsButThrows: true })
  landed.sealer.enqueue([item(0)])
  await landed.sealer.drained()
  assert.deepEqual(landed.trouble, [])
  assert.equal(landed.commits.length, 1)

  const lost = world({ failSwaps: 1 })
  lost.sealer.enqueue([item(0)])
  await lost.sealer.drained()
  assert.deepEqual(lost.trouble, ['NOT_DURABLE'])
  assert.equal(lost.commits.length, 1)
})

test('a lost swap stops the writer: no checkpoint is signed, nothing more is sealed', async () => {
  const { sealer, signed, commits, trouble } = world({ rival: true })
  sealer.enqueue([item(0)])
  await sealer.drained()
  assert.equal(sealer.stopped?.code, 'HEAD_LOST')
  assert.deepEqual(trouble, ['HEAD_LOST'])
  sealer.enqueue([item(1)])
  await sealer.drained()
  assert.deepEqual([signed.length, commits.length], [0, 0])
})

test('closing ends the retries at once; what is not sealed stays with the caller', async () => {
  const { sealer, commits } = world({ failPuts: 1_000 })
  sealer.enqueue([item(0)])
  await new Promise((resolve) => setImmediate(resolve))
  await sealer.close()
  assert.equal(commits.length, 0)
})

test('with a delay, what comes meanwhile joins the same commit, and a full one does not wait', async () => {
  const { sealer, commits } = world({ maxDelayMs: 60_000, maxRecords: 3 })
  sealer.enqueue([item(0)])
  sealer.enqueue([item(1)])
  sealer.enqueue([item(2)])
  await sealer.drained()
  assert.deepEqual(
    commits.map(({ next }) => next.size),
    [3],
  )
})

test('while the service of the keys is away commits wait, and it goes on by itself: one segment, one swap, one checkpoint', async () => {
  for (const code of ['KEY_UNAVAILABLE', 'KEY_UNKNOWN'] as const) {
    for (const which of ['segment', 'log'] as const) {
      let failures = 2
      const state: { puts?: number; commits?: number; head?: number } = {}
      const made = world({
        away(key) {
          if (key !== which || failures-- <= 0) return
          Object.assign(state, { puts: made.puts.length, commits: made.commits.length, head: made.head().size })
          throw new SealtrailError(code, 'the token is gone')
        },
      })
      made.sealer.enqueue([item(0)])
      await made.sealer.drained()
      // Of the segment nothing was stored; of the checkpoint the head was swapped, and nobody had an answer.
      assert.deepEqual(state, { puts: which === 'segment' ? 0 : 1, commits: 0, head: which === 'segment' ? 0 : 1 })
      assert.deepEqual([made.trouble, made.puts.length, made.commits.length, made.sealer.stopped], [[code, code], 1, 1, null])
      made.sealer.enqueue([item(1)])
      await made.sealer.drained()
      assert.deepEqual([made.commits.length, made.signed.map(({ size }) => size)], [2, [1, 2]])
    }
  }
})

test('closing while the service is away ends at once, and nothing is answered', async () => {
  for (const which of ['segment', 'log'] as const) {
    const made = world({
      away(key) {
        if (key === which) throw new SealtrailError('KEY_UNAVAILABLE', 'the token is gone')
      },
    })
    made.sealer.enqueue([item(0)])
    await new Promise((resolve) => setImmediate(resolve))
    await made.sealer.close()
    assert.deepEqual([made.commits.length, made.sealer.stopped], [0, null])
  }
})
