import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalize } from '@sealtrail/evidence'
import { decodeBase64, encodeBase64, parseCheckpoint } from '@sealtrail/tlog'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'

export const TIMESTAMP_FORMAT = 'sealtrail/timestamp/1'
/** Longest object that is read: a token, its chain and a checkpoint with many cosignatures stay far below. */
const MAX_STAMP_BYTES = 1024 * 1024

/** A time-stamped checkpoint as kept. */
export interface StoredTimestamp {
  readonly log: string
  readonly size: number
  /** The configured name of the authority: a label, no evidence. */
  readonly authority: string
  /** The signed note as it stood when it was stamped. */
  readonly checkpoint: string
  /** What the token is over: the checkpoint's note text, final newline included. */
  readonly text: Uint8Array
  /** RFC 3161 TimeStampToken (a CMS ContentInfo), DER. */
  readonly token: Uint8Array
  /** Of the request, big-endian. */
  readonly nonce: Uint8Array
  /** Certificates from the signer's to the root, DER. */
  readonly chain: readonly Uint8Array[]
  /** Revocation lists that could be had, DER. */
  readonly crls: readonly Uint8Array[]
  /** Hex SHA-256 of lists that were kept and are not there (any more). */
  readonly lost: readonly string[]
  /** Addresses of the lists that could not be had, each with a short reason. */
  readonly missing: ReadonlyArray<{ readonly url: string; readonly error: string }>
  /** When the request was sent, by this server's clock: RFC 3339. */
  readonly requested: string
  /** The store key; the file for readers is `timestamps/<log>/<name>.json` with the key's last part as name. */
  readonly key: string
}

/** A revocation list fetched, or why it could not be. */
export type FetchedList = { readonly url: string; readonly der: Uint8Array } | { readonly url: string; readonly error: string }

/** An object of the store: key and bytes. */
export interface StoreObject {
  readonly key: string
  readonly bytes: Uint8Array
}

/** The objects that keep a time stamp, in the order in which they must be stored: its revocation lists, then itself. */
export function encodeStored(
  parts: Omit<StoredTimestamp, 'crls' | 'lost' | 'missing' | 'key' | 'text'> & { readonly lists: readonly FetchedList[] },
): StoreObject[] {
  const { log, size, authority, checkpoint, token, nonce, chain, lists, requested } = parts
  const crls = lists.map((list): JsonObject => ('der' in list ? { sha256: sha256(list.der), url: list.url } : { error: list.error, url: list.url }))
  const value: JsonObject = {
    authority,
    chain: chain.map((der) => encodeBase64(der)),
    checkpoint,
    crls,
    format: TIMESTAMP_FORMAT,
    log,
    nonce: Buffer.from(nonce).toString('hex'),
    requested,
    size,
    token: encodeBase64(token),
  }
  const bytes = Buffer.from(canonicalize(value))
  return [
    ...lists.flatMap((list) => ('der' in list ? [{ key: crlKey(log, sha256(list.der)), bytes: list.der }] : [])),
    { key: `${log}/timestamp/${String(size).padStart(20, '0')}-${sha256(bytes).slice(0, 32)}`, bytes },
  ]
}

/** Where a revocation list is kept, by the SHA-256 of its bytes. */
function crlKey(log: string, digest: string): string {
  return `${log}/crl/${digest}`
}

/**
 * Reads a stored time stamp. attacker: whoever holds the store or the folder; nothing in it is verified here but its own
 * digest, and that log and size are those of the checkpoint that was stamped.
 * @param crl the bytes of a list by its hex SHA-256, null when it is not there; other bytes than the digest's are left out
 * @throws SealtrailError DATA_CORRUPT
 */
