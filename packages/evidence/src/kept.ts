import { TlogError, checkInclusion, decodeBase64, encodeBase64, leafHash, parseCheckpoint, parseNote } from '@sealtrail/tlog'
import { canonicalize } from './canonical.ts'
import { EvidenceError } from './errors.ts'
import { parseIJson } from './ijson.ts'
import type { JsonObject } from './json.ts'
import { problemOf } from './problem.ts'
import type { Problem } from './problem.ts'
import { MAX_RECORD_BYTES } from './record.ts'
import { encodeUtf8, joinLines } from './text.ts'

export const KEPT_FORMAT = 'sealtrail/kept/1'
/** Most records of one object. */
export const MAX_KEPT_RECORDS = 65_536
const MAX_LINE = 8192
const NEWLINE = 0x0a

/** A record that outlives its segment, with the proof that it stands in the log. */
export interface KeptRecord {
  readonly index: number
  /** The leaf's bytes. */
  readonly record: Uint8Array
  /** Inclusion proof in the tree of the object's checkpoint, 32 bytes each, the leaf's sibling first. */
  readonly proof: readonly Uint8Array[]
}

/** Kept records of one log, proved against one checkpoint. */
export interface Kept {
  /** The log's origin. */
  readonly log: string
  /** The signed note. */
  readonly checkpoint: string
  /** Ascending by index. */
  readonly records: readonly KeptRecord[]
}

/** The NDJSON: a header, then two lines for each record, its place and itself. @throws EvidenceError KEPT_FORMAT */
export function encodeKept({ log, checkpoint, records }: Kept): Uint8Array<ArrayBuffer> {
  assertOrder(records)
  const lines: Uint8Array[] = [encodeUtf8(canonicalize({ checkpoint, count: records.length, format: KEPT_FORMAT, log }))]
  for (const { index, record, proof } of records) {
    lines.push(encodeUtf8(canonicalize({ index, proof: proof.map((hash) => encodeBase64(hash)) })), record)
  }
  return joinLines(lines)
}

/** attacker: whoever holds the store. Reads strictly; the proofs are not checked (`checkKept`). @throws EvidenceError KEPT_FORMAT */
export function decodeKept(bytes: Uint8Array): Kept {
  const lines = linesOf(bytes)
  const header = object(lines[0], ['checkpoint', 'count', 'format', 'log'], 'header')
  const { checkpoint, count, format, log } = header
  if (format !== KEPT_FORMAT) throw wrong('the format is another')
  if (typeof checkpoint !== 'string' || typeof log !== 'string' || count !== (lines.length - 1) / 2) throw wrong('the header does not fit')
  const records: KeptRecord[] = []
  for (let at = 1; at < lines.length; at += 2) {
    const { index, proof } = object(lines[at], ['index', 'proof'], 'place of a record')
    if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0 || !Array.isArray(proof) || proof.length > 63)
      throw wrong('no place of a record')
    records.push({ index, record: lines[at + 1] as Uint8Array, proof: proof.map(hashOf) })
  }
  assertOrder(records)
  return { log, checkpoint, records }
}

/** Whether each record leads to the checkpoint; who signed that, and whether it is one of the log's, is the caller's to find. */
export function checkKept(object: string, kept: Kept): Problem[] {
  let size: bigint
  let root: Uint8Array
  try {
    const parsed = parseCheckpoint(parseNote(kept.checkpoint).text)
    if (parsed.origin !== kept.log) return [problemOf('CHECKPOINT_LOG', object, null)]
    ;({ size, root } = parsed)
  } catch {
    return [problemOf('CHECKPOINT_FORMAT', object, null)]
  }
  const problems: Problem[] = []
  for (const { index, record, proof } of kept.records) {
    try {
      checkInclusion(BigInt(index), size, leafHash(record), proof, root)
    } catch (error) {
      if (!(error instanceof TlogError)) throw error
      problems.push(problemOf('KEPT_PROOF', object, index))
    }
  }
  return problems
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end < 0) throw wrong('the last line does not end')
    lines.push(bytes.subarray(start, end))
    if (lines.length > 1 + 2 * MAX_KEPT_RECORDS) throw wrong('too many records')
    start = end + 1
  }
  if (lines.length < 3 || lines.length % 2 === 0) throw wrong('a header, and two lines for each record')
  for (let at = 2; at < lines.length; at += 2) {
    const { length } = lines[at] as Uint8Array
    if (length === 0 || length > MAX_RECORD_BYTES) throw wrong('a record is empty or too long')
  }
  return lines
}

function object(line: Uint8Array | undefined, keys: readonly string[], what: string): JsonObject {
  const parsed = parseIJson(line as Uint8Array, { maxBytes: what === 'header' ? MAX_LINE * 16 : MAX_LINE, maxDepth: 2 })
  const value = 'value' in parsed ? parsed.value : null
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`the ${what} is no JSON object`)
  if (Object.keys(value).sort().join() !== keys.join()) throw wrong(`the ${what} has other members`)
  return value
}

function hashOf(text: unknown): Uint8Array {
  try {
    const hash = decodeBase64(text as string)
    if (hash.length === 32) return hash
  } catch {
    // Below.
  }
  throw wrong('a proof holds no hash')
}

function assertOrder(records: readonly KeptRecord[]): void {
  if (records.length === 0 || records.length > MAX_KEPT_RECORDS) throw wrong('no records, or too many')
  for (let i = 1; i < records.length; i++)
    if ((records[i] as KeptRecord).index <= (records[i - 1] as KeptRecord).index) throw wrong('the records do not ascend')
}

function wrong(message: string): EvidenceError {
  return new EvidenceError('KEPT_FORMAT', `kept records: ${message}`)
}
