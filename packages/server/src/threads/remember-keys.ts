import type { DataKey, OwnerTokens } from '../vault/vault.ts'

type KeysFor = (owners: readonly OwnerTokens[]) => Promise<readonly DataKey[]>

export interface RememberedKeys {
  readonly keysFor: KeysFor
  /** What was remembered is asked for again, also what is being asked for right now. */
  forget(): void
}

/** Owners remembered in each of two generations: about 300 bytes each. */
const REMEMBERED = 16_384

/**
 * Asks the sealing thread only for keys this thread has not used lately. The same key is the same object, so that what
 * is derived from it is derived once. In memory only; an erasure has it forgotten before a key is destroyed.
 */
export function rememberKeys(ask: KeysFor): RememberedKeys {
  let young = new Map<string, DataKey>()
  let old = new Map<string, DataKey>()
  const remember = (name: string, key: DataKey): void => {
    if (young.size >= REMEMBERED) {
      old = young
      young = new Map()
    }
    young.set(name, key)
  }
  let epoch = 0
  const keysFor: KeysFor = async (owners) => {
    const names = owners.map((tokens) => (tokens.length === 1 ? (tokens[0] as string) : tokens.join('')))
    const found: Array<DataKey | undefined> = []
    const missing = new Map<string, OwnerTokens>()
    names.forEach((name, i) => {
      let key = young.get(name)
      if (key === undefined && (key = old.get(name)) !== undefined) remember(name, key)
      found.push(key)
      if (key === undefined) missing.set(name, owners[i] as OwnerTokens)
    })
    if (missing.size === 0) return found as DataKey[]
    const began = epoch
    const asked = await ask([...missing.values()])
    const answered = new Map([...missing.keys()].map((name, i) => [name, asked[i] as DataKey]))
    if (began === epoch) for (const [name, key] of answered) remember(name, key)
    return found.map((key, i) => key ?? (answered.get(names[i] as string) as DataKey))
  }
  return {
    keysFor,
    forget() {
      epoch++
      young = new Map()
      old = new Map()
    },
  }
}
