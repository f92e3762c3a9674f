import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { emptyRoot, Frontier, leafHash, leafHashInto, nodeHash, nodesInMemory, rootFromNodes, rootOf, sha256, type Completed } from '../src/index.ts'
import { COUNT, entryOf, hex, LEAVES, leafBytes, mth, refuses } from './oracle.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('hashes', () => {
  it('are SHA-256 (FIPS 180-4 examples)', () => {
    assert.equal(hex(sha256(ascii(''))), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    assert.equal(hex(sha256(ascii('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    assert.equal(hex(sha256(new Uint8Array(1_000_000).fill(97))), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0')
  })

  it('put the leaf prefix before an entry of any length', () => {
    for (const length of [0, 1, 31, 32, 54, 55, 56, 63, 64, 65, 1000, 65_533, 65_534, 65_535, 65_536, 70_000]) {
      const entry = new Uint8Array(length).fill(length)
      const whole = new Uint8Array(length + 1)
      whole.set(entry, 1)
      assert.deepEqual(leafHash(entry), sha256(whole), `${length}`)
    }
    LEAVES.forEach((leaf, i) => assert.deepEqual(leafHash(entryOf(i)), leaf))
  })

  it('keep leaves and nodes apart, so that a node cannot pass for an entry', () => {
    const entry = leafBytes(0, 2)
    assert.notDeepEqual(leafHash(entry), nodeHash(LEAVES[0]!, LEAVES[1]!))
  })

  it('refuse what is not a hash', () => {
    for (const length of [0, 31, 33, 64]) {
      refuses(() => nodeHash(new Uint8Array(length), LEAVES[0]!), 'HASH_LENGTH')
      refuses(() => nodeHash(LEAVES[0]!, new Uint8Array(length)), 'HASH_LENGTH')
    }
    for (const offset of [-1, 1, 33, Number.NaN]) refuses(() => leafHashInto(entryOf(0), new Uint8Array(32), offset), 'INVALID_ARGUMENT')
  })
})

describe('frontier', () => {
  it('has the root of every size, appended one by one', () => {
    const frontier = new Frontier()
    assert.deepEqual(frontier.root(), emptyRoot())
    for (let n = 0; n < COUNT; n++) {
      assert.equal(frontier.size, BigInt(n))
      assert.deepEqual(frontier.root(), mth(0, n), `size ${n}`)
      frontier.append(LEAVES[n]!)
    }
  })

  it('has the same root for every split into two batches, and tells which nodes each completed', () => {
    for (let first = 0; first <= 70; first++) {
      for (let size = first; size <= 140; size += 1 + (first % 3)) {
        const frontier = new Frontier()
        checkCompleted(frontier.append(leafBytes(0, first)), 0, first)
        checkCompleted(frontier.append(leafBytes(first, size)), first, size)
        assert.deepEqual(frontier.root(), mth(0, size))
      }
    }
  })

  it('goes on after being kept and resumed at every size, and clones do not touch each other', () => {
    for (let n = 0; n < COUNT; n++) {
      const kept = Frontier.resume(BigInt(n), frontierOf(n).edge())
      const clone = kept.clone()
      kept.append(leafBytes(n, COUNT))
      assert.deepEqual(kept.root(), mth(0, COUNT))
      assert.deepEqual(clone.root(), mth(0, n))
    }
  })

  it('appends any batches (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 12 }), (batches) => {
        const frontier = new Frontier()
        let size = 0
        for (const batch of batches) {
          const next = Math.min(COUNT, size + batch)
          frontier.append(leafBytes(size, next))
          size = next
        }
        assert.deepEqual(frontier.root(), mth(0, size))
        assert.deepEqual(Frontier.resume(BigInt(size), frontier.edge()).root(), mth(0, size))
      }),
    )
  })

  it('counts right beyond 32 bits, where shifted numbers would wrap', () => {
    for (const size of [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 52n - 1n, 2n ** 53n - 4n]) {
      // The edge as a stack of (level, hash), extended by carrying: another way, counted in bigint.
      const stack = [...size.toString(2)].flatMap((bit, i, bits) => (bit === '1' ? [{ level: bits.length - 1 - i, hash: LEAVES[i]! }] : []))
      const frontier = Frontier.resume(size, new Uint8Array(Buffer.concat(stack.map(({ hash }) => hash))))
      const completed: Uint8Array[][] = []
      for (const leaf of LEAVES.slice(100, 103)) {
        let node = { level: 0, hash: leaf }
        while (stack.at(-1)?.level === node.level) {
          node = { level: node.level + 1, hash: nodeHash(stack.pop()!.hash, node.hash) }
          ;(completed[node.level - 1] ??= []).push(node.hash)
        }
        stack.push(node)
      }
      const { from, levels } = frontier.append(leafBytes(100, 103))
      assert.equal(frontier.size, size + 3n)
      assert.equal(from, size)
      assert.deepEqual(
        levels,
        completed.map((hashes) => new Uint8Array(Buffer.concat(hashes))),
      )
      assert.deepEqual(
        frontier.root(),
        stack.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right)),
      )
    }
    refuses(() => Frontier.resume(2n ** 53n, new Uint8Array(32)), 'SIZE_OUT_OF_RANGE')
    const full = Frontier.resume(2n ** 53n - 1n, new Uint8Array(53 * 32))
    refuses(() => full.append(LEAVES[0]!), 'SIZE_OUT_OF_RANGE')
    assert.equal(full.size, 2n ** 53n - 1n)
  })

  it('refuses torn batches and edges, and stays as it was', () => {
    const frontier = frontierOf(5)
    for (const length of [1, 31, 33, 63]) refuses(() => frontier.append(new Uint8Array(length)), 'HASH_LENGTH')
    assert.deepEqual(frontier.root(), mth(0, 5))
    for (const length of [0, 32, 63, 65, 96]) refuses(() => Frontier.resume(5n, new Uint8Array(length)), 'HASH_LENGTH')
    for (const size of [-1n, 2n ** 63n]) refuses(() => Frontier.resume(size, new Uint8Array(0)), 'SIZE_OUT_OF_RANGE')
    refuses(() => Frontier.resume(5 as unknown as bigint, new Uint8Array(64)), 'SIZE_OUT_OF_RANGE')
  })
})

