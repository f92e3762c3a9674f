/**
 * Transparency log proofs (c2sp.org/tlog-proof@v1): everything that shows offline that one entry is in a log, as a text.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra YnkgdGhlIHdheQ==            absent when there is nothing extra; nobody vouches for it
 *     index 73894
 *     gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      inclusion proof, leaf's sibling first
 *
 *     example.com/fancylog              the signed checkpoint, verbatim, with its cosignatures
 *     …
 */
import { openCheckpoint, parseHash, type CheckpointPolicy, type VerifiedCheckpoint } from './checkpoint.ts'
import { TlogError } from './errors.ts'
import { MAX_NOTE_BYTES, parseNote } from './note.ts'
import { checkInclusion, MAX_INCLUSION_HASHES } from './proof.ts'
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8, parseDecimal } from './text.ts'
import { assertHash, MAX_TREE_SIZE } from './tree.ts'

const HEADER = 'c2sp.org/tlog-proof@v1'
/** A longer proof is refused before it is looked at: a note's 1 MiB and as much again. */
export const MAX_TLOG_PROOF_BYTES: number = 2 * MAX_NOTE_BYTES

/** The parts of a tlog-proof; nothing about them is verified. */
export interface TlogProof {
  readonly index: bigint
  /** The inclusion proof, leaf's sibling first: 0..63 hashes of 32 bytes. */
  readonly hashes: readonly Uint8Array[]
  /** The signed note, verbatim. */
  readonly checkpoint: string
  /** Opaque, unauthenticated bytes; absent when there are none. */
  readonly extra?: Uint8Array
}

/** The text of a proof; {@link parseTlogProof} gives its parts back. @throws TlogError TLOG_PROOF_MALFORMED, HASH_LENGTH, and what `parseNote` throws */
export function formatTlogProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  hashes.forEach(assertHash)
  const extraLine = extra === undefined ? '' : `extra ${encodeBase64(extra)}\n`
  const text = `${HEADER}\n${extraLine}index ${index}\n${hashes.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${checkpoint}`
  parseTlogProof(text)
  return text
}

/**
 * The parts of a proof's text. attacker: nothing in the result is verified; see {@link verifyTlogProof}.
 * @throws TlogError TLOG_PROOF_MALFORMED for any other form: CR, leading zeroes, non-canonical base64, an empty extra, more than 63 hashes, beyond
 * 2 MiB; TEXT_ENCODING; NOTE_MALFORMED, NOTE_TOO_LARGE for the checkpoint.
 */
export function parseTlogProof(proof: string | Uint8Array): TlogProof {
  if (proof.length > MAX_TLOG_PROOF_BYTES) throw malformed('a proof is at most 2 MiB')
  const text = typeof proof === 'string' ? proof : decodeUtf8(proof)
  if (typeof proof === 'string') encodeUtf8(proof)
  // The first empty line: the checkpoint after it has its own.
  const split = text.indexOf('\n\n')
  if (split < 0) throw malformed('the proof has no checkpoint after an empty line')
  const lines = text.slice(0, split).split('\n')
  if (lines.shift() !== HEADER) throw malformed('the first line is not that of a proof')
  const extra = lines[0]?.startsWith('extra ') ? parseExtra(lines.shift()!) : undefined
  const indexLine = lines.shift()
  const index = indexLine?.startsWith('index ') ? parseDecimal(indexLine.slice('index '.length), MAX_TREE_SIZE - 1n) : null
  if (index === null) throw malformed('the proof names no index, or not as a decimal without leading zeroes')
  if (lines.length > MAX_INCLUSION_HASHES) throw malformed('an inclusion proof has at most 63 hashes')
  const hashes = lines.map((line) => {
    const hash = parseHash(line)
    if (hash === null) throw malformed('a hash of the proof is not canonical base64 of 32 bytes')
    return hash
  })
  const checkpoint = text.slice(split + 2)
  parseNote(checkpoint)
  return { index, hashes, checkpoint, ...(extra === undefined ? {} : { extra }) }
}

/**
 * The checkpoint under which the entry with this leaf hash is proved to stand at `index`, its signatures meeting the policy.
 * The leaf hash is computed by the caller from the entry in hand, never taken from the proof's sender.
 * @throws TlogError PROOF_MISMATCH, PROOF_MALFORMED, SIZE_OUT_OF_RANGE, and what `parseTlogProof` and `openCheckpoint` throw
 */
export function verifyTlogProof(
  proof: TlogProof | string | Uint8Array,
  leaf: Uint8Array,
  policy: CheckpointPolicy,
): { readonly index: bigint; readonly checkpoint: VerifiedCheckpoint } {
  const { index, hashes, checkpoint: note } = typeof proof === 'string' || proof instanceof Uint8Array ? parseTlogProof(proof) : proof
  const checkpoint = openCheckpoint(note, policy)
  checkInclusion(index, checkpoint.size, leaf, hashes, checkpoint.root)
  return { index, checkpoint }
}

function parseExtra(line: string): Uint8Array {
  try {
    const extra = decodeBase64(line.slice('extra '.length))
    if (extra.length > 0) return extra
  } catch (cause) {
    throw malformed('the extra data is not canonical base64', cause)
  }
  throw malformed('the extra data is empty')
}

function malformed(message: string, cause?: unknown): TlogError {
  return new TlogError('TLOG_PROOF_MALFORMED', message, cause === undefined ? undefined : { cause })
}
