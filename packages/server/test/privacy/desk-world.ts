// A desk of erasures over memory: people, records and holds are what the test says, files are real.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CertificateBody, RecordFields } from '@sealtrail/evidence'
import type { JsonObject } from '../../src/event/json.ts'
import { SealtrailError } from '../../src/errors.ts'
import { createLog } from '../../src/observe/log.ts'
import { blocksOf } from '../../src/privacy/blocks.ts'
import { ClassFlags } from '../../src/privacy/class-flags.ts'
import type { AffectedRecord, EraseOrder, Eraser, Found } from '../../src/privacy/eraser.ts'
import type { ErasureDesk } from '../../src/privacy/erasure.ts'
import { erasureDesk } from '../../src/privacy/erasure-desk.ts'
import { ErasureKeeper } from '../../src/privacy/erasure-keeper.ts'
import { Erasures } from '../../src/privacy/erasures.ts'
import type { People } from '../../src/privacy/people.ts'
import { ErasureFiles } from '../../src/privacy/work-file.ts'
import { Holds } from '../../src/retain/holds.ts'

export const DAY = 86_400_000
const bytes = (name: string): string => name.padEnd(16, '.')

export class DeskWorld implements People {
  readonly folder = mkdtempSync(join(tmpdir(), 'sealtrail-desk-'))
  readonly files = new ErasureFiles(this.folder, 'here/system', { tokens: (text) => [createHash('sha256').update(text).digest('latin1').slice(0, 16)] })
  /** What is sealed in `system`; it outlives the process. */
  readonly sealed: RecordFields[] = []
  /** Alias → keys. */
  readonly aliases = new Map<string, string[]>()
  /** Key → the erasure that destroyed it. */
  readonly tombstones = new Map<string, string>()
  /** Key → records under it. */
  readonly records = new Map<string, AffectedRecord[]>()
  readonly duties = new Map<string, { basis: string; periodMs: number }>()
  readonly orders: EraseOrder[] = []
  nowMs = Date.UTC(2026, 5, 1)
  waiting = 0
  /** Called while values are looked for, and while they are destroyed. */
  onFind: () => Promise<void> | void = () => {}
  onExecute: () => Promise<void> | void = () => {}
  onSeal: (what: string) => void = () => {}
  approveWithinMs: number | null = null
  erasures!: Erasures
  holds!: Holds
  keeper!: ErasureKeeper
  desk!: ErasureDesk
  #read = 0
  #ids = 0

  constructor(approveWithinMs: number | null = null) {
    this.approveWithinMs = approveWithinMs
    this.start()
  }

