import { timingSafeEqual } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import type { Keys } from '../../keys/keys.ts'
import { randomPool } from '../../keys/random-pool.ts'
import { keyCommitment } from '../data-key.ts'
import type { DataKey, KeyAnswer, OwnerTokens } from '../vault.ts'
import { latin1 } from '../row.ts'
import type { Found, KeyRows } from './key-rows.ts'
import { isMutual } from './rows.ts'
import type { KeyRow } from './rows.ts'
import { wrappedPlace } from './wrapped-place.ts'

export interface KeyStoreOptions {
  readonly keys: Pick<Keys, 'wrap' | 'unwrap'>
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
  /** How many aliases' keys are remembered at least; default 65,536 (about 20 MB). */
  readonly remembered?: number
}

/** People's and interactions' keys: by alias and by id. Not thread-safe: the vault calls `resolve` one at a time. */
export class KeyStore {
  readonly #rows: KeyRows
  readonly #condemned: ReadonlySet<string>
  readonly #options: KeyStoreOptions
  readonly #size: number
  readonly #random: (bytes: number) => Uint8Array
  /** Alias token → key id ‖ key, as 48 characters of latin1; two generations make a cheap LRU. */
  #young = new Map<string, string>()
  #old = new Map<string, string>()

  /** @param condemned ids that are given to nobody any more */
  constructor(rows: KeyRows, options: KeyStoreOptions, condemned: ReadonlySet<string>) {
    this.#rows = rows
    this.#condemned = condemned
    this.#options = options
    this.#random = randomPool(options.random)
    this.#size = options.remembered ?? 65_536
  }

  /** The owner's key when all its tokens are remembered to be that key's; else null. */
  remembered(tokens: OwnerTokens): DataKey | null {
    let found: string | undefined
    for (const token of tokens) {
      const known = this.#young.get(token) ?? this.#recall(token)
      // A second alias that has a key of its own stays as it is: the first decides.
      if (known === undefined) return null
      found ??= known
    }
    return found === undefined ? null : toDataKey(found)
  }

