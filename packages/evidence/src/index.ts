export { EvidenceError } from './errors.ts'
export type { EvidenceCode } from './errors.ts'
export type { JsonObject, JsonValue } from './json.ts'
export { canonicalize, canonicalizeSized } from './canonical.ts'
export { parseIJson, scanJson } from './ijson.ts'
export type { JsonLimits, JsonProblem, JsonProblemCode, JsonScan, ParsedJson } from './ijson.ts'
export {
  commitmentDigests,
  commitmentOf,
  disclosureDigest,
  hasReservedKey,
  isCommitment,
  isCommitmentElement,
  isReservedKey,
  makeDisclosure,
  openDisclosure,
} from './commitment.ts'
export type { Commitment, CommitmentElement, Disclosed } from './commitment.ts'
export { isValueOf, keepSalt, keptDigest, readKeptSalt } from './kept-salt.ts'
export type { KeptSalt } from './kept-salt.ts'
export { auditId, auditIdBytes, isAuditId, parseAuditId } from './auditid.ts'
export { MAX_FILL_BYTES, MAX_RECORD_BYTES, encodeRecord, fillRecord, integrityHash, parseRecord, recordBytes, spliceRecord } from './record.ts'
export type { RecordDraft, RecordFields, SplicedRecord } from './record.ts'
export { LOG_NAME, firstOf, hashPackKey, keptKey, parseObjectKey, segmentKey, tailKey } from './segment-key.ts'
export type { IndexedKind, ObjectName } from './segment-key.ts'
export {
  SEGMENT_FORMAT,
  decodeSegment,
  encodeSegment,
  encodeSegmentHeader,
  encodeSegmentTrailer,
  isSegmentSigned,
  isStoreVersion,
  segmentFacts,
  segmentMessage,
  segmentRecord,
  splitSegment,
} from './segment.ts'
export type { PreviousHead, Segment, SegmentFacts, SegmentHeader, SegmentSigner, SegmentTrailer } from './segment.ts'
export { flatten } from './flatten.ts'
export type { Field, FieldState, Flattened } from './flatten.ts'
export { PACK_BYTES, PACK_LEAVES, checkHashPack, checkHashTail, hashPackKeyOf, hashTailKeyOf } from './hashpack.ts'
export type { HashTail } from './hashpack.ts'
export { EXPIRY_TYPE, expiryData, readExpiry } from './expiry.ts'
export type { ExpiredRange } from './expiry.ts'
export { KEPT_FORMAT, MAX_KEPT_RECORDS, checkKept, decodeKept, encodeKept } from './kept.ts'
export type { Kept, KeptRecord } from './kept.ts'
export { INTERACTION_SUMMARY, QUEUE_SUMMARY, summaryClaim } from './summary.ts'
export type { SummaryClaim } from './summary.ts'
export type { LeafHashes } from './audit-expired.ts'
export { EMPTY_HEAD, EMPTY_ROOT, assertHead, encodeHead, parseHead } from './head.ts'
export type { LogHead } from './head.ts'
export { count, moment, printable, some } from './report/words.ts'
export { PROBLEMS, problemOf } from './problem.ts'
export type { Problem, ProblemCode } from './problem.ts'
export { MAX_OBJECT_BYTES, joinData, objectDigest, splitData } from './data-object.ts'
export type { OpenedObject, SplitDraft } from './data-object.ts'
export { encodeReceipt, parseReceipt, receiptToTlogProof, verifyReceipt } from './receipt.ts'
export type { ReceiptSubject, ReceiptVerdict, SealReceipt } from './receipt.ts'
export { LogAudit } from './audit.ts'
export type { AuditOptions, AuditResult } from './audit.ts'
export type { RecordChecks } from './audit-records.ts'
export { MAX_TOKEN_BYTES, verifyTimestamp } from './timestamp/verify.ts'
export { readTimestampAnswer, timestampRequest } from './timestamp/request.ts'
export type { TimestampAnswer } from './timestamp/request.ts'
export { certificatePem, crlInFile, describeCertificate, describeCrl, pemBlocks, pemOf, readCertificates } from './timestamp/pem.ts'
export type { CertificatesRead, CertificateSummary, PemBlock } from './timestamp/pem.ts'
export type { TimestampCode, TimestampProblem, TimestampTrust, TimestampVerdict } from './timestamp/verdict.ts'
export { BUNDLE_FORMAT, MAX_PROOF_FILES } from './bundle/format.ts'
export type { BundleAsked, BundleField, BundleFile, BundleKeys, BundleLog, BundleManifest, DisclosuresLine, FieldsLine, ProofLine } from './bundle/format.ts'
export { verifyBundle } from './bundle/verify.ts'
export type {
  BlobSource,
  BundleProgress,
  BundleTrust,
  BundleVerdict,
  CertificateFinding,
  ByteSource,
  Conclusion,
  LogVerdict,
  ProvenTime,
  QuestionAnswer,
  QuestionId,
  TimestampFinding,
} from './bundle/verdict.ts'
export { tilesForRange } from './bundle/range-tiles.ts'
export { schemaPath } from './bundle/schema-path.ts'
export { disclosuresWithin, wrapRecord } from './bundle/values.ts'
export { CERTIFICATE_FORMAT } from './certificate.ts'
export type { CertificateBody, CertificateFile, CertificateRecord, SealedStatement } from './certificate.ts'
export { MAX_CERTIFICATE_BYTES, MAX_CERTIFICATE_RECORDS, parseCertificate, parseCertificateBody } from './certificate/read.ts'
export { certificateDigest, verifyCertificate } from './certificate/verify.ts'
export type { CertificateVerdict } from './certificate/verify.ts'
export { CERTIFICATE_WORDS, methodSays } from './report/certificate-words.ts'
export { ERASURE_ID, ERASURE_STARTED_TYPE, ERASURE_TYPE, completionData, erasureSubject, intentData, readCompletion, readIntent } from './erasure.ts'
export type { SealedCompletion, SealedIntent } from './erasure.ts'
