import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditIdBytes, makeDisclosure, spliceRecord } from '@sealtrail/evidence'
import type { JsonValue } from '@sealtrail/evidence'
import { normalizeAlias } from '../../src/event/alias.ts'
import { quarantinedNaming } from '../../src/privacy/quarantined.ts'
import type { QuarantinedDeps } from '../../src/privacy/quarantined.ts'
import { MemoryRecords } from '../index/memory.ts'
import { START, auditidOf } from '../index/sample.ts'

/** As the real ones: of the kind and the one spelling. */
const token = (kind: string, value: string): string => `${kind}:${normalizeAlias(kind, value)}`
const ADA = new Set([token('phone', '+12025550123'), token('email', 'ada@example.com'), token('external-id', 'CUST-1815')])

/** A log of quarantined inputs: text, or bytes that are none; null: its key is destroyed. */
async function naming(...inputs: Array<string | Buffer | null>): Promise<string> {
  const records = new MemoryRecords()
  const kept = new Map<string, JsonValue | null>()
  inputs.forEach((input, n) => {
    const auditid = auditidOf(START, n)
    kept.set(Buffer.from(auditIdBytes(auditid)).toString('hex'), input === null || typeof input === 'string' ? input : { base64: input.toString('base64') })
    records.add('calls', recordOf(auditid, n % 7 === 5 ? 'com.example.other' : 'sealtrail.quarantined'))
  })
  const deps: QuarantinedDeps = {
    records,
    logs: ['calls'],
    kinds: ['phone', 'email', 'external-id'],
    aliasTokens: (kind, value) => [token(kind, value)],
    index: {
      // One that cannot tell types apart passes others as well.
      async *timeline(log) {
        for (let at = 0; at < records.size(log); at++) yield { timeMs: START, index: at, exact: false }
      },
    },
    vault: {
      rows: async (auditid) => [{ key: Buffer.concat([auditid, Buffer.alloc(8)]), value: Buffer.alloc(0) }],
      async open(_, auditid) {
        const value = kept.get(Buffer.from(auditid).toString('hex'))
        if (value === undefined) return [{ state: 'missing', why: 'no row' }]
        if (value === null) return [{ state: 'erased', erasedMs: 0, certificate: '0'.repeat(32) }]
        return [{ state: 'open', disclosures: [makeDisclosure('A'.repeat(22), value)] }]
      },
    },
  }
  const { named, others } = await quarantinedNaming(ADA, deps)
  return `${named.map((subject) => subject.slice('quarantine/'.length)).join(' ')} | ${others}`
}

function recordOf(auditid: string, type: string): Uint8Array {
  const { text, lateAt, sequenceAt } = spliceRecord({
    auditid,
    data: {},
    dataschema: 'urn:sealtrail:schema:quarantined:1',
    id: auditid,
    provenance: 'pushed',
    recordedtime: '2026-03-01T09:00:00.000Z',
    regulatorytag: null,
    source: 'urn:sealtrail:quarantine',
    subject: `quarantine/${auditid}`,
    time: null,
    type,
  })
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes.subarray(0, lateAt), Buffer.from('false'), bytes.subarray(lateAt, sequenceAt), Buffer.from('1'), bytes.subarray(sequenceAt)])
}

const id = (n: number): string => auditidOf(START, n)

test('an input that no pack could read names a person by a value, a number or an address in a text, or a word', async () => {
  for (const input of [
    '{"a":[{"mobile":"+1 (202) 555-0123"}]}',
    '{"mobile":12025550123}',
    '{"to":"tel:+12025550123;ext=4"}',
    '{"text":"call her at +1 202-555-0123, please"}',
    '{"mail":"Ada@Example.com"}',
    '{"text":"write to <ada@example.com>."}',
    '{"id":"CUST-1815"}',
    'DELIVERED;CUST-1815;2026-03-01',
    '{"broken": "CUST-1815", ',
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(' +12025550123 ')]),
  ])
    assert.equal(await naming(input), `${id(0)} | 0`, String(input))
})

test('one that does not is counted, as nobody can tell whom it is about; one that is gone is not', async () => {
  assert.equal(await naming('{"mobile":"+12025550124"}', '{"id":"CUST-18150"}', '', 'CUST 1815', '{"a":null}'), ' | 5')
  assert.equal(await naming(null, '{"id":"CUST-1815"}', null, '{"id":"CUST-1816"}'), `${id(1)} | 1`)
  // The sixth is no quarantined input, whatever the index says.
  assert.equal(await naming('x', 'x', 'x', 'x', 'x', 'CUST-1815'), ' | 5')
})

test('attacker: an input of very many values, or a single long one, is looked at as far as that goes', async () => {
  const many = JSON.stringify(Array.from({ length: 300_000 }, (_, i) => i))
  assert.equal(await naming(many, 'a'.repeat(1_000_000), '9'.repeat(300_000), '@'.repeat(300_000)), ' | 4')
})