  /** The key of each owner, made when unknown; nothing is written yet. @throws SealtrailError KEY_UNKNOWN: the keyring lacks a wrapping key. */
  async resolve(owners: readonly OwnerTokens[]): Promise<DataKey[]> {
    const tokens = new Set(owners.flat())
    const aliases = await this.#rows.aliases([...tokens])
    const rows = await this.#rows.keys([...new Set([...aliases.values()].flat())])
    return owners.map((owner) => this.#keyOf(owner, aliases, rows))
  }

  /** By id, for readers. @throws SealtrailError KEY_UNKNOWN: never read as erased. */
  async byId(ids: readonly Uint8Array[]): Promise<KeyAnswer[]> {
    const texts = ids.map(latin1)
    const rows = await this.#rows.keys([...new Set(texts)])
    return texts.map((id) => {
      const row = rows.get(id)
      if (row === undefined) return { state: 'missing', why: 'the key is not in the vault' }
      if (row === null) return { state: 'missing', why: 'the row of the key is damaged' }
      if (row.state === 'erased') return { state: 'erased', erasedMs: row.erasedMs, certificate: row.certificate }
      const key = this.#unwrap(id, row)
      return key === null ? { state: 'missing', why: 'the key is damaged' } : { state: 'live', key: toDataKey(id + key) }
    })
  }

  /** Has no key in memory any more of those that an alias was remembered for: the next question is answered from the rows. */
  forget(): void {
    this.#young = new Map()
    this.#old = new Map()
  }

  /** A key of its own for these aliases, whatever they led to before. */
  keyApart(tokens: readonly string[]): void {
    const rows = new Map<string, Found>()
    const { id } = this.#create(rows)
    for (const token of tokens) this.#link(token, id, [], new Map(), rows)
  }

  #keyOf(owner: OwnerTokens, aliases: Map<string, readonly string[]>, rows: Map<string, Found>): DataKey {
    let chosen: { id: string; key: string } | null = null
    const lost: string[] = []
    for (const [token, id] of owner.flatMap((each) => (aliases.get(each) ?? []).map((named) => [each, named] as const))) {
      const row = rows.get(id)
      if (row?.state === 'erased' || this.#condemned.has(id)) continue
      const key = row == null || !isMutual(token, row) ? null : this.#unwrap(id, row)
      // A key that is gone or damaged without a tombstone stays linked: its rows are an alarm, and an erasure must still reach it.
      if (key === null) lost.push(id)
      else {
        chosen = { id, key }
        break
      }
    }
    chosen ??= this.#create(rows)
    const { id, key } = chosen
    for (const token of owner) {
      const known = aliases.get(token) ?? []
      const live = known.find((each) => !this.#condemned.has(each) && isLiveOf(token, rows.get(each)))
      if (live === undefined || live === id) this.#link(token, id, live === undefined ? lost.filter((each) => known.includes(each)) : null, aliases, rows)
      this.#remember(token, live === undefined || live === id ? id + key : this.#textOf(live, rows))
    }
    return toDataKey(id + key)
  }

  #create(rows: Map<string, Found>): { id: string; key: string } {
    const id = latin1(this.#random(16))
    const secret = this.#random(32)
    const commitment = keyCommitment(id, secret)
    const row: KeyRow = { state: 'live', createdMs: this.#options.now(), commitment, wrapped: this.#options.keys.wrap(secret, wrappedPlace(id)), tokens: [] }
    rows.set(id, row)
    this.#rows.setKey(id, row)
    return { id, key: latin1(secret) }
  }

  /** Makes the alias name the key first; `lost` keys stay behind it. Null: the link is there already. */
  #link(token: string, id: string, lost: readonly string[] | null, aliases: Map<string, readonly string[]>, rows: Map<string, Found>): void {
    if (lost === null) return
    const ids = [id, ...lost]
    aliases.set(token, ids)
    this.#rows.setAlias(token, ids)
    const row = rows.get(id)
    if (row?.state !== 'live' || row.tokens.includes(token)) return
    const linked: KeyRow = { ...row, tokens: [...row.tokens, token] }
    rows.set(id, linked)
    this.#rows.setKey(id, linked)
  }

  #textOf(id: string, rows: Map<string, Found>): string {
    const row = rows.get(id)
    const key = row?.state === 'live' ? this.#unwrap(id, row) : null
    return key === null ? '' : id + key
  }

  /** 32 bytes as latin1, or null when wrapping or commitment do not fit. */
  #unwrap(id: string, row: KeyRow): string | null {
    if (row.state !== 'live') return null
    let secret: Uint8Array
    try {
      secret = this.#options.keys.unwrap(row.wrapped, wrappedPlace(id))
    } catch (error) {
      // A keyring without the wrapping key must not look like damage, let alone erasure.
      if (error instanceof SealtrailError && error.code === 'DATA_CORRUPT') return null
      throw error
    }
    const commitment = keyCommitment(id, secret)
    return timingSafeEqual(commitment, row.commitment) ? latin1(secret) : null
  }

  #recall(token: string): string | undefined {
    const known = this.#old.get(token)
    if (known !== undefined) this.#remember(token, known)
    return known
  }

  #remember(token: string, text: string): void {
    if (text === '') return
    if (this.#young.size >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(token, text)
  }
}

function isLiveOf(token: string, row: Found): boolean {
  return row?.state === 'live' && isMutual(token, row)
}

/** Arrays of their own, not views into a pool: what goes to another thread must not take a pool with it. */
function toDataKey(text: string): DataKey {
  const id = new Uint8Array(16)
  const key = new Uint8Array(32)
  for (let i = 0; i < 16; i++) id[i] = text.charCodeAt(i)
  for (let i = 0; i < 32; i++) key[i] = text.charCodeAt(16 + i)
  return { id, key }
}
