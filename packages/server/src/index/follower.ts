import { isAuditId } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Forgotten, Index, Token } from './index.ts'
import type { Records } from './records.ts'

/** One commit as the sealing thread made it. */
export interface Commit {
  readonly log: string
  readonly first: number
  readonly records: readonly Uint8Array[]
  /** One list per record, or null: they are read from the vault. */
  readonly tokens: ReadonlyArray<readonly Token[]> | null
}

export interface FollowerDeps {
  readonly index: Index
  readonly records: Records
  /** The search tokens the vault keeps beside the disclosures of a record; none when the row is gone. */
  tokens(auditids: readonly string[]): Promise<ReadonlyArray<readonly Token[]>>
  /** Told after each write. */
  onProgress?(log: string, size: number): void
  /** Told when the index cannot be written; the follower has stopped, and what it lacks is read from the segments. */
  onFailure(error: unknown): void
}

/** Records in one write: a commit of 500 is one, a backlog goes in steps that keep memory flat. */
const STEP = 2_000
/** Commits kept in memory while the index is busy; older ones are read again from the segments. */
const MAX_QUEUED_RECORDS = 20_000

/**
 * Keeps the index behind the logs: takes commits as they come and reads what it missed from the segments. It may miss
 * commits, get them twice or late; the index itself says how far it is, so the result is the same.
 */
export class Follower {
  readonly #deps: FollowerDeps
  #queue: Commit[] = []
  #queued = 0
  #running: Promise<void> | null = null
  #stopped = false

  constructor(deps: FollowerDeps) {
    this.#deps = deps
  }

  /** Takes a commit; never waits and never throws. */
  push(commit: Commit): void {
    if (this.#stopped) return
    if (this.#queued < MAX_QUEUED_RECORDS) {
      this.#queue.push(commit)
      this.#queued += commit.records.length
    } else {
      this.#queue.push({ log: commit.log, first: commit.first + commit.records.length, records: [], tokens: [] })
    }
    this.#run()
  }

  /** Brings the index to the committed size of every log; resolves when it is there, or the follower has stopped. */
  async catchUp(): Promise<void> {
    for (const log of this.#deps.records.logs()) this.push({ log, first: this.#deps.records.size(log), records: [], tokens: [] })
    await this.idle()
  }

  /** Has the index forget records that it holds, before their segments go; their tokens are looked up beside their disclosures. */
  async forget(log: string, first: number, records: readonly Uint8Array[]): Promise<void> {
    await this.idle()
    await this.#deps.index.forget({ log, first, records, tokens: await this.#tokensOf(records) })
  }

  /**
   * Has the index forget tokens of records that it holds, once it holds everything committed: tokens it had read before they
   * were erased are in it by then. @throws SealtrailError INDEX_BEHIND when it is not written any more
   */
  async forgetTokens(log: string, records: readonly Forgotten[]): Promise<void> {
    const { index, records: sealed } = this.#deps
    const size = sealed.size(log)
    this.push({ log, first: size, records: [], tokens: [] })
    await this.idle()
    if (index.size(log) < size) throw new SealtrailError('INDEX_BEHIND')
    await index.forgetTokens(log, records)
  }

  /** Resolves when nothing pushed is waiting. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  /** Takes nothing more, and lets the write under way end. */
  async close(): Promise<void> {
    this.#stopped = true
    this.#queue = []
    await this.idle()
  }

  /** False once it has stopped. */
  get following(): boolean {
    return !this.#stopped
  }

  #run(): void {
    if (this.#running !== null) return
    this.#running = this.#drain()
      .catch((error: unknown) => {
        this.#stopped = true
        this.#queue = []
        this.#deps.onFailure(error)
      })
      .finally(() => {
        this.#running = null
        if (this.#queue.length > 0) this.#run()
      })
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const { log, first, records, tokens } = this.#together()
      if (first > this.#deps.index.size(log)) await this.#readUpTo(log, first)
      if (this.#stopped) return
      if (records.length === 0) continue
      await this.#apply(log, first, records, tokens)
    }
  }

  /** The next commits of one log that follow each other, as one. */
  #together(): Commit {
    const head = this.#queue[0] as Commit
    let count = 0
    let records = 0
    for (const each of this.#queue) {
      const follows = each.log === head.log && each.first === head.first + records && (each.tokens === null) === (head.tokens === null)
      if (count > 0 && (!follows || records + each.records.length > STEP)) break
      count++
      records += each.records.length
    }
    const commits = this.#queue.splice(0, count)
    this.#queued -= records
    if (count === 1) return head
    return {
      log: head.log,
      first: head.first,
      records: commits.flatMap((each) => each.records),
      tokens: head.tokens === null ? null : commits.flatMap((each) => each.tokens ?? []),
    }
  }

  async #readUpTo(log: string, size: number): Promise<void> {
    let first = this.#deps.index.size(log)
    let step: Uint8Array[] = []
    for await (const record of this.#deps.records.range(log, first, size)) {
      if (this.#stopped) return
      if (step.push(record) < STEP) continue
      await this.#apply(log, first, step, null)
      first += step.length
      step = []
    }
    if (step.length > 0) await this.#apply(log, first, step, null)
  }

  async #tokensOf(records: readonly Uint8Array[]): Promise<Array<readonly Token[]>> {
    const auditids = records.map(auditidOf)
    const asked = auditids.filter(isAuditId)
    const found = await this.#deps.tokens(asked)
    const byId = new Map(asked.map((auditid, i) => [auditid, found[i] ?? []]))
    return auditids.map((auditid) => byId.get(auditid) ?? [])
  }

  async #apply(log: string, first: number, records: readonly Uint8Array[], known: ReadonlyArray<readonly Token[]> | null): Promise<void> {
    const tokens = known ?? (await this.#tokensOf(records))
    await this.#deps.index.apply({ log, first, records, tokens })
    this.#deps.onProgress?.(log, first + records.length)
  }
}

/** The audit id comes first in a canonical record: `{"auditid":"` and 26 characters. Damaged bytes give a text that is none. */
function auditidOf(record: Uint8Array): string {
  return Buffer.from(record.buffer, record.byteOffset, record.byteLength).toString('latin1', 12, 38)
}
