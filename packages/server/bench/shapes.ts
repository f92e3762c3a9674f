import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PACKS = join(import.meta.dirname, '..', '..', '..', 'packs')

/** Real-shaped events of about 1.1 KB that differ only where digits are written over: ids, phone numbers, times. */
export interface Shape {
  readonly name: 'notifications' | 'interactions'
  readonly eventBytes: number
  /** A batch of events with these serial numbers as a JSON array. */
  batch(serials: readonly number[]): Buffer
}

const TYPES = [
  'topic-01-customer.start',
  'topic-02-flow.start',
  'topic-04-flow.end',
  'topic-05-acd.start',
  'topic-07-acd.end',
  'topic-08-user.start',
  'topic-10-user.end',
  'topic-11-acw',
  'topic-14-customer.end',
  'topic-15-wrapup',
]
/** Events tell the time at which they happen, as live ones do; one serial, one time, so that a resend is the same event. */
const START = Date.now()
const now = (n: number): string => String(START + Math.floor(n / 10))
/** Phone numbers in use: people who come back. */
const PEOPLE = 50_000

export function shapeOf(name: Shape['name']): Shape {
  return name === 'notifications' ? notifications() : interactions()
}

/** A campaign's failed SMS: one message an event. */
function notifications(): Shape {
  const text = compact('genesys-notifications', 'campaign-sms-failed')
  const event = template(text, [
    [/"conversationId":"([0-9a-f-]{36})"/, (n) => uuid(n)],
    [/"outboundContactId":"([^"]+)"/, (n) => 'CRM-' + String(person(n)).padStart(5, '0')],
    [/"contactPhoneNumber":"(\+\d+)"/, (n) => phone(n)],
    [/"id":"([0-9a-f-]{36})"/, (n) => uuid(n + 5e9)],
    [/"eventTime":(\d{13})/, now],
  ])
  return { name: 'notifications', eventBytes: event.bytes, batch: (serials) => join_(serials.map((n) => event.at(n))) }
}

/** Calls of ten events; the events of one call follow each other. */
function interactions(): Shape {
  const events = TYPES.map((type) => {
    const text = compact('genesys-interactions', type)
    const conversation = /"conversationId":"([0-9a-f-]{36})"/.exec(text)?.[1] as string
    return template(text.replaceAll(conversation, '@'.repeat(36)), [
      [/(@{36})/g, (n) => uuid(Math.floor(n / TYPES.length))],
      [/"ani":"(?:tel:)?(\+\d+)"/, (n) => phone(Math.floor(n / TYPES.length))],
      [/"id":"([0-9a-f-]{36})"/, (n) => uuid(n + 5e9)],
      [/"eventTime":(\d{13})/, (n) => String(START + n)],
    ])
  })
  const bytes = Math.round(events.reduce((sum, event) => sum + event.bytes, 0) / events.length)
  return { name: 'interactions', eventBytes: bytes, batch: (serials) => join_(serials.map((n) => (events[n % TYPES.length] as Template).at(n))) }
}

interface Template {
  readonly bytes: number
  at(serial: number): string
}

function template(text: string, slots: ReadonlyArray<[RegExp, (serial: number) => string]>): Template {
  const cuts: Array<{ from: number; to: number; make: (serial: number) => string }> = []
  for (const [pattern, make] of slots) {
    for (const match of text.matchAll(new RegExp(pattern.source, 'g'))) {
      const from = match.index + match[0].lastIndexOf(match[1] as string)
      cuts.push({ from, to: from + (match[1] as string).length, make })
      if (!pattern.global) break
    }
  }
  cuts.sort((a, b) => a.from - b.from)
  const parts: string[] = []
  let at = 0
  for (const { from, to } of cuts) {
    parts.push(text.slice(at, from))
    at = to
  }
  const tail = text.slice(at)
  return {
    bytes: Buffer.byteLength(text),
    at(serial) {
      let out = ''
      for (let i = 0; i < cuts.length; i++) out += parts[i] + (cuts[i] as (typeof cuts)[number]).make(serial)
      return out + tail
    },
  }
}

function compact(pack: string, sample: string): string {
  return JSON.stringify(JSON.parse(readFileSync(join(PACKS, pack, 'samples', `${sample}.json`), 'utf8')))
}

/** Spread over the whole key space, as real ids are: a B-tree must not see them in order. */
function uuid(n: number): string {
  const a = Math.imul(n, 0x9e3779b1) >>> 0
  const b = Math.imul(n ^ 0x5bd1e995, 0x85ebca6b) >>> 0
  const hex = a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0') + n.toString(16).padStart(16, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

function phone(n: number): string {
  return '+1317' + String(5_550_000 + person(n)).padStart(7, '0')
}

function person(n: number): number {
  return (Math.imul(n, 7919) >>> 0) % PEOPLE
}

function join_(events: readonly string[]): Buffer {
  return Buffer.from('[' + events.join(',') + ']')
}
