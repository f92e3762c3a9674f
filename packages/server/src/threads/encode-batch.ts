import { auditIdBytes } from '@sealtrail/evidence'
import type { Batch } from '../event/batch.ts'
import type { Draft } from '../event/draft.ts'
import { encodeEntry, entryBound } from '../event/entry.ts'
import { sealRow } from '../vault/encrypt.ts'
import type { DataKey } from '../vault/vault.ts'

export interface EncodeEnv {
  readonly tenant: string
  /** 12 random bytes a call. */
  readonly nonce: () => Uint8Array
}

/** Encrypts what the vault keeps, one operation per owner and event, and writes entries and rows into two buffers that can change threads. */
export function encodeBatch(drafts: readonly Draft[], keys: readonly DataKey[], env: EncodeEnv): Omit<Batch, 'wait'> {
  let entryRoom = 0
  for (const draft of drafts) entryRoom += entryBound(draft)
  const entries = Buffer.allocUnsafeSlow(entryRoom)
  const offsets = new Uint32Array(drafts.length + 1)
  const rows: Uint8Array[] = []
  const rowOffsets = new Uint32Array(drafts.length + 1)
  let at = 0
  let rowsAt = 0
  let nextKey = 0
  drafts.forEach((draft, i) => {
    const owners = draft.owners.map(({ disclosures }) => ({ key: keys[nextKey++] as DataKey, disclosures }))
    const row = sealRow(
      { tenant: env.tenant, trail: draft.log, auditid: auditIdBytes(draft.auditid), fingerprint: draft.fingerprint, tokens: draft.tokens, owners, firstDigest: draft.firstDigest },
      env.nonce,
    )
    rows.push(row.key, row.value)
    rowsAt += row.key.length + row.value.length
    rowOffsets[i + 1] = rowsAt
    at = encodeEntry({ ...draft, vaultKey: row.key }, entries, at)
    offsets[i + 1] = at
  })
  // Memory of its own: node's pooled buffers cannot change threads.
  const packed = Buffer.allocUnsafeSlow(rowsAt)
  let packedAt = 0
  for (const part of rows) {
    packed.set(part, packedAt)
    packedAt += part.length
  }
  return { entries: entries.subarray(0, at), offsets, rows: packed, rowOffsets }
}
