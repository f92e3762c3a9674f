import { checkInclusion, equalBytes, leafHash, parseTlogProof, TlogError } from '@sealtrail/tlog'
import { sha256Hex } from '#platform'
import { parseInstant } from '../bundle/instant.ts'
import { readCheckpointNote, readTrust, signerOf } from '../bundle/signer.ts'
import type { OpenedCheckpoint } from '../bundle/signer.ts'
import type { BundleTrust, Conclusion, LogVerdict } from '../bundle/verdict.ts'
import { canonicalize } from '../canonical.ts'
import type { CertificateBody, CertificateFile, SealedStatement } from '../certificate.ts'
import { readCompletion, readIntent } from '../erasure.ts'
import { EvidenceError } from '../errors.ts'
import type { JsonValue } from '../json.ts'
import { problemOf } from '../problem.ts'
import type { Problem, ProblemCode } from '../problem.ts'
import { parseRecord } from '../record.ts'
import type { RecordFields } from '../record.ts'
import { encodeUtf8 } from '../text.ts'
import { trustForSystem } from './system-key.ts'

/** How far a server lets its clock step back unreported (docs/flow.md): times may be out of order by so much. */
const CLOCK_STEP_MS = 5 * 60_000

/** What a check of a certificate came to. */
export interface CertificateVerdict {
  /** `established` rests on a key or policy the examiner brought. */
  readonly conclusion: Conclusion
  /** Lower-case hex SHA-256 of the body's canonical JSON, which the completion names. */
  readonly sha256: string
  readonly signer: LogVerdict['signer']
  /** Records of the state that both statements are proved in; null when it cannot be read. */
  readonly size: number | null
  /** Index of intent and completion in the log `system`. */
  readonly started: number
  readonly completed: number
  /** `object`: `certificate`, `started`, `completed`. */
  readonly problems: readonly Problem[]
}

type Report = (code: ProblemCode, object: string, index: number | null, detail?: string) => void

/** Hex SHA-256 of a body's canonical JSON. */
export function certificateDigest(body: CertificateBody): string {
  return sha256Hex(encodeUtf8(canonicalize(body as unknown as JsonValue)))
}

/**
 * Checks a certificate: that the completion, which names its digest, and before it the intent lie in one signed state of the
 * log `system`, and that both say what the certificate says. That values are gone it cannot show: that is the log's word.
 * attacker: the file; only `trust` comes from elsewhere. @throws TlogError for a vkey or policy that cannot be read
 */
export function verifyCertificate({ certificate: body, started, completed }: CertificateFile, trust: BundleTrust = {}): CertificateVerdict {
  const problems: Problem[] = []
  const report: Report = (code, object, index, detail) => void problems.push(problemOf(code, object, index, detail))
  const known = readTrust(trustForSystem(trust, body.origin))
  const sha256 = certificateDigest(body)
  const [intent, completion] = [open(started, 'started', body.origin, report), open(completed, 'completed', body.origin, report)]
  checkIntent(body, intent, report)
  checkCompletion(body, sha256, completion, report)
  checkOrder(body, intent, completion, report)
  const signer =
    completion.checkpoint === null
      ? ({ by: null, key: null, cosignatures: [], unknown: 0, quorum: 'not-asked' } as const)
      : signerOf(completion.checkpoint, known, null, 'completed', (problem) => void problems.push(problem))
  return {
    conclusion: problems.length > 0 ? 'broken' : signer.by === null ? 'consistent' : 'established',
    sha256,
    signer,
    size: completion.checkpoint === null ? null : Number(completion.checkpoint.size),
    started: intent.index,
    completed: completion.index,
    problems,
  }
}

interface Statement {
  readonly record: RecordFields | null
  readonly index: number
  readonly note: string
  readonly checkpoint: OpenedCheckpoint | null
}

/** One statement, led from its bytes to the state of the log it is proved in. */
function open({ record: text, proof }: SealedStatement, object: string, origin: string, report: Report): Statement {
  const bytes = encodeUtf8(text)
  const { index: at, hashes, checkpoint: note } = parseTlogProof(encodeUtf8(proof))
  const index = Number(at)
  let record: RecordFields | null = null
  try {
    record = parseRecord(bytes)
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error
    report('RECORD_FORMAT', object, index, error.code)
  }
  let checkpoint: OpenedCheckpoint | null = null
  try {
    checkpoint = readCheckpointNote(encodeUtf8(note))
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    report('CHECKPOINT_FORMAT', object, null, error.code)
  }
  if (checkpoint !== null) {
    if (checkpoint.origin !== origin) report('CHECKPOINT_LOG', object, null, 'the certificate names another origin')
    try {
      checkInclusion(at, checkpoint.size, leafHash(bytes), hashes, checkpoint.root)
    } catch (error) {
      if (!(error instanceof TlogError)) throw error
      report('RECEIPT_PROOF', object, index, error.code)
    }
  }
  return { record, index, note, checkpoint }
}

function checkIntent(body: CertificateBody, { record, index }: Statement, report: Report): void {
  if (record === null) return
  const said = readIntent(record)
  if (said === null) return report('CERTIFICATE_STATEMENT', 'started', index, 'it is no intent to erase')
  const other = (member: string): void => report('CERTIFICATE_STATEMENT', 'started', index, `another ${member}`)
  if (said.erasure !== body.id) other('erasure')
  if (said.by !== body.requested.by) other('name of who asked')
  if (said.approvedBy !== (body.approved?.by ?? null)) other('name of who approved')
  if (said.ground !== body.requested.ground) other('ground')
  if (said.reference !== body.requested.reference) other('reference')
  if (record.time !== body.started) other('time')
}

function checkCompletion(body: CertificateBody, sha256: string, { record, index }: Statement, report: Report): void {
  if (record === null) return
  const said = readCompletion(record)
  if (said === null) return report('CERTIFICATE_STATEMENT', 'completed', index, 'it is no completion of an erasure')
  if (said.erasure !== body.id) report('CERTIFICATE_STATEMENT', 'completed', index, 'another erasure')
  if (said.records !== body.records.length) report('CERTIFICATE_STATEMENT', 'completed', index, 'another number of records')
  if (said.certificate !== `sha256:${sha256}`) report('CERTIFICATE_CHANGED', 'certificate', null)
}

function checkOrder(body: CertificateBody, intent: Statement, completion: Statement, report: Report): void {
  const order = (detail: string): void => report('CERTIFICATE_ORDER', 'certificate', null, detail)
  const [a, b] = [intent.checkpoint, completion.checkpoint]
  if (a !== null && b !== null && (intent.note !== completion.note || a.size !== b.size || !equalBytes(a.root, b.root))) order('two states of the log')
  if (intent.index >= completion.index) order('the completion stands before the intent')
  const times = [body.requested.at, ...(body.approved === null ? [] : [body.approved.at]), body.started, body.completed, completion.record?.time ?? null]
  let latest = -Infinity
  for (const time of times) {
    const ms = time === null ? null : parseInstant(time)
    if (ms === null) continue
    if (ms < latest - CLOCK_STEP_MS) return order('its times run backwards')
    latest = Math.max(latest, ms)
  }
}
