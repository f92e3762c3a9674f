import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spliceRecord } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'
import { exportsHolding } from '../../src/privacy/handed-out.ts'
import { MemoryRecords } from '../index/memory.ts'

let made = 0
function record(type: string, subject: string, data: JsonObject): Uint8Array {
  const { text, lateAt, sequenceAt } = spliceRecord({
    auditid: '01KJMA2A70XWG1RYZ7M2X8AE6Q',
    data,
    dataschema: 'urn:sealtrail:schema:system.export:1',
    id: `${subject}/${made++}`,
    provenance: 'pushed',
    recordedtime: '2026-03-01T09:00:00.000Z',
    regulatorytag: null,
    source: 'urn:sealtrail:server',
    subject,
    time: '2026-03-01T09:00:00.000Z',
    type,
  })
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes.subarray(0, lateAt), Buffer.from('false'), bytes.subarray(lateAt, sequenceAt), Buffer.from('1'), bytes.subarray(sequenceAt)])
}

const run = (log: string, from: number, to: number): JsonObject => ({ log, from, to })
const exported = (id: string, to: string, runs: JsonObject[]): Uint8Array =>
  record('sealtrail.system.export', `export/${id}`, { at: '2026-03-01T09:00:00.000Z', purpose: null, runs, token: to })

test('names each bundle that holds one of the records once, also one whose records are told of in parts, and no other', async () => {
  const records = new MemoryRecords()
  records.add(
    'system',
    exported('a', 'ann', [run('calls', 0, 5), run('notes', 0, 3)]),
    exported('b', 'bea', [run('calls', 5, 10)]),
    record('sealtrail.system.start', 'start', { said: 'sealtrail.system.export', runs: [run('calls', 0, 99)] }),
    exported('c', 'cem', [run('calls', 7, 8)]),
    exported('c', 'cem', [run('calls', 20, 21), run('calls', 3, 4)]),
    // attacker: nothing of this shape is written, and nothing follows from it.
    exported('d', 'dan', ['calls' as never, { log: 'calls' }, { log: 1, from: 'x', to: null }, run('calls', 9, 2)]),
  )
  const holding = async (...places: Array<[string, number]>): Promise<string[]> =>
    (
      await exportsHolding(
        places.map(([log, index]) => ({ log, index })),
        records,
      )
    ).map(({ id, to, records: count }) => `${id} ${to} ${count}`)
  assert.deepEqual(await holding(['calls', 4], ['calls', 0], ['notes', 3]), ['a ann 2'])
  assert.deepEqual(await holding(['calls', 5], ['calls', 9], ['calls', 7]), ['b bea 3', 'c cem 1'])
  assert.deepEqual(await holding(['calls', 20], ['calls', 3]), ['a ann 1', 'c cem 2'])
  assert.deepEqual(await holding(['calls', 10], ['notes', 3], ['system', 0]), [])
  assert.deepEqual(await holding(), [])
})
