import { sha256 } from '@sealtrail/tlog'
import { canonicalize } from './canonical.ts'
import { EvidenceError } from './errors.ts'
import { parseIJson } from './ijson.ts'
import { isStoreVersion } from './segment.ts'
import { encodeHex, encodeUtf8 } from './text.ts'

/** Where a log stands: the value the commit swaps. */
export interface LogHead {
  readonly size: number
  /** RFC 6962 root, hex. */
  readonly root: string
  /** Store key of the last segment; empty at size 0. */
  readonly segment: string
  /** Hex SHA-256 of that segment's frame; empty at size 0. */
  readonly digest: string
  /** Version id or generation under which the store took it; left out where it has none. */
  readonly version?: string
}

/** Hex root of the empty tree: SHA-256 of nothing. */
export const EMPTY_ROOT: string = encodeHex(sha256(new Uint8Array(0)))

/** The head of a log without records. */
export const EMPTY_HEAD: LogHead = { size: 0, root: EMPTY_ROOT, segment: '', digest: '' }

const HASH = /^[0-9a-f]{64}$/

/** The canonical JSON of a head. */
export function encodeHead({ size, root, segment, digest, version }: LogHead): string {
  return canonicalize({ digest, root, segment, size, ...(version === undefined ? {} : { version }) })
}

/** Reads a head; whatever stored it may be damaged. @throws EvidenceError HEAD_FORMAT */
export function parseHead(text: string): LogHead {
  const parsed = parseIJson(encodeUtf8(text), { maxBytes: 4096, maxDepth: 1 })
  const value = 'value' in parsed ? parsed.value : null
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('not a JSON object')
  const { size, root, segment, digest, version, ...others } = value
  if (Object.keys(others).length > 0) throw malformed('unknown keys')
  const head = { size, root, segment, digest, ...(version === undefined ? {} : { version }) } as LogHead
  assertHead(head)
  return head
}

/** Whether the fields of a head, as some store returned them, can be one. @throws EvidenceError HEAD_FORMAT */
export function assertHead({ size, root, segment, digest, version }: LogHead): void {
  if (!Number.isSafeInteger(size) || size < 0) throw malformed('no valid size')
  if (typeof root !== 'string' || !HASH.test(root) || (size === 0 && root !== EMPTY_ROOT)) throw malformed('no valid root')
  const named = typeof segment === 'string' && typeof digest === 'string' && HASH.test(digest) && segment.endsWith('-' + digest.slice(0, 32))
  if (size === 0 ? segment !== '' || digest !== '' : !named) throw malformed('no valid segment')
  if (version !== undefined && (size === 0 || !isStoreVersion(version))) throw malformed('no valid version')
}

function malformed(message: string): EvidenceError {
  return new EvidenceError('HEAD_FORMAT', `head: ${message}`)
}
