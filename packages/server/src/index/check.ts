import { flatten, isValueOf, openDisclosure } from '@sealtrail/evidence'
import type { FieldState, KeptSalt } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Vault } from '../vault/vault.ts'
import { fieldName, vaultValues } from './disclose.ts'
import type { VaultValues } from './disclose.ts'

/** Whether a value is the one a record commits to. */
export interface Checked {
  /** `sealed`: it is there. Else why nobody can say. */
  readonly state: Exclude<FieldState, 'disclosed'>
  /** Null when nobody can say. */
  readonly matches: boolean | null
}

/** Pointers and digests of a field, by its dotted path. @throws SealtrailError NOT_FOUND */
export function committedAt(data: JsonObject, path: string): ReadonlyArray<{ readonly path: string; readonly digest: string }> {
  const found = flatten(data, []).fields.filter((field) => fieldName(field.path) === path)
  if (found.length === 0) throw new SealtrailError('NOT_FOUND', 'the record commits to nothing at this path')
  return found
}

/**
 * Makes the digest anew of salt and value, and compares: nothing else of the value is read. A number is also taken as its
 * text and the other way round, since who asks cannot see which of the two was sealed.
 */
export async function check(auditid: string, digests: readonly string[], value: JsonValue, vault: Pick<Vault, 'rows' | 'open'>): Promise<Checked> {
  const values = await vaultValues(auditid, vault)
  const salts = digests.map((digest) => saltOf(digest, values))
  const there = salts.filter((salt) => salt !== null)
  if (there.length === 0) return { state: values.gone, matches: null }
  const spelled = spellings(value)
  if (there.some((salt) => spelled.some((each) => isValueOf(salt, each)))) return { state: 'sealed', matches: true }
  // Of several values one that is gone may have been it.
  return there.length === digests.length ? { state: 'sealed', matches: false } : { state: values.gone, matches: null }
}

function saltOf(digest: string, { known, kept }: VaultValues): KeptSalt | null {
  const disclosure = known.get(digest)
  return disclosure === undefined ? (kept.get(digest) ?? null) : { digest, salt: openDisclosure(disclosure).salt }
}

function spellings(value: JsonValue): JsonValue[] {
  if (typeof value === 'number') return [value, String(value)]
  return typeof value === 'string' && value !== '' && String(Number(value)) === value && Number.isFinite(Number(value)) ? [value, Number(value)] : [value]
}
