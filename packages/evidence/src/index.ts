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
export { auditId, auditIdBytes, isAuditId, parseAuditId } from './auditid.ts'
export {
  MAX_FILL_BYTES,
  MAX_RECORD_BYTES,
  encodeRecord,
  fillRecord,
  integrityHash,
  parseRecord,
  recordBytes,
  spliceRecord,
} from './record.ts'
export type { RecordDraft, RecordFields, SplicedRecord } from './record.ts'
export { hashPackKey, parseObjectKey, segmentKey } from './segment-key.ts'
export type { ObjectName } from './segment-key.ts'
export {
  SEGMENT_FORMAT,
  decodeSegment,
  encodeSegment,
  encodeSegmentHeader,
  encodeSegmentTrailer,
  isSegmentSigned,
  segmentMessage,
  segmentRecord,
  splitSegment,
} from './segment.ts'
export type { PreviousHead, Segment, SegmentHeader, SegmentSigner, SegmentTrailer } from './segment.ts'
