import { parseTlogProof } from '@sealtrail/tlog'
import { isAuditId } from '../auditid.ts'
import { CERTIFICATE_FORMAT } from '../certificate.ts'
import type { CertificateBody, CertificateFile, CertificateRecord, SealedStatement } from '../certificate.ts'
import { ERASURE_ID } from '../erasure.ts'
import { EvidenceError } from '../errors.ts'
import { readShape } from '../bundle/shape.ts'
import { Shape } from '../bundle/shape.ts'
import { parseInstant } from '../bundle/instant.ts'
import type { JsonValue } from '../json.ts'
import { MAX_RECORD_BYTES } from '../record.ts'
import { LOG_NAME } from '../segment-key.ts'
import { encodeUtf8 } from '../text.ts'

/** Largest certificate that is read; a record with one field takes some 300 bytes. */
export const MAX_CERTIFICATE_BYTES: number = 128 * 2 ** 20
/** Most records, and most fields of one of them. */
export const MAX_CERTIFICATE_RECORDS = 250_000
const MAX_FIELDS = 50_000
const MAX_LISTED = 10_000
const MAX_TEXT = 1_024
const MAX_PROOF = 64 * 1_024

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/
const ORIGIN = /^(?:[^\s+\p{C}]{1,400}\/)?system$/u
const HASH = /^sha256:[0-9a-f]{64}$/
const POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/
const DIGEST = /^[A-Za-z0-9_-]{43}$/
const NOT_REACHED = ['export', 'backup', 'forwarder', 'quarantine', 'memory', 'media', 'file'] as const
const METHOD = { name: 'cryptographic erase', reference: 'NIST SP 800-88 Rev. 2' } as const

const fail = (detail: string): EvidenceError => new EvidenceError('CERTIFICATE_FORMAT', detail)

/**
 * Reads a certificate as it is handed out, strictly: nothing in it may be what a reader does not know, be said twice, or stand
 * out of order. attacker: whoever hands it over wrote all of it.
 * @throws EvidenceError CERTIFICATE_FORMAT naming the member
 */
export function parseCertificate(bytes: Uint8Array): CertificateFile {
  const shape = readShape(bytes, fail, MAX_CERTIFICATE_BYTES).only('certificate', 'completed', 'started')
  return { certificate: bodyOf(shape.object('certificate')), started: statementOf(shape.object('started')), completed: statementOf(shape.object('completed')) }
}

/** Reads a certificate's body, as the store keeps it. @throws EvidenceError CERTIFICATE_FORMAT */
export function parseCertificateBody(bytes: Uint8Array): CertificateBody {
  return bodyOf(readShape(bytes, fail, MAX_CERTIFICATE_BYTES))
}

function statementOf(shape: Shape): SealedStatement {
  shape.only('record', 'proof')
  const [record, proof] = [text(shape, 'record', MAX_RECORD_BYTES, 2), text(shape, 'proof', MAX_PROOF)]
  try {
    parseTlogProof(encodeUtf8(proof))
  } catch {
    throw fail('a proof is no C2SP tlog-proof')
  }
  return { record, proof }
}

function bodyOf(shape: Shape): CertificateBody {
  shape.only('approved', 'completed', 'format', 'id', 'method', 'notReached', 'origin', 'records', 'requested', 'searched', 'started', 'tenant')
  if (shape.text('format') !== CERTIFICATE_FORMAT) throw fail('another format')
  const requested = shape.object('requested').only('at', 'by', 'ground', 'reference')
  return {
    format: CERTIFICATE_FORMAT,
    id: shape.matching('id', ERASURE_ID),
    origin: shape.matching('origin', ORIGIN),
    tenant: text(shape, 'tenant', 255),
    requested: {
      by: text(requested, 'by', MAX_TEXT),
      at: time(requested, 'at'),
      ground: text(requested, 'ground', MAX_TEXT),
      reference: requested.isNull('reference') ? null : text(requested, 'reference', MAX_TEXT),
    },
    approved: shape.isNull('approved') ? null : actOf(shape.object('approved')),
    started: time(shape, 'started'),
    completed: time(shape, 'completed'),
    method: methodOf(shape.object('method')),
    searched: searchedOf(shape.object('searched')),
    records: recordsOf(shape),
    notReached: shape.list('notReached', (value) => notReachedOf(new Shape(value, fail, 'a member of notReached')), MAX_LISTED),
  }
}

