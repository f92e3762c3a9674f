// Which segments of a store are the log, where no head says so: every small race, hole and fork.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { EMPTY_ROOT, encodeSegment, segmentKey } from '@sealtrail/evidence'
import { ed25519PublicKey, ed25519Sign, Frontier, leafHash } from '@sealtrail/tlog'
import { decidedFrames, type Promised } from '../../src/verify/branches.ts'
import type { Frame } from '../../src/verify/frames.ts'
import { FrameReader } from '../../src/verify/frames.ts'
import { Unpacker } from '../../src/verify/unpacker.ts'
import { ORIGIN, sampleRecord } from './writer.ts'

const OWN = new Uint8Array(32).fill(7)
const STRANGER = new Uint8Array(32).fill(8)
const signerOf = (seed: Uint8Array): string => Buffer.from(ed25519PublicKey(seed)).toString('base64')

/** A segment, and the state it leads to. */
interface Node {
  readonly key: string
  readonly frame: Uint8Array
  readonly digest: string
  readonly size: number
  readonly root: string
  readonly records: readonly Uint8Array[]
}
const EMPTY: Node = { key: '', frame: new Uint8Array(0), digest: '', size: 0, root: EMPTY_ROOT, records: [] }

let serial = 0
/** A segment of `count` records upon another. */
function upon(parent: Node, count: number, seed = OWN): Node {
  const added = Array.from({ length: count }, () => sampleRecord(serial++))
  const records = [...parent.records, ...added]
  const frontier = new Frontier()
  frontier.append(new Uint8Array(Buffer.concat(records.map(leafHash))))
  const root = Buffer.from(frontier.root()).toString('hex')
  const previous = { size: parent.size, root: parent.root, segment: parent.digest, checkpoint: '' }
  const header = { log: `${ORIGIN}/calls`, first: parent.size, count, created: '2024-01-01T00:00:00.000Z', journal: { file: 1, offset: 0 }, previous }
  const frame = zstdCompressSync(encodeSegment(header, added, root, { publicKey: ed25519PublicKey(seed), sign: (message) => ed25519Sign(seed, message) }))
  const digest = hash('sha256', frame, 'hex')
  return { key: segmentKey('calls', parent.size, digest), frame, digest, size: parent.size + count, root, records }
}
const chain = (parent: Node, counts: readonly number[], seed = OWN): Node[] => {
  const nodes: Node[] = []
  for (const count of counts) nodes.push(upon(nodes.at(-1) ?? parent, count, seed))
  return nodes
}
const promise = ({ size, root }: Node, object = 'kept'): Promised => ({ object, size, root })

interface Outcome {
  readonly given: string[]
  readonly problems: string[]
  readonly notes: string[]
}
async function decided(nodes: readonly Node[], options: { promised?: Promised[]; signers?: ReadonlySet<string> } = {}): Promise<Outcome> {
  const stored = new Map(nodes.map(({ key, frame }) => [key, frame]))
  const store = { get: async (key: string) => stored.get(key) ?? null }
  const problems: string[] = []
  const notes: string[] = []
  const given: string[] = []
  const told = {
    problem: ({ code, object }: { code: string; object: string }) => void problems.push(`${code} ${object}`),
    note: ({ object }: { object: string }) => void notes.push(object),
  }
  const reader = new FrameReader(store as never, new Unpacker(0))
  const frames: AsyncIterable<Frame> = decidedFrames(
    [...stored.keys()].sort(),
    reader,
    { promised: options.promised ?? [], signers: options.signers ?? null },
    told,
  )
  for await (const { key } of frames) given.push(key)
  return { given, problems, notes: notes.sort() }
}
const keysOf = (nodes: readonly Node[]): string[] => nodes.map(({ key }) => key)

test('a log without rivals is given whole', async () => {
  for (let length = 0; length < 6; length++) {
    const log = chain(
      EMPTY,
      Array.from({ length }, (_, i) => i + 1),
    )
    assert.deepEqual(await decided(log), { given: keysOf(log), problems: [], notes: [] })
  }
})

test('losers of races, at every place, of every size, several at once: the log is what goes on', async () => {
  const log = chain(EMPTY, [3, 3, 3, 3])
  for (let at = 0; at < 3; at++) {
    for (const counts of [[1], [3], [4], [7], [1, 2, 3, 4, 9]]) {
      const losers = counts.map((count) => upon(at === 0 ? EMPTY : (log[at - 1] as Node), count))
      assert.deepEqual(await decided([...log, ...losers]), { given: keysOf(log), problems: [], notes: keysOf(losers).sort() }, `${counts.join()} at ${at}`)
    }
  }
  // Each place has its loser.
  const losers = [EMPTY, ...log.slice(0, 2)].map((parent) => upon(parent, 5))
  assert.deepEqual((await decided([...log, ...losers])).given, keysOf(log))
})

