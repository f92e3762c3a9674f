import { SealtrailError } from '../errors.ts'
import type { Store } from '../store/store.ts'

/**
 * What the store has under a key, or null: there is nothing, or the store has it and cannot read it.
 * @throws SealtrailError STORE_UNREADABLE: a store that does not answer says nothing about the evidence.
 */
export async function readStored(store: Pick<Store, 'get'>, key: string): Promise<Uint8Array | null> {
  try {
    return await store.get(key)
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'STORE_UNREADABLE') throw error
    return null
  }
}
