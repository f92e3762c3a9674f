/** The closed list of what this package refuses. The meaning of each code is in the package's README. */
export type TlogErrorCode =
  | 'INVALID_ARGUMENT'
  | 'SIZE_OUT_OF_RANGE'
  | 'HASH_LENGTH'
  | 'BASE64'
  | 'TEXT_ENCODING'
  | 'PROOF_MALFORMED'
  | 'PROOF_MISMATCH'
  | 'TILE_PATH'
  | 'TILE_MALFORMED'
  | 'BUNDLE_MALFORMED'
  | 'ENTRY_TOO_LARGE'
  | 'NOTE_MALFORMED'
  | 'NOTE_TOO_LARGE'
  | 'NOTE_UNVERIFIED'
  | 'SIGNATURE_INVALID'
  | 'KEY_MALFORMED'
  | 'KEY_UNSUPPORTED'
  | 'CHECKPOINT_MALFORMED'
  | 'ORIGIN_MISMATCH'
  | 'COSIGNATURE_MALFORMED'
  | 'QUORUM_NOT_MET'
  | 'TLOG_PROOF_MALFORMED'
  | 'POLICY_MALFORMED'
  | 'POLICY_UNSUPPORTED'
  | 'REQUEST_MALFORMED'

/** Every error this package throws on purpose. Anything else that comes out is a defect in it. */
export class TlogError extends Error {
  readonly code: TlogErrorCode
  constructor(code: TlogErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'TlogError'
    this.code = code
  }
}
