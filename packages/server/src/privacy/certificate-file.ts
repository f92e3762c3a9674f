import { createHash } from 'node:crypto'
import { erasureSubject, parseCertificateBody, parseRecord, readCompletion, readIntent, verifyCertificate } from '@sealtrail/evidence'
import type { CertificateFile, RecordFields, SealedStatement } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'

/** A record of `system` with its tlog-proof. */
export interface SealedRecord {
  readonly bytes: Uint8Array
  readonly proof: string
}

/** Where a certificate is made from: nothing but the log `system` and its objects, so it outlives the data directory. */
export interface CertificateSource {
  /** Every record of a subject in `system`, in order, proved against one checkpoint. */
  sealed(subject: string): Promise<readonly SealedRecord[]>
  /** An object of `system`, as it is stored; null when the store does not give it. */
  object(digest: string): Promise<Uint8Array | null>
}

/**
 * The certificate of an erasure as it is handed out; null when no completed erasure has this id.
 * @throws SealtrailError DATA_CORRUPT when the completion is sealed and its certificate is missing, or does not fit
 */
export async function certificateFile(id: string, source: CertificateSource): Promise<CertificateFile | null> {
  const records = (await source.sealed(erasureSubject(id))).map(({ bytes, proof }) => ({
    record: readRecord(bytes),
    statement: { record: Buffer.from(bytes).toString(), proof },
  }))
  // The first of each: what was sealed once stays what it was, whatever is sealed later.
  const started = statementOf(records, (record) => readIntent(record)?.erasure === id)
  const completed = statementOf(records, (record) => readCompletion(record)?.erasure === id)
  if (completed === null) return null
  const { certificate } = readCompletion(completed.record) as { certificate: string }
  const digest = certificate.slice('sha256:'.length)
  const bytes = await source.object(digest)
  const lost = (why: string): SealtrailError => new SealtrailError('DATA_CORRUPT', `the certificate of erasure ${id}: ${why}; run \`sealtrail verify\``)
  if (bytes === null) throw lost('the store does not give it')
  // attacker: whoever can write to the store.
  if (createHash('sha256').update(bytes).digest('hex') !== digest) throw lost('what is stored is another one')
  if (started === null) throw lost('no intent is sealed')
  const file = { certificate: parseBody(bytes, lost), started: started.statement, completed: completed.statement }
  // Nothing leaves that our own verifier would refuse.
  const [problem] = verifyCertificate(file).problems
  if (problem !== undefined) throw lost(problem.message)
  return file
}

interface Found {
  readonly record: RecordFields
  readonly statement: SealedStatement
}

function statementOf(
  records: ReadonlyArray<{ record: RecordFields | null; statement: SealedStatement }>,
  wanted: (record: RecordFields) => boolean,
): Found | null {
  for (const { record, statement } of records) if (record !== null && wanted(record)) return { record, statement }
  return null
}

function readRecord(bytes: Uint8Array): RecordFields | null {
  try {
    return parseRecord(bytes)
  } catch {
    return null
  }
}

function parseBody(bytes: Uint8Array, lost: (why: string) => SealtrailError): CertificateFile['certificate'] {
  try {
    return parseCertificateBody(bytes)
  } catch (cause) {
    throw lost(cause instanceof Error ? cause.message : 'it cannot be read')
  }
}
