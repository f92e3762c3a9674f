import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ed25519Signer, ed25519Verifier, leafHash, nodesInMemory, parseTlogProof, proveInclusion, verifyTlogProof } from '@sealtrail/tlog'
import { EvidenceError, encodeReceipt, integrityHash, parseReceipt, receiptToTlogProof, verifyReceipt } from '@sealtrail/evidence'
import type { JsonObject, JsonValue, SealReceipt } from '@sealtrail/evidence'
import { LOG, ORIGIN, VKEY, sampleFields, sampleLog, signCheckpoint } from './sample.ts'

const log = sampleLog([2, 3, 1, 5])
const nodes = nodesInMemory(log.leaves)

function receiptOf(i: number): SealReceipt {
  const proof = proveInclusion(BigInt(i), BigInt(log.head.size), nodes)
  return encodeReceipt({ auditid: sampleFields(i).auditid, log: LOG, index: i, record: log.records[i]!, checkpoint: log.checkpoint, proof, published: false })
}
const codes = (receipt: SealReceipt, record: Uint8Array, trust: string | null = VKEY): string[] =>
  verifyReceipt(receipt, { record }, trust).problems.map(({ code }) => code)

test('every receipt verifies, against the record or its two hashes, and through JSON', () => {
  for (const [i, record] of log.records.entries()) {
    const receipt = receiptOf(i)
    assert.deepEqual(verifyReceipt(receipt, { record }, VKEY), { ok: true, trust: 'given', size: 11, problems: [] })
    assert.deepEqual(verifyReceipt(receipt, { record }, null), { ok: true, trust: 'none', size: 11, problems: [] })
    assert.equal(verifyReceipt(receipt, { integrityHash: integrityHash(record), leafHash: leafHash(record) }, VKEY).ok, true)
    assert.deepEqual(parseReceipt(JSON.parse(JSON.stringify(receipt)) as JsonValue), receipt)
    const { checkpoint } = verifyTlogProof(receiptToTlogProof(receipt), leafHash(record), { origin: ORIGIN, log: [ed25519Verifier(VKEY)] })
    assert.equal(checkpoint.size, 11n)
    assert.equal(parseTlogProof(receiptToTlogProof(receipt)).index, BigInt(i))
  }
})

test('every other record, index, hash of the proof and byte of the record fails', () => {
  for (const [i, record] of log.records.entries()) {
    const receipt = receiptOf(i)
    for (const [j, other] of log.records.entries()) {
      if (i === j) continue
      assert.deepEqual(codes(receipt, other), ['RECEIPT_RECORD', 'RECEIPT_RECORD', 'RECEIPT_PROOF'])
      assert.ok(codes({ ...receipt, index: j }, record).includes('RECEIPT_PROOF'))
    }
    assert.ok(codes({ ...receipt, index: 11 }, record).includes('RECEIPT_PROOF'))
    for (let k = 0; k < receipt.proof.length; k++) {
      assert.deepEqual(codes({ ...receipt, proof: receipt.proof.toSpliced(k, 1) }, record), ['RECEIPT_PROOF'])
      const hash = Buffer.from(receipt.proof[k]!, 'base64')
      hash[k]! ^= 1
      assert.deepEqual(codes({ ...receipt, proof: receipt.proof.with(k, hash.toString('base64')) }, record), ['RECEIPT_PROOF'])
    }
  }
  const record = log.records[4]!
  for (let b = 0; b < record.length; b++) {
    const bad = Uint8Array.from(record)
    bad[b]! ^= 1
    const found = codes(receiptOf(4), bad)
    assert.ok(found.includes('RECEIPT_RECORD') && found.includes('RECEIPT_PROOF'))
  }
})

test('the checkpoint: damaged, of another key, of another log', () => {
  const receipt = receiptOf(3)
  const record = log.records[3]!
  for (let i = 0; i < receipt.checkpoint.length; i++) {
    const bytes = Buffer.from(receipt.checkpoint)
    if (i >= bytes.length) break
    bytes[i]! ^= 1
    assert.notDeepEqual(codes({ ...receipt, checkpoint: bytes.toString('latin1') }, record), [], `byte ${i}`)
  }
  assert.deepEqual(codes(receipt, record, ed25519Signer(ORIGIN, new Uint8Array(32).fill(3)).vkey), ['CHECKPOINT_SIGNATURE'])
  const other = { ...receipt, checkpoint: signCheckpoint(log.head, 'example.org/other') }
  assert.deepEqual(codes(other, record), ['CHECKPOINT_LOG', 'CHECKPOINT_SIGNATURE'])
  assert.deepEqual(codes({ ...receipt, log: 'notifications' }, record), ['CHECKPOINT_LOG'])
  assert.deepEqual(codes({ ...receipt, log: ORIGIN }, record), [])
  assert.deepEqual(codes({ ...receipt, auditid: sampleFields(5).auditid }, record), ['RECEIPT_RECORD'])
  const policy = { origin: ORIGIN, log: [ed25519Verifier(VKEY)], quorum: 1, witnesses: [] }
  assert.deepEqual(
    verifyReceipt(receipt, { record }, policy).problems.map(({ code }) => code),
    ['CHECKPOINT_SIGNATURE'],
    'a quorum nobody met',
  )
})

test('malformed receipts are refused by field', () => {
  const good = JSON.parse(JSON.stringify(receiptOf(0))) as JsonObject
  const bad: ReadonlyArray<readonly [string, readonly JsonValue[]]> = [
    ['auditid', ['', 'x', null]],
    ['log', ['', 1]],
    ['index', [-1, 1.5, '0', 2 ** 53]],
    ['integrity_hash', ['', 'sha256:', `sha256:${'A'.repeat(64)}`]],
    ['checkpoint', [null, 1]],
    ['proof', [null, 'x', ['x'], [1], [Buffer.alloc(31).toString('base64')], Array.from({ length: 64 }, () => Buffer.alloc(32).toString('base64'))]],
    ['published', [null, 'true']],
  ]
  for (const [field, values] of bad) {
    for (const value of values) {
      assert.throws(
        () => parseReceipt({ ...good, [field]: value }),
        (error) => error instanceof EvidenceError && error.code === 'RECEIPT_FORMAT' && error.message.endsWith(field),
      )
    }
    const { [field]: _, ...without } = good
    assert.throws(() => parseReceipt(without), EvidenceError)
  }
  for (const value of [null, [], 'x']) assert.throws(() => parseReceipt(value), EvidenceError)
})
