import { ed25519Verify, encodeBase64, leafHashInto } from '@sealtrail/tlog'
import { sha256Hex } from '#platform'
import { canonicalize } from './canonical.ts'
import { EvidenceError } from './errors.ts'
import { parseIJson } from './ijson.ts'
import type { JsonObject } from './json.ts'
import { MAX_RECORD_BYTES } from './record.ts'
import { base64Bytes, decodeUtf8, encodeUtf8, joinLines } from './text.ts'

/**
 * A segment: what one commit added to a log, as NDJSON. Every line, the last too, ends in one newline:
 *
 *   {"count":2,"created":"…","first":0,"format":"sealtrail/segment/1","journal":{…},"log":"…","previous":{…}}
 *   {"auditid":…}                                      the records: exactly the leaves first … first+count-1
 *   {"auditid":…}
 *   {"root":"…","signature":"…","signer":"…","size":2}
 *
 * The signature covers all bytes before the last line, by way of their SHA-256 (hashing half a megabyte twice within
 * Ed25519 would cost milliseconds). It says "this writer wrote this", not "this is the log": only a checkpoint says that.
 */
export interface SegmentHeader {
  /** Origin of the log: `<origin>/<log>`. */
  readonly log: string
  /** Index of the first record. */
  readonly first: number
  readonly count: number
  /** RFC 3339, UTC, milliseconds. */
  readonly created: string
  /** Everything in the journal before this place was consumed, or is older than this log needs. */
  readonly journal: { readonly file: number; readonly offset: number }
  readonly previous: PreviousHead
}

/** Where the log stood before this segment. */
export interface PreviousHead {
  readonly size: number
  /** Hex; at size 0 the root of the empty tree. */
  readonly root: string
  /** Hex SHA-256 of the previous segment's zstd frame; empty at size 0. */
  readonly segment: string
  /** The signed checkpoint of that size; may be empty. */
  readonly checkpoint: string
  /** Version id or generation under which the store took the previous segment; left out where it has none. A hint where to look: the digest binds. */
  readonly version?: string
}

export interface SegmentTrailer {
  /** Size of the log after this segment. */
  readonly size: number
  /** Its RFC 6962 root, hex. */
  readonly root: string
  /** Ed25519, 64 bytes. */
  readonly signature: Uint8Array
  /** Raw public key of the segment key, 32 bytes. */
  readonly signer: Uint8Array
}

/** The segment key, as far as writing a trailer needs it. */
export interface SegmentSigner {
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

export const SEGMENT_FORMAT = 'sealtrail/segment/1'

const NEWLINE = 0x0a
const HASH = /^[0-9a-f]{64}$/
const VERSION = /^[\x21-\x7e]{1,1024}$/
const UTC_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** The header line, without its newline. */
export function encodeSegmentHeader({ log, first, count, created, journal, previous }: SegmentHeader): string {
  return canonicalize({
    count,
    created,
    first,
    format: SEGMENT_FORMAT,
    journal: { file: journal.file, offset: journal.offset },
    log,
    previous: {
      checkpoint: previous.checkpoint,
      root: previous.root,
      segment: previous.segment,
      size: previous.size,
      ...(previous.version === undefined ? {} : { version: previous.version }),
    },
  })
}

/** The bytes the segment key signs: `sealtrail/segment/1\n<sha256 hex of all bytes before the last line>\n`. */
export function segmentMessage(digest: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`${SEGMENT_FORMAT}\n${digest}\n`)
}

/**
 * The trailer line, without its newline.
 * @param digest lower-case hex SHA-256 of everything before the trailer, the newline before it included.
 */
export function encodeSegmentTrailer(end: { readonly size: number; readonly root: string }, digest: string, signer: SegmentSigner): string {
  return canonicalize({
    root: end.root,
    signature: encodeBase64(signer.sign(segmentMessage(digest))),
    signer: encodeBase64(signer.publicKey),
    size: end.size,
  })
}

