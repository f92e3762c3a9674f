// A data directory with two people in it, and everything that can be asked of it once one of them is erased.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CERTIFICATE_FORMAT, canonicalize, parseRecord } from '@sealtrail/evidence'
import type { CertificateBody, JsonObject, RecordFields } from '@sealtrail/evidence'
import { exclusive, othersOf, patternsOf, tracesOf } from '../../bench/erase-traces.ts'
import type { Others, Traces } from '../../bench/erase-traces.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { openSealing } from '../../src/config/open-sealing.ts'
import type { Sealing } from '../../src/config/sealing.ts'
import { createLog } from '../../src/observe/log.ts'
import { searchFiles } from '../../src/privacy/search.ts'
import type { Pattern } from '../../src/privacy/work-file.ts'
import { readObject } from '../../src/store/objects.ts'

export const YAML = 'trails: { interactions: { sequence: { settle: 50ms, quiet: 50ms, hold: 300ms } } }'
/** Who is erased, by both names, and somebody else. */
export const ADA = ['external-id:CUST-ADA-1815', 'phone:+12025550123']
const ADA_PHONE = '+12025550123'
const BOB_PHONE = '+12025550177'

let events = 0
export const receipt = (message: string, contact: string, address: string): JsonObject => ({
  event_type: 'message.status',
  message_uuid: message,
  delivery_status: 'DELIVERED',
  customer_external_id: contact,
  recipient: { address },
})

export const call = (conversation: string, phone: string, type: string, more: JsonObject = {}): JsonObject => ({
  topicName: `v2.detail.events.conversation.${conversation}.${type}`,
  eventBody: {
    eventTime: Date.UTC(2026, 2, 1) + events++ * 1000,
    conversationId: conversation,
    participantId: 'p1',
    sessionId: 's1',
    mediaType: 'VOICE',
    direction: 'INBOUND',
    ani: `tel:${phone}`,
    dnis: 'tel:+12025550100',
    ...more,
  },
})

export const ADAS_CALL = '00001001-5a1e-4c0d-8b7a-000001ef0ada'

/** Everything the server takes for this: receipts, a call of each with attributes of nobody's, two inputs that no pack can read. */
export function everything(): JsonObject[] {
  const list: JsonObject[] = []
  for (let i = 0; i < 6; i++) {
    list.push(receipt(`a${i}`, 'CUST-ADA-1815', ADA_PHONE), receipt(`b${i}`, 'CUST-BOB-1900', BOB_PHONE))
  }
  for (const [conversation, phone] of [
    [ADAS_CALL, ADA_PHONE],
    ['00001001-5a1e-4c0d-8b7a-000001ef0b0b', BOB_PHONE],
  ] as const)
    list.push(
      call(conversation, phone, 'customer.start'),
      // Nobody is named beside them: they are the call's.
      call(conversation, phone, 'attributes', { ani: null, attributes: { mood: `wants ${phone} called` } }),
      call(conversation, phone, 'customer.end', { disconnectType: 'CLIENT' }),
    )
  list.push({ unknown: 'shape', mobile: ADA_PHONE, text: 'of Ada' }, { unknown: 'shape', mobile: BOB_PHONE, text: 'of Bob' })
  return list
}

export function configOf(folder: string): Config {
  return parseConfig(YAML, 'sealtrail.yaml', folder, { cwd: folder, env: {}, data: join(folder, 'data') }).config
}

export async function reading<T>(folder: string, read: (sealing: Sealing) => Promise<T>): Promise<T> {
  const sealing = await openSealing(configOf(folder), { now: Date.now, log: createLog({ now: Date.now, level: 'error', write() {} }), onCommit() {} })
  try {
    return await read(sealing)
  } finally {
    await sealing.close()
  }
}

/** What there was before. */
export interface Before {
  readonly traces: Traces
  readonly others: Others
  readonly roots: Readonly<Record<string, string>>
  readonly patterns: readonly Pattern[]
}

export async function lookBefore(folder: string): Promise<Before> {
  return reading(folder, async (sealing) => {
    const all = await tracesOf(
      sealing,
      ADA.map((alias) => alias.split(':') as [string, string]),
    )
    const others = await othersOf(sealing, keysOf(all), new Set(all.values))
    const traces = exclusive(all, others)
    assert.ok(traces.records >= 9, `${traces.records} records of hers`)
    assert.ok(traces.values.includes('CUST-ADA-1815'))
    return { traces, others, roots: rootsOf(sealing), patterns: patternsOf(traces) }
  })
}

/** Holds everything against what was before, and gives the certificate's body. */
export async function erasedWhole(folder: string, { traces, others, roots, patterns }: Before, records: number): Promise<CertificateBody> {
  const data = join(folder, 'data')
  const left = await searchFiles(data, patterns, [])
  assert.deepEqual(left.found, [], 'nothing of hers is on disk')
  assert.ok(!existsSync(join(data, 'erasures')) || readdirSync(join(data, 'erasures')).length === 0, 'nothing says who it was')
  const body = await reading(folder, async (sealing) => {
    for (const [log, root] of Object.entries(roots)) if (log !== 'system') assert.equal(rootsOf(sealing)[log], root, `the root of ${log}`)
    const sealed = await systemRecords(sealing)
    const of = (what: string): RecordFields[] => sealed.filter(({ type }) => type === `sealtrail.system.${what}`)
    assert.deepEqual([of('erasure-started').length, of('erasure').length], [1, 1], 'intent and completion, each once')
    const [completion] = of('erasure') as [RecordFields]
    const digest = String(completion.data['certificate']).slice('sha256:'.length)
    const bytes = await readObject(sealing.store, 'system', digest)
    assert.ok(bytes !== null, 'the certificate is in the store')
    assert.equal(createHash('sha256').update(bytes).digest('hex'), digest)
    const certificate = JSON.parse(Buffer.from(bytes).toString()) as CertificateBody
    assert.equal(canonicalize(certificate as never), Buffer.from(bytes).toString())
    assert.equal(certificate.format, CERTIFICATE_FORMAT)
    assert.equal(completion.data['records'], certificate.records.length)
    const now = await othersOf(sealing, keysOf(traces), new Set())
    assert.deepEqual([now.values, now.hash], [others.values, others.hash], 'other people')
    return certificate
  })
  assert.equal(body.records.length, records)
  assert.deepEqual(body.searched.found, [])
  const verdicts = await auditDirectory(data, { key: null, vault: true, now: Date.now })
  assert.deepEqual(
    verdicts.flatMap(({ log, problems }) => problems.map(({ code, message }) => `${log} ${code} ${message}`)),
    [],
  )
  assert.equal(
    verdicts.reduce((sum, { commitments }) => sum + (commitments?.erased ?? 0), 0),
    records,
  )
  return body
}

export async function systemRecords(sealing: Sealing): Promise<RecordFields[]> {
  const list: RecordFields[] = []
  for await (const bytes of sealing.records.range('system', 0, sealing.sizes.get('system'))) list.push(parseRecord(bytes))
  return list
}

function rootsOf(sealing: Sealing): Record<string, string> {
  return Object.fromEntries(sealing.sizes.logs.map((log) => [log, sealing.committed(log).root]))
}

/** Hers, and those that go along: of interactions nobody else's values are under. */
function keysOf({ keyIds }: Traces): Set<string> {
  return new Set(keyIds.map((id) => Buffer.from(id, 'hex').toString('latin1')))
}
