/**
 * The body of a witness's `add-checkpoint` (c2sp.org/tlog-witness) and of its answers, for both sides.
 *
 *     old 20852014
 *     PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=      consistency proof, 0..63 hashes
 *
 *     example.com/behind-the-sofa                        the signed checkpoint, whole
 *     …
 */
import { parseHash } from './checkpoint.ts'
import { TlogError } from './errors.ts'
import { formatSignatureLine, parseSignatureLine, type NoteSignature, type Verifier } from './note.ts'
import { decodeUtf8, encodeBase64, encodeUtf8, parseDecimal } from './text.ts'
import { MAX_TREE_SIZE, assertHash, assertTreeSize } from './tree.ts'

/** C2SP: "The client MUST NOT send more than 63 consistency proof lines". */
export const MAX_WITNESS_PROOF = 63
/** What deployed witnesses take: litewitness reads 10 KiB, omniwitness 16 KiB. */
export const MAX_ADD_CHECKPOINT_BYTES = 16_384
/** A witness's answer is some lines of signatures; ML-DSA-44 ones have 3.3 kB each. */
export const MAX_ADD_CHECKPOINT_ANSWER_BYTES = 65_536

/** Content type of a 409's body (C2SP tlog-witness). */
export const TYPE_TLOG_SIZE = 'text/x.tlog.size'

/** A request to cosign. */
export interface AddCheckpoint {
  /** Size the proof starts from: what the witness cosigned last. */
  readonly oldSize: bigint
  /** Consistency proof from `oldSize`, 32 bytes each; empty from size 0. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint. */
  readonly note: string
}

/** The body of a request. @throws TlogError REQUEST_MALFORMED when it has too many hashes or bytes; SIZE_OUT_OF_RANGE, HASH_LENGTH */
export function formatAddCheckpoint({ oldSize, proof, note }: AddCheckpoint, maxBytes: number = MAX_ADD_CHECKPOINT_BYTES): string {
  assertTreeSize(oldSize)
  if (proof.length > MAX_WITNESS_PROOF) throw malformed('more than 63 proof lines')
  for (const hash of proof) assertHash(hash)
  const body = `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`
  if (encodeUtf8(body).length > maxBytes) throw malformed(`the request is longer than ${maxBytes} bytes`)
  return body
}

/** Takes a request's body apart. attacker: anybody may send one; nothing in the result is verified. @throws TlogError REQUEST_MALFORMED */
export function parseAddCheckpoint(body: Uint8Array, maxBytes: number = MAX_ADD_CHECKPOINT_BYTES): AddCheckpoint {
  if (body.length > maxBytes) throw malformed(`the request is longer than ${maxBytes} bytes`)
  const text = utf8(body)
  // A checkpoint's text has no empty line, and neither has what stands before it.
  const split = text.indexOf('\n\n')
  if (split < 0) throw malformed('there is no empty line')
  const [old, ...hashes] = text.slice(0, split).split('\n')
  const oldSize = old!.startsWith('old ') ? parseDecimal(old!.slice(4), MAX_TREE_SIZE) : null
  if (oldSize === null) throw malformed('the first line is not "old" and a decimal in 0..2^63-1 without leading zeroes')
  if (hashes.length > MAX_WITNESS_PROOF) throw malformed('more than 63 proof lines')
  const proof = hashes.map((line) => {
    const hash = parseHash(line)
    if (hash === null) throw malformed('a proof line is not canonical base64 of 32 bytes')
    return hash
  })
  return { oldSize, proof, note: text.slice(split + 2) }
}

/** The body of a 200. @throws TlogError INVALID_ARGUMENT for none, or for a signature no note can hold. */
export function formatCosignatures(signatures: readonly NoteSignature[]): string {
  if (signatures.length === 0) throw new TlogError('INVALID_ARGUMENT', 'an answer has at least one signature')
  return signatures.map((signature) => `${formatSignatureLine(signature)}\n`).join('')
}

/**
 * The cosignatures of a 200 that the given witnesses made over this checkpoint's text, each verified; lines of unknown
 * keys are ignored (C2SP: "MUST ignore"). attacker: the witness, or whoever stands between.
 * @throws TlogError REQUEST_MALFORMED for what is no list of signature lines; SIGNATURE_INVALID when a known key's line is wrong;
 * NOTE_UNVERIFIED when no known key signed.
 */
export function readCosignatures(body: Uint8Array, text: string, witnesses: readonly Verifier[]): NoteSignature[] {
  if (body.length > MAX_ADD_CHECKPOINT_ANSWER_BYTES) throw malformed('the answer is too long')
  const answer = utf8(body)
  if (!answer.endsWith('\n')) throw malformed('the answer does not end in a newline')
  const message = encodeUtf8(text)
  const verified: NoteSignature[] = []
  for (const line of answer.slice(0, -1).split('\n')) {
    const signature = signatureOf(line)
    const witness = witnesses.find(({ name, keyId }) => name === signature.name && keyId === signature.keyId)
    if (witness === undefined || verified.some(({ name, keyId }) => name === witness.name && keyId === witness.keyId)) continue
    if (witness.verify(message, signature.signature) !== true) throw new TlogError('SIGNATURE_INVALID', `the cosignature of ${signature.name} is wrong`)
    verified.push(signature)
  }
  if (verified.length === 0) throw new TlogError('NOTE_UNVERIFIED', 'no known key signed')
  return verified
}

/** The size in a 409's body, or null when it holds none. */
export function parseTlogSize(body: Uint8Array): bigint | null {
  if (body.length > 20) return null
  const text = utf8(body)
  return text.endsWith('\n') ? parseDecimal(text.slice(0, -1), MAX_TREE_SIZE) : parseDecimal(text, MAX_TREE_SIZE)
}

function signatureOf(line: string): NoteSignature {
  try {
    return parseSignatureLine(line)
  } catch (cause) {
    throw new TlogError('REQUEST_MALFORMED', 'a line of the answer is no signature line', { cause })
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch (cause) {
    throw new TlogError('REQUEST_MALFORMED', 'the bytes are not UTF-8', { cause })
  }
}

function malformed(message: string): TlogError {
  return new TlogError('REQUEST_MALFORMED', message)
}
