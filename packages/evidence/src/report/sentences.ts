/**
 * What each finding means to somebody who is no engineer. The codes are those of `PROBLEMS` that can come up outside an
 * audit of a whole store; a test holds this list to them.
 */
export const SENTENCES: { readonly [code: string]: string } = {
  RECORD_CHANGED: 'This record is not what was sealed here: it was changed after sealing, or put in place of another.',
  RECORD_FORMAT: 'This is not a record as the log seals them.',
  AUDITID_REPEATED: 'Two records claim to be the same event.',
  SEQUENCE_GAP: 'The records of one subject are numbered, and a number is missing: a record is left out here.',
  ROOT_MISMATCH: 'The records do not add up to what the log signed: some were changed, left out, added or put in another order.',
  CHECKPOINT_FORMAT: 'The log’s signed statement of its own state cannot be read.',
  CHECKPOINT_SIGNATURE: 'The log’s state is not signed with the key you gave: somebody else made or changed this file.',
  CHECKPOINT_LOG: 'The signed state is of another log than the one this file speaks of.',
  CHECKPOINT_MISMATCH: 'The signed state does not fit the records in this file.',
  CHECKPOINT_BEYOND: 'The log was larger when it was signed than the records in this file allow: records are gone.',
  RECORDS_UNVOUCHED: 'Nobody you trust has signed a state of the log that covers these records.',
  RECEIPT_FORMAT: 'The receipt is damaged or was changed.',
  RECEIPT_RECORD: 'The receipt was given for another record than this one, or this record was changed.',
  RECEIPT_PROOF: 'The proof does not lead from this record to the signed state of the log: the record does not stand where this says.',
  TIMESTAMP_FORMAT: 'A time stamp is damaged or was changed.',
  TIMESTAMP_IMPRINT: 'A time stamp was given for something else than this log’s state.',
  TIMESTAMP_NONCE: 'A time stamp does not answer the request it is kept with.',
  TIMESTAMP_POLICY: 'A time stamp was given under rules that are not allowed here.',
  TIMESTAMP_ALGORITHM: 'A time stamp rests on a method that is unknown or too weak today.',
  TIMESTAMP_ATTRIBUTES: 'A time stamp lacks what it must state about itself.',
  TIMESTAMP_SIGNATURE: 'A time stamp was changed after it was signed.',
  TIMESTAMP_SIGNER: 'A time stamp does not show by whom it was signed.',
  TIMESTAMP_USAGE: 'A time stamp was signed by somebody who is not certified to give time stamps.',
  TIMESTAMP_CHAIN: 'A time stamp does not come from an authority under the root certificates you gave.',
  TIMESTAMP_VALIDITY: 'A time stamp was signed with a certificate that was not valid at the time it states.',
  TIMESTAMP_REVOKED: 'A time stamp was signed with a certificate that had been withdrawn.',
}
