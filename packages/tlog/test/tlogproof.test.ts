import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  cosignatureVerifier,
  cosigner,
  ed25519Signer,
  ed25519Verifier,
  encodeBase64,
  encodeUtf8,
  formatCheckpoint,
  formatTlogProof,
  MAX_TLOG_PROOF_BYTES,
  parseTlogProof,
  signNote,
  verifyTlogProof,
  type CheckpointPolicy,
} from '../src/index.ts'
import { auditPath, flip, LEAVES, mth, refuses } from './oracle.ts'

const origin = 'log.example/messages'
const log = ed25519Signer(origin, new Uint8Array(32).fill(31))
const witness = cosigner('witness.example', new Uint8Array(32).fill(32))
const policy: CheckpointPolicy = { origin, log: [ed25519Verifier(log.vkey)], witnesses: [cosignatureVerifier(witness.vkey)], quorum: 1 }
const checkpointOf = (n: number): string => {
  const text = formatCheckpoint({ origin, size: BigInt(n), root: mth(0, n) })
  return signNote(text, [log], [witness.cosign(text, 1_700_000_000n)])
}
const proofOf = (i: number, n: number): string => formatTlogProof({ index: BigInt(i), hashes: auditPath(i, 0, n), checkpoint: checkpointOf(n) })

