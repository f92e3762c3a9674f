import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseRecord } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import { shapeOf } from '../../bench/shapes.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { Config } from '../../src/config/config.ts'
import type { Sealing } from '../../src/config/open-sealing.ts'
import type { InputResult } from '../../src/event/input.ts'
import { createLog } from '../../src/observe/log.ts'
import type { Log } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'
import { configFor, inputsOf } from './child.ts'
import type { ChildOptions } from './child.ts'

export type Trail = 'notifications' | 'interactions'
export const TRAILS: readonly Trail[] = ['notifications', 'interactions']
/** Held until the test says so. */
export const HELD: ChildOptions = { sequence: [60_000, 60_000, 60_000] }
export const quiet: Log = createLog({ level: 'error', now: Date.now, write: () => {} })

const shapes = { notifications: shapeOf('notifications'), interactions: shapeOf('interactions') }

/** Receipts from this serial number on are so large that their records name an object. */
export const LARGE = 1_000_000

/** The event of a serial number, the same text each time; ten interactions in a row make one call. */
export function eventText(trail: Trail, serial: number): string {
  if (serial >= LARGE) return largeReceipt(serial)
  return shapes[trail].batch([serial]).subarray(1, -1).toString()
}

function largeReceipt(serial: number): string {
  const details = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`flag_number_${i}`, (i + serial) % 2 === 0]))
  return JSON.stringify({
    message_uuid: `large-${serial}`,
    delivery_status: 'DELIVERED',
    customer_external_id: `CUST_${serial}`,
    carrier_receipt_timestamp: '2026-03-01T09:00:00Z',
    details: { note: `of nobody’s business ${serial}`, ...details },
  })
}