/** The whole segment. @param root hex root of the log after these records. */
export function encodeSegment(header: SegmentHeader, records: readonly Uint8Array[], root: string, signer: SegmentSigner): Uint8Array<ArrayBuffer> {
  const body = joinLines([encodeUtf8(encodeSegmentHeader(header)), ...records])
  const trailer = encodeSegmentTrailer({ size: header.first + header.count, root }, sha256Hex(body), signer)
  return joinLines([body.subarray(0, -1), encodeUtf8(trailer)])
}

/** A segment taken apart; `bytes` is what was given, not a copy. */
export interface Segment {
  readonly bytes: Uint8Array
  readonly header: SegmentHeader
  readonly trailer: SegmentTrailer
  /** Record i is `bytes[starts[i] .. starts[i+1]-1)`, the newline left out; one more start than records: the trailer's. */
  readonly starts: Uint32Array
}

/** The bytes of record i (0 is leaf `header.first`), a view. */
export function segmentRecord(segment: Segment, i: number): Uint8Array {
  const { starts, bytes } = segment
  if (!(i >= 0 && i + 1 < starts.length)) throw new RangeError('no such record in the segment')
  return bytes.subarray(starts[i] as number, (starts[i + 1] as number) - 1)
}

/**
 * Takes a segment apart and checks everything that can be checked on it alone: form, sizes, and the signature of the key
 * it names. That key is only the writer's own word; compare `trailer.signer` with a key you trust, and the root with the log.
 * @throws EvidenceError SEGMENT_FORMAT, SEGMENT_SIGNATURE
 */
export function decodeSegment(bytes: Uint8Array): Segment {
  const segment = splitSegment(bytes)
  if (!isSegmentSigned(segment)) throw new EvidenceError('SEGMENT_SIGNATURE', 'the signature does not fit the bytes before it')
  return segment
}

/** Whether the trailer's signature is by the key the trailer names, over all bytes before the trailer. */
export function isSegmentSigned({ bytes, starts, trailer }: Segment): boolean {
  const body = bytes.subarray(0, starts[starts.length - 1])
  return ed25519Verify(trailer.signer, segmentMessage(sha256Hex(body)), trailer.signature)
}

/** The dear part of checking a segment, which needs nothing but its bytes: an audit may have it done on another thread. */
export interface SegmentFacts {
  /** As `isSegmentSigned`. */
  readonly signed: boolean
  /** Leaf hashes of its records, 32 bytes each. */
  readonly leaves: Uint8Array
}

export function segmentFacts(segment: Segment): SegmentFacts {
  const { count } = segment.header
  const leaves = new Uint8Array(count * 32)
  for (let i = 0; i < count; i++) leafHashInto(segmentRecord(segment, i), leaves, i * 32)
  return { signed: isSegmentSigned(segment), leaves }
}

/** As `decodeSegment`, without the signature: for audits that go on past a bad one. @throws EvidenceError SEGMENT_FORMAT */
export function splitSegment(bytes: Uint8Array): Segment {
  const headerEnd = bytes.indexOf(NEWLINE)
  if (headerEnd < 0 || bytes[bytes.length - 1] !== NEWLINE) throw malformed('a segment is lines, each ended by a newline')
  const header = readHeader(bytes.subarray(0, headerEnd))
  // Attacker: `count` is not believed before it is counted; a line has at least two bytes.
  if (header.count > bytes.length / 2) throw malformed('fewer records than the header says')
  const starts = new Uint32Array(header.count + 1)
  let at = headerEnd + 1
  for (let i = 0; i < header.count; i++) {
    starts[i] = at
    const end = bytes.indexOf(NEWLINE, at)
    if (end < 0 || end === bytes.length - 1) throw malformed('fewer records than the header says')
    if (end === at || end - at > MAX_RECORD_BYTES) throw malformed(`record ${header.first + i} has ${end - at} bytes`)
    at = end + 1
  }
  starts[header.count] = at
  if (bytes.indexOf(NEWLINE, at) !== bytes.length - 1) throw malformed('more records than the header says')
  const trailer = readTrailer(bytes.subarray(at, bytes.length - 1))
  if (trailer.size !== header.first + header.count) throw malformed('the trailer has another size than first and count make')
  return { bytes, header, trailer, starts }
}

