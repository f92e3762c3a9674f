import { latin1 } from '../row.ts'
import { Buffer } from 'node:buffer'
import type { SharedLevel } from '../../observe/shared-level.ts'
import { failure } from './database.ts'
import { aliasKey, decodeAlias, decodeKeyRow, encodeKeyRow, keyKey } from './rows.ts'
import type { KeyRow } from './rows.ts'

/** Rows made or changed and not yet durable: they join the next insert's write, so that no row is durable before its key. */
interface Unsaved {
  /** Key ids by alias token; none: the row is to go. */
  readonly aliases: Map<string, readonly string[]>
  readonly keys: Map<string, KeyRow>
}

export type Operation = { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array } | { readonly type: 'del'; readonly key: Uint8Array }

/** Null: damaged; undefined: not there. */
export type Found = KeyRow | null | undefined

/** So few rows, found in memory mostly, are read in less time than the way to another thread and back takes. */
const AT_ONCE = 16
const SCANNED = 4_096

/** Alias rows and key rows: what is in the database, and over it what is on its way there. */
export class KeyRows {
  readonly #level: SharedLevel
  #unsaved: Unsaved = { aliases: new Map(), keys: new Map() }
  #saving: Unsaved | null = null

  constructor(level: SharedLevel) {
    this.#level = level
  }

  setAlias(token: string, ids: readonly string[]): void {
    this.#unsaved.aliases.set(token, ids)
  }

  setKey(id: string, row: KeyRow): void {
    this.#unsaved.keys.set(id, row)
  }

  /** Key ids by alias token; tokens that lead nowhere are not among them. */
  async aliases(tokens: readonly string[]): Promise<Map<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>()
    const rest = tokens.filter((token) => {
      const near = this.#unsaved.aliases.get(token) ?? this.#saving?.aliases.get(token)
      if (near !== undefined && near.length > 0) found.set(token, near)
      return near === undefined
    })
    const values = await this.#getMany(rest.map(aliasKey))
    rest.forEach((token, i) => {
      const ids = decodeAlias(values[i])
      if (ids.length > 0) found.set(token, ids)
    })
    return found
  }

  /** Key rows by id: null when damaged, undefined when absent. */
  async keys(ids: readonly string[]): Promise<Map<string, Found>> {
    const found = new Map<string, Found>()
    const rest = ids.filter((id) => {
      const near = this.#unsaved.keys.get(id) ?? this.#saving?.keys.get(id)
      if (near !== undefined) found.set(id, near)
      return near === undefined
    })
    const values = await this.#getMany(rest.map(keyKey))
    rest.forEach((id, i) => found.set(id, values[i] === undefined ? undefined : decodeKeyRow(id, values[i] as Uint8Array)))
    return found
  }

  /** Every alias whose row names one of the keys, found by reading all alias rows: for keys whose own row does not say. */
  async aliasesNaming(ids: ReadonlySet<string>): Promise<string[]> {
    const found = new Set<string>()
    await this.#each(0x61, (token, value) => {
      if (decodeAlias(value).some((id) => ids.has(id))) found.add(token)
    })
    for (const each of [this.#saving, this.#unsaved])
      for (const [token, named] of each?.aliases ?? []) {
        if (named.some((id) => ids.has(id))) found.add(token)
        else found.delete(token)
      }
    return [...found]
  }

  /** Every living key whose row names the alias, found by reading all of them: for an alias whose own row is not to be believed. */
  async keysNaming(token: string): Promise<string[]> {
    const found = new Set<string>()
    const look = (id: string, row: KeyRow | null): void => {
      if (row?.state === 'live' && row.tokens.includes(token)) found.add(id)
      else found.delete(id)
    }
    await this.#each(0x6b, (id, value) => look(id, decodeKeyRow(id, value)))
    for (const each of [this.#saving, this.#unsaved]) for (const [id, row] of each?.keys ?? []) look(id, row)
    return [...found]
  }

  async #each(prefix: number, look: (name: string, value: Uint8Array) => void): Promise<void> {
    const [from, to] = [Uint8Array.of(prefix), Uint8Array.of(prefix + 1)]
    const cursor = this.#level.cursor<[Uint8Array, Uint8Array]>(
      (db, after) => db.iterator({ ...(after === null ? { gte: from } : { gt: after }), lt: to, highWaterMarkBytes: 1 << 20 }),
      ([key]) => key,
    )
    try {
      for (let rows = await cursor.nextv(SCANNED); rows.length > 0; rows = await cursor.nextv(SCANNED))
        for (const [key, value] of rows) look(latin1(key.subarray(1)), value)
    } catch (cause) {
      throw failure('read', cause)
    } finally {
      await cursor.close()
    }
  }

  /** Hands over everything unsaved as database operations; `saved` or `unsave` must follow. */
  take(): Operation[] {
    const { aliases, keys } = this.#unsaved
    if (aliases.size === 0 && keys.size === 0) return []
    this.#saving = this.#unsaved
    this.#unsaved = { aliases: new Map(), keys: new Map() }
    const operations: Operation[] = []
    for (const [token, ids] of aliases) {
      const key = aliasKey(token)
      operations.push(ids.length === 0 ? { type: 'del', key } : { type: 'put', key, value: Buffer.from(ids.join(''), 'latin1') })
    }
    for (const [id, row] of keys) operations.push({ type: 'put', key: keyKey(id), value: encodeKeyRow(id, row) })
    return operations
  }

  saved(): void {
    this.#saving = null
  }

  /** The write failed: what it held is unsaved again, unless changed since. */
  unsave(): void {
    if (this.#saving === null) return
    for (const [token, ids] of this.#saving.aliases) if (!this.#unsaved.aliases.has(token)) this.#unsaved.aliases.set(token, ids)
    for (const [id, row] of this.#saving.keys) if (!this.#unsaved.keys.has(id)) this.#unsaved.keys.set(id, row)
    this.#saving = null
  }

  async #getMany(keys: Uint8Array[]): Promise<Array<Uint8Array | undefined>> {
    if (keys.length === 0) return []
    try {
      return await this.#level.use((db) => (keys.length <= AT_ONCE ? keys.map((key) => db.getSync(key)) : db.getMany(keys)))
    } catch (cause) {
      throw failure('read', cause)
    }
  }
}
