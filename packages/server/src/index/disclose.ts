import { auditIdBytes, flatten, openDisclosure, readKeptSalt } from '@sealtrail/evidence'
import type { Field, FieldState, KeptSalt } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { Vault, VaultRow } from '../vault/vault.ts'
import { NOT_ASKED, reasonsOf } from './gone.ts'
import type { DestroyedBy, ErasedUnder, FieldReason } from './gone.ts'
import { masked } from './mask.ts'
import type { Sight } from './views.ts'

/** A record's data as one reader may see it. */
export interface Disclosed {
  /** Flat: a value in place of its commitment, null where there is none to show. */
  readonly data: JsonObject
  /** Dotted path of each committed field → why it is shown or not. An open map has one state, that of its least readable entry. */
  readonly states: Readonly<Record<string, FieldState>>
  /** Dotted path of a field that is sealed to this reader → what its mask shows. */
  readonly masks: Readonly<Record<string, string>>
  /** Dotted path of a field that is gone for a reason → which. */
  readonly reasons: Readonly<Record<string, FieldReason>>
}

const ORDER: readonly FieldState[] = ['disclosed', 'sealed', 'expired', 'erased', 'missing']
const NOTHING: Readonly<Record<string, never>> = {}

/** Puts the personal values back that the vault opens and the reader may see. A value is shown only if its digest is in the record. */
export async function disclose(
  auditid: string,
  data: JsonObject,
  sight: Pick<Sight, 'sees' | 'mask'>,
  vault: Pick<Vault, 'rows' | 'open'>,
  erasedUnder: ErasedUnder = NOT_ASKED,
): Promise<Disclosed> {
  const committed = flatten(data, [])
  if (committed.fields.length === 0) return { data: committed.data, states: {}, masks: NOTHING, reasons: NOTHING }
  const { known, kept, gone, erasures } = await vaultValues(auditid, vault)
  const shown = new Set<string>()
  for (const { path, digest } of committed.fields) if (known.has(digest) && sight.sees(fieldName(path), digest)) shown.add(digest)
  const { data: flat, fields } = flatten(
    data,
    [...shown].map((digest) => known.get(digest) as string),
    (digest) => (known.has(digest) || kept.has(digest) ? 'sealed' : gone),
  )
  const states: Record<string, FieldState> = {}
  for (const { path, state } of fields) addState(states, fieldName(path), state)
  const reasons = erasures.length === 0 ? NOTHING : await erasedReasons(auditid, fields, states, erasures, erasedUnder)
  return { data: flat, states, masks: masksOf(fields, known, sight), reasons }
}

/** Of several values of one field the least readable counts. */
export function addState(states: Record<string, FieldState>, name: string, state: FieldState): void {
  const before = states[name]
  if (before === undefined || ORDER.indexOf(state) > ORDER.indexOf(before)) states[name] = state
}

/** Of the fields whose state is `erased`; of several values the first one's. */
async function erasedReasons(
  auditid: string,
  fields: readonly Field[],
  states: Disclosed['states'],
  erasures: VaultValues['erasures'],
  erasedUnder: ErasedUnder,
): Promise<Disclosed['reasons']> {
  const reasonOf = await reasonsOf(auditid, erasures, erasedUnder)
  const reasons = new Map<string, FieldReason>()
  for (const { path, digest, state } of fields) {
    const name = fieldName(path)
    const reason = state === 'erased' && states[name] === 'erased' && !reasons.has(name) ? reasonOf(digest) : null
    if (reason !== null) reasons.set(name, reason)
  }
  return Object.fromEntries(reasons)
}

function masksOf(fields: readonly Field[], known: VaultValues['known'], sight: Pick<Sight, 'mask'>): Disclosed['masks'] {
  let masks: Record<string, string> | null = null
  for (const { path, digest, state } of fields) {
    const disclosure = state === 'sealed' ? known.get(digest) : undefined
    const mask = disclosure === undefined ? null : sight.mask(path)
    if (disclosure === undefined || mask === null) continue
    const name = fieldName(path)
    const text = masked(openDisclosure(disclosure).value, mask)
    // A list committed value by value.
    const before = (masks ??= Object.create(null) as Record<string, string>)[name]
    masks[name] = before === undefined ? text : before.length < MOST_MASKED ? `${before}, ${text}` : before
  }
  return masks ?? NOTHING
}

/** Characters of masks shown of one field, but for the last one. */
const MOST_MASKED = 256

/** What the vault opens of a record. */
export interface VaultValues {
  /** Digest → disclosure. */
  readonly known: ReadonlyMap<string, string>
  /** Digests of verify-only values: they can be checked, and nobody reads them. */
  readonly kept: ReadonlyMap<string, KeptSalt>
  /** The state of every digest that is in neither. */
  readonly gone: 'erased' | 'missing'
  /** What its keys were destroyed by, each once. */
  readonly erasures: readonly DestroyedBy[]
}

/** Opens all that the vault has of a record. */
export async function vaultValues(auditid: string, vault: Pick<Vault, 'rows' | 'open'>): Promise<VaultValues> {
  const known = new Map<string, string>()
  const kept = new Map<string, KeptSalt>()
  const erasures = new Map<string, number>()
  const id = auditIdBytes(auditid)
  for (const row of await rowsOf(id, vault)) {
    for (const part of await vault.open(row, id)) {
      // Which digests an erased part held nobody knows any more: what no other part opens was in it.
      if (part.state === 'erased') erasures.set(part.certificate, part.erasedMs)
      else if (part.state === 'open') for (const disclosure of part.disclosures) remember(known, kept, disclosure)
    }
  }
  return {
    known,
    kept,
    gone: erasures.size > 0 ? 'erased' : 'missing',
    erasures: [...erasures].map(([certificate, erasedMs]) => ({ certificate, erasedMs })),
  }
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
function remember(known: Map<string, string>, kept: Map<string, KeptSalt>, disclosure: string): void {
  const salt = readKeptSalt(disclosure)
  if (salt !== null) return void kept.set(salt.digest, salt)
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
