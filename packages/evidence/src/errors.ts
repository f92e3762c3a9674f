/**
 * What can be wrong with evidence. `NOT_*`, `*_FORMAT` and `TOO_*` are bad input; the others are checks that failed.
 * No message ever holds a value of the data, only kinds, offsets, field names and digests.
 */
export type EvidenceCode =
  | 'NOT_JSON'
  | 'NOT_I_JSON'
  | 'NOT_CANONICAL'
  | 'TOO_LARGE'
  | 'TOO_DEEP'
  | 'RECORD_FORMAT'
  | 'COMMITMENT_FORMAT'
  | 'SEGMENT_FORMAT'
  | 'SEGMENT_SIGNATURE'
  | 'KEY_FORMAT'
  | 'HASH_PACK_FORMAT'
  | 'KEPT_FORMAT'
  | 'SUMMARY_FORMAT'
  | 'HEAD_FORMAT'
  | 'RECEIPT_FORMAT'
  | 'DER_FORMAT'
  | 'CERTIFICATE_FORMAT'

/** The one error class callers of this package see. */
export class EvidenceError extends Error {
  readonly code: EvidenceCode
  constructor(code: EvidenceCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'EvidenceError'
    this.code = code
  }
}
