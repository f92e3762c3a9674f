import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashes, Point, verify as libraryVerify } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { isUsablePublicKey } from '../src/ed25519.ts'
import * as noble from '../src/ed25519.noble.ts'
import * as node from '../src/ed25519.node.ts'
import * as nobleHash from '../src/sha256.noble.ts'
import * as nodeHash from '../src/sha256.node.ts'
import { flip, hex } from './oracle.ts'

const L = Point.CURVE().n
const P = Point.CURVE().p
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const number = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
const bytes32 = (value: bigint): Uint8Array => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
const seed = new Uint8Array(32).fill(5)
const message = new TextEncoder().encode('a message')

/** Both backends' verdict, which must be the same. */
function verdict(publicKey: Uint8Array, text: Uint8Array, signature: Uint8Array): boolean {
  const [a, b] = [node.ed25519Verify(publicKey, text, signature), noble.ed25519Verify(publicKey, text, signature)]
  assert.equal(a, b, `node ${a}, noble ${b}: key ${hex(publicKey)}, signature ${hex(signature)}`)
  return a
}

/** A point of order 8, found by clearing the prime-order part of points of the curve. */
function torsion(): Point {
  for (let y = 2n; ; y++) {
    try {
      const point = Point.fromBytes(bytes32(y), false)
        .multiply(L - 1n, false)
        .add(Point.fromBytes(bytes32(y), false))
      if (!point.multiply(4n, false).is0()) return point
    } catch {
      continue
    }
  }
}

describe('Ed25519 backends', () => {
  it('make and accept RFC 8032 §7.1 test 3', () => {
    const secret = fromHex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7')
    const signature = '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a'
    for (const backend of [node, noble]) {
      assert.equal(hex(backend.ed25519PublicKey(secret)), 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025')
      assert.equal(hex(backend.ed25519Sign(secret, fromHex('af82'))), signature)
      assert.equal(backend.ed25519Sign(secret, message).constructor, Uint8Array)
      assert.throws(() => backend.ed25519Sign(secret.subarray(1), message))
    }
    assert.equal(verdict(node.ed25519PublicKey(secret), fromHex('af82'), fromHex(signature)), true)
  })

  it('agree on any seed and message, and on any bit turned (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 100 }), fc.nat(511), (secret, text, bit) => {
        const key = node.ed25519PublicKey(secret)
        const signature = node.ed25519Sign(secret, text)
        assert.deepEqual(noble.ed25519PublicKey(secret), key)
        assert.deepEqual(noble.ed25519Sign(secret, text), signature)
        assert.equal(verdict(key, text, signature), true)
        assert.equal(verdict(key, text, flip(signature, bit)), false)
        assert.equal(verdict(flip(key, bit % 256), text, signature), false)
        assert.equal(verdict(key, Uint8Array.from([...text, 0]), signature), false)
      }),
      { numRuns: 25 },
    )
  })

  it('refuse S beyond the group order, other lengths, and never throw', () => {
    const key = node.ed25519PublicKey(seed)
    const signature = node.ed25519Sign(seed, message)
    const s = number(signature.subarray(32))
    for (const larger of [s + L, s + 2n * L, 2n ** 256n - 1n]) {
      assert.equal(verdict(key, message, Uint8Array.from([...signature.subarray(0, 32), ...bytes32(larger)])), false)
    }
    for (let length = 0; length <= 66; length++) if (length !== 64) assert.equal(verdict(key, message, new Uint8Array(length)), false)
    for (let length = 0; length <= 34; length++) if (length !== 32) assert.equal(verdict(new Uint8Array(length).fill(7), message, signature), false)
    for (let fill = 0; fill < 256; fill++) verdict(new Uint8Array(32).fill(fill), message, signature)
  })

  it('refuse every key of small order and every second spelling of a key', () => {
    const t = torsion()
    const small = Array.from({ length: 8 }, (_, i) => t.multiply(BigInt(i), false).toBytes())
    assert.equal(new Set(small.map(hex)).size, 8)
    const spellings = small.flatMap((bytes) => [bytes, flip(bytes, 255)])
    for (let y = 0n; y < 19n; y++) spellings.push(bytes32(P + y), flip(bytes32(P + y), 255))
    for (const key of spellings) {
      assert.equal(isUsablePublicKey(key), false, hex(key))
      // R = the key itself and S = 0 would verify whenever the challenge is a multiple of the order.
      for (let i = 0; i < 8; i++) assert.equal(verdict(key, Uint8Array.of(i), Uint8Array.from([...key, ...new Uint8Array(32)])), false)
    }
    for (const secret of [seed, new Uint8Array(32)]) assert.equal(isUsablePublicKey(node.ed25519PublicKey(secret)), true)
  })

  it('agree on signatures of keys and nonces with a torsion part, where libraries differ', () => {
    hashes.sha512 = sha512
    const t = torsion()
    const scalar = 123_456_789n
    const [key, mixed] = [Point.BASE.multiply(scalar), Point.BASE.multiply(scalar).add(t)]
    const seen = { library: 0, ours: 0 }
    for (let i = 1n; i <= 24n; i++) {
      for (const [a, r] of [
        [mixed, Point.BASE.multiply(i)],
        [key, Point.BASE.multiply(i).add(t)],
        [mixed, Point.BASE.multiply(i).add(t)],
      ] as const) {
        const k = number(sha512(Uint8Array.from([...r.toBytes(), ...a.toBytes(), ...message]))) % L
        const signature = Uint8Array.from([...r.toBytes(), ...bytes32((i + k * scalar) % L)])
        if (libraryVerify(signature, message, a.toBytes(), { zip215: false })) seen.library++
        if (verdict(a.toBytes(), message, signature)) seen.ours++
      }
    }
    // The library alone takes them all; without the cofactor only the few whose torsion parts cancel.
    assert.equal(seen.library, 72)
    assert.ok(seen.ours < 24, `${seen.ours}`)
  })
})

describe('SHA-256 backends', () => {
  it('agree (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(40), (bytes, offset) => {
        assert.deepEqual(nodeHash.sha256(bytes), nobleHash.sha256(bytes))
        const [a, b] = [new Uint8Array(80), new Uint8Array(80)]
        nodeHash.sha256Into(bytes, a, offset)
        nobleHash.sha256Into(bytes, b, offset)
        assert.deepEqual(a, b)
      }),
    )
  })
})
