// A trail with a field of every method, and people in it.
import { writeFileSync } from 'node:fs'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../src/event/json.ts'
import { World } from '../flow/harness.ts'
import type { Answer, Send, WorldOptions } from '../flow/harness.ts'

/** What must stand nowhere in clear, by the method of its field. */
export const VALUES = {
  commit: 'Wilhelmina Quakenbrueck',
  token: '+13175550142',
  mask: '4111 1111 1111 1111',
  verifyOnly: 'GOLD-4711-QQ',
  drop: 'hunter2-hunter2',
  unclassified: 'rang twice about her boiler',
  map: 'violet-tier-of-hers',
  list: '+442079460958',
} as const

const PACK = `name: shop
version: 1
sequenced: true
events:
  - topic: [call.opened, call.closed]
    source: urn:example:shop
    type: "example.{{topic}}"
    id: "{{event.case}}/{{event.serial}}"
    subject: "{{event.case}}"
    time: event.at
    session: event.case
    people: { customer: [{ kind: phone, value: event.phone }] }
    map: { "*": "{{event}}" , case: "{{event.case}}", serial: "{{event.serial}}" }
unwrap: [{ has: [kind], take: body, topic: kind }]
fields:
  case, serial, at, userId, shop, participantId, sessionId: plain
  name: { personal: name, whose: customer }
  phone: { personal: phone, whose: customer, token: true, mask: phone }
  card: { personal: card-number, whose: customer, mask: card }
  loyalty: { personal: loyalty, whose: customer, verify-only: true }
  password: drop
  secret: refuse
  "others[]": { personal: phone, mask: phone }
  attributes: { map: [segment], whose: customer }
states:
  - { type: example.call.opened, state: open, effect: opens }
  - { type: example.call.closed, state: closed, effect: closes }
`

/** A call as the shop's desk sends it. */
export function call(id: string, more: JsonObject = {}, kind: 'call.opened' | 'call.closed' = 'call.opened'): JsonObject {
  return {
    kind,
    body: {
      case: id,
      serial: kind === 'call.opened' ? 1 : 2,
      at: '2031-01-01T10:00:00Z',
      name: VALUES.commit,
      phone: VALUES.token,
      card: VALUES.mask,
      loyalty: VALUES.verifyOnly,
      password: VALUES.drop,
      note: VALUES.unclassified,
      others: [VALUES.list],
      attributes: { segment: 'retail', tier: VALUES.map },
      shop: 'north',
      userId: 'agent-0815',
      ...more,
    },
  }
}

export interface Shop {
  readonly world: World
  /** Seals a call; resolves to its audit id. */
  seal(event: JsonObject): Promise<string>
  as(role: Send['role'], path: string, purpose?: string): Promise<Answer>
}

/** @param trail what the configuration says of the trail, besides its pack */
export async function openShop(trail = '', more = '', options: WorldOptions = {}): Promise<Shop> {
  const world = new World()
  mkdirSync(join(world.folder, 'shop'))
  writeFileSync(join(world.folder, 'shop/pack.yaml'), PACK)
  await world.start(shopYaml(trail, more), options)
  return {
    world,
    async seal(event) {
      const { body } = await world.send('/api/v1/events?trail=shop', event)
      await world.flush()
      return String(body['auditid'])
    },
    as: (role = 'admin', path, purpose) => world.get(path, role, purpose === undefined ? {} : { 'x-audit-purpose': purpose }),
  }
}

export function shopYaml(trail = '', more = ''): string {
  return `trails: { shop: { pack: ./shop${trail === '' ? '' : `, ${trail}`} } }\n${more}`
}
