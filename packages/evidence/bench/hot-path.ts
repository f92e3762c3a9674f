// What the hot path pays this package per event, in µs of one core: `node --conditions=@sealtrail/source packages/evidence/bench/hot-path.ts`.
import { randomBytes, randomUUID } from 'node:crypto'
import reference from 'canonicalize'
import { auditId, canonicalize, disclosureDigest, makeDisclosure, parseIJson, scanJson, spliceRecord } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'

const NAMES = ['Anna Weber', 'José Núñez', 'Li Wei', 'Zoë Brontë', 'Omar Farouk']

function event(i: number): JsonObject {
  const participant = (purpose: string): JsonObject => ({
    id: randomUUID(),
    purpose,
    connectedTime: new Date(1.8e12 + i * 997).toISOString(),
    state: 'connected',
    direction: 'inbound',
    held: false,
    recording: true,
    queueId: randomUUID(),
    userId: purpose === 'agent' ? randomUUID() : null,
    attributes: { language: 'en', priority: i % 7, name: NAMES[i % 5] as string },
  })
  return {
    version: '2',
    topicName: `v2.detail.events.conversation.${randomUUID()}.user.start`,
    metadata: { CorrelationId: randomUUID() },
    eventBody: {
      eventTime: 1.8e12 + i,
      conversationId: randomUUID(),
      participants: [participant('customer'), participant('agent')],
      sessionId: randomUUID(),
      mediaType: 'VOICE',
      provider: 'Edge',
      ani: 'tel:+13175550142',
      dnis: 'tel:+13175550199',
      score: i / 7,
    },
  }
}

const events = Array.from({ length: 1000 }, (_, i) => event(i))
const bytes = events.map((e) => Buffer.from(JSON.stringify(e)))
const limits = { maxBytes: 1 << 20, maxDepth: 64 }
const salt = randomBytes(16).toString('base64url')
const identity = randomBytes(32).toString('latin1')
const into = Buffer.alloc(1 << 16)

function measure(name: string, run: (i: number) => unknown): void {
  const rounds: number[] = []
  for (let round = 0; round < 7; round++) {
    const start = performance.now()
    let n = 0
    while (performance.now() - start < 200) for (let i = 0; i < 1000; i++, n++) run(i)
    rounds.push(((performance.now() - start) * 1000) / n)
  }
  rounds.sort((a, b) => a - b)
  console.log(`${name.padEnd(46)} ${(rounds[3] as number).toFixed(2)} µs`)
}

console.log(`events of ${Math.round(bytes.reduce((sum, b) => sum + b.length, 0) / 1000)} bytes, ${process.version}`)
measure('canonicalize', (i) => canonicalize(events[i] as JsonObject))
measure('canonicalize and write to bytes', (i) => into.write(canonicalize(events[i] as JsonObject)))
measure('npm canonicalize and write to bytes', (i) => into.write((reference as unknown as (v: unknown) => string)(events[i])))
measure('JSON.stringify and write to bytes', (i) => into.write(JSON.stringify(events[i])))
measure('spliceRecord and write to bytes', (i) => {
  const data = events[i] as JsonObject
  into.write(
    spliceRecord({ auditid: '01KDVDNA00040G2081040G2081', data, dataschema: 'urn:sealtrail:schema:x:1', id: 'abc', provenance: 'pushed', recordedtime: '2027-01-01T00:00:00.000Z', regulatorytag: null, source: 'urn:x', subject: 'abc', time: null, type: 'x' }).text, // prettier-ignore
  )
})
measure('scanJson', (i) => scanJson(bytes[i] as Buffer, limits))
measure('parseIJson', (i) => parseIJson(bytes[i] as Buffer, limits))
measure('JSON.parse(utf8)', (i) => JSON.parse((bytes[i] as Buffer).toString('utf8')))
measure('makeDisclosure + disclosureDigest', (i) => disclosureDigest(makeDisclosure(salt, NAMES[i % 5] as string)))
measure('auditId', (i) => auditId(1.8e12 + i, identity))