  /** As a process that comes up: memory is new, what is sealed and on disk stays. */
  start(): void {
    this.erasures = new Erasures()
    this.holds = new Holds()
    this.#read = 0
    const common = {
      erasures: this.erasures,
      fold: { catchUp: async () => this.#catchUp() },
      files: this.files,
      people: this as People,
      eraser: this.eraser(),
      blocks: (list: readonly AffectedRecord[]) =>
        blocksOf(list, { holds: this.holds, classFlags: new ClassFlags(), duties: { byLog: this.duties, ofClass: () => null }, now: () => this.nowMs }),
      seal: (event: { what: string; subject: string; id: string; data: JsonObject }) => this.seal(event),
      alone: <T>(work: () => Promise<T>) => this.alone(work),
      now: () => this.nowMs,
    }
    const log = createLog({ now: Date.now, level: 'error', write: () => {} })
    this.keeper = new ErasureKeeper({ ...common, heldMs: 10 * DAY, log, retryMs: 2, mostRetryMs: 8 })
    this.desk = erasureDesk({
      ...common,
      keeper: this.keeper,
      exportsOf: async () => [],
      trailOf: (name) => name,
      approveWithinMs: this.approveWithinMs,
      answerWithinMs: 5_000,
      newId: () => (++this.#ids).toString(16).padStart(32, '0'),
    })
    this.#catchUp()
  }

  async end(): Promise<void> {
    await this.keeper.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #last: Promise<unknown> = Promise.resolve()
  alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  hold(id: string, subject: string, scope = 'content'): Promise<void> {
    return this.alone(() =>
      this.seal({ what: 'hold', subject: `hold/${id}`, id: `hold/${id}`, data: { hold: id, scope, subject, reason: `matter ${id}`, by: 'ann' } }),
    )
  }

  release(id: string): Promise<void> {
    return this.alone(() =>
      this.seal({ what: 'hold-released', subject: `hold/${id}`, id: `hold/${id}/released`, data: { hold: id, by: 'ann', reason: 'over' } }),
    )
  }

  readonly #seen = new Set<string>()
  async seal({ what, subject, id, data }: { what: string; subject: string; id: string; data: JsonObject }): Promise<void> {
    this.onSeal(what)
    if (!this.#seen.has(id)) {
      this.#seen.add(id)
      this.sealed.push({ type: `sealtrail.system.${what}`, subject, data, time: new Date(this.nowMs).toISOString() } as unknown as RecordFields)
    }
  }

  kinds(): string[] {
    return this.sealed.map(({ type }) => type.slice('sealtrail.system.'.length))
  }

  #catchUp(): void {
    for (; this.#read < this.sealed.length; this.#read++) {
      const record = this.sealed[this.#read] as RecordFields
      for (const part of [this.erasures, this.holds]) if (part.types.includes(record.type)) part.take(record)
    }
  }

  /** A person: keys by alias, one record each. */
  person(aliases: Record<string, string[]>, log = 'notifications'): void {
    for (const [alias, keys] of Object.entries(aliases)) {
      this.aliases.set(bytes(alias), keys.map(bytes))
      for (const key of keys.map(bytes)) if (!this.records.has(key)) this.records.set(key, [this.record(log, `subject of ${key.replaceAll('.', '')}`)])
    }
  }

  record(log: string, subject: string): AffectedRecord {
    return {
      log,
      index: 0,
      auditid: '0'.repeat(26),
      hash: `sha256:${'0'.repeat(64)}`,
      type: 't',
      time: null,
      status: 'READ',
      fields: [],
      subject,
      recordedtime: new Date(this.nowMs).toISOString(),
      withOthers: false,
    }
  }

  tokensOf(person: ReadonlyArray<{ value: string }>): string[] {
    return person.map(({ value }) => bytes(value))
  }

  async personOf(tokens: readonly string[]): Promise<{ keyIds: string[]; tokens: string[] }> {
    const known = new Set(tokens.filter((token) => this.aliases.has(token)))
    const keys = new Set<string>()
    for (let grew = true; grew;) {
      grew = false
      for (const [alias, ids] of this.aliases) {
        if (!known.has(alias) && !ids.some((id) => keys.has(id))) continue
        for (const id of ids) {
          if (keys.has(id) || this.tombstones.has(id)) continue
          keys.add(id)
          grew = true
        }
        if (!known.has(alias)) grew = known.add(alias) !== null
      }
    }
    return keys.size === 0 ? { keyIds: [], tokens: [] } : { keyIds: [...keys], tokens: [...known] }
  }

  async destroyedBy(keyIds: readonly string[]): Promise<Array<string | null>> {
    return keyIds.map((id) => this.tombstones.get(id) ?? null)
  }

  eraser(): Eraser {
    return {
      find: async ({ keyIds }): Promise<Found> => {
        await this.onFind()
        return { records: keyIds.flatMap((id) => this.records.get(id) ?? []), interactions: [], waiting: this.waiting, quarantined: { named: 0, others: 0 } }
      },
      execute: async (order, onProgress): Promise<CertificateBody> => {
        this.orders.push(order)
        onProgress?.('destroy keys', 1)
        await this.onExecute()
        for (const id of order.person.keyIds) this.tombstones.set(id, order.id)
        for (const token of order.person.tokens) this.aliases.delete(token)
        if (this.sealed.at(-1) === undefined) throw new SealtrailError('INTERNAL')
        return { id: order.id, records: order.person.keyIds.flatMap((id) => this.records.get(id) ?? []) } as unknown as CertificateBody
      },
    }
  }
}
