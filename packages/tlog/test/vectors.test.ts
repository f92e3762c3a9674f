/** Outside evidence: values made by other people's code, kept beside the repository. Absent there, these tests are skipped. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  checkConsistency,
  checkInclusion,
  cosignedMessage,
  decodeBase64,
  ed25519Signer,
  ed25519Verifier,
  encodeBase64,
  formatBundle,
  formatCheckpoint,
  formatTilePath,
  formatVkey,
  leafHash,
  nodesFromTiles,
  nodesInMemory,
  openCheckpoint,
  parseBundle,
  parseCosignature,
  parseNote,
  parseSignatureLine,
  parseSkey,
  parseTilePath,
  partialTiles,
  proveConsistency,
  proveInclusion,
  rootOf,
  sha256,
  signNote,
  tileWidth,
  TYPE_ED25519,
  verifyNote,
} from '../src/index.ts'
import { foldRanges, nodesOfRanges, subtreeRanges, type LeafRange } from '../src/path.ts'
import { flip, hex, refuses } from './oracle.ts'

const file = new URL('../../../../shared/vectors/tlog-vectors.json', import.meta.url)
const skip = existsSync(file) ? false : 'no ../shared/vectors/tlog-vectors.json beside the repository'
const vectors = skip === false ? JSON.parse(readFileSync(file, 'utf8')) : {}
const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

describe('vectors', { skip }, () => {
  it('signed notes of C2SP and of Go', () => {
    for (const { vkey, skey, note } of vectors.signedNote) {
      const parsed = parseNote(note)
      assert.equal(verifyNote(parsed, [ed25519Verifier(vkey)]).verified.length, 1)
      refuses(() => verifyNote(parseNote(note.replace('.', ',')), [ed25519Verifier(vkey)]), 'SIGNATURE_INVALID')
      if (skey === undefined) continue
      const { name, seed } = parseSkey(skey)
      assert.equal(ed25519Signer(name, seed).vkey, vkey)
      assert.equal(signNote(parsed.text, [ed25519Signer(name, seed)]), note)
    }
  })

  it("Tessera's test log: 16 checkpoints, their tile and bundle, all proofs between them", () => {
    const { vkey, skey, entriesUtf8, entryBundle15_base64, tile0_15_base64, checkpoints } = vectors.tesseraTestLog
    const entries: Uint8Array[] = entriesUtf8.map((text: string) => new TextEncoder().encode(text))
    const bundle = decodeBase64(entryBundle15_base64)
    assert.deepEqual(formatBundle(entries), bundle)
    assert.deepEqual(
      parseBundle(bundle, 15).map((entry) => [...entry]),
      entries.map((entry) => [...entry]),
    )
    const leaves = parseBundle(bundle, 15).map(leafHash)
    const tile = decodeBase64(tile0_15_base64)
    assert.deepEqual(concat(leaves), tile)
    const { name, seed } = parseSkey(skey)
    const policy = { origin: name, log: [ed25519Verifier(vkey)] }
    const opened = Object.values<string>(checkpoints).map((note) => {
      const checkpoint = openCheckpoint(note, policy)
      assert.equal(signNote(formatCheckpoint(checkpoint), [ed25519Signer(name, seed)]), note)
      return checkpoint
    })
    assert.deepEqual(
      opened.map(({ size }) => Number(size)),
      [...Array(16).keys()],
    )
    for (const { size, root } of opened) {
      assert.deepEqual(rootOf(tile.subarray(0, Number(size) * 32)), root)
      const read = nodesFromTiles(size, (tiles) => tiles.map(({ width }) => tile.subarray(0, width * 32)))
      for (let i = 0n; i < size; i++) checkInclusion(i, size, leaves[Number(i)]!, proveInclusion(i, size, read), root)
      for (const old of opened.slice(0, Number(size) + 1)) checkConsistency(old.size, old.root, size, root, proveConsistency(old.size, size, read))
    }
  })

  it('the eight-leaf tree of certificate transparency', () => {
    const { leavesHex, emptyRootHex, rootsHexBySize1to8 } = vectors.rfc6962
    const leaves: Uint8Array[] = leavesHex.map((text: string) => leafHash(new Uint8Array(Buffer.from(text, 'hex'))))
    assert.equal(hex(rootOf(new Uint8Array(0))), emptyRootHex)
    rootsHexBySize1to8.forEach((root: string, i: number) => assert.equal(hex(rootOf(concat(leaves.slice(0, i + 1)))), root))
  })

  it('tile paths and partial widths', () => {
    for (const [index, path] of Object.entries<string>(vectors.tilePaths)) {
      assert.equal(formatTilePath({ level: 0, index: BigInt(index), width: 256 }), `tile/0/${path}`)
      assert.equal(parseTilePath(`tile/entries/${path}.p/5`).index, BigInt(index))
    }
    for (const [size, levels] of Object.entries<Record<string, [number, number]>>(vectors.partials)) {
      for (const [level, [full, width]] of Object.entries(levels)) {
        const number = Number(level.slice(1))
        assert.equal(tileWidth(number, BigInt(full), BigInt(size)), width)
        if (full > 0) assert.equal(tileWidth(number, BigInt(full) - 1n, BigInt(size)), 256)
        assert.equal(partialTiles(BigInt(size)).find((tile) => tile.level === number)?.width ?? 0, width)
      }
    }
  })

  it('the layout of a cosignature', () => {
    const { sigBase64, decodedLength, keyIdHex, timestamp } = vectors.cosignatureExample
    assert.equal(decodeBase64(sigBase64).length, decodedLength)
    const line = parseSignatureLine(`— witness.example.com/w1 ${sigBase64}`)
    assert.equal(line.keyId.toString(16), keyIdHex)
    const { time, signature } = parseCosignature(line.signature)
    assert.deepEqual([time, signature.length], [BigInt(timestamp), 64])
    assert.match(new TextDecoder().decode(cosignedMessage('example\n', time)), /^cosignature\/v1\ntime 1679315147\nexample\n$/)
  })

  it("a witness's conversation: signatures, proofs and what is wrong with the refused ones", () => {
    const { logEd25519PublicKeyHex, origin, steps } = vectors.addCheckpointFlow
    const key = ed25519Verifier(formatVkey(origin, TYPE_ED25519, new Uint8Array(Buffer.from(logEd25519PublicKeyHex, 'hex'))))
    let known: { size: bigint; root: Uint8Array } = { size: 0n, root: rootOf(new Uint8Array(0)) }
    for (const { body, specStatus } of steps) {
      const split = body.indexOf('\n\n')
      const [old, ...proof] = body.slice(0, split).split('\n')
      const open = () => openCheckpoint(body.slice(split + 2), { origin, log: [key] })
      if (specStatus === 403) {
        // The altered last character also leaves unused bits set, which is refused before the signature is tried.
        refuses(open, 'SIGNATURE_INVALID', 'NOTE_MALFORMED')
      } else if (specStatus === 404) {
        refuses(open, 'ORIGIN_MISMATCH')
      } else if (specStatus === 409) {
        assert.notEqual(old, `old ${known.size}`)
      } else {
        const next = open()
        assert.equal(old, `old ${known.size}`)
        const check = (hashes: Uint8Array[]): void => checkConsistency(known.size, known.root, next.size, next.root, hashes)
        const hashes = proof.map(decodeBase64)
        if (specStatus === 422) {
          refuses(() => check(hashes), 'PROOF_MISMATCH', 'PROOF_MALFORMED')
          continue
        }
        check(hashes)
        hashes.forEach((hash: Uint8Array, k: number) => refuses(() => check(hashes.with(k, flip(hash, k))), 'PROOF_MISMATCH'))
        known = next
      }
    }
    assert.equal(known.size, 5n)
  })

  it("torchwood's accumulated subtrees of 130 leaves, with which consistency proofs agree", () => {
    const { subtreeHash, subtreeProof } = vectors.subtreeAccumulated
    const read = nodesInMemory(concat(Array.from({ length: 130 }, (_, i) => leafHash(Uint8Array.of(i)))))
    const hashesOf = (ranges: LeafRange[]): Uint8Array[] => foldRanges(ranges, read(nodesOfRanges(ranges)))
    const valid = (start: number, end: number): boolean => start === end || start % 2 ** Math.ceil(Math.log2(end - start)) === 0
    let hashes = ''
    let proofs = ''
    for (let end = 0; end <= 130; end++) {
      for (let start = 0; start <= end; start++) {
        if (!valid(start, end)) continue
        const hash = start === end ? rootOf(new Uint8Array(0)) : hashesOf([{ start: BigInt(start), end: BigInt(end) }])[0]!
        hashes += `[${start}, ${end}) ${hex(hash)}\n`
      }
    }
    const memo = new Map<string, string>()
    const hashText = (range: LeafRange): string => {
      const key = `${range.start} ${range.end}`
      const known = memo.get(key) ?? ` ${hex(hashesOf([range])[0]!)}`
      memo.set(key, known)
      return known
    }
    for (let n = 0; n <= 130; n++) {
      for (let end = 0; end <= n; end++) {
        for (let start = 0; start <= end; start++) {
          if (!valid(start, end)) continue
          const ranges = start === end ? [] : subtreeRanges(BigInt(start), BigInt(end), BigInt(n))
          proofs += `[${start}, ${end}) ${n}${ranges.map(hashText).join('')}\n`
        }
      }
    }
    assert.equal(hex(sha256(new TextEncoder().encode(hashes))), subtreeHash.sha256)
    assert.equal(hex(sha256(new TextEncoder().encode(proofs))), subtreeProof.sha256)
    assert.equal(encodeBase64(new Uint8Array(0)), '')
  })
})
