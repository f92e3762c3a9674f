import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKS = join(import.meta.dirname, '..', '..', '..', 'packs')
const START = Date.now() - 3_600_000
/** Who is erased. */
const WHO = 4_242

interface PeopleShape {
  readonly events: number
  readonly phone: string
  readonly aliases: ReadonlyArray<readonly [kind: string, value: string]>
  /** Events from one number on, of one trail; `to` says behind which it ends. */
  batch(from: number, to: number): { readonly trail: string; readonly body: string; readonly to: number }
}

/** Receipts of so many people in turn, and calls of ten events; events tell times of the last hour. */
export function peopleShape({ records, people, calls }: { readonly records: number; readonly people: number; readonly calls: number }): PeopleShape {
  const receipt = sample('genesys-notifications', 'campaign-sms-failed')
  const legs = ['topic-01-customer.start', 'topic-08-user.start', 'topic-10-user.end', 'topic-11-acw', 'topic-14-customer.end'].map((name) =>
    sample('genesys-interactions', name),
  )
  const inCalls = calls * legs.length
  const who = WHO % people
  return {
    events: records,
    phone: phoneOf(who),
    aliases: [
      ['phone', phoneOf(who)],
      ['external-id', crmOf(who)],
    ],
    batch(from, to) {
      const trail = from < inCalls ? 'interactions' : 'notifications'
      const end = trail === 'interactions' ? Math.min(to, inCalls) : to
      const list: string[] = []
      for (let n = from; n < end; n++) {
        if (trail === 'notifications') list.push(filled(receipt, n, n % people))
        else {
          const call = Math.floor(n / legs.length)
          // The person's own call comes first.
          list.push(filled(legs[n % legs.length] as string, n, call === 0 ? who : call % people, call))
        }
      }
      return { trail, body: `[${list.join(',')}]`, to: end }
    },
  }
}

function sample(pack: string, name: string): string {
  return JSON.stringify(JSON.parse(readFileSync(join(PACKS, pack, 'samples', `${name}.json`), 'utf8')))
}

function filled(text: string, n: number, person: number, call: number = n): string {
  return text
    .replace(/"conversationId":"[0-9a-f-]{36}"/, `"conversationId":"${uuid(call, 1)}"`)
    .replace(/"outboundContactId":"[^"]+"/, `"outboundContactId":"${crmOf(person)}"`)
    .replace(/"contactPhoneNumber":"\+\d+"/, `"contactPhoneNumber":"${phoneOf(person)}"`)
    .replace(/"ani":"(?:tel:)?\+\d+"/, `"ani":"tel:${phoneOf(person)}"`)
    .replace(/"id":"[0-9a-f-]{36}"/, `"id":"${uuid(n, 2)}"`)
    .replace(/"eventTime":\d{13}/, `"eventTime":${START + n}`)
}

/** Spread over the whole key space, as real ids are. */
function uuid(n: number, kind: number): string {
  const a = Math.imul(n + kind * 7919, 0x9e3779b1) >>> 0
  const b = Math.imul(n ^ 0x5bd1e995, 0x85ebca6b) >>> 0
  const hex = a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0') + (n * 8 + kind).toString(16).padStart(16, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

function phoneOf(person: number): string {
  return '+1317' + String(5_550_000 + person).padStart(7, '0')
}

function crmOf(person: number): string {
  return 'CRM-' + String(person).padStart(5, '0')
}
