// Records that outlive their segment, each with the proof that it stands in the log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodesInMemory, proveInclusion } from '@sealtrail/tlog'
import { EvidenceError, checkKept, decodeKept, encodeKept } from '@sealtrail/evidence'
import type { Kept } from '@sealtrail/evidence'
import { ORIGIN, sampleLog, signCheckpoint } from './sample.ts'

const log = sampleLog([5, 6])
const read = nodesInMemory(log.leaves)
const keep = (indexes: readonly number[]): Kept => ({
  log: ORIGIN,
  checkpoint: log.checkpoint,
  records: indexes.map((index) => ({ index, record: log.records[index]!, proof: proveInclusion(BigInt(index), 11n, read) })),
})

test('any choice of records goes in and comes out, and leads to the checkpoint', () => {
  for (let choice = 1; choice < 2 ** 11; choice += 7) {
    const kept = keep(Array.from({ length: 11 }, (_, i) => i).filter((i) => (choice & (1 << i)) !== 0))
    const back = decodeKept(encodeKept(kept))
    assert.deepEqual(
      back.records.map(({ index, record, proof }) => [index, Buffer.from(record).toString(), proof.map((hash) => Buffer.from(hash).toString('hex'))]),
      kept.records.map(({ index, record, proof }) => [index, Buffer.from(record).toString(), proof.map((hash) => Buffer.from(hash).toString('hex'))]),
    )
    assert.deepEqual(checkKept('k', back), [])
  }
})

test('no byte can change, and none can be missing, without a word', () => {
  const good = encodeKept(keep([1, 4, 10]))
  const found = (bytes: Uint8Array): boolean => {
    try {
      const kept = decodeKept(bytes)
      // The signature is the log audit's to check: what is within the note is found here by its root and size.
      return checkKept('k', kept).length > 0 || kept.checkpoint !== log.checkpoint || kept.log !== ORIGIN
    } catch (error) {
      assert.ok(error instanceof EvidenceError, String(error))
      return true
    }
  }
  for (let at = 0; at < good.length; at++) {
    const bytes = Uint8Array.from(good)
    bytes[at]! ^= 1 << (at % 7)
    assert.ok(found(bytes), `byte ${at}`)
    assert.ok(found(good.subarray(0, at)), `cut at ${at}`)
  }
})

test('a record under another index, or proved for another log, is named', () => {
  const kept = keep([3, 6])
  const [a, b] = kept.records as [Kept['records'][0], Kept['records'][0]]
  const swapped = { ...kept, records: [{ ...a, record: b.record }, b] }
  assert.deepEqual(
    checkKept('k', swapped).map(({ code, index }) => [code, index]),
    [['KEPT_PROOF', 3]],
  )
  assert.deepEqual(
    checkKept('k', { ...kept, checkpoint: signCheckpoint(log.head, 'log.example.org/other') }).map(({ code }) => code),
    ['CHECKPOINT_LOG'],
  )
  assert.deepEqual(
    checkKept('k', { ...kept, checkpoint: 'x' }).map(({ code }) => code),
    ['CHECKPOINT_FORMAT'],
  )
  assert.throws(() => encodeKept({ ...kept, records: [b, a] }), { code: 'KEPT_FORMAT' })
  assert.throws(() => encodeKept({ ...kept, records: [] }), { code: 'KEPT_FORMAT' })
})
