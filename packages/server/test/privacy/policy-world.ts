// What the scenarios of the erasure policy share: a server, people, and the questions an officer asks.
import type { JsonObject } from '../../src/event/json.ts'
import { World } from '../flow/harness.ts'
import type { Answer } from '../flow/harness.ts'
import type { Role } from '../../src/http/ports.ts'

export const DAY = 86_400_000
export const GROUND = 'GDPR Art. 17(1)(b)'

/** A delivery receipt of a message to a customer. */
export function receipt(message: string, contact: string, more: JsonObject = {}): JsonObject {
  return { message_uuid: message, delivery_status: 'READ', customer_external_id: contact, ...more }
}

let events = 0
/** An event of a call, in the guides' plain shape. */
export function callEvent(call: string, payload: JsonObject): JsonObject {
  events++
  return {
    eventId: `event-${events}`,
    timestamp: new Date(Date.UTC(2026, 0, 1, 9, 0, events)).toISOString(),
    eventType: 'call.stateChange',
    interactionId: call,
    payload,
  }
}

export class Policy {
  readonly world: World
  /** The server's clock. */
  nowMs = Date.UTC(2026, 5, 1)
  readonly #yaml: string

  private constructor(world: World, yaml: string) {
    this.world = world
    this.#yaml = yaml
  }

  static async open(yaml = ''): Promise<Policy> {
    const world = new World()
    const policy = new Policy(world, yaml)
    await world.start(yaml, { now: () => policy.nowMs })
    return policy
  }

  async restart(): Promise<void> {
    await this.world.restart(this.#yaml, { now: () => this.nowMs })
  }

  /** Sends events and has them sealed. */
  async take(...list: JsonObject[]): Promise<void> {
    for (const event of list) {
      const answer = await this.world.send('/api/v1/events', event, { role: 'ingest' })
      if (answer.status >= 300) throw new Error(answer.text)
    }
    await this.world.flush()
  }

  plan(...person: string[]): Promise<Answer> {
    return this.world.send('/api/v1/erasures/plan', { person }, { role: 'officer' })
  }

  ask(person: string | string[], role: Role = 'officer'): Promise<Answer> {
    return this.world.send('/api/v1/erasures', { person, ground: GROUND, reference: 'ticket 7' }, { role })
  }

  approve(id: unknown, role: Role): Promise<Answer> {
    return this.world.send(`/api/v1/erasures/${String(id)}/approve`, undefined, { role })
  }

  withdraw(id: unknown, reason = 'she stays'): Promise<Answer> {
    return this.world.send(`/api/v1/erasures/${String(id)}/withdraw`, { reason }, { role: 'officer' })
  }

  async show(id: unknown): Promise<JsonObject> {
    await this.world.local.erasing.idle()
    return (await this.world.get(`/api/v1/erasures/${String(id)}`)).body
  }

  async hold(subject: string, scope: 'record' | 'content', reason = 'matter 1'): Promise<JsonObject> {
    return (await this.world.send('/api/v1/holds', { subject, scope, reason }, { role: 'officer' })).body
  }

  async release(hold: JsonObject): Promise<void> {
    const answer = await this.world.send(`/api/v1/holds/${String(hold['id'])}/release`, { reason: 'the matter is closed' }, { role: 'officer' })
    if (answer.status >= 300) throw new Error(answer.text)
    await this.world.local.erasing.idle()
  }

  /** Per record of a subject, in its order: data, states of its fields, hash. */
  async records(subject: string): Promise<JsonObject[]> {
    const { body } = await this.world.get(`/api/v1/records?subject=${subject}&limit=100`)
    return body['records'] as JsonObject[]
  }

  /** States of all fields of a subject's records: what an officer sees of it. */
  async states(subject: string): Promise<string[]> {
    return (await this.records(subject)).map((record) => [...new Set(Object.values(record['field_states'] as JsonObject))].sort().join(' '))
  }
}
