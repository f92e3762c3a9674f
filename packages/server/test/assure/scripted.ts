import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { OpenStore } from '../../src/config/open-store.ts'
import { SealtrailError } from '../../src/errors.ts'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { createApp } from '../../src/http/app.ts'
import { createLog } from '../../src/observe/log.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { StoreAround } from '../../src/store/around.ts'
import type { About, Lock, Probe, ProbeCheck, Store, Stored } from '../../src/store/store.ts'
import { probeOf } from '../../src/store/verdict.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'

/** What the store of a test does; changed while it runs. */
export interface Script {
  /** What a probe finds, or that it cannot be made. */
  verdict: 'enforced' | 'declared' | 'none' | 'unreachable'
  /** Puts come back without their lock, the bytes stored all the same: the adapter throws, or says so where it was told to go on. */
  dropsLock: false | 'throws' | 'says'
  /** No put gets through. */
  gone: boolean
  /** Puts wait for this. */
  slow: Promise<void> | null
  /** Probes wait for this. */
  probing: Promise<void> | null
  /** Keys of every put that was asked for. */
  readonly puts: string[]
  probes: number
}

export function script(verdict: Script['verdict'] = 'enforced'): Script {
  return { verdict, dropsLock: false, gone: false, slow: null, probing: null, puts: [], probes: 0 }
}

/** A real store that says of its lock what the script wants. */
class Scripted extends StoreAround {
  readonly #script: Script
  readonly #now: () => number

  constructor(inner: Store, scripted: Script, now: () => number) {
    super(inner)
    this.#script = scripted
    this.#now = now
  }