export function temporary(): { data: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-crash-'))
  return { data: join(folder, 'data'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** What was sent, and what was promised for it: every answer received before the server died. */
export class Book {
  readonly sent: Record<Trail, Set<number>> = { notifications: new Set(), interactions: new Set() }
  readonly promised: Record<Trail, Map<number, { auditid: string; index: number | null }>> = { notifications: new Map(), interactions: new Map() }

  /** What each recovery on the way found. */
  readonly findings: string[][] = []

  note(trail: Trail, serials: readonly number[], results: readonly InputResult[]): void {
    assert.equal(results.length, serials.length)
    results.forEach((result, i) => {
      assert.ok(['sealed', 'held', 'duplicate'].includes(result.outcome), `${trail} ${serials[i]}: ${JSON.stringify(result)}`)
      const serial = serials[i] as number
      const auditid = result.auditid as string
      const before = this.promised[trail].get(serial)
      if (before !== undefined) assert.equal(auditid, before.auditid, 'a resend is answered with the record that stands')
      const index = result.receipt?.index ?? before?.index ?? null
      if (before?.index != null) assert.equal(index, before.index)
      this.promised[trail].set(serial, { auditid, index })
    })
  }

  get size(): number {
    return TRAILS.reduce((sum, trail) => sum + this.promised[trail].size, 0)
  }
}

/** A server in another process. */
export class Child {
  readonly #process: ChildProcess
  readonly #book: Book
  readonly #waiting = new Map<string, (message: Record<string, unknown>) => void>()
  /** The signal that ended it. */
  readonly ended: Promise<NodeJS.Signals | null>
  readonly #here: Promise<void>
  #next = 0
  #dead = false

  constructor(data: string, book: Book, options: ChildOptions = HELD) {
    this.#book = book
    this.#process = fork(join(import.meta.dirname, 'child.ts'), [data, JSON.stringify(options)], {
      execArgv: ['--conditions=@sealtrail/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.ended = new Promise((resolve) =>
      this.#process.once('exit', (_, signal) => {
        this.#dead = true
        for (const wake of this.#waiting.values()) wake({ dead: true })
        resolve(signal)
      }),
    )
    this.#here = new Promise((resolve) => this.#waiting.set('here', () => resolve()))
    this.#process.on('message', (message: 'here' | Record<string, unknown>) => {
      if (message === 'here') return this.#wake('here', {})
      for (const key of ['submit', 'flush']) if (key in message) return this.#wake(`${key}${String(message[key])}`, message)
      this.#wake('open', message)
    })
  }

  /** Opens the data directory, dying at the crash point if one is given; resolves to what recovery found, or null when it died. */
  async open(crashAt: string | null = null): Promise<string[] | null> {
    await this.#here
    const message = await this.#ask('open', { open: crashAt })
    if ('dead' in message) return null
    assert.ok('ready' in message, JSON.stringify(message))
    this.#book.findings.push(message['ready'] as string[])
    return message['ready'] as string[]
  }

  arm(crashAt: string): void {
    this.#process.send({ arm: crashAt })
  }

  /** Sends events and writes what was answered into the book; false when the server died before it answered. */
  async submit(trail: Trail, serials: readonly number[]): Promise<boolean> {
    for (const serial of serials) this.#book.sent[trail].add(serial)
    const submit = ++this.#next
    const message = await this.#ask(`submit${submit}`, { submit, trail, events: serials.map((serial) => eventText(trail, serial)) })
    if ('dead' in message) return false
    assert.ok('results' in message, JSON.stringify(message))
    this.#book.note(trail, serials, message['results'] as InputResult[])
    return true
  }

  async flush(): Promise<boolean> {
    const flush = ++this.#next
    return !('dead' in (await this.#ask(`flush${flush}`, { flush })))
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  async close(): Promise<void> {
    this.#process.send({ close: true })
    assert.equal(await this.ended, null)
  }

  #ask(key: string, message: object): Promise<Record<string, unknown>> {
    if (this.#dead) return Promise.resolve({ dead: true })
    return new Promise((resolve) => {
      this.#waiting.set(key, resolve)
      // An answer to a process that is gone: its exit says so.
      this.#process.send(message, () => {})
    })
  }

  #wake(key: string, message: Record<string, unknown>): void {
    this.#waiting.get(key)?.(message)
    this.#waiting.delete(key)
  }
}

export function open(data: string, options: { log?: Log; now?: () => number; clock?: Config['clock']; answerWithinMs?: number } = {}): Promise<Local> {
  const config = configFor(data, HELD.sequence)
  return openLocal(
    { ...config, clock: options.clock ?? config.clock, limits: { ...config.limits, answerWithinMs: options.answerWithinMs ?? config.limits.answerWithinMs } },
    { log: options.log ?? quiet, ...(options.now === undefined ? {} : { now: options.now }) },
  )
}

/** Sends events to a server in this process, in batches, and writes down what it answers. */
export async function send(local: Local, book: Book, trail: Trail, serials: readonly number[]): Promise<void> {
  for (let at = 0; at < serials.length; at += 200) {
    const some = serials.slice(at, at + 200)
    for (const serial of some) book.sent[trail].add(serial)
    const texts = some.map((serial) => eventText(trail, serial))
    const results = await local.served.intake.submit(inputsOf(trail, texts), { wait: 'sealed', receipts: 'lean' })
    some.forEach((serial, i) => {
      // Else the resend would hide that it was lost.
      if (book.promised[trail].has(serial)) assert.equal(results[i]?.outcome, 'duplicate', `${trail} ${serial} was promised`)
    })
    book.note(trail, some, results)
  }
}

export async function recordsOf(sealing: Sealing, log: string): Promise<RecordFields[]> {
  const records: RecordFields[] = []
  for await (const bytes of sealing.records.range(log, 0, sealing.sizes.get(log))) records.push(parseRecord(bytes))
  return records
}

/**
 * Starts the server again, sends everything once more, and holds the logs against the book: nothing promised is lost,
 * nothing is twice, subjects are numbered without a gap in their logical order, every commitment has its disclosure, and
 * the audit finds nothing. Resolves to what recovery found.
 */
export async function comesBackWhole(data: string, book: Book): Promise<string[]> {
  const local = await open(data)
  const findings = [...local.sealing.findings]
  try {
    for (const trail of TRAILS) await send(local, book, trail, shuffled([...book.sent[trail]]))
    await local.sealing.flush()
    assert.equal(local.sealing.trouble(), null)
    for (const trail of TRAILS) checkRecords(await recordsOf(local.sealing, trail), trail, book)
  } finally {
    await local.close()
  }
  await auditedWhole(data).catch((error: Error) => {
    throw new Error([error.message, ...[...book.findings, findings].map((found) => found.join('\n'))].join('\n--\n'))
  })
  return findings
}

/** The audit of `sealtrail verify` finds nothing, and every commitment opens. */
export async function auditedWhole(data: string): Promise<void> {
  const verdicts = await auditDirectory(data, { key: null, vault: true, now: Date.now })
  assert.deepEqual(
    verdicts.flatMap(({ log, problems }) => problems.map((problem) => ({ log, ...problem }))),
    [],
  )
  for (const { log, ok, commitments } of verdicts) {
    assert.ok(ok, log)
    assert.equal(commitments?.missing, 0)
  }
}

function checkRecords(records: readonly RecordFields[], trail: Trail, book: Book): void {
  assert.equal(records.length, book.sent[trail].size, `${trail}: each event sent is one record`)
  assert.equal(new Set(records.map(({ id }) => id)).size, records.length)
  const at = new Map(records.map(({ auditid }, index) => [auditid, index]))
  assert.equal(at.size, records.length)
  for (const [serial, { auditid, index }] of book.promised[trail]) {
    assert.ok(at.has(auditid), `${trail} ${serial} was promised and is not there`)
    if (index !== null) assert.equal(at.get(auditid), index, `${trail} ${serial} was promised at another index`)
  }
  const subjects = new Map<string, { count: number; newest: number }>()
  for (const record of records) {
    const subject = subjects.get(record.subject) ?? { count: 0, newest: -Infinity }
    const time = Date.parse(record.time as string)
    assert.equal(record.subjectsequence, subject.count + 1, `${record.subject}: no gap in the numbers`)
    assert.equal(record.late, trail === 'interactions' && time < subject.newest, `${record.subject} ${record.subjectsequence}: late or in order`)
    subjects.set(record.subject, { count: record.subjectsequence, newest: Math.max(subject.newest, time) })
  }
}

export function shuffled<T>(items: readonly T[]): T[] {
  const list = [...items]
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[list[i], list[j]] = [list[j] as T, list[i] as T]
  }
  return list
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
