import { openRow, readRow } from '../encrypt.ts'
import type { KeyAnswer, Opened, VaultRow } from '../vault.ts'

/** Opens a row with keys asked for by id, all at once. @param keysById the vault itself, or a message to the thread that has it. */
export async function openRowWith(row: VaultRow, auditid: Uint8Array, keysById: (ids: readonly Uint8Array[]) => Promise<KeyAnswer[]>): Promise<Opened[]> {
  const entry = readRow(row, auditid)
  // Ids of their own, so that a message does not carry the row along.
  const answers = typeof entry === 'string' ? [] : await keysById(entry.parts.map((part) => Uint8Array.from(part.keyId)))
  return openRow(row, auditid, () => answers)
}
