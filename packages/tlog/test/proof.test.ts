import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkConsistency, checkInclusion, MAX_TREE_SIZE, nodesInMemory, proveConsistency, proveInclusion, rootFromInclusion } from '../src/index.ts'
import { auditPath, COUNT, failsProof, flip, LEAVES, leafBytes, mth, refuses, STEP, subproof } from './oracle.ts'

const LAST = 260
const read = nodesInMemory(leafBytes(0, COUNT))
let turn = 0
// Hundreds of thousands of expected errors: their stack traces would take most of the time.
Error.stackTraceLimit = 0

describe('inclusion', () => {
  it('is proved for every leaf of every size to 260, as RFC 6962 writes it', () => {
    for (let n = 1; n <= LAST; n++) {
      for (let i = 0; i < n; i++) {
        const proof = proveInclusion(BigInt(i), BigInt(n), read)
        assert.deepEqual(proof, auditPath(i, 0, n))
        checkInclusion(BigInt(i), BigInt(n), LEAVES[i]!, proof, mth(0, n))
      }
    }
  })

  it('fails with any hash corrupted, every leaf of every size to 260', () => {
    for (let n = 1; n <= LAST; n += STEP) {
      for (let i = 0; i < n; i++) {
        const proof = auditPath(i, 0, n)
        const check = (index: number, size: number, leaf: Uint8Array, hashes: Uint8Array[], root: Uint8Array, code?: 'PROOF_MALFORMED') =>
          failsProof(() => checkInclusion(BigInt(index), BigInt(size), leaf, hashes, root), code)
        proof.forEach((hash, k) => check(i, n, LEAVES[i]!, proof.with(k, flip(hash, turn++)), mth(0, n)))
        // The other ways to be wrong depend on the tree's shape only: all of them to 40, then on both edges and a third of the leaves.
        if (n > 40 && i > 1 && i < n - 2 && (turn + i) % 3 !== 0) continue
        check(i, n, flip(LEAVES[i]!, turn++), proof, mth(0, n))
        check(i, n, LEAVES[i]!, proof, flip(mth(0, n), turn++))
        check(i, n, LEAVES[(i + 1) % COUNT]!, proof, mth(0, n))
        if (n > 1) check((i + 1 + (turn++ % (n - 1))) % n, n, LEAVES[i]!, proof, mth(0, n))
        check(i, n + 1, LEAVES[i]!, proof, mth(0, n + 1))
        if (n - 1 > i) check(i, n - 1, LEAVES[i]!, proof, mth(0, n - 1))
        if (proof.length > 0) {
          check(i, n, LEAVES[i]!, proof.slice(1), mth(0, n), 'PROOF_MALFORMED')
          check(i, n, LEAVES[i]!, proof.slice(0, -1), mth(0, n), 'PROOF_MALFORMED')
        }
        check(i, n, LEAVES[i]!, [...proof, mth(0, n)], mth(0, n), 'PROOF_MALFORMED')
        if (proof.length > 1) check(i, n, LEAVES[i]!, proof.toReversed(), mth(0, n))
      }
    }
  })

  it('fails with any single bit of any hash turned, and at any other index, sizes to 9', () => {
    for (let n = 1; n <= 9; n++) {
      for (let i = 0; i < n; i++) {
        const proof = auditPath(i, 0, n)
        proof.forEach((hash, k) => {
          for (let bit = 0; bit < 256; bit++) {
            failsProof(() => checkInclusion(BigInt(i), BigInt(n), LEAVES[i]!, proof.with(k, flip(hash, bit)), mth(0, n)))
          }
        })
        for (let j = 0; j < n; j++) if (j !== i) failsProof(() => checkInclusion(BigInt(j), BigInt(n), LEAVES[i]!, proof, mth(0, n)))
      }
    }
  })

  it('does not bind the size by itself, which is why size and root must come from one signature', () => {
    // Leaf 0 of 3 and leaf 0 of 4 have paths of the same shape.
    assert.deepEqual(rootFromInclusion(0n, 4n, LEAVES[0]!, auditPath(0, 0, 3)), mth(0, 3))
  })

  it('refuses sizes, indexes and hashes out of range', () => {
    const proof = auditPath(2, 0, 5)
    for (const [index, size] of [
      [5n, 5n],
      [-1n, 5n],
      [0n, 0n],
      [0n, -1n],
      [0n, MAX_TREE_SIZE + 1n],
      [2n ** 64n + 2n, 5n],
    ] as const) {
      refuses(() => checkInclusion(index, size, LEAVES[2]!, proof, mth(0, 5)), 'SIZE_OUT_OF_RANGE')
      refuses(() => proveInclusion(index, size, read), 'SIZE_OUT_OF_RANGE')
    }
    refuses(() => checkInclusion(2 as unknown as bigint, 5n, LEAVES[2]!, proof, mth(0, 5)), 'SIZE_OUT_OF_RANGE')
    refuses(() => checkInclusion(2n, 5n, LEAVES[2]!.subarray(1), proof, mth(0, 5)), 'HASH_LENGTH')
    refuses(() => checkInclusion(2n, 5n, LEAVES[2]!, proof, new Uint8Array(31)), 'HASH_LENGTH')
    refuses(() => checkInclusion(2n, 5n, LEAVES[2]!, proof.with(1, new Uint8Array(33)), mth(0, 5)), 'HASH_LENGTH')
    refuses(() => checkInclusion(2n, 5n, LEAVES[2]!, proof.with(1, 'x'.repeat(32) as unknown as Uint8Array), mth(0, 5)), 'HASH_LENGTH')
    refuses(
      () =>
        checkInclusion(
          2n,
          5n,
          LEAVES[2]!,
          Array.from({ length: 64 }, () => LEAVES[0]!),
          mth(0, 5),
        ),
      'PROOF_MALFORMED',
    )
  })

  it('works at the largest sizes (property)', () => {
    const zero = new Uint8Array(32)
    fc.assert(
      fc.property(fc.bigInt(1n, MAX_TREE_SIZE), fc.bigInt(0n, MAX_TREE_SIZE), (size, seed) => {
        const index = seed % size
        const proof = proveInclusion(index, size, (nodes) => nodes.map(() => zero))
        const root = rootFromInclusion(index, size, zero, proof)
        checkInclusion(index, size, zero, proof, root)
        failsProof(() => checkInclusion(index, size, zero, [...proof, zero], root))
        proof.forEach((_, k) => failsProof(() => checkInclusion(index, size, zero, proof.with(k, flip(zero, k)), root)))
      }),
      { numRuns: 60 },
    )
  })
})

