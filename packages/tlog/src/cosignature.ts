/**
 * Cosignatures of witnesses (c2sp.org/tlog-cosignature v1.0.1, Ed25519, type 0x04). The signature line holds, after the
 * key ID, `uint64 big-endian time ‖ 64-byte Ed25519` over
 *
 *     cosignature/v1
 *     time 1679315147
 *     example.com/behind-the-sofa
 *     20852163
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *
 * and says: at that time, this was the largest consistent tree of this origin the witness had seen.
 */
import { ed25519PublicKey, ed25519Sign, ed25519Verify } from '#ed25519'
import { TlogError } from './errors.ts'
import { formatVkey, keyId, parseVkey, TYPE_COSIGNATURE_V1, type VerifyEd25519 } from './key.ts'
import type { NoteSignature, Verifier } from './note.ts'
import { decodeUtf8, encodeUtf8 } from './text.ts'
import { MAX_TREE_SIZE } from './tree.ts'

/** The largest POSIX time a cosignature may state. */
const MAX_TIME = MAX_TREE_SIZE

/** What a cosignature line holds after the key ID. */
export interface CosignatureParts {
  /** Seconds since the epoch, 0..2^63-1. */
  readonly time: bigint
  /** 64 bytes for Ed25519, 2420 for ML-DSA-44. */
  readonly signature: Uint8Array
}

/** Time and signature of a cosignature; not verified. @throws TlogError COSIGNATURE_MALFORMED when too short or the time is beyond 2^63-1. */
export function parseCosignature(blob: Uint8Array): CosignatureParts {
  if (blob.length <= 8) throw new TlogError('COSIGNATURE_MALFORMED', 'a cosignature is a time and a signature')
  const time = new DataView(blob.buffer, blob.byteOffset, 8).getBigUint64(0)
  if (time > MAX_TIME) throw new TlogError('COSIGNATURE_MALFORMED', 'the time of a cosignature is beyond 2^63-1')
  return { time, signature: blob.slice(8) }
}

/** The bytes an Ed25519 cosignature signs: the whole text of the checkpoint under a header that keeps it from being taken for a log's signature. */
export function cosignedMessage(text: string, time: bigint): Uint8Array {
  return encodeUtf8(`cosignature/v1\ntime ${time}\n${text}`)
}

/**
 * Checks cosignature/v1 lines made with the key of this vkey line (type 0x04). A cosignature without a time (0) is
 * refused: it would say nothing (c2sp.org/tlog-witness). Whether the time is plausible is the caller's to judge: there is no clock here.
 * @throws TlogError KEY_MALFORMED; KEY_UNSUPPORTED for another type
 */
export function cosignatureVerifier(vkey: string, verify: VerifyEd25519 = ed25519Verify): Verifier {
  const { name, keyId: id, type, publicKey } = parseVkey(vkey)
  if (type !== TYPE_COSIGNATURE_V1) throw new TlogError('KEY_UNSUPPORTED', 'the vkey is not of type 0x04')
  return {
    name,
    keyId: id,
    publicKey,
    verify: (text, blob) => {
      if (blob.length !== 72) return false
      const time = new DataView(blob.buffer, blob.byteOffset, 8).getBigUint64(0)
      if (time === 0n || time > MAX_TIME) return false
      return verify(publicKey, cosignedMessage(decodeUtf8(text), time), blob.subarray(8))
    },
  }
}

/** Makes cosignature/v1 lines. */
export interface Cosigner {
  readonly name: string
  readonly vkey: string
  /** The cosignature of a checkpoint's text at `time` (seconds, 1..2^63-1). Consistency with what was signed before is the caller's duty. */
  cosign(text: string, time: bigint): NoteSignature
}

/** A cosigner with a 32-byte Ed25519 seed; use a seed of its own, because the signed bytes do not name the cosigner. @throws TlogError KEY_MALFORMED */
export function cosigner(name: string, seed: Uint8Array): Cosigner {
  if (seed.length !== 32) throw new TlogError('KEY_MALFORMED', 'an Ed25519 seed is 32 bytes')
  const publicKey = ed25519PublicKey(seed)
  const vkey = formatVkey(name, TYPE_COSIGNATURE_V1, publicKey)
  const id = keyId(name, TYPE_COSIGNATURE_V1, publicKey)
  const copy = seed.slice()
  return {
    name,
    vkey,
    cosign: (text, time) => {
      if (time <= 0n || time > MAX_TIME) throw new TlogError('INVALID_ARGUMENT', 'the time of a cosignature is 1..2^63-1')
      const signature = new Uint8Array(72)
      new DataView(signature.buffer).setBigUint64(0, time)
      signature.set(ed25519Sign(copy, cosignedMessage(text, time)), 8)
      return { name, keyId: id, signature }
    },
  }
}
