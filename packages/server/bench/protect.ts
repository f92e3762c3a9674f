// CPU cost of protect, identities and vault rows: `node --conditions=@sealtrail/source packages/server/bench/protect.ts`
import { randomBytes, randomUUID } from 'node:crypto'
import type { MappedEvent } from '../src/event/mapped.ts'
import { identify } from '../src/event/identity.ts'
import { keyedHashes } from '../src/keys/hashes.ts'
import { Keyring } from '../src/keys/keyring.ts'
import { PURPOSES } from '../src/keys/ring.ts'
import type { FieldNode, FieldRule } from '../src/pack/pack.ts'
import { protectEnv } from '../src/protect/env.ts'
import { fingerprintOf } from '../src/event/fingerprint.ts'
import { protect } from '../src/protect/protect.ts'
import { sensitiveFields } from '../src/protect/sensitive.ts'
import { deriveKey } from '../src/vault/data-key.ts'
import { noncePool, sealRow } from '../src/vault/encrypt.ts'
import type { DataKey } from '../src/vault/vault.ts'

const leaf = (rule: FieldRule): FieldNode => ({ rule, keys: new Map(), items: null, any: null })
const plain = leaf({ class: 'plain' })
const personal = (kind: string, whose: string | null, token: boolean): FieldNode =>
  leaf({ class: 'personal', kind, whose, token, mask: null, verifyOnly: false })
const PLAIN =
  'eventTime conversationId participantId sessionId mediaType provider direction disconnectType divisionId queueId userId interactingDurationMs heldDurationMs alertingDurationMs topic correlationId messageType conversationExternalContactIds flowType'.split(
    ' ',
  )
const fields: FieldNode = {
  rule: null,
  any: null,
  items: null,
  keys: new Map([
    ...PLAIN.map((name) => [name, plain] as const),
    ['ani', personal('phone', 'customer', true)],
    ['dnis', personal('phone', null, false)],
    ['email', personal('email', 'customer', true)],
    ['subject', personal('text', 'customer', false)],
    ['attributes', leaf({ class: 'map', allow: new Set(), whose: 'customer' })],
  ]),
}

const rounds = 20_000
const events: MappedEvent[] = []
const raw: Buffer[] = []
for (let i = 0; i < rounds; i++) {
  const phone = `+1317555${String(i % 4000).padStart(4, '0')}`
  const email = `someone${i % 4000}@example.com`
  const subject = randomUUID()
  const data = {
    eventTime: 1795183331204 + i,
    conversationId: subject,
    participantId: randomUUID(),
    sessionId: randomUUID(),
    mediaType: 'VOICE',
    provider: 'Edge',
    direction: 'INBOUND',
    ani: 'tel:' + phone,
    dnis: 'tel:+13175550100',
    email,
    subject: 'Where is my parcel, it should have come on Tuesday?',
    disconnectType: 'TRANSFER',
    userId: randomUUID(),
    divisionId: 'd69d62a4-2355-46fc-b1ef-b440f2077bd1',
    queueId: '31bddbde-83d7-4466-bdb9-da7af50b65db',
    interactingDurationMs: 80400 + i,
    heldDurationMs: 15300,
    alertingDurationMs: 5680,
    topic: `v2.detail.events.conversation.${subject}.user.end`,
    attributes: { customerSegment: 'gold', idvResult: 'passed' },
    conversationExternalContactIds: [randomUUID()],
    correlationId: randomUUID(),
  }
  raw.push(
    Buffer.from(JSON.stringify({ version: '0', id: randomUUID(), source: 'aws.partner/genesys.com/cloud/9b1d7c1e/audit-trail', detail: { eventBody: data } })),
  )
  events.push({
    trail: 'interactions',
    pack: 'bench@1',
    id: randomUUID(),
    subject,
    type: 'user.end',
    timeMs: data.eventTime,
    time: null,
    source: 'bench',
    schema: 'urn:sealtrail:schema:bench:1',
    regulatorytag: null,
    data,
    compared: data,
    agree: null,
    order: { rank: 0, session: null, effect: null, phase: 0 },
    status: null,
    people: {
      customer: [
        { kind: 'phone', value: phone },
        { kind: 'email', value: email },
      ],
    },
  })
}

const hashes = keyedHashes({ naming: randomBytes(32), token: randomBytes(32), fingerprint: randomBytes(32) })
const env = protectEnv('default', hashes, randomBytes)
const values = raw.map((bytes) => JSON.parse(bytes.toString()))
const first = protect(events[0] as MappedEvent, fields, env)
console.log(
  `${raw[0]?.length} bytes an event, ${first.kind === 'protected' ? first.owners.reduce((sum, owner) => sum + owner.disclosures.length, 0) : 0} commitments, ${first.kind === 'protected' ? first.owners.length : 0} owners`,
)

/** CPU time of this thread, so that what else the machine does matters little. */
function measure(name: string, run: (i: number) => unknown): void {
  for (let i = 0; i < rounds; i++) run(i)
  const start = process.threadCpuUsage()
  for (let round = 0; round < 3; round++) for (let i = 0; i < rounds; i++) run(i)
  const { user, system } = process.threadCpuUsage(start)
  console.log(`${name.padEnd(34)} ${((user + system) / rounds / 3).toFixed(2)} µs`)
}

measure('protect', (i) => protect(events[i] as MappedEvent, fields, env))
measure('sensitiveFields(raw, with bytes)', (i) => sensitiveFields(values[i], raw[i]))
measure('sensitiveFields(raw, whole walk)', (i) => sensitiveFields(values[i]))
measure('sensitiveFields(mapped data)', (i) => sensitiveFields((events[i] as MappedEvent).data))
measure('identify', (i) => identify(hashes, 'default', 'interactions', (events[i] as MappedEvent).id, 1795183331204))
measure('fingerprint', (i) => fingerprintOf(events[i] as MappedEvent, hashes))
const nonce = noncePool(randomBytes)
const auditid = randomBytes(16)
const people = events.slice(0, 4000).map(() => ({ id: randomBytes(16), key: randomBytes(32) }))
const kept = events.map((event) => protect(event, fields, env))
measure('sealRow, keys derived before', (i) => {
  const result = kept[i]
  if (result?.kind !== 'protected') return null
  const owners = result.owners.map(({ disclosures }, n) => ({ key: people[(i + n) % 2000] as DataKey, disclosures }))
  return sealRow(
    { tenant: 'default', trail: 'interactions', auditid, fingerprint: 'f'.repeat(16), firstDigest: result.firstDigest, tokens: result.tokens, owners },
    nonce,
  )
})
measure('deriveKey', (i) => deriveKey(people[i % 4000] as DataKey))
const keys = new Keyring(
  PURPOSES.map((purpose) => ({
    id: randomBytes(8).toString('hex'),
    purpose,
    generation: 1,
    created: new Date(0).toISOString(),
    keeper: 'files',
    secret: randomBytes(32),
  })),
  {
    make: () => Promise.reject(new Error('no rotation here')),
    end() {},
    now: Date.now,
    random: randomBytes,
  },
)
measure('wrap', (i) => keys.wrap((people[i % 4000] as DataKey).key, 'place'))