  override async put(key: string, bytes: Uint8Array, lock: Lock, about?: About): Promise<Stored> {
    this.#script.puts.push(key)
    await this.#script.slow
    if (this.#script.gone) throw new SealtrailError('NOT_DURABLE', 'the store does not answer')
    const stored = await super.put(key, bytes, lock, about)
    if (this.#script.dropsLock === 'says') return { ...stored, assurance: 'none' }
    if (this.#script.dropsLock === 'throws') throw new SealtrailError('STORE_NOT_LOCKED', `${key} is stored without its lock`)
    return { ...stored, assurance: 'store-enforced' }
  }

  override async probe(): Promise<Probe> {
    this.#script.probes++
    await this.#script.probing
    const { verdict } = this.#script
    if (verdict === 'unreachable') throw new SealtrailError('STORE_UNREADABLE', 'the store does not answer')
    const check = (name: string, result: ProbeCheck['result'], seen: string): ProbeCheck => ({ name, result, seen, decisive: true })
    return probeOf(
      [
        check('locked-put', 'held', '200, mode and date shown'),
        check('delete-version', verdict === 'none' ? 'broken' : 'held', verdict === 'none' ? '204: it is gone' : '403 AccessDenied'),
        check('shorten', verdict === 'declared' ? 'skipped' : 'held', verdict === 'declared' ? 'no right to try' : '403 AccessDenied'),
      ],
      this.#now(),
    )
  }
}

export interface HereOptions {
  readonly unlocked?: 'stop' | 'go-on'
  readonly type?: 'files' | 's3'
}

/** A data directory with a whole server on it, whose store claims to be a bucket; clock and probing times are the test's. */
export class Here {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sealtrail-assure-'))
  readonly data: string = join(this.#folder, 'data')
  readonly script: Script
  readonly lines: string[] = []
  readonly config: Config
  local!: Local
  #app!: ReturnType<typeof createApp>
  #token = ''
  #open = false
  #sent = 0
  #skewMs = 0

  private constructor(scripted: Script, { unlocked = 'stop', type = 's3' }: HereOptions) {
    this.script = scripted
    const { config } = parseConfig('', 'sealtrail.yaml', this.#folder, { cwd: this.#folder, env: {}, data: this.data })
    const place =
      type === 'files' ? ({ type } as const) : ({ type, bucket: 'evidence', prefix: '', region: 'eu-central-1', endpoint: null, credentials: null } as const)
    this.config = { ...config, limits: { ...config.limits, answerWithinMs: 300 }, store: { ...config.store, place, unlocked } }
  }

  static async open(scripted: Script, options: HereOptions = {}): Promise<Here> {
    const here = new Here(scripted, options)
    await here.start()
    return here
  }

  readonly now = (): number => Date.now() + this.#skewMs

  /** Lets time pass, on the wall and for the schedule. */
  pass(ms: number): void {
    this.#skewMs += ms
  }

  readonly openStore: OpenStore = async (_, options = {}) =>
    new Scripted(await FileStore.open(join(this.data, 'store'), { readOnly: options.readOnly ?? false }), this.script, this.now)

  async start(): Promise<void> {
    this.local = await openLocal(this.config, {
      log: createLog({ level: 'debug', now: this.now, write: (line) => void this.lines.push(line) }),
      now: this.now,
      openStore: this.openStore,
      monotonic: this.now,
    })
    this.#open = true
    const { deps } = this.local.served
    this.#app = createApp(deps)
    if (this.#token === '') this.#token = deps.tokens.create('admin.token', 'admin', null).token
  }

  async restart(): Promise<void> {
    await this.close()
    await this.start()
  }

  async close(): Promise<void> {
    if (this.#open) await this.local.close()
    this.#open = false
  }

  async end(): Promise<void> {
    this.script.gone = false
    await this.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Sends a receipt of its own; the answer's status, code, and whether it says when to come back. */
  async send(): Promise<{ status: number; code: JsonValue | undefined; outcome: JsonValue | undefined; retry: string | null }> {
    const body = JSON.stringify({
      message_uuid: hash('sha256', String(this.#sent++)).slice(0, 32),
      delivery_status: 'DELIVERED',
      customer_external_id: 'CUST_1',
      carrier_receipt_timestamp: '2026-03-01T09:00:00Z',
    })
    const answer = await this.#ask('/api/v1/events?trail=notifications', { method: 'POST', body })
    const { code, outcome } = (await answer.json()) as JsonObject
    return { status: answer.status, code, outcome, retry: answer.headers.get('retry-after') }
  }

  /** What `/readyz` says now. */
  async ready(): Promise<{ status: number; reasons: string[]; store: JsonObject }> {
    await this.local.served.beat()
    const answer = await this.#ask('/readyz')
    const { reasons, stores } = (await answer.json()) as { reasons: string[]; stores: JsonObject[] }
    return { status: answer.status, reasons, store: stores[0] as JsonObject }
  }

  /** Resolves once so many records of notifications are sealed. */
  async untilSealed(count: number): Promise<void> {
    while (this.local.sealing.sizes.get('notifications') < count) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  async metric(name: string): Promise<number | null> {
    const text = await (await this.#ask('/metrics')).text()
    const line = text.split('\n').find((each) => each.startsWith(`${name} `))
    return line === undefined ? null : Number(line.slice(name.length))
  }

  /** What is sealed of probes, in order. */
  async sealed(): Promise<JsonObject[]> {
    await this.local.sealing.drained()
    await this.local.indexed()
    const answer = await this.#ask('/api/v1/records?log=system&type=sealtrail.system.probe&limit=100')
    const { records } = (await answer.json()) as { records: JsonObject[] }
    return records.sort((a, b) => Number(a['index']) - Number(b['index'])).map((record) => record['data'] as JsonObject)
  }

  /** Closes the server; resolves to the problems an audit finds, with the store where the script keeps it. */
  async audit(): Promise<string[]> {
    await this.close()
    rmSync(join(this.data, 'store.json'), { force: true })
    const verdicts = await auditDirectory(this.data, { key: null, vault: true, now: Date.now })
    return verdicts.flatMap(({ log, problems }) => problems.map(({ code, object }) => `${log} ${code} ${object}`))
  }

  async #ask(path: string, init: { method?: string; body?: string } = {}): Promise<Response> {
    return this.#app.request(path, { ...init, headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' } })
  }
}
