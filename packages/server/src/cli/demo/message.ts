import type { JsonObject } from '../../event/json.ts'
import { CALLER } from './call.ts'
import { envelope, messageId, queueId } from './envelope.ts'
import type { Ids } from './envelope.ts'

/** A delivery receipt of the text message the company sent after the call, as the platform reports it. */
export function receiptEvent(ids: Ids, status: 'read' | 'delivery-success', n: number, atMs: number): JsonObject {
  return envelope(ids, 60 + n, `v2.routing.queues.${queueId(ids)}.conversations.messages`, 'v2.routing.queues.{id}.conversations.messages', atMs, {
    id: ids(1, 51),
    participants: [
      {
        id: ids(2, 51),
        address: CALLER.phone,
        purpose: 'customer',
        state: 'connected',
        direction: 'outbound',
        externalContact: { id: ids(7, 9) },
        messages: [],
        type: 'sms',
      },
      {
        id: ids(2, 52),
        purpose: 'agent',
        state: 'connected',
        direction: 'outbound',
        user: { id: ids(5, 1) },
        queue: { id: queueId(ids) },
        messages: [
          {
            message: { id: messageId(ids) },
            messageTime: new Date(atMs).toISOString(),
            messageSegmentCount: 1,
            messageStatus: status,
            messageMetadata: { type: 'Text', events: [], content: [] },
          },
        ],
        type: 'sms',
      },
    ],
    otherMediaUris: [],
  })
}
