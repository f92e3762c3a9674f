import { hash } from 'node:crypto'
import { parseIndexedKey } from './key.ts'
import type { Store } from './store.ts'

/** Under which version a store took an object: sealed, it names the very bytes among all that may lie under the key one day. */
export interface Pin {
  readonly key: string
  /** SHA-256 of the bytes, lower-case hex. */
  readonly digest: string
  readonly version: string
}

/**
 * Tells of every object that a store took under a version. Segments are left out: the head and the next segment's header
 * pin them. Stores without versions have nothing to tell.
 */
export function pinned(store: Store, note: (pin: Pin) => void): Store {
  const put: Store['put'] = async (key, bytes, lock, about) => {
    const stored = await store.put(key, bytes, lock, about)
    if (stored.version !== null && parseIndexedKey(key, 'segment') === null) note({ key, digest: hash('sha256', bytes, 'hex'), version: stored.version })
    return stored
  }
  return new Proxy(store, {
    get(of, name) {
      if (name === 'put') return put
      const value: unknown = Reflect.get(of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
}

/** A head with the version under which the store has its segment, where it has versions: what `put` told the writer. @throws SealtrailError STORE_UNREADABLE */
export async function withVersion<Of extends { readonly segment: string }>(store: Pick<Store, 'held'>, head: Of): Promise<Of & { readonly version?: string }> {
  const version = head.segment === '' ? null : ((await store.held(head.segment))?.version ?? null)
  return version === null ? head : { ...head, version }
}