describe('tree in memory', () => {
  it('has the root of every size from perfect subtrees', () => {
    for (let n = 0; n <= COUNT; n++) {
      assert.deepEqual(rootFromNodes(BigInt(n), nodesInMemory(leafBytes(0, n))), mth(0, n))
      assert.deepEqual(rootOf(leafBytes(0, n)), mth(0, n))
    }
  })

  it('refuses nodes it does not have and readers that misbehave', () => {
    const read = nodesInMemory(leafBytes(0, 5))
    for (const node of [
      { level: 0, index: 5n },
      { level: 1, index: 2n },
      { level: 3, index: 0n },
      { level: 0, index: -1n },
    ])
      refuses(() => read([node]), 'SIZE_OUT_OF_RANGE')
    refuses(() => rootFromNodes(5n, () => []), 'HASH_LENGTH')
    refuses(() => rootFromNodes(5n, (nodes) => [...read(nodes), LEAVES[0]!]), 'HASH_LENGTH')
    refuses(() => rootFromNodes(5n, (nodes) => read(nodes).map((hash) => hash.subarray(1))), 'HASH_LENGTH')
    refuses(() => nodesInMemory(new Uint8Array(33)), 'HASH_LENGTH')
  })
})

function frontierOf(size: number): Frontier {
  const frontier = new Frontier()
  frontier.append(leafBytes(0, size))
  return frontier
}

function checkCompleted({ from, levels }: Completed, before: number, after: number): void {
  assert.equal(from, BigInt(before))
  for (let level = 1; after >> level > before >> level || levels.length >= level; level++) {
    const expected: Uint8Array[] = []
    for (let i = before >> level; i < after >> level; i++) expected.push(mth(i << level, (i + 1) << level))
    assert.deepEqual(levels[level - 1], new Uint8Array(Buffer.concat(expected)))
  }
}
