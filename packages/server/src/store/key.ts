import { parseObjectKey } from '@sealtrail/evidence'
import type { IndexedKind } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'

/**
 * A key of the store: `<log>/<kind>/<name>`. Segments, hash packs, tails and kept records are named `<first index, 20 digits>-<32 hex of SHA-256>`:
 * ascending keys are ascending indexes, and the digest binds the bytes.
 */
export interface ObjectKey {
  readonly log: string
  readonly kind: string
  readonly name: string
}

/** What such a key says: the first index and the first half of the object's SHA-256, lower-case hex. */
export interface IndexedKey {
  readonly log: string
  readonly first: number
  readonly digest: string
}

const KEY = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})\/([a-z]{1,16})\/([A-Za-z0-9][A-Za-z0-9._-]{0,127})$/

/** Takes a key apart, or null when it is none: no empty part, no `..`, nothing that a file system could read as a path out. */
export function parseKey(key: string): ObjectKey | null {
  const match = KEY.exec(key)
  return match === null ? null : { log: match[1]!, kind: match[2]!, name: match[3]! }
}

/** Takes the key of such an object apart, or null when it is none of this kind. */
export function parseIndexedKey(key: string, kind: IndexedKind): IndexedKey | null {
  try {
    const parsed = parseObjectKey(key)
    return parsed.kind === kind ? parsed : null
  } catch {
    return null
  }
}

const INDEXED = ['segment', 'hashes', 'tail', 'kept'] as const

/** The hex of the SHA-256 that a key ends with, whole or its first half; '' (which every digest starts with) when it has none. */
export function digestNamed(key: string): string {
  const parsed = parseKey(key)
  if (parsed?.kind === 'object' && /^[0-9a-f]{64}$/.test(parsed.name)) return parsed.name
  return INDEXED.map((kind) => parseIndexedKey(key, kind)).find((found) => found !== null)?.digest ?? ''
}

/** Takes a key apart that must be one: what an adapter is asked for is never a path out of its place. @throws SealtrailError INTERNAL */
export function checkedKey(key: string): ObjectKey {
  const parsed = parseKey(key)
  if (parsed === null || (parsed.kind === 'segment' && parseIndexedKey(key, 'segment') === null)) throw new SealtrailError('INTERNAL', 'not a store key')
  return parsed
}
