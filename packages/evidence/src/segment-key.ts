import { EvidenceError } from './errors.ts'

/** Objects that are named by their first leaf and their digest: segments, hash packs, tails of these, kept records. */
export type IndexedKind = 'segment' | 'hashes' | 'tail' | 'kept'

/** What the key of such an object says. */
export interface ObjectName {
  readonly log: string
  readonly kind: IndexedKind
  /** Index of its first leaf. */
  readonly first: number
  /** First 32 hex characters of the object's SHA-256. */
  readonly digest: string
}

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,127}'
/** What a log may be called. */
export const LOG_NAME: RegExp = new RegExp(`^${NAME}$`)
const KEY = new RegExp(`^(${NAME})/(segment|hashes|tail|kept)/(\\d{20})-([0-9a-f]{32})$`)

/** `<log>/segment/<first, 20 digits>-<32 hex>`. @param digest SHA-256 of the zstd frame, lower-case hex. */
export function segmentKey(log: string, first: number, digest: string): string {
  return objectKey(log, 'segment', first, digest)
}

/** `<log>/hashes/<first, 20 digits>-<32 hex>`. @param digest SHA-256 of the pack's bytes, lower-case hex. */
export function hashPackKey(log: string, first: number, digest: string): string {
  return objectKey(log, 'hashes', first, digest)
}

/** `<log>/tail/<first, 20 digits>-<32 hex>`. @param digest SHA-256 of the tail's bytes, lower-case hex. */
export function tailKey(log: string, first: number, digest: string): string {
  return objectKey(log, 'tail', first, digest)
}

/** `<log>/kept/<first, 20 digits>-<32 hex>`. @param digest SHA-256 of the zstd frame, lower-case hex. */
export function keptKey(log: string, first: number, digest: string): string {
  return objectKey(log, 'kept', first, digest)
}

function objectKey(log: string, kind: IndexedKind, first: number, digest: string): string {
  return `${log}/${kind}/${String(first).padStart(20, '0')}-${digest.slice(0, 32)}`
}

/** The parts of a store key. @throws EvidenceError KEY_FORMAT, also for first indexes above 2^53-1. */
export function parseObjectKey(key: string): ObjectName {
  const [, log, kind, first, digest] = KEY.exec(key) ?? []
  if (log === undefined || !Number.isSafeInteger(Number(first)))
    throw new EvidenceError('KEY_FORMAT', 'not the key of a segment, hash pack, tail or kept records')
  return { log, kind: kind as IndexedKind, first: Number(first), digest: digest as string }
}

/** The first index in a store key, or null when it is none. */
export function firstOf(key: string): number | null {
  const first = Number(KEY.exec(key)?.[3] ?? Number.NaN)
  return Number.isSafeInteger(first) ? first : null
}

/** Whether a store key is that of this log's segment with this first leaf and hex frame digest. */
export function isSegmentKey(key: string, log: string, first: number, digest: string): boolean {
  return key === segmentKey(log, first, digest)
}
