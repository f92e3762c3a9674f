import { SealtrailError } from '../../errors.ts'
import type { ErasableVault, PersonKeys } from '../erasable.ts'
import type { Found, KeyRows } from './key-rows.ts'
import { MAX_TOKENS, isMutual } from './rows.ts'
import type { KeyRow } from './rows.ts'

const ERASED: KeyRow = { state: 'erased', erasedMs: 0, certificate: '' }

/** Everybody's keys and aliases as a graph: alias rows lead to keys, key rows to aliases. */
export class People {
  readonly #rows: KeyRows

  constructor(rows: KeyRows) {
    this.#rows = rows
  }

  /**
   * Follows both ways until nothing new turns up. Keys that are gone or damaged belong to it, tombstones do not.
   * @throws SealtrailError DATA_CORRUPT when an alias leads to a key that says otherwise: it would be another person's
   */
  async personOf(tokens: readonly string[]): Promise<PersonKeys> {
    const keys = new Set<string>()
    const known = new Set<string>()
    for (let fresh = [...new Set(tokens)]; fresh.length > 0;) {
      const aliases = await this.#rows.aliases(fresh)
      for (const token of aliases.keys()) known.add(token)
      const rows = await this.#rows.keys([...new Set([...aliases.values()].flat())])
      for (const [token, named] of aliases) for (const id of named) assertMutual(token, rows.get(id))
      const ids = [...rows.keys()].filter((id) => !keys.has(id))
      const living = ids.filter((id) => rows.get(id)?.state !== 'erased')
      for (const id of living) keys.add(id)
      // An alias that leads to tombstones only is nobody's.
      for (const [token, named] of aliases) if (!named.some((id) => keys.has(id))) known.delete(token)
      fresh = (await this.#tokensOf(living, rows)).filter((token) => !known.has(token))
    }
    return { keyIds: [...keys], tokens: [...known] }
  }

  /** Has each alias of all of them lead to all their keys; the current key is the first one's. @throws SealtrailError TOO_LARGE */
  async merge(people: readonly PersonKeys[]): Promise<void> {
    const ids = [...new Set(people.flatMap(({ keyIds }) => keyIds))]
    const tokens = [...new Set(people.flatMap((person) => person.tokens))]
    if (tokens.length > MAX_TOKENS) throw new SealtrailError('TOO_LARGE', `a person has ${MAX_TOKENS} aliases at most; these have ${tokens.length} together`)
    const rows = await this.#rows.keys(ids)
    for (const token of tokens) this.#rows.setAlias(token, ids)
    for (const [id, row] of rows) if (row?.state === 'live') this.#rows.setKey(id, { ...row, tokens })
  }

  /**
   * Takes a name, under all its tokens, off every key it leads to; its rows are for the caller to write. Returns the tokens that
   * led somewhere, and from how many keys they were taken.
   * @throws SealtrailError BAD_REQUEST when a key would be left without a name: what is under it could never be found again
   * @param only it is looked at whether it can be done, and nothing is
   */
  async leave(tokens: readonly string[], only = false): Promise<{ known: readonly string[]; keys: number }> {
    const aliases = await this.#rows.aliases(tokens)
    const rows = await this.#rows.keys([...new Set([...aliases.values()].flat())])
    const astray = [...aliases].filter(([token, named]) => named.some((id) => !isMutual(token, rows.get(id) ?? ERASED)))
    if (astray.length > 0) {
      // Its row was put in another's place: it goes back to the keys that know it, and nothing else is done.
      for (const [token] of only ? [] : astray) this.#rows.setAlias(token, await this.#rows.keysNaming(token))
      return { known: [], keys: astray.length }
    }
    const changed = [...rows].flatMap(([id, row]) => {
      const left = row?.state === 'live' ? row.tokens.filter((each) => !aliases.has(each)) : null
      return row?.state !== 'live' || left === null || left.length === row.tokens.length ? [] : [{ id, row: { ...row, tokens: left } }]
    })
    if (changed.some(({ row }) => row.tokens.length === 0))
      throw new SealtrailError('BAD_REQUEST', 'it is the only name of this person: nobody could be told apart by it')
    if (!only) for (const { id, row } of changed) this.#rows.setKey(id, row)
    return { known: [...aliases.keys()], keys: [...rows.values()].filter((row) => row?.state !== 'erased').length }
  }

  /**
   * Puts a tombstone in the place of each key, and takes it out of every alias row; an alias that leads nowhere then is gone.
   * A tombstone stays as it is.
   */
  async bury(ids: readonly string[], erasedMs: number, certificate: string): Promise<void> {
    const buried = new Set(ids)
    const rows = await this.#rows.keys(ids)
    const tokens = await this.#tokensOf(
      ids.filter((id) => rows.get(id)?.state !== 'erased'),
      rows,
    )
    for (const id of ids) if (rows.get(id)?.state !== 'erased') this.#rows.setKey(id, { state: 'erased', erasedMs, certificate })
    for (const [token, named] of await this.#rows.aliases(tokens)) {
      const left = named.filter((id) => !buried.has(id))
      if (left.length < named.length) this.#rows.setAlias(token, left)
    }
  }

  /** What must be found nowhere once the keys are destroyed; nothing of a tombstone, or of a row that does not say. */
  async traces(ids: readonly string[]): Promise<Awaited<ReturnType<ErasableVault['traces']>>> {
    const rows = await this.#rows.keys(ids)
    return [...rows.values()].flatMap((row) =>
      row?.state === 'live'
        ? [
            { what: 'wrapped key' as const, bytes: row.wrapped },
            { what: 'key commitment' as const, bytes: row.commitment },
          ]
        : [],
    )
  }

  /** Aliases of keys: of what a row does not say, since it is damaged, gone or full, by reading all alias rows. */
  async #tokensOf(ids: readonly string[], rows: ReadonlyMap<string, Found>): Promise<string[]> {
    const silent = new Set<string>()
    const tokens = new Set<string>()
    for (const id of ids) {
      const row = rows.get(id)
      if (row?.state !== 'live' || row.tokens.length >= MAX_TOKENS) silent.add(id)
      else for (const token of row.tokens) tokens.add(token)
    }
    if (silent.size > 0) for (const token of await this.#rows.aliasesNaming(silent)) tokens.add(token)
    return [...tokens]
  }
}

function assertMutual(token: string, row: Found): void {
  if (row == null || isMutual(token, row)) return
  throw new SealtrailError(
    'DATA_CORRUPT',
    'an alias of the vault leads to a key that does not know it; `sealtrail person split` leads it back to those that do',
  )
}