describe('tlog-proofs', () => {
  it('are the lines of the specification', () => {
    const lines = formatTlogProof({ index: 2n, hashes: auditPath(2, 0, 5), checkpoint: checkpointOf(5), extra: Uint8Array.of(1, 2, 3) }).split('\n')
    assert.deepEqual(lines.slice(0, 7), ['c2sp.org/tlog-proof@v1', 'extra AQID', 'index 2', ...auditPath(2, 0, 5).map(encodeBase64), ''])
    assert.equal(lines.slice(7).join('\n'), checkpointOf(5))
  })

  it('are given back and verified, every leaf of sizes 1 to 40', () => {
    for (let n = 1; n <= 40; n += 3) {
      const checkpoint = checkpointOf(n)
      for (let i = 0; i < n; i++) {
        const parts = { index: BigInt(i), hashes: auditPath(i, 0, n), checkpoint, ...(i % 2 === 0 ? {} : { extra: Uint8Array.of(i) }) }
        const text = formatTlogProof(parts)
        assert.deepEqual(parseTlogProof(text), parts)
        assert.deepEqual(parseTlogProof(encodeUtf8(text)), parts)
      }
      const verified = verifyTlogProof(proofOf(n - 1, n), LEAVES[n - 1]!, policy)
      assert.deepEqual([verified.index, verified.checkpoint.size, verified.checkpoint.cosignatures.length], [BigInt(n - 1), BigInt(n), 1])
    }
  })

  it('fail for another leaf, another policy, and any byte changed', () => {
    const proof = proofOf(3, 7)
    for (const other of [2, 4, 6]) refuses(() => verifyTlogProof(proof, LEAVES[other]!, policy), 'PROOF_MISMATCH')
    refuses(() => verifyTlogProof(proof, LEAVES[3]!, { ...policy, origin: 'other' }), 'ORIGIN_MISMATCH')
    refuses(() => verifyTlogProof(proof, LEAVES[3]!, { ...policy, witnesses: [] }), 'QUORUM_NOT_MET')
    refuses(() => verifyTlogProof(proof, LEAVES[3]!, { ...policy, log: [] }), 'NOTE_UNVERIFIED')
    const bytes = encodeUtf8(proof)
    for (let at = 0; at < bytes.length; at++) {
      assert.throws(() => verifyTlogProof(flip(bytes, at * 8 + (at % 7)), LEAVES[3]!, policy), { name: 'TlogError' }, `byte ${at}`)
    }
    for (let length = 0; length < bytes.length; length++) {
      const cut = (): unknown => verifyTlogProof(bytes.subarray(0, length), LEAVES[3]!, policy)
      // Cut between two signature lines it is a proof still, but without the log's own.
      refuses(cut, 'TLOG_PROOF_MALFORMED', 'NOTE_MALFORMED', 'TEXT_ENCODING', 'NOTE_UNVERIFIED')
    }
  })

  it('trust the extra data for nothing', () => {
    const parts = parseTlogProof(proofOf(3, 7))
    verifyTlogProof({ ...parts, extra: Uint8Array.of(255) }, LEAVES[3]!, policy)
  })

  it('are refused when malformed', () => {
    const good = proofOf(3, 7)
    const [head, , ...rest] = good.split('\n')
    const withIndex = (line: string): string => [head, line, ...rest].join('\n')
    const [hash] = rest
    assert.equal(withIndex('index 3'), good)
    for (const bad of [
      '',
      '\n\n',
      `${good.slice(1)}`,
      good.replace('@v1', '@v2'),
      ` ${good}`,
      good.replace('\n', '\r\n'),
      withIndex('index 03'),
      withIndex('index'),
      withIndex('index '),
      withIndex('index -1'),
      withIndex('index 3 '),
      withIndex('index  3'),
      withIndex('Index 3'),
      withIndex('index 9223372036854775807'),
      withIndex('index 99999999999999999999'),
      withIndex(''),
      withIndex('extra AQID'),
      withIndex('extra AQID\nextra AQID\nindex 3'),
      withIndex('index 3\nextra AQID'),
      withIndex('index 3\nindex 3'),
      withIndex('extra \nindex 3'),
      withIndex('extra\nindex 3'),
      withIndex('extra AQI\nindex 3'),
      withIndex('extra AQJ=\nindex 3'),
      withIndex('extra AQID=\nindex 3'),
      good.replace(hash!, hash!.slice(1)),
      good.replace(hash!, `${hash} `),
      good.replace(hash!, encodeBase64(new Uint8Array(31))),
      good.replace(hash!, encodeBase64(new Uint8Array(33))),
      good.replace('\n\n', '\n'),
      withIndex(['index 3', ...Array.from({ length: 61 }, () => hash!)].join('\n')),
      'a'.repeat(MAX_TLOG_PROOF_BYTES + 1),
    ])
      refuses(() => parseTlogProof(bad), 'TLOG_PROOF_MALFORMED')
    for (const bad of [good.slice(0, -1), `${good}\n`, good.replace(/\n—[^]*/, '\n'), good.replace('\n\n', '\n\n\r')])
      refuses(() => parseTlogProof(bad), 'NOTE_MALFORMED')
    refuses(() => parseTlogProof(`${good}\ud800`), 'TEXT_ENCODING')
    refuses(() => parseTlogProof(Uint8Array.of(0xff)), 'TEXT_ENCODING')
  })

  it('are not made of what cannot be read back', () => {
    const parts = parseTlogProof(proofOf(3, 7))
    refuses(() => formatTlogProof({ ...parts, index: -1n }), 'TLOG_PROOF_MALFORMED')
    refuses(() => formatTlogProof({ ...parts, extra: new Uint8Array(0) }), 'TLOG_PROOF_MALFORMED')
    refuses(() => formatTlogProof({ ...parts, hashes: [new Uint8Array(31)] }), 'HASH_LENGTH')
    refuses(() => formatTlogProof({ ...parts, checkpoint: 'nonsense' }), 'NOTE_MALFORMED')
  })

  it('do not let an inclusion proof of another size pass under a checkpoint', () => {
    const parts = parseTlogProof(proofOf(3, 7))
    refuses(() => verifyTlogProof({ ...parts, checkpoint: checkpointOf(8) }, LEAVES[3]!, policy), 'PROOF_MISMATCH', 'PROOF_MALFORMED')
    refuses(() => verifyTlogProof({ ...parts, index: 7n }, LEAVES[3]!, policy), 'SIZE_OUT_OF_RANGE')
  })
})
