import { SealtrailError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { Connections } from '../post.ts'
import { askAuthority, askPatiently, checkRevocation } from './authority.ts'
import type { AskEnv, Authority, Refusal, Stamped } from './authority.ts'
import { TimestampHealth } from './health.ts'
import type { AuthorityEvent } from './health.ts'
import { writeForReaders } from './reader-files.ts'
import { RevocationLists } from './revocation.ts'
import { encodeStored, listTimestamps } from './stored.ts'
import type { StoreObject } from './stored.ts'

export interface StamperDeps {
  readonly data: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly authorities: readonly Authority[]
  readonly logs: readonly string[]
  /**
   * A checkpoint of the log beyond this size, its signature checked: the published one, and only where that has not grown
   * the committed one, so that trusted time does not depend on witnesses. Null: there is none.
   */
  checkpoint(log: string, beyond: number): { readonly note: string; readonly size: number } | null
  /** Stores an object write-once and reads it back. @throws SealtrailError NOT_DURABLE and what else the store throws */
  put(log: string, object: StoreObject): Promise<void>
  /** Told when an authority begins and ends to fail. */
  tell(event: AuthorityEvent): void
  /** Told after each round that changed it: what is wrong, one line each. */
  onNotes?(notes: readonly string[]): void
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
  readonly log: Log
  readonly metrics: Metrics
  /** How retries wait; a test does not. */
  readonly sleep?: (ms: number) => Promise<void>
}

/**
 * Has the newest checkpoint of each log time-stamped by every authority, at start, at every interval, and at the end when
 * it grew. A token is kept only after it passed every check. Reads the logs and writes beside them: nothing that goes wrong
 * here holds an event back, and nothing goes wrong silently.
 */
export class Stamper {
  readonly #deps: StamperDeps
  readonly #health: TimestampHealth
  readonly #connections = new Connections()
  readonly #lists: RevocationLists
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #rounds = new Map<string, Promise<void>>()
  readonly #ending = Promise.withResolvers<void>()
  #closed = false
  #notes = ''

  constructor(deps: StamperDeps) {
    this.#deps = deps
    this.#lists = new RevocationLists(this.#connections, deps.timeoutMs, deps.now)
    const names = deps.authorities.map(({ name }) => name)
    this.#health = new TimestampHealth(names, { metrics: deps.metrics, log: deps.log, now: deps.now, tell: (event) => deps.tell(event) })
    for (const log of deps.logs)
      for (const { authority, size, requested } of listTimestamps(deps.data, log, { newest: true, limit: 8 * names.length }))
        if (names.includes(authority)) this.#health.known(authority, log, size, Date.parse(requested))
  }

  /** Begins: every authority at once, then by itself. */
  start(): void {
    for (const authority of this.#deps.authorities) this.#turn(authority)
  }

  /** One round of every authority; a call during one waits for it. Never rejects. */
  async round(): Promise<void> {
    await Promise.all(this.#deps.authorities.map((authority) => this.#round(authority)))
  }

  /** What stands between the logs and trusted time. */
  notes(): string[] {
    return this.#health.notes()
  }

  /** Brings the gauges up to the moment they are read. */
  observe(): void {
    this.#health.observe(new Map(this.#deps.logs.map((log) => [log, this.#deps.checkpoint(log, 0)?.size ?? 0])))
  }

  /** Stamps what grew since, once and without retries, in at most the time one answer may take; then ends. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#ending.resolve()
    await Promise.all(this.#rounds.values())
    const late = setTimeout(() => this.#connections.close(), this.#deps.timeoutMs)
    const working = this.#deps.authorities.filter(({ name }) => !this.#health.isFailing(name))
    await Promise.all(working.map((authority) => this.#round(authority)))
    clearTimeout(late)
    this.#connections.close()
  }

  #turn(authority: Authority): void {
    void this.#round(authority).then(() => {
      if (this.#closed) return
      const timer = setTimeout(() => this.#turn(authority), this.#health.pause(authority.name, this.#deps.intervalMs))
      timer.unref()
      this.#timers.set(authority.name, timer)
    })
  }

  #round(authority: Authority): Promise<void> {
    const under = this.#rounds.get(authority.name)
    if (under !== undefined) return under
    const round = this.#stampAll(authority)
      .then((refusal) => (refusal === null ? this.#health.succeeded(authority.name) : this.#health.failed(authority.name, refusal)))
      .finally(() => {
        this.#rounds.delete(authority.name)
        this.#tellNotes()
      })
    this.#rounds.set(authority.name, round)
    return round
  }

  /** One request at a time: many authorities keep their serial numbers in a file. Ends at the first failure. */
  async #stampAll(authority: Authority): Promise<Refusal | null> {
    for (const log of this.#deps.logs) {
      try {
        const checkpoint = this.#deps.checkpoint(log, this.#health.size(authority.name, log))
        if (checkpoint === null) continue
        const refusal = await this.#stamp(authority, log, checkpoint)
        if (refusal !== null) return refusal
      } catch (error) {
        // A full disk, a store that does not answer: the token is lost, and the next round asks for another.
        const code = error instanceof SealtrailError ? error.code : 'INTERNAL'
        return { code, detail: 'a time stamp could not be stored' }
      }
    }
    return null
  }

  async #stamp(authority: Authority, log: string, { note, size }: { readonly note: string; readonly size: number }): Promise<Refusal | null> {
    const text = Buffer.from(note.slice(0, note.indexOf('\n\n') + 1))
    const stamped = await this.#ask(authority, text)
    if (!('token' in stamped)) return stamped
    const { token, nonce, verdict, requestedMs, answeredMs } = stamped
    const lists = await this.#lists.of(verdict.chain)
    // RFC 3161 section 4: a token of a certificate that was revoked for its key is worth nothing, whenever it was made.
    const refusal = await checkRevocation(
      authority,
      text,
      stamped,
      lists.flatMap((list) => ('der' in list ? [list.der] : [])),
    )
    if (refusal !== null) return refusal
    const missing = lists.filter((list) => 'error' in list)
    if (missing.length > 0)
      this.#deps.log.warn('revocation lists of a time-stamp authority are not to be had', { authority: authority.name, lists: missing.length })
    const requested = new Date(requestedMs).toISOString()
    const objects = encodeStored({ log, size, authority: authority.name, checkpoint: note, token, nonce, chain: verdict.chain, lists, requested })
    for (const object of objects) await this.#deps.put(log, object)
    for (const { key, bytes } of objects) writeForReaders(this.#deps.data, key, bytes)
    this.#health.stamped(authority.name, log, size, Date.parse(verdict.genTime ?? '') - (requestedMs + answeredMs) / 2)
    return null
  }

  #ask(authority: Authority, text: Uint8Array): Promise<Stamped | Refusal> {
    const { timeoutMs, now, random } = this.#deps
    const env: AskEnv = { connections: this.#connections, timeoutMs, now, random }
    if (this.#closed) return askAuthority(authority, text, env)
    return askPatiently(authority, text, env, (ms) => this.#wait(ms))
  }

  /** False when the server is closing. */
  async #wait(ms: number): Promise<boolean> {
    const slept = Promise.withResolvers<void>()
    const timer = this.#deps.sleep === undefined ? setTimeout(slept.resolve, ms) : undefined
    await Promise.race([this.#deps.sleep?.(ms) ?? slept.promise, this.#ending.promise])
    clearTimeout(timer)
    return !this.#closed
  }

  #tellNotes(): void {
    const notes = this.#health.notes()
    if (notes.join('\n') === this.#notes) return
    this.#notes = notes.join('\n')
    this.#deps.onNotes?.(notes)
  }
}
