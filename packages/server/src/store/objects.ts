import type { Lock, Store } from './store.ts'

/** The key of what does not fit a record (evidence, `data-object.ts`): its name is its SHA-256. @param digest lower-case hex, 64 characters. */
export function objectKey(log: string, digest: string): string {
  return `${log}/object/${digest}`
}

/** An object is written when its event is accepted, its segment later: it must not be the first of the two to expire. */
const LONGER_MS = 24 * 60 * 60 * 1000

/** Makes an object durable, read back, before anything names it. @throws SealtrailError NOT_DURABLE, ALREADY_WRITTEN */
export async function storeObject(store: Pick<Store, 'put'>, log: string, digest: string, bytes: Uint8Array, lock: Lock, legalHold = false): Promise<void> {
  const longer = { ...lock, retainUntilMs: lock.retainUntilMs + LONGER_MS }
  await store.put(objectKey(log, digest), bytes, longer, { format: 'sealtrail/data-object/1', ...(legalHold ? { legalHold } : {}) })
}

/** An object as it is stored, unchecked, or null when the store does not give it. */
export async function readObject(store: Pick<Store, 'get'>, log: string, digest: string): Promise<Uint8Array | null> {
  return store.get(objectKey(log, digest)).catch(() => null)
}
