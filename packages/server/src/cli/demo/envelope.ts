import type { JsonObject } from '../../event/json.ts'

/** Makes the ids of one run of the demo: `(kind, n)` to a UUID. */
export type Ids = (kind: number, n: number) => string

/** Ids that begin with the time of the run, so that a second run on the same data directory is another call. */
export function idsOf(startMs: number): Ids {
  const run = Math.floor(startMs / 1000)
    .toString(16)
    .padStart(8, '0')
  return (kind, n) => `${run}-0d0${kind % 10}-4000-8000-${String(kind * 1000 + n).padStart(12, '0')}`
}

/** The conversation, the message sent after it, and the queue both went through. */
export const conversationId = (ids: Ids): string => ids(1, 1)
export const messageId = (ids: Ids): string => ids(1, 50)
export const queueId = (ids: Ids): string => ids(4, 1)

/** The form in which Amazon EventBridge hands over an event of Genesys Cloud. */
export function envelope(ids: Ids, n: number, topicName: string, topic: string, atMs: number, eventBody: JsonObject): JsonObject {
  const time = new Date(atMs).toISOString()
  return {
    version: '0',
    id: ids(9, n),
    'detail-type': topic.includes('.queues.') ? topic : `v2.detail.events.conversation.{id}.${topic}`,
    source: `aws.partner/genesys.com/cloud/${ids(7, 1)}/sealtrail-demo`,
    account: '000000000000',
    time: `${time.slice(0, 19)}Z`,
    region: 'eu-central-1',
    resources: [],
    detail: { topicName, version: '2', eventBody, metadata: { CorrelationId: ids(7, 100 + n) }, timestamp: time },
  }
}