test('two last segments side by side are a fork, whatever their sizes; a promise decides for either', async () => {
  const log = chain(EMPTY, [2, 2])
  const base = log[1] as Node
  for (const [a, b] of [
    [1, 1],
    [1, 5],
    [4, 2],
  ] as const) {
    const rivals = [upon(base, a), upon(base, b)] as const
    const open = await decided([...log, ...rivals])
    assert.deepEqual(open.given, keysOf(log))
    assert.deepEqual(open.problems.length, 1)
    assert.match(open.problems[0] as string, /^FORKED /)
    for (const rival of rivals) assert.ok(open.problems[0]?.includes(rival.key))
    for (const [i, rival] of rivals.entries()) {
      assert.deepEqual(await decided([...log, ...rivals], { promised: [promise(rival)] }), {
        given: [...keysOf(log), rival.key],
        problems: [],
        notes: [(rivals[1 - i] as Node).key],
      })
    }
    // One from before the fork says nothing of it.
    assert.match((await decided([...log, ...rivals], { promised: [promise(base)] })).problems.join(), /FORKED/)
  }
})

test('two branches that both go on are a fork, at any lengths; a promise in either of them decides, the longer one or not', async () => {
  for (const at of [0, 1, 2]) {
    const log = chain(EMPTY, [2, 2])
    const base = at === 0 ? EMPTY : (log[at - 1] as Node)
    const stem = log.slice(0, at)
    for (const [left, right] of [
      [
        [1, 1],
        [2, 2],
      ],
      [
        [3, 1, 1],
        [1, 1],
      ],
      [
        [1, 1, 1, 1, 1],
        [9, 9],
      ],
    ] as const) {
      const branches = [chain(base, left), chain(base, right)] as const
      const stored = [...stem, ...branches.flat()]
      const open = await decided(stored)
      assert.deepEqual(open.given, keysOf(stem))
      assert.match(open.problems.join(), /^FORKED /)
      for (const branch of branches) {
        for (const node of branch) {
          const promised = [promise(node)]
          const { given, problems } = await decided(stored, { promised })
          assert.deepEqual([given, problems], [keysOf([...stem, ...branch]), []], `${left.join()} ${right.join()} at ${node.size}`)
        }
      }
    }
  }
})

test('a promise of neither branch decides for neither', async () => {
  const log = chain(EMPTY, [2])
  const [one, two] = [chain(log[0] as Node, [2, 2]), chain(log[0] as Node, [2, 2])]
  const { given, problems } = await decided([...log, ...one, ...two], { promised: [{ object: 'kept', size: 4, root: 'a'.repeat(64) }] })
  assert.deepEqual(given, keysOf(log))
  assert.match(problems.join(), /FORKED/)
})

test('a stranger’s branch does not compete with the writer’s own; a lone stranger’s segment is given, for the caller to judge', async () => {
  const log = chain(EMPTY, [2, 2, 2])
  const signers = new Set([signerOf(OWN)])
  for (const at of [0, 1, 2]) {
    const parent = at === 0 ? EMPTY : (log[at - 1] as Node)
    for (const counts of [[1], [2], [1, 1, 1]]) {
      const planted = chain(parent, counts, STRANGER)
      const { given, problems } = await decided([...log, ...planted], { signers })
      assert.deepEqual(given, keysOf(log), `${counts.join()} at ${at}`)
      assert.deepEqual(
        problems.filter((each) => !each.startsWith('SEGMENT_STRAY')),
        [],
      )
    }
  }
  const planted = upon(log[2] as Node, 1, STRANGER)
  assert.deepEqual((await decided([...log, planted], { signers })).given, keysOf([...log, planted]))
})

test('behind a hole the log is given on; a loser of the race whose winner is gone is none of it', async () => {
  const log = chain(EMPTY, [2, 2, 2, 2])
  for (let gone = 0; gone < 3; gone++) {
    const left = log.filter((_, i) => i !== gone)
    assert.deepEqual(await decided(left), { given: keysOf(left), problems: [], notes: [] }, `without ${gone}`)
    const loser = upon(gone === 0 ? EMPTY : (log[gone - 1] as Node), 2)
    assert.deepEqual(await decided([...left, loser]), { given: keysOf(left), problems: [], notes: [loser.key] }, `loser at ${gone}`)
  }
})

test('a damaged object is given where the log has its hole, and at its end; a damaged loser is a note', async () => {
  const log = chain(EMPTY, [2, 2, 2])
  const broken = (node: Node): Node => ({ ...node, frame: node.frame.subarray(0, node.frame.length - 3) })
  for (let at = 0; at < 3; at++) {
    const stored = log.map((node, i) => (i === at ? broken(node) : node))
    assert.deepEqual(await decided(stored), { given: keysOf(log), problems: [], notes: [] }, `damaged ${at}`)
  }
  const loser = broken(upon(log[0] as Node, 9))
  assert.deepEqual(await decided([...log, loser]), { given: keysOf(log), problems: [], notes: [loser.key] })
})

test('a segment put where no commit began is a stray', async () => {
  const log = chain(EMPTY, [4, 4])
  const stray = upon({ ...EMPTY, size: 2, digest: 'b'.repeat(64) }, 1)
  const { given, problems } = await decided([...log, stray])
  assert.deepEqual([given, problems], [keysOf(log), [`SEGMENT_STRAY ${stray.key}`]])
})
