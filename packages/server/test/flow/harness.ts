import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { createApp } from '../../src/http/app.ts'
import { ROLES } from '../../src/http/ports.ts'
import type { Role } from '../../src/http/ports.ts'
import type { JournalOptions } from '../../src/journal/files/journal.ts'
import { createLog } from '../../src/observe/log.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { unpack } from '../../src/store/unpack.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'

/** Root of the checkout. */
export const ROOT: string = fileURLToPath(new URL('../../../../', import.meta.url))

/** Nothing is released by time: tests flush. */
const HELD = { settleMs: 600_000, quietMs: 600_000, holdMs: 600_000 }

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: JsonObject
}

export interface Send {
  readonly role?: Role
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
}

export interface WorldOptions {
  /** Held events are released by time, as in a server. */
  readonly timed?: boolean
  readonly journal?: JournalOptions
  /** The server's clock, ms since the epoch. */
  readonly now?: () => number
  /** A clock nobody sets; the same as `now` unless given. */
  readonly monotonic?: () => number
}

/** A data directory with the whole server on it, called without a socket. */
export class World {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sealtrail-flow-'))
  readonly data: string = join(this.folder, 'data')
  readonly lines: string[] = []
  readonly tokens = new Map<Role, string>()
  loaded!: Loaded
  local!: Local
  #open = false
  #app!: ReturnType<typeof createApp>

  /** @param yaml the configuration; interactions are held until `flush` unless `timed`. */
  static async open(yaml = '', options: WorldOptions = {}): Promise<World> {
    const world = new World()
    await world.start(yaml, options)
    return world
  }

  async start(yaml = '', options: WorldOptions = {}): Promise<void> {
    const loaded = parseConfig(yaml, 'sealtrail.yaml', this.folder, { cwd: this.folder, env: {}, data: this.data })
    const trails =
      options.timed === true
        ? loaded.config.trails
        : Object.fromEntries(Object.entries(loaded.config.trails).map(([name, trail]) => [name, { ...trail, sequence: HELD }]))
    this.loaded = { ...loaded, config: { ...loaded.config, trails } }
    this.local = await openLocal(this.loaded.config, {
      log: createLog({ level: 'debug', now: Date.now, write: (line) => void this.lines.push(line) }),
      ...(options.journal === undefined ? {} : { journal: options.journal }),
      ...(options.now === undefined ? {} : { now: options.now }),
      ...(options.monotonic === undefined ? {} : { monotonic: options.monotonic }),
    })
    this.#open = true
    const { deps } = this.local.served
    this.#app = createApp(deps)
    if (this.tokens.size === 0) for (const role of ROLES) this.tokens.set(role, deps.tokens.create(`${role}.token`, role, null).token)
  }

  async restart(yaml = '', options: WorldOptions = {}): Promise<void> {
    await this.#close()
    await this.start(yaml, options)
  }

  async send(path: string, body: unknown, { role = 'admin', headers = {}, method = 'POST' }: Send = {}): Promise<Answer> {
    const bytes = body === undefined ? null : typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const answer = await this.#app.request(path, {
      method,
      headers: { authorization: `Bearer ${this.tokens.get(role)}`, ...(bytes === null ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(bytes === null ? {} : { body: bytes as string }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: /json/.test(answer.headers.get('content-type') ?? '') ? (JSON.parse(text) as JsonObject) : {},
    }
  }

  get(path: string, role: Role = 'officer', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send(path, undefined, { role, headers, method: 'GET' })
  }

  /** Releases what is held, and waits until everything is sealed and findable. */
  async flush(): Promise<void> {
    await this.local.sealing.flush()
    await this.local.indexed()
  }

  /** All records of a log, in its order, as an admin reads them. */
  async records(log: string, query = ''): Promise<JsonObject[]> {
    const all: JsonObject[] = []
    for (let cursor = ''; ;) {
      const { body } = await this.get(`/api/v1/records?log=${log}&limit=1000${query}${cursor === '' ? '' : `&cursor=${cursor}`}`, 'admin')
      all.push(...(body['records'] as JsonObject[]))
      if (typeof body['next'] !== 'string') return all.sort((a, b) => Number(a['index']) - Number(b['index']))
      cursor = encodeURIComponent(body['next'])
    }
  }

  /** Data of the system records of one kind. */
  async system(what: string): Promise<JsonObject[]> {
    await this.local.sealing.drained()
    return (await this.records('system', `&type=sealtrail.system.${what}`)).map((record) => record['data'] as JsonObject)
  }

  /** Closes the server; resolves to the problems an audit of the directory finds. */
  async closeAndAudit(): Promise<readonly JsonValue[]> {
    await this.#close()
    const verdicts = await auditDirectory(this.data, { key: null, vault: true, now: Date.now })
    return verdicts.flatMap(({ log, problems }) => problems.map(({ code, object }) => `${log} ${code} ${object}`))
  }

  async #close(): Promise<void> {
    if (this.#open) await this.local.close()
    this.#open = false
  }

  async end(): Promise<void> {
    await this.#close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The ways in which a value could stand in a file: plain in three cases, escaped, as UTF-16, in hex, in base64 at any of its three offsets. */
function formsOf(value: string): Buffer[] {
  const plain = Buffer.from(value)
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), plain])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and last characters depend on what stands beside the value.
    return Buffer.from(text.slice(before === 0 ? 0 : before + 1, -1))
  })
  const escaped = value.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const hex = plain.toString('hex')
  return [value, value.toLowerCase(), value.toUpperCase(), escaped, encodeURIComponent(value), hex, hex.toUpperCase()]
    .map((text) => Buffer.from(text))
    .concat(Buffer.from(value, 'utf16le'), base64)
}

/** `place: value` for every value found in a text. */
export function grep(place: string, content: Buffer | string, needles: readonly string[]): string[] {
  const bytes = Buffer.from(content)
  return needles.filter((needle) => formsOf(needle).some((form) => bytes.includes(form))).map((needle) => `${place}: ${needle}`)
}

/** The same in every file under a data directory, byte by byte, and in every segment unpacked. */
export async function grepAll(directory: string, needles: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.push(...grep(relative(directory, path), readFileSync(path), needles))
  }
  const store = await FileStore.open(join(directory, 'store'), { readOnly: true })
  for await (const { key } of store.list('')) {
    const frame = key.includes('/segment/') ? await store.get(key) : null
    if (frame !== null) found.push(...grep(key, Buffer.from(await unpack(frame)), needles))
  }
  await store.close()
  return found
}

/** A small random generator with a seed (mulberry32): the same disorder each time. */
export function randomFrom(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[out[i], out[j]] = [out[j] as T, out[i] as T]
  }
  return out
}