function readHeader(line: Uint8Array): SegmentHeader {
  const header = readLine(line, 'header', ['count', 'created', 'first', 'format', 'journal', 'log', 'previous'])
  if (header['format'] !== SEGMENT_FORMAT) throw malformed('another format than sealtrail/segment/1')
  const { count, created, first, log } = header
  const journal = member(header, 'journal', ['file', 'offset'])
  const previous = member(header, 'previous', ['checkpoint', 'root', 'segment', 'size'], ['version'])
  const { checkpoint, root, segment, size, version } = previous
  if (!isCount(count) || count === 0 || !isCount(first) || !isCount(first + count)) throw malformed('the header has no valid first and count')
  if (typeof created !== 'string' || !UTC_MILLIS.test(created)) throw malformed('the header has no valid time')
  if (typeof log !== 'string' || log === '') throw malformed('the header names no log')
  if (!isCount(journal['file']) || !isCount(journal['offset'])) throw malformed('the header has no valid journal position')
  if (typeof checkpoint !== 'string' || typeof root !== 'string' || !HASH.test(root)) throw malformed('the header has no valid previous head')
  if (size !== first) throw malformed('the previous size is not the first index')
  if (typeof segment !== 'string' || (first === 0 ? segment !== '' : !HASH.test(segment))) throw malformed('the header has no valid previous segment')
  if (version !== undefined && (first === 0 || !isStoreVersion(version))) throw malformed('the header has no valid version of the previous segment')
  return {
    log,
    first,
    count,
    created,
    journal: { file: journal['file'], offset: journal['offset'] },
    previous: { size, root, segment, checkpoint, ...(version === undefined ? {} : { version }) },
  }
}

function readTrailer(line: Uint8Array): SegmentTrailer {
  const trailer = readLine(line, 'trailer', ['root', 'signature', 'signer', 'size'])
  const { root, size } = trailer
  const signature = typeof trailer['signature'] === 'string' ? base64Bytes(trailer['signature']) : null
  const signer = typeof trailer['signer'] === 'string' ? base64Bytes(trailer['signer']) : null
  if (typeof root !== 'string' || !HASH.test(root) || !isCount(size)) throw malformed('the trailer has no valid size and root')
  if (signature?.length !== 64 || signer?.length !== 32) throw malformed('the trailer has no valid signature')
  return { size, root, signature, signer }
}

/** A header or trailer line: canonical JSON with exactly these keys. */
function readLine(line: Uint8Array, what: string, keys: readonly string[]): JsonObject {
  const parsed = parseIJson(line, { maxBytes: 4 << 20, maxDepth: 4 })
  if ('problem' in parsed) throw malformed(`the ${what}: ${parsed.problem.message}`)
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`the ${what} is no JSON object`)
  assertKeys(value, what, keys)
  if (canonicalize(value) !== decodeUtf8(line)) throw malformed(`the ${what} is not in RFC 8785 form`)
  return value
}

function member(object: JsonObject, name: string, keys: readonly string[], optional: readonly string[] = []): JsonObject {
  const value = object[name]
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(`the header has no ${name}`)
  assertKeys(value, name, [...keys, ...optional.filter((key) => Object.hasOwn(value, key))])
  return value
}

/** A version id or generation, as a store names it: printable ASCII, at most 1,024 characters. */
export function isStoreVersion(value: unknown): value is string {
  return typeof value === 'string' && VERSION.test(value)
}

function assertKeys(object: JsonObject, what: string, keys: readonly string[]): void {
  const found = Object.keys(object)
  if (found.length !== keys.length || !keys.every((key) => Object.hasOwn(object, key))) throw malformed(`the ${what} has other keys`)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function malformed(message: string): EvidenceError {
  return new EvidenceError('SEGMENT_FORMAT', message)
}
