import type { JsonObject, JsonValue } from '../../event/json.ts'
import { callEvents, CALLER, cardCodeEvent, PLAIN_WORDS } from './call.ts'
import { conversationId } from './envelope.ts'
import type { Ids } from './envelope.ts'
import type { DemoClient } from './http.ts'
import type { Story } from './story.ts'

const PURPOSES: Readonly<Record<string, string>> = { acd: 'queue', flow: 'menu', user: 'agent' }
/** A fixed disorder, so that two runs can be compared. */
const DISORDER = 7

/** Sends the call out of order, with a card code among it, waits until it is sealed. Resolves to its records as the server shows them. */
export async function tellCall(story: Story, http: DemoClient, ids: Ids, startMs: number): Promise<JsonObject[]> {
  const events = callEvents(ids, startMs)
  story.step('A call comes in, out of order, from Genesys Cloud by way of Amazon EventBridge')
  story.say(
    `${CALLER.name} calls from ${CALLER.phone} about an invoice; the first agent hands over to a second one. That makes ${events.length} events. The network delivers them in disorder, as it does.`,
  )
  const shuffled = events.map((event, i) => ({ event, key: (i * DISORDER + 3) % events.length })).sort((a, b) => a.key - b.key)
  const refused = await http.post('/api/v1/events', cardCodeEvent(ids, startMs))
  const outcomes = await Promise.all(shuffled.map(({ event }) => http.post('/api/v1/sources/eventbridge', event)))
  const durable = outcomes.filter(({ status, body }) => status === 200 && (body['outcome'] === 'held' || body['outcome'] === 'sealed')).length
  story.check(`${durable} of ${events.length} events acknowledged, each only after it was safely on the disk`, durable === events.length)

  story.step('One event carries the security code from the back of a card')
  story.say(
    'The card industry forbids keeping it after the payment, even encrypted (PCI DSS 3.3.1). A write-once store could never delete it again, so it must not get that far.',
  )
  story.check(
    `the server answers ${refused.status} ${String(refused.body['code'])}: ${String(refused.body['detail'])}`,
    refused.status === 422 && refused.body['code'] === 'SENSITIVE_AUTHENTICATION_DATA',
  )

  story.step('The call as it is sealed: in its true order, numbered without gaps')
  const total = events.length + 1
  const interaction = await http.until(
    `/api/v1/audit/interactions/${conversationId(ids)}`,
    (body) => (body['records'] as JsonValue[]).length >= total && body['closed'] === true,
  )
  const records = interaction['records'] as JsonObject[]
  for (const record of records) story.show(rowOf(record, startMs))
  story.check(
    `${records.length} records (${events.length} events and the refusal), numbered 1 to ${total}`,
    records.length === total && records.every((record, i) => record['subjectsequence'] === i + 1),
  )
  story.check('in the order in which things happened, though they arrived in another', sorted(records.map((record) => Date.parse(String(record['time'])))))
  story.check('no gaps, the call is closed', (interaction['gaps'] as JsonValue[]).length === 0 && interaction['closed'] === true)
  return records
}

/** What the call was at an instant. */
export async function tellState(story: Story, http: DemoClient, ids: Ids, startMs: number): Promise<void> {
  const at = new Date(startMs + 240_000).toISOString()
  story.step(`Who was on the line four minutes in, at ${at.slice(11, 19)}?`)
  const { body } = await http.get(`/api/v1/audit/interactions/${conversationId(ids)}/state?at=${at}`)
  const participants = (body['participants'] as JsonObject[] | undefined) ?? []
  for (const each of participants)
    story.show(
      `${(PURPOSES[String(each['purpose'])] ?? String(each['purpose'])).padEnd(10)} ${String(each['state']).padEnd(12)} since ${String(each['since']).slice(11, 19)}`,
    )
  const talking = participants.filter((each) => each['state'] === 'interacting' && each['userId'] === ids(5, 2))
  story.check('the second agent, after the transfer; answered by replaying the sealed records', talking.length === 1)
}

/** What stands in the record where the caller's data stood. */
export async function tellPrivacy(story: Story, http: DemoClient, records: readonly JsonObject[]): Promise<void> {
  story.step('What was kept, and what was taken out')
  const first = records.find((record) => topicOf(record) === 'customer.start')
  const { body } = await http.get(`/api/v1/records/${String(first?.['auditid'])}`)
  const leaf = JSON.parse(String(body['leaf'])) as { data: JsonObject }
  const committed = leaf.data['ani']
  story.say(
    'In the sealed record a commitment stands where the phone number stood: a salted hash that gives nothing away, and that still proves the number if it is ever shown. The number itself is encrypted in a vault, under a key of its own for this person; without that key it is gone for ever and the record still verifies.',
  )
  story.show(`sealed:  "ani": ${JSON.stringify(committed)}`)
  story.show(`an auditor with the right to see it reads:  ${JSON.stringify((body['data'] as JsonObject)['ani'])}`)
  story.check('the sealed record holds a commitment and no phone number', isCommitment(committed) && !String(body['leaf']).includes(CALLER.phone.slice(2)))
  story.check('whoever may see it, sees it', (body['data'] as JsonObject)['ani'] === `tel:${CALLER.phone}`)
}

function rowOf(record: JsonObject, startMs: number): string {
  const topic = topicOf(record)
  const data = (record['data'] ?? {}) as JsonObject
  const transfer = data['transfer'] as JsonObject | undefined
  const seconds = Math.round((Date.parse(String(record['time'])) - startMs) / 1000)
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const words = topic === 'refused' ? 'refused: a card security code was in it; of its content nothing is kept' : (PLAIN_WORDS[topic] ?? topic)
  return `${String(record['subjectsequence']).padStart(2)}  ${clock.padStart(5)}  ${topic.padEnd(16)}${words}${transfer?.['by'] === 'agent' ? `, transferring it (${String(transfer['kind'])})` : ''}`
}

function topicOf(record: JsonObject): string {
  return String(record['type']).replace(/^com\.genesys\.cloud\.conversation\.|^sealtrail\./, '')
}

function isCommitment(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.length === 1 && Object.keys(value[0] as JsonObject).join() === '...'
}

function sorted(times: readonly number[]): boolean {
  return times.every((time, i) => i === 0 || time >= (times[i - 1] as number))
}
