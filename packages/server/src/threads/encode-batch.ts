import { auditIdBytes } from '@sealtrail/evidence'
import type { Batch } from '../event/batch.ts'
import type { Draft } from '../event/draft.ts'
import { encodeEntry, entryBound } from '../event/entry.ts'
import { sealRowInto, sealedBound } from '../vault/encrypt.ts'
import { ROW_KEY } from '../vault/row.ts'
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
  for (const draft of drafts) {
    entryRoom += entryBound(draft)
    rowRoom += sealedBound({ tenant: env.tenant, trail: draft.log, tokens: draft.tokens, owners: draft.owners })
  }
  // Memory of their own: node's pooled buffers cannot change threads.
  const entries = Buffer.allocUnsafeSlow(entryRoom)
  const rows = Buffer.allocUnsafeSlow(rowRoom)
  const offsets = new Uint32Array(drafts.length + 1)
  const rowOffsets = new Uint32Array(drafts.length + 1)
  let at = 0
  let rowAt = 0
  let nextKey = 0
  for (let i = 0; i < drafts.length; i++) {
    const draft = drafts[i] as Draft
    const owners = []
    for (const { disclosures } of draft.owners) owners.push({ key: keys[nextKey++] as DataKey, disclosures })
    const { log: trail, fingerprint, tokens, firstDigest } = draft
    const from = rowAt
    rowAt = sealRowInto({ tenant: env.tenant, trail, auditid: auditIdBytes(draft.auditid), fingerprint, tokens, owners, firstDigest }, env.nonce, rows, from)
    rowOffsets[i + 1] = rowAt
    at = encodeEntry(draft, rows.subarray(from, from + ROW_KEY), entries, at)
    offsets[i + 1] = at
  }
  return { entries: entries.subarray(0, at), offsets, rows: rows.subarray(0, rowAt), rowOffsets }
}