export function decodeStored(key: string, bytes: Uint8Array, crl: (digest: string) => Uint8Array | null): StoredTimestamp {
  const wrong = (what: string, cause?: unknown): SealtrailError => new SealtrailError('DATA_CORRUPT', `a stored time stamp: ${what}`, { cause })
  const name = parseName(key.slice(key.lastIndexOf('/') + 1))
  if (name === null || bytes.length > MAX_STAMP_BYTES || !sha256(bytes).startsWith(name.digest)) throw wrong('its bytes are not those its name says')
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>
    const text = (member: string): string => {
      const found = value[member]
      if (typeof found !== 'string') throw wrong(`${member} is missing`)
      return found
    }
    if (value['format'] !== TIMESTAMP_FORMAT || value['size'] !== name.size) throw wrong('format or size')
    const checkpoint = text('checkpoint')
    const end = checkpoint.indexOf('\n\n')
    if (end < 0) throw wrong('the checkpoint is no note')
    const stamped = checkpoint.slice(0, end + 1)
    const log = text('log')
    const { origin, size } = parseCheckpoint(stamped)
    // What the token is over decides how many records it covers, not what is written beside it.
    if (size !== BigInt(name.size) || !origin.endsWith(`/${log}`) || !key.startsWith(`${log}/`)) throw wrong('the checkpoint is of another log or size')
    const listed = (value['crls'] as ReadonlyArray<{ url: string; sha256?: string; error?: string }>).slice(0, 64)
    const crls: Uint8Array[] = []
    const lost: string[] = []
    for (const { sha256: digest } of listed) {
      if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) continue
      const der = crl(digest)
      if (der !== null && sha256(der) === digest) crls.push(der)
      else lost.push(digest)
    }
    return {
      log,
      size: name.size,
      authority: text('authority'),
      checkpoint,
      text: Buffer.from(stamped),
      token: decodeBase64(text('token')),
      nonce: Buffer.from(text('nonce'), 'hex'),
      chain: (value['chain'] as string[]).slice(0, 16).map((der) => decodeBase64(der)),
      crls,
      lost,
      missing: listed.flatMap(({ url, error }) => (typeof error === 'string' ? [{ url: String(url), error }] : [])),
      requested: text('requested'),
      key,
    }
  } catch (error) {
    throw error instanceof SealtrailError ? error : wrong('not in its form', error)
  }
}

const FOLDER = 'timestamps'

/** The files for readers of one log. */
export function timestampFolder(data: string, log: string): string {
  return join(data, FOLDER, log)
}

/** Logs that have files for readers, by name. */
export function timestampLogs(data: string): string[] {
  const folder = join(data, FOLDER)
  return existsSync(folder) ? readdirSync(folder).sort() : []
}

/** Path below the data directory at which a stored object lies for readers; null for objects of other kinds. */
export function readerFile(key: string): string | null {
  const [, log, kind, name] = /^([^/]+)\/(timestamp|crl)\/([^/]+)$/.exec(key) ?? []
  if (log === undefined) return null
  return kind === 'crl' ? join(FOLDER, log, 'crl', `${name}.crl`) : join(FOLDER, log, `${name}.json`)
}

export interface ListOptions {
  /** Only checkpoints of at least this size. */
  readonly from?: number
  /** Only checkpoints of at most this size. */
  readonly to?: number
  /** At most so many, those of the smallest sizes; of the largest with `newest`. */
  readonly limit?: number
  readonly newest?: boolean
}

/**
 * Time stamps kept of a log, by size, then key, out of the files for readers in `<folder>/timestamps/<log>/` (`folder` is
 * the data directory). A year of hourly stamps is some 60 MB: give a range or a limit, or take them one by one with
 * `eachTimestamp`. Files that cannot be read are left out: `verify` names them. attacker: whoever can write the folder;
 * nothing here is verified, `verifyTimestamp` does that.
 */
export function listTimestamps(folder: string, log: string, options: ListOptions = {}): StoredTimestamp[] {
  const found = [...eachTimestamp(folder, log, options).take(options.limit ?? Infinity)]
  return options.newest === true ? found.reverse() : found
}

/** As `listTimestamps`, one by one; with `newest` from the largest size down. `limit` is the caller's. */
export function* eachTimestamp(folder: string, log: string, { from = 0, to = Infinity, newest = false }: ListOptions = {}): Generator<StoredTimestamp> {
  const at = timestampFolder(folder, log)
  const names = (existsSync(at) ? readdirSync(at) : [])
    .filter((name) => {
      const parsed = parseName(name.slice(0, -'.json'.length))
      return name.endsWith('.json') && parsed !== null && parsed.size >= from && parsed.size <= to
    })
    .sort()
  if (newest) names.reverse()
  for (const name of names) {
    const key = `${log}/timestamp/${name.slice(0, -'.json'.length)}`
    const bytes = readIfThere(join(at, name))
    const stored = bytes === null ? null : decodedOrNull(key, bytes, (digest) => readIfThere(join(at, 'crl', `${digest}.crl`)))
    if (stored !== null) yield stored
  }
}

function decodedOrNull(...object: Parameters<typeof decodeStored>): StoredTimestamp | null {
  try {
    return decodeStored(...object)
  } catch (error) {
    if (error instanceof SealtrailError) return null
    throw error
  }
}

function parseName(name: string): { readonly size: number; readonly digest: string } | null {
  const [, size, digest] = /^(\d{20})-([0-9a-f]{32})$/.exec(name) ?? []
  return digest === undefined || !Number.isSafeInteger(Number(size)) ? null : { size: Number(size), digest }
}

function readIfThere(path: string): Uint8Array | null {
  try {
    return readFileSync(path)
  } catch {
    return null
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
