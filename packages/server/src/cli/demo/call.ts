import type { JsonObject } from '../../event/json.ts'
import { conversationId, envelope, queueId } from './envelope.ts'
import type { Ids } from './envelope.ts'

/** The person of the demo. Made up; the number is one of those kept free for fiction (555-01xx). */
export const CALLER = { phone: '+13175550188', name: 'Marigold Okonkwo-Hale', email: 'marigold.okonkwo@customer.example', securityCode: '7316' }

/** Milliseconds after the call began. */
type Step = readonly [topic: string, afterMs: number, body: JsonObject]

function stepsOf(ids: Ids): Step[] {
  const leg = (n: number): { participantId: string; sessionId: string } => ({ participantId: ids(2, n), sessionId: ids(3, n) })
  const LEGS = { customer: leg(1), flow: leg(2), queue: leg(3), agent: leg(4), secondQueue: leg(5), secondAgent: leg(6) }
  const AGENTS = { first: ids(5, 1), second: ids(5, 2) }
  const QUEUES = { billing: queueId(ids), retention: ids(4, 2) }
  return [
    ['customer.start', 0, LEGS.customer],
    ['flow.start', 300, { ...LEGS.flow, flowType: 'INBOUNDCALL', flowId: ids(8, 1), flowVersion: '4.0' }],
    [
      'flow.outcome',
      14_000,
      { ...LEGS.flow, flowType: 'INBOUNDCALL', flowId: ids(8, 1), flowVersion: '4.0', flowOutcomeId: ids(8, 2), flowOutcomeValue: 'SUCCESS' },
    ],
    [
      'flow.end',
      15_000,
      {
        ...LEGS.flow,
        flowType: 'INBOUNDCALL',
        flowId: ids(8, 1),
        flowVersion: '4.0',
        disconnectType: 'TRANSFER',
        exitReason: 'TRANSFER',
        transferType: 'ACD',
        connectedDurationMs: 14_700,
      },
    ],
    ['acd.start', 15_100, { ...LEGS.queue, queueId: QUEUES.billing, routingPriority: 0 }],
    [
      'acd.end',
      31_000,
      {
        ...LEGS.queue,
        queueId: QUEUES.billing,
        disconnectType: 'TRANSFER',
        acdOutcome: 'ANSWERED',
        answeredUserId: AGENTS.first,
        usedRouting: 'STANDARD',
        connectedDurationMs: 15_900,
      },
    ],
    ['user.start', 31_050, { ...LEGS.agent, queueId: QUEUES.billing, userId: AGENTS.first }],
    [
      'attributes',
      58_000,
      { participantId: LEGS.customer.participantId, attributes: { callerName: CALLER.name, contactEmail: CALLER.email, tariff: 'silver' } },
    ],
    [
      'user.end',
      120_000,
      { ...LEGS.agent, queueId: QUEUES.billing, userId: AGENTS.first, disconnectType: 'TRANSFER', interactingDurationMs: 82_000, heldDurationMs: 6_950 },
    ],
    ['acd.start', 120_100, { ...LEGS.secondQueue, queueId: QUEUES.retention, routingPriority: 5 }],
    [
      'acd.end',
      127_000,
      {
        ...LEGS.secondQueue,
        queueId: QUEUES.retention,
        disconnectType: 'TRANSFER',
        acdOutcome: 'ANSWERED',
        answeredUserId: AGENTS.second,
        usedRouting: 'STANDARD',
        connectedDurationMs: 6_900,
      },
    ],
    ['user.start', 127_080, { ...LEGS.secondAgent, queueId: QUEUES.retention, userId: AGENTS.second }],
    [
      'acw',
      150_000,
      {
        ...LEGS.agent,
        queueId: QUEUES.billing,
        userId: AGENTS.first,
        wrapupCode: ids(4, 9),
        wrapupNotes: `${CALLER.name} disputes an invoice`,
        wrapupDurationMs: 30_000,
      },
    ],
    [
      'user.end',
      300_000,
      { ...LEGS.secondAgent, queueId: QUEUES.retention, userId: AGENTS.second, disconnectType: 'PEER', interactingDurationMs: 172_920, heldDurationMs: 0 },
    ],
    ['customer.end', 300_050, { ...LEGS.customer, disconnectType: 'ENDPOINT', interactingDurationMs: 255_000 }],
    ['acw', 320_000, { ...LEGS.secondAgent, queueId: QUEUES.retention, userId: AGENTS.second, wrapupCode: ids(4, 8), wrapupDurationMs: 20_000 }],
  ]
}

/** What the sealed types say, in plain words, for the reader of the demo. */
export const PLAIN_WORDS: Readonly<Record<string, string>> = {
  'customer.start': 'the customer calls',
  'flow.start': 'the menu answers',
  'flow.outcome': 'the menu has found out what it is about',
  'flow.end': 'the menu hands on to a queue',
  'acd.start': 'waiting in a queue',
  'acd.end': 'an agent takes the call',
  'user.start': 'an agent talks with the customer',
  attributes: 'the agent notes name and e-mail',
  'user.end': 'an agent leaves the call',
  'customer.end': 'the customer hangs up',
  acw: 'an agent writes up the call',
}

/** The call's events as Amazon EventBridge delivers them, in the order in which they happened. */
export function callEvents(ids: Ids, startMs: number): JsonObject[] {
  const conversation = conversationId(ids)
  const always = {
    conversationId: conversation,
    mediaType: 'VOICE',
    provider: 'Edge',
    direction: 'INBOUND',
    ani: `tel:${CALLER.phone}`,
    dnis: 'tel:+13175550100',
    divisionId: ids(6, 1),
  }
  return stepsOf(ids).map(([topic, afterMs, body], n) => {
    const common = topic === 'attributes' ? { conversationId: conversation } : always
    return envelope(ids, n, `v2.detail.events.conversation.${conversation}.${topic}`, topic, startMs + afterMs, {
      eventTime: startMs + afterMs,
      ...common,
      ...body,
    })
  })
}

/** An agent's form has written the code from the back of the card into the call: it must not be stored, not even encrypted (PCI DSS 3.3.1). */
export function cardCodeEvent(ids: Ids, startMs: number): JsonObject {
  const at = startMs + 200_000
  const conversation = conversationId(ids)
  const attributes = { cardSecurityCode: CALLER.securityCode }
  return envelope(ids, 40, `v2.detail.events.conversation.${conversation}.attributes`, 'attributes', at, {
    eventTime: at,
    conversationId: conversation,
    participantId: ids(2, 1),
    attributes,
  })
}
