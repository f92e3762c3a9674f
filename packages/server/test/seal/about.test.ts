import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aboutSegment } from '../../src/seal/about.ts'

function laidOut(records: readonly string[]): { ndjson: Buffer; offsets: Uint32Array } {
  const offsets: number[] = []
  let at = 7
  for (const record of records) {
    offsets.push(at, at + Buffer.byteLength(record))
    at += Buffer.byteLength(record) + 1
  }
  return { ndjson: Buffer.from(`header\n${records.join('\n')}\n{"dataschema":"urn:trailer"}`), offsets: Uint32Array.from(offsets) }
}
const record = (schema: string, tag: string | null, data: unknown = {}): string =>
  JSON.stringify({ auditid: 'x', data, dataschema: schema, id: '1', regulatorytag: tag, type: 't' })

test('schemas and tags are those of the records, whatever stands in their data', () => {
  const decoys = [{ dataschema: 'urn:evil', regulatorytag: 'EVIL' }, { note: '"dataschema":"urn:evil"' }, { 'x"dataschema":"urn:evil': 1 }]
  const records = [
    record('urn:b', 'HIPAA'),
    record('urn:b', 'HIPAA', decoys[0]),
    record('urn:a', null, decoys[1]),
    record('urn:ab', 'HIPAA2', decoys[2]),
    record('urn:a', 'HIPAA'),
    record('urn:a', 'HIP'),
  ]
  assert.deepEqual(aboutSegment(laidOut(records)), {
    format: 'sealtrail/segment/1',
    schemas: ['urn:a', 'urn:ab', 'urn:b'],
    tags: ['HIP', 'HIPAA', 'HIPAA2'],
  })
})

test('no more kinds are told than fit beside an object', () => {
  const about = aboutSegment(laidOut(Array.from({ length: 100 }, (_, i) => record(`urn:${i}`, null))))
  assert.equal(about.schemas?.length, 20)
  assert.deepEqual(about.tags, [])
})