describe('consistency', () => {
  it('is proved for every pair of sizes to 260, as RFC 6962 writes it', () => {
    for (let n = 0; n <= LAST; n++) {
      for (let m = 0; m <= n; m++) {
        const proof = proveConsistency(BigInt(m), BigInt(n), read)
        if (m > 0) assert.deepEqual(proof, subproof(m, 0, n, true))
        else assert.deepEqual(proof, [])
        checkConsistency(BigInt(m), mth(0, m), BigInt(n), mth(0, n), proof)
      }
    }
  })

  it('fails with any hash corrupted, every pair of sizes to 130, every seventh to 260', () => {
    for (let n = 1; n <= LAST; n += n < 130 ? STEP : 7) {
      for (let m = 1; m <= n; m += n <= 130 ? 1 : 5) {
        const proof = m === n ? [] : subproof(m, 0, n, true)
        const check = (oldSize: number, oldRoot: Uint8Array, size: number, root: Uint8Array, hashes: Uint8Array[], code?: 'PROOF_MALFORMED') =>
          failsProof(() => checkConsistency(BigInt(oldSize), oldRoot, BigInt(size), root, hashes), code)
        proof.forEach((hash, k) => {
          check(m, mth(0, m), n, mth(0, n), proof.with(k, flip(hash, turn++)))
          check(m, mth(0, m), n, mth(0, n), proof.toSpliced(k, 1), 'PROOF_MALFORMED')
        })
        check(m, flip(mth(0, m), turn++), n, mth(0, n), proof)
        check(m, mth(0, m), n, flip(mth(0, n), turn++), proof)
        check(m, mth(0, m - 1), n, mth(0, n), proof)
        check(m, mth(0, m), n, mth(0, n), [...proof, mth(0, m)], 'PROOF_MALFORMED')
        if (m < n) {
          check(m, mth(0, n), n, mth(0, n), proof)
          check(m, mth(0, m), n, mth(0, n + 1), proof)
          if (m + 1 < n) check(m + 1, mth(0, m + 1), n, mth(0, n), proof)
        }
      }
    }
  })

  it('shows a rewritten old leaf for every old size to 40', () => {
    const rewritten = nodesInMemory(new Uint8Array(Buffer.concat(LEAVES.with(3, LEAVES[4]!).slice(0, 64))))
    for (let m = 4; m <= 40; m++) {
      const proof = proveConsistency(BigInt(m), 64n, rewritten)
      const root = rootFromInclusion(0n, 64n, LEAVES[0]!, proveInclusion(0n, 64n, rewritten))
      failsProof(() => checkConsistency(BigInt(m), mth(0, m), 64n, root, proof))
    }
  })

  it('from size 0 takes the empty proof and the empty root only', () => {
    checkConsistency(0n, mth(0, 0), 0n, mth(0, 0), [])
    checkConsistency(0n, mth(0, 0), 7n, mth(0, 7), [])
    failsProof(() => checkConsistency(0n, mth(0, 0), 7n, mth(0, 7), [LEAVES[0]!]))
    failsProof(() => checkConsistency(0n, mth(0, 1), 7n, mth(0, 7), []))
    failsProof(() => checkConsistency(0n, mth(0, 1), 0n, mth(0, 1), []))
    failsProof(() => checkConsistency(0n, mth(0, 0), 0n, mth(0, 1), []))
    failsProof(() => checkConsistency(5n, mth(0, 5), 5n, mth(0, 6), []))
  })

  it('refuses sizes and hashes out of range', () => {
    for (const [old, size] of [
      [6n, 5n],
      [-1n, 5n],
      [1n, MAX_TREE_SIZE + 1n],
      [2n ** 64n, 2n ** 64n],
    ] as const) {
      refuses(() => checkConsistency(old, mth(0, 5), size, mth(0, 5), []), 'SIZE_OUT_OF_RANGE')
      refuses(() => proveConsistency(old, size, read), 'SIZE_OUT_OF_RANGE')
    }
    refuses(() => checkConsistency(2n, mth(0, 2).subarray(1), 5n, mth(0, 5), subproof(2, 0, 5, true)), 'HASH_LENGTH')
    refuses(() => checkConsistency(2n, mth(0, 2), 5n, new Uint8Array(0), subproof(2, 0, 5, true)), 'HASH_LENGTH')
    refuses(() => checkConsistency(2n, mth(0, 2), 5n, mth(0, 5), [new Uint8Array(31)]), 'HASH_LENGTH')
    refuses(
      () =>
        checkConsistency(
          2n,
          mth(0, 2),
          5n,
          mth(0, 5),
          Array.from({ length: 65 }, () => LEAVES[0]!),
        ),
      'PROOF_MALFORMED',
    )
  })
})
