/** What the tests compare with: the definitions of RFC 6962 §2.1 written down naively, over node:crypto, sharing no code with the package. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { TlogError, type TlogErrorCode } from '../src/index.ts'

const sha = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** Entry i of the test tree: different lengths, all distinct. */
export const entryOf = (i: number): Uint8Array => new TextEncoder().encode(`entry ${i} ${'x'.repeat(i % 7)}`)

/** The pure JavaScript backend, some five times slower, takes every 13th size where others take all; it still proves and checks all. */
export const STEP = process.env['TLOG_TEST_BACKEND'] === 'noble' ? 13 : 1

export const COUNT = 300
/** Leaf hashes of the test tree, each on its own and in one array. */
export const LEAVES: Uint8Array[] = Array.from({ length: COUNT }, (_, i) => sha(Uint8Array.of(0), entryOf(i)))
export const leafBytes = (from: number, to: number): Uint8Array => new Uint8Array(Buffer.concat(LEAVES.slice(from, to)))

const split = (n: number): number => {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
const memo = new Map<number, Uint8Array>()
/** MTH(D[from:to]) */
export function mth(from: number, to: number): Uint8Array {
  const key = from * 1000 + to
  const known = memo.get(key)
  if (known !== undefined) return known
  const n = to - from
  const k = split(n)
  const hash = n === 0 ? sha() : n === 1 ? LEAVES[from]! : sha(Uint8Array.of(1), mth(from, from + k), mth(from + k, to))
  memo.set(key, hash)
  return hash
}

/** PATH(m, D[from:to]) of RFC 6962 §2.1.1 */
export function auditPath(m: number, from: number, to: number): Uint8Array[] {
  const n = to - from
  if (n <= 1) return []
  const k = split(n)
  return m < k ? [...auditPath(m, from, from + k), mth(from + k, to)] : [...auditPath(m - k, from + k, to), mth(from, from + k)]
}

/** SUBPROOF(m, D[from:to], b) of RFC 6962 §2.1.2 */
export function subproof(m: number, from: number, to: number, b: boolean): Uint8Array[] {
  const n = to - from
  if (m === n) return b ? [] : [mth(from, to)]
  const k = split(n)
  return m <= k ? [...subproof(m, from, from + k, b), mth(from + k, to)] : [...subproof(m - k, from + k, to, false), mth(from, from + k)]
}

/** A copy with one bit turned. */
export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[(bit >> 3) % copy.length]! ^= 1 << (bit & 7)
  return copy
}

/** Asserts that it throws a TlogError with (one of) this code. */
export function refuses(run: () => unknown, ...codes: TlogErrorCode[]): void {
  assert.throws(run, (error) => error instanceof TlogError && codes.includes(error.code))
}

/** The same, fast enough for hundreds of thousands of calls. */
export function failsProof(run: () => void, code?: 'PROOF_MALFORMED'): void {
  try {
    run()
  } catch (error) {
    if (error instanceof TlogError && (error.code === code || (code === undefined && error.code.startsWith('PROOF_')))) return
    throw error
  }
  assert.fail('a wrong proof was accepted')
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
