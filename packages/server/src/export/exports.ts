import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { errorFields } from '../observe/log.ts'
import type { Opening } from '../index/views.ts'
import { nameParts } from '../observe/name-parts.ts'
import type { Log } from '../observe/log.ts'
import type { AccessGround } from './access.ts'
import type { ExportAsked, ExportJob, ExportMade, ExportOrder, MakeExport, Requester } from './export.ts'

export interface ExportsDeps {
  /** `exportFolder` of a data directory; files in it are readable by the server's user only. */
  readonly folder: string
  readonly make: MakeExport
  /** Whom these names lead to. @throws SealtrailError NOT_FOUND, BAD_REQUEST */
  access(aliases: readonly string[]): Promise<AccessGround>
  /** What grants open to whoever asks, now. */
  openings(requester: Requester): Promise<readonly Opening[]>
  /** Seals what was exported in the system trail; durable when it resolves. */
  system(event: { what: string; subject: string; id: string; data: JsonObject }): Promise<void>
  readonly now: () => number
  readonly keepMs: number
  readonly log: Log
}

/** Where the exports of a data directory lie. */
export function exportFolder(data: string): string {
  return join(data, 'exports')
}

/** The zip of a ready export in that folder. */
export function bundlePath(folder: string, id: string): string {
  return join(folder, `${id}.zip`)
}

type Ordered = Omit<ExportOrder, 'openings' | 'access'>

/** Runs named in one system record: it holds 65,535 bytes. */
const RUNS_AT_ONCE = 1_500
const MOST_WAITING = 100

/** Exports, one made at a time. Nothing can be fetched before it is sealed who got it. */
export class Exports {
  readonly #deps: ExportsDeps
  readonly #jobs = new Map<string, ExportJob>()
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #closing = false

  constructor(deps: ExportsDeps) {
    this.#deps = deps
    mkdirSync(deps.folder, { recursive: true, mode: 0o700 })
    this.#recover()
  }

