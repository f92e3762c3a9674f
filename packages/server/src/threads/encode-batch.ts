import type { Batch, BatchObject } from '../event/batch.ts'
import type { Draft } from '../event/draft.ts'
import { sealRowInto, sealedBound } from '../vault/encrypt.ts'
import type { DataKey } from '../vault/vault.ts'

export interface EncodeEnv {
  readonly tenant: string
  /** 12 random bytes a call. */
  readonly nonce: () => Uint8Array
}

/** Encrypts what the vault keeps, one operation per owner and event, and writes entries and rows into two buffers that can change threads. */
export function encodeBatch(drafts: readonly Draft[], keys: readonly DataKey[], env: EncodeEnv): Omit<Batch, 'wait'> {
  let entryRoom = 0
  let rowRoom = 0
  for (const { trail, entry, tokens, owners } of drafts) {
    entryRoom += entry.length
    rowRoom += sealedBound(env.tenant, trail, tokens, owners)
  }
  // Memory of their own: node's pooled buffers cannot change threads.
  const entries = Buffer.allocUnsafeSlow(entryRoom)
  const rows = Buffer.allocUnsafeSlow(rowRoom)
  const offsets = new Uint32Array(drafts.length + 1)
  const rowOffsets = new Uint32Array(drafts.length + 1)
  let at = 0
  let rowAt = 0
  let nextKey = 0
  const objects: BatchObject[] = []
  for (let i = 0; i < drafts.length; i++) {
    const { trail, entry, vaultKey, fingerprint, tokens, owners, object } = drafts[i] as Draft
    if (object !== undefined) objects.push({ entry: i, ...object })
    entries.set(entry, at)
    offsets[i + 1] = at += entry.length
    const keyed = []
    for (const { disclosures } of owners) keyed.push({ key: keys[nextKey++] as DataKey, disclosures })
    rowOffsets[i + 1] = rowAt = sealRowInto(vaultKey, { tenant: env.tenant, trail, fingerprint, tokens, owners: keyed }, env.nonce, rows, rowAt)
  }
  return { entries, offsets, rows: rows.subarray(0, rowAt), rowOffsets, ...(objects.length === 0 ? {} : { objects }) }
}
