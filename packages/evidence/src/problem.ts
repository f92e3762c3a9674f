/** Everything an audit can find, each with its meaning. The list is closed; docs/format.md explains what to do about each. */
export const PROBLEMS = {
  SEGMENT_MISSING: 'records stand in no segment',
  SEGMENT_UNREADABLE: 'the object cannot be read or unpacked',
  SEGMENT_FORMAT: 'the bytes are no segment',
  SEGMENT_KEY: 'the object is not the one its key names',
  SEGMENT_LOG: 'the segment is of another log',
  SEGMENT_ORDER: 'two segments claim the same index',
  SEGMENT_SIGNATURE: 'the signature does not fit the bytes before it',
  SEGMENT_SIGNER: 'signed by another key than the one trusted',
  SEGMENT_CHAIN: 'the segment does not name the digest of the one before it',
  ROOT_MISMATCH: 'the records lead to another root than the segment says',
  PREVIOUS_MISMATCH: 'the segment names another previous root than the log has',
  RECORD_CHANGED: 'the record is not the one that was sealed at this index',
  RECORD_FORMAT: 'the bytes are no record',
  AUDITID_REPEATED: 'two records have the same audit id',
  SEQUENCE_GAP: 'the numbers of a subject are not gapless from 1',
  OBJECT_MISSING: 'the object that holds the rest of a record’s data is not there',
  OBJECT_CHANGED: 'the object is not the one the record names',
  OBJECT_FORMAT: 'the object is the one the record names, and not written as its format asks',
  HASH_PACK: 'the hash pack is damaged or not of this log',
  HASH_PACK_MISSING: 'there is no hash pack for 65,536 sealed records',
  EXPIRED_UNPROVEN: 'records are said to have expired, and no leaf hashes kept in the store lead to the root that follows them',
  KEPT_FORMAT: 'the bytes are no kept records, or not those the key names',
  KEPT_MISSING: 'records that were to be kept when their segment expired are not there',
  KEPT_PROOF: 'the kept record does not lead to the checkpoint it is kept with',
  SUMMARY_MISMATCH: 'the summary does not fit the log it summarises',
  CHECKPOINT_FORMAT: 'the note is no checkpoint',
  CHECKPOINT_SIGNATURE: 'no trusted key signed the checkpoint',
  CHECKPOINT_LOG: 'the checkpoint is of another log',
  CHECKPOINT_MISMATCH: 'the checkpoint does not fit the records',
  CHECKPOINT_BEYOND: 'the checkpoint is of a larger log than the records make: records are gone',
  RECORDS_UNVOUCHED: 'no checkpoint that fits and is signed by a trusted key covers these records',
  HEAD_FORMAT: 'the head is malformed',
  HEAD_MISMATCH: 'the head does not fit the records',
  HEAD_BEHIND: 'the head is older than the records',
  HEAD_BEYOND: 'the head is of a larger log than the records make: records are gone',
  RECEIPT_FORMAT: 'the receipt is malformed',
  RECEIPT_RECORD: 'the receipt is for another record',
  RECEIPT_PROOF: 'the proof does not lead from the record to the checkpoint',
  TIMESTAMP_FORMAT: 'the bytes are no RFC 3161 time-stamp token',
  TIMESTAMP_IMPRINT: 'the token is for other bytes',
  TIMESTAMP_NONCE: 'the token does not answer the request: its nonce is another',
  TIMESTAMP_POLICY: 'the token was issued under a policy that is not allowed',
  TIMESTAMP_ALGORITHM: 'an algorithm or key is unknown or too weak',
  TIMESTAMP_ATTRIBUTES: 'the signed attributes are not those of a time-stamp token',
  TIMESTAMP_SIGNATURE: 'the signature does not fit the token',
  TIMESTAMP_SIGNER: 'the certificate of the signer is not there, or is not the one the token names',
  TIMESTAMP_USAGE: 'the certificate of the signer is not one for time-stamping and nothing else',
  TIMESTAMP_CHAIN: 'no valid chain of certificates leads from the signer to a trusted root',
  TIMESTAMP_VALIDITY: 'a certificate of the chain was not valid at the time of the token',
  TIMESTAMP_REVOKED: 'a certificate of the chain was revoked',
  BUNDLE_ZIP: 'the file is not a zip as a bundle must be',
  BUNDLE_LIMIT: 'larger than is read, or unpacks to more than it says',
  BUNDLE_MANIFEST: 'the manifest is missing, malformed or of another format',
  BUNDLE_FILE_MISSING: 'a file that must be there is not',
  BUNDLE_FILE_UNLISTED: 'a file the manifest does not name',
  BUNDLE_FILE_CHANGED: 'the file is not the one the manifest names',
  BUNDLE_FILE_FORMAT: 'the file is not written as its format asks',
  BUNDLE_COUNT: 'the bundle does not hold what its manifest says of it',
  BUNDLE_ASKED: 'the bundle answers another question than was asked',
  QUORUM_NOT_MET: 'fewer witnesses signed the checkpoint than the policy asks for',
  RECORD_MISSING: 'records of the range are not there',
  RECORD_ORDER: 'the records do not stand in the order of the log',
  RECORD_PROOF: 'the record does not lead to the checkpoint: it, its index or its proof was changed',
  TILE_MISMATCH: 'the tile does not lead to the checkpoint',
  HISTORY_MISMATCH: 'the time-stamped checkpoint is of another history than the records',
  DISCLOSURE_FORMAT: 'the bytes are no disclosure',
  DISCLOSURE_FOREIGN: 'a disclosed value to which the record does not commit',
  DISCLOSURE_MISSING: 'a value said to be disclosed is not there',
  FIELD_STATE: 'what is said of the committed fields does not fit the record',
  SDJWT_MISMATCH: 'the SD-JWT does not hold the record and its disclosures',
  SDJWT_SIGNATURE: 'the signature of the SD-JWT does not fit',
  CERTIFICATE_FORMAT: 'the bytes are no erasure certificate',
  CERTIFICATE_CHANGED: 'the certificate is not the one whose digest was sealed',
  CERTIFICATE_STATEMENT: 'what the log sealed of the erasure does not fit the certificate',
  CERTIFICATE_ORDER: 'the erasure was not sealed in its order: the intent, then the completion, in one state of one log',
  CERTIFICATE_MISMATCH: 'the certificate does not name the value that is said to be erased under it',
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** One thing an audit found. */
export interface Problem {
  /** Index of the leaf concerned, or the first one; null when it concerns none. */
  readonly index: number | null
  /** Store key, `head`, `checkpoint`, `receipt`, or what else the caller called the object. */
  readonly object: string
  readonly code: ProblemCode
  /** Never holds a value of the data. */
  readonly message: string
}

/** A problem with the code's own meaning, and more if there is more to say. */
export function problemOf(code: ProblemCode, object: string, index: number | null, detail?: string): Problem {
  return { index, object, code, message: detail === undefined ? PROBLEMS[code] : `${PROBLEMS[code]} (${detail})` }
}