  /** Takes an order; it is made after those before it. @throws SealtrailError OVERLOADED, NOT_READY */
  create(asked: ExportAsked, requester: Requester): ExportJob {
    if (this.#closing) throw new SealtrailError('NOT_READY', 'the server is closing')
    if (this.#waiting >= MOST_WAITING) throw new SealtrailError('OVERLOADED', `${MOST_WAITING} exports are waiting`)
    this.expire()
    const createdMs = this.#deps.now()
    const order: Ordered = { id: randomBytes(16).toString('hex'), asked, requester, createdMs }
    const job: ExportJob = { id: order.id, state: 'queued', kind: asked.kind, created: new Date(createdMs).toISOString(), requester, records: 0, expires: null }
    this.#keep(job)
    this.#waiting++
    this.#last = this.#last.then(() => this.#run(order)).finally(() => void this.#waiting--)
    return job
  }

  /** Newest first. */
  list(): ExportJob[] {
    this.expire()
    return [...this.#jobs.values()].sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : a.id < b.id ? 1 : -1))
  }

  get(id: string): ExportJob | null {
    this.expire()
    return this.#jobs.get(id) ?? null
  }

  path(id: string): string {
    return bundlePath(this.#deps.folder, id)
  }

  /** Removes what is older than it may be. */
  expire(): void {
    const now = this.#deps.now()
    for (const job of this.#jobs.values()) {
      const over = job.expires === null ? job.state === 'failed' && Date.parse(job.created) + this.#deps.keepMs <= now : Date.parse(job.expires) <= now
      if (over) this.remove([job.id])
    }
  }

  /** Resolves when every export asked for by now is made, or has failed. */
  async idle(): Promise<void> {
    await this.#last
  }

  /** Whether its file is here. */
  has(id: string): boolean {
    return existsSync(this.path(id))
  }

  /** Removes exports before their time; that one is gone already is success. */
  remove(ids: readonly string[]): void {
    for (const id of ids) {
      rmSync(this.path(id), { force: true })
      rmSync(this.#file(id), { force: true })
      this.#jobs.delete(id)
    }
  }

  /** Resolves when no export is under way; what waits is given up. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#last
  }

  async #run(order: Ordered): Promise<void> {
    const { make, openings, access, log } = this.#deps
    let job = this.#jobs.get(order.id) as ExportJob
    const set = (change: Partial<ExportJob>): void => this.#keep((job = { ...job, ...change }))
    try {
      if (this.#closing) throw new SealtrailError('NOT_READY', 'the server closed before it was made')
      set({ state: 'running' })
      const person = order.asked.kind === 'subject-access' ? await access(order.asked.aliases) : null
      const made = await make(
        { ...order, openings: await openings(order.requester), access: person },
        this.path(order.id),
        (records) => void this.#jobs.set(order.id, (job = { ...job, records })),
      )
      const { unfitStamps } = made
      if (unfitStamps.length > 0)
        log.warn('time stamps that do not verify were left out of an export: see `sealtrail verify`', {
          id: order.id,
          stamps: unfitStamps.length,
          code: unfitStamps[0],
        })
      await this.#seal(order, made)
      const expires = new Date(this.#deps.now() + this.#deps.keepMs).toISOString()
      set({ state: 'ready', records: made.records, size: made.size, sha256: made.sha256, manifest: made.manifest, expires })
    } catch (error) {
      rmSync(this.path(order.id), { force: true })
      const known = error instanceof SealtrailError
      if (!known) log.error('an export failed', { ...errorFields(error), id: order.id })
      const room = !known && (error as NodeJS.ErrnoException | null)?.code === 'ENOSPC'
      const code = known ? error.code : room ? 'DATA_UNWRITABLE' : 'INTERNAL'
      const message = known ? error.message : room ? 'no room on the disk' : 'see the log of the server'
      try {
        set({ state: 'failed', error: { code, message } })
      } catch (cause) {
        this.#jobs.set(order.id, { ...job, state: 'failed', error: { code, message } })
        log.error('the state of an export cannot be written', errorFields(cause))
      }
    }
  }

  /** Who got what: kind and counts, records by number, digests; never what a person was called. */
  async #seal({ id, asked, requester, createdMs }: Ordered, made: ExportMade): Promise<void> {
    const all = made.logs.flatMap(({ log }) => (made.runs[log] ?? []).map(([from, to]) => ({ log, from, to })))
    const fields = Object.entries(made.disclosed).flatMap(([log, paths]) => nameParts(paths).map((part) => ({ fields: part, log })))
    const parts = Math.max(1, Math.ceil(all.length / RUNS_AT_ONCE), fields.length)
    for (let part = 0; part < parts; part++) {
      await this.#deps.system({
        what: 'export',
        subject: `export/${id}`,
        id: `export/${id}/${part}`,
        data: {
          asked: asked.kind === 'query' ? { kind: asked.kind, parameters: Object.keys(asked.query).sort() } : { kind: asked.kind },
          at: new Date(createdMs).toISOString(),
          disclosed: made.logs.reduce((sum, { fields }) => sum + fields.disclosed, 0),
          disclosed_fields: fields.slice(part, part + 1),
          logs: made.logs.map(({ log, size, root, records, published }) => ({ log, published, records, root, size })),
          manifest: made.manifest,
          part: part + 1,
          parts,
          purpose: requester.purpose,
          records: made.records,
          role: requester.role,
          runs: all.slice(part * RUNS_AT_ONCE, (part + 1) * RUNS_AT_ONCE),
          sha256: made.sha256,
          token: requester.name,
        },
      })
    }
  }

  #file(id: string): string {
    return join(this.#deps.folder, `${id}.json`)
  }

  #keep(job: ExportJob): void {
    this.#jobs.set(job.id, job)
    const path = this.#file(job.id)
    writeFileSync(`${path}.next`, `${JSON.stringify(job)}\n`, { mode: 0o600 })
    renameSync(`${path}.next`, path)
  }

  /** What a run before this one left: ready files stay, what was under way is gone, parts are swept. */
  #recover(): void {
    const { folder, log } = this.#deps
    for (const name of readdirSync(folder)) {
      const id = /^([0-9a-f]{32})\.json$/.exec(name)?.[1]
      if (id === undefined) continue
      try {
        const job = JSON.parse(readFileSync(join(folder, name), 'utf8')) as ExportJob
        const whole = job.state === 'ready' && existsSync(this.path(id))
        if (whole || job.state === 'failed') this.#jobs.set(id, job)
        else this.#keep({ ...job, id, state: 'failed', expires: null, error: { code: 'NOT_READY', message: 'the server ended before it was made; ask again' } })
      } catch (error) {
        log.warn('an export cannot be read and is removed', errorFields(error))
        rmSync(join(folder, name), { force: true })
      }
    }
    for (const name of readdirSync(folder)) {
      const id = name.slice(0, 32)
      const kept = (name === `${id}.json` && this.#jobs.has(id)) || (name === `${id}.zip` && this.#jobs.get(id)?.state === 'ready')
      if (!kept) rmSync(join(folder, name), { recursive: true, force: true })
    }
  }
}
