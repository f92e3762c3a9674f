import { auditIdBytes, flatten, openDisclosure } from '@sealtrail/evidence'
import type { FieldState } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { Role } from '../http/ports.ts'
import type { Vault, VaultRow } from '../vault/vault.ts'
import { maySee } from './views.ts'

/** A record's data as one reader may see it. */
export interface Disclosed {
  /** Flat: a value in place of its commitment, null where there is none to show. */
  readonly data: JsonObject
  /** Dotted path of each committed field → why it is shown or not. An open map has one state, that of its least readable entry. */
  readonly states: Readonly<Record<string, FieldState>>
}

const ORDER: readonly FieldState[] = ['disclosed', 'sealed', 'expired', 'erased', 'missing']

/** Puts the personal values back that the vault opens and the role may see. A value is shown only if its digest is in the record. */
export async function disclose(auditid: string, data: JsonObject, role: Role, vault: Pick<Vault, 'rows' | 'open'>): Promise<Disclosed> {
  const committed = flatten(data, [])
  if (committed.fields.length === 0) return { data: committed.data, states: {} }
  const { known, gone } = await vaultValues(auditid, vault)
  const shown = new Set<string>()
  for (const { path, digest } of committed.fields) if (known.has(digest) && maySee(role, fieldName(path))) shown.add(digest)
  const { data: flat, fields } = flatten(
    data,
    [...shown].map((digest) => known.get(digest) as string),
    (digest) => (known.has(digest) ? 'sealed' : gone),
  )
  const states: Record<string, FieldState> = {}
  for (const { path, state } of fields) {
    const name = fieldName(path)
    const before = states[name]
    if (before === undefined || ORDER.indexOf(state) > ORDER.indexOf(before)) states[name] = state
  }
  return { data: flat, states }
}

/** What the vault opens of a record: digest → disclosure, and the state of every digest it does not name. */
export async function vaultValues(auditid: string, vault: Pick<Vault, 'rows' | 'open'>): Promise<{ known: Map<string, string>; gone: 'erased' | 'missing' }> {
  const known = new Map<string, string>()
  let gone: 'erased' | 'missing' = 'missing'
  const id = auditIdBytes(auditid)
  for (const row of await rowsOf(id, vault)) {
    for (const part of await vault.open(row, id)) {
      // Which digests an erased part held nobody knows any more: what no other part opens was in it.
      if (part.state === 'erased') gone = 'erased'
      else if (part.state === 'open') for (const disclosure of part.disclosures) remember(known, disclosure)
    }
  }
  return { known, gone }
}

/** A damaged vault takes values from an answer, not the answer: what is sealed still verifies. */
async function rowsOf(id: Uint8Array, vault: Pick<Vault, 'rows'>): Promise<VaultRow[]> {
  try {
    return await vault.rows(id)
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'DATA_CORRUPT') return []
    throw error
  }
}

/** Damaged disclosures open nothing; their fields then say `missing`. */
function remember(known: Map<string, string>, disclosure: string): void {
  try {
    known.set(openDisclosure(disclosure).digest, disclosure)
  } catch {
    return
  }
}

/** `/payload/attributes/0` → `payload.attributes`: a pointer without the places in lists, as a dotted path. */
export function fieldName(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .filter((part) => !/^\d+$/.test(part))
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')
}