function actOf(shape: Shape): { by: string; at: string } {
  shape.only('at', 'by')
  return { by: text(shape, 'by', MAX_TEXT), at: time(shape, 'at') }
}

function methodOf(shape: Shape): CertificateBody['method'] {
  shape.only('destroyed', 'keys', 'name', 'reference', 'removed')
  if (shape.text('name') !== METHOD.name || shape.text('reference') !== METHOD.reference) throw fail('another method')
  const destroyed = shape.object('destroyed').only('interactions', 'person')
  const removed = shape.object('removed').only('aliases', 'exports', 'rows', 'tokens')
  return {
    ...METHOD,
    keys: shape.matching('keys', /^[a-z0-9][a-z0-9-]{0,63}$/),
    destroyed: { person: destroyed.count('person'), interactions: destroyed.count('interactions') },
    removed: { aliases: removed.count('aliases'), rows: removed.count('rows'), tokens: removed.count('tokens'), exports: removed.count('exports') },
  }
}

function searchedOf(shape: Shape): CertificateBody['searched'] {
  shape.only('bytes', 'files', 'found', 'patterns')
  const found = shape.list(
    'found',
    (value) => {
      const each = new Shape(value, fail, 'a member of found').only('file', 'what')
      return { file: text(each, 'file', MAX_TEXT), what: text(each, 'what', MAX_TEXT) }
    },
    MAX_LISTED,
  )
  return { files: shape.count('files'), bytes: shape.count('bytes'), patterns: shape.count('patterns'), found }
}

function notReachedOf(shape: Shape): CertificateBody['notReached'][number] {
  shape.only('at', 'detail', 'what')
  const what = NOT_REACHED.find((each) => each === shape.text('what'))
  if (what === undefined) throw fail('a kind of what was not reached that this format does not have')
  return { what, at: shape.isNull('at') ? null : time(shape, 'at'), detail: text(shape, 'detail', 4 * MAX_TEXT) }
}

/** In order of log and index, so that each stands once. */
function recordsOf(shape: Shape): CertificateRecord[] {
  let last: CertificateRecord | null = null
  return shape.list(
    'records',
    (value) => {
      const record = recordOf(new Shape(value, fail, 'a member of records'))
      if (last !== null && (record.log < last.log || (record.log === last.log && record.index <= last.index))) throw fail('records out of order, or one twice')
      last = record
      return record
    },
    MAX_CERTIFICATE_RECORDS,
  )
}

function recordOf(shape: Shape): CertificateRecord {
  shape.only('auditid', 'fields', 'hash', 'index', 'log', 'status', 'time', 'type')
  const auditid = shape.text('auditid')
  if (!isAuditId(auditid)) throw fail('auditid is malformed')
  const paths = new Set<string>()
  const fields = shape.list(
    'fields',
    (value: JsonValue) => {
      const field = new Shape(value, fail, 'a field').only('digest', 'path')
      const path = field.matching('path', POINTER)
      if (paths.size === paths.add(path).size) throw fail('a field twice')
      return { path, digest: field.matching('digest', DIGEST) }
    },
    MAX_FIELDS,
  )
  if (fields.length === 0) throw fail('a record without a field')
  return {
    log: shape.matching('log', LOG_NAME),
    index: shape.count('index'),
    auditid,
    hash: shape.matching('hash', HASH),
    type: text(shape, 'type', MAX_TEXT),
    time: shape.isNull('time') ? null : instant(shape.text('time')),
    status: shape.isNull('status') ? null : text(shape, 'status', MAX_TEXT),
    fields,
  }
}

/** Between `least` and `most` UTF-16 code units. */
function text(shape: Shape, key: string, most: number, least = 1): string {
  const value = shape.text(key)
  if (value.length < least || value.length > most) throw fail(`${key} is empty or too long`)
  return value
}

function time(shape: Shape, key: string): string {
  return instant(shape.matching(key, UTC))
}

/** attacker: a day or hour no calendar has would be sorted somewhere all the same. */
function instant(text: string): string {
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = [5, 8, 11, 14, 17].map((at) => Number(text.slice(at, at + 2)))
  if (parseInstant(text) === null || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    throw fail('a time that is none')
  return text
}
