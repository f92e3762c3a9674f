import {
  checkInclusion,
  decodeBase64,
  ed25519Verifier,
  encodeBase64,
  formatTlogProof,
  leafHash,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
} from '@sealtrail/tlog'
import type { Checkpoint, CheckpointPolicy } from '@sealtrail/tlog'
import { isAuditId } from './auditid.ts'
import { EvidenceError } from './errors.ts'
import type { JsonValue } from './json.ts'
import { problemOf } from './problem.ts'
import type { Problem, ProblemCode } from './problem.ts'
import { integrityHash } from './record.ts'
import { base64Bytes } from './text.ts'

/** What a sender holds in hand: that one record stands at one index of one signed log. JSON, in the words of the HTTP answers. */
export interface SealReceipt {
  readonly auditid: string
  /** The log's name, or its whole origin. */
  readonly log: string
  readonly index: number
  /** `sha256:` and hex over the record's bytes. */
  readonly integrity_hash: string
  /** The signed note, whole. */
  readonly checkpoint: string
  /** Inclusion proof, base64 hashes, leaf's sibling first. */
  readonly proof: readonly string[]
  /** Whether the witness policy was met; false: committed only. */
  readonly published: boolean
}

/** The receipt of a record. @param proof 32-byte hashes, leaf's sibling first. */
export function encodeReceipt(
  parts: Omit<SealReceipt, 'integrity_hash' | 'proof'> & { readonly record: Uint8Array; readonly proof: readonly Uint8Array[] },
): SealReceipt {
  const { auditid, log, index, checkpoint, published } = parts
  return { auditid, log, index, integrity_hash: integrityHash(parts.record), checkpoint, proof: parts.proof.map((hash) => encodeBase64(hash)), published }
}

/** Reads a full receipt; a lean one (no proof, no checkpoint) is none. @throws EvidenceError RECEIPT_FORMAT naming the field. */
export function parseReceipt(value: JsonValue): SealReceipt {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new EvidenceError('RECEIPT_FORMAT', 'a receipt is a JSON object')
  const { auditid, log, index, integrity_hash, checkpoint, proof, published } = value
  const wrong = (field: string): EvidenceError => new EvidenceError('RECEIPT_FORMAT', `the receipt has no valid ${field}`)
  if (typeof auditid !== 'string' || !isAuditId(auditid)) throw wrong('auditid')
  if (typeof log !== 'string' || log === '') throw wrong('log')
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0) throw wrong('index')
  if (typeof integrity_hash !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(integrity_hash)) throw wrong('integrity_hash')
  if (typeof checkpoint !== 'string') throw wrong('checkpoint')
  if (!Array.isArray(proof) || proof.length > 63) throw wrong('proof')
  const hashes = proof.map((hash) => {
    if (typeof hash !== 'string' || base64Bytes(hash)?.length !== 32) throw wrong('proof')
    return hash
  })
  if (typeof published !== 'boolean') throw wrong('published')
  return { auditid, log, index, integrity_hash, checkpoint, proof: hashes, published }
}

/** The receipt's proof as a C2SP tlog-proof, which other people's programs check. @throws TlogError for a malformed checkpoint or proof. */
export function receiptToTlogProof(receipt: SealReceipt): string {
  return formatTlogProof({ index: BigInt(receipt.index), hashes: receipt.proof.map(decodeBase64), checkpoint: receipt.checkpoint })
}

/** The record a receipt is checked against: its bytes, or its two hashes when the record itself may not be seen. */
export type ReceiptSubject = { readonly record: Uint8Array } | { readonly integrityHash: string; readonly leafHash: Uint8Array }

/** What a check came to. `none`: everything fits together, but nobody says whose signature it is. */
export interface ReceiptVerdict {
  readonly ok: boolean
  readonly trust: 'given' | 'none'
  /** Size of the log that the checkpoint covers; null when it could not be read. */
  readonly size: number | null
  readonly problems: readonly Problem[]
}

/**
 * Checks a receipt against a record. Attacker: receipt, record and proof may all come from the one who cheats; only the
 * key or policy comes from elsewhere.
 * @param trust the log's vkey line, a policy with witnesses, or null.
 */
export function verifyReceipt(receipt: SealReceipt, subject: ReceiptSubject, trust: string | CheckpointPolicy | null): ReceiptVerdict {
  const problems: Problem[] = []
  const report = (code: ProblemCode, detail?: string): void => void problems.push(problemOf(code, 'receipt', receipt.index, detail))
  const verdict = (size: number | null): ReceiptVerdict => ({ ok: problems.length === 0, trust: trust === null ? 'none' : 'given', size, problems })

  if ('record' in subject && !startsWithAuditId(subject.record, receipt.auditid)) report('RECEIPT_RECORD', 'another audit id')
  const hash = 'record' in subject ? integrityHash(subject.record) : subject.integrityHash
  if (hash !== receipt.integrity_hash) report('RECEIPT_RECORD', 'another integrity hash')

  let checkpoint: Checkpoint
  try {
    checkpoint = parseCheckpoint(parseNote(receipt.checkpoint).text)
  } catch (error) {
    report('CHECKPOINT_FORMAT', reason(error))
    return verdict(null)
  }
  if (!isLogOf(checkpoint.origin, receipt.log)) report('CHECKPOINT_LOG')
  const signed = trust === null ? null : openedBy(receipt.checkpoint, trust)
  if (signed !== null) report('CHECKPOINT_SIGNATURE', signed)
  try {
    const leaf = 'record' in subject ? leafHash(subject.record) : subject.leafHash
    checkInclusion(BigInt(receipt.index), checkpoint.size, leaf, receipt.proof.map(decodeBase64), checkpoint.root)
  } catch (error) {
    report('RECEIPT_PROOF', reason(error))
  }
  return verdict(Number(checkpoint.size))
}

/** Why the note does not satisfy a vkey or policy; null when it does. */
export function openedBy(note: string, trust: string | CheckpointPolicy): string | null {
  try {
    const policy = typeof trust === 'string' ? policyOf(trust) : trust
    openCheckpoint(note, policy)
    return null
  } catch (error) {
    return reason(error)
  }
}

/** The policy of one key: its name is the log's origin (C2SP tlog-checkpoint). @throws TlogError KEY_MALFORMED, KEY_UNSUPPORTED */
export function policyOf(vkey: string): CheckpointPolicy {
  const verifier = ed25519Verifier(vkey)
  return { origin: verifier.name, log: [verifier] }
}

/** Whether an origin is the log's: the same text, or `<anything>/<log>`. */
function isLogOf(origin: string, log: string): boolean {
  return origin === log || origin.endsWith('/' + log)
}

function startsWithAuditId(record: Uint8Array, auditid: string): boolean {
  const start = `{"auditid":"${auditid}"`
  for (let i = 0; i < start.length; i++) if (record[i] !== start.charCodeAt(i)) return false
  return true
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'malformed'
}
