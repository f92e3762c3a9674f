// Certificates of erasures made in memory, right or wrong: a draft that tests change, then the file.
import { createHash } from 'node:crypto'
import { formatCheckpoint, formatTlogProof, leafHash, nodesInMemory, proveInclusion, rootOf, signNote } from '@sealtrail/tlog'
import {
  auditId,
  canonicalize,
  completionData,
  ERASURE_STARTED_TYPE,
  ERASURE_TYPE,
  erasureSubject,
  integrityHash,
  intentData,
  recordBytes,
} from '@sealtrail/evidence'
import type { CertificateBody, CertificateFile, CertificateRecord, JsonObject, JsonValue } from '@sealtrail/evidence'
import { START } from '../bundle/sample-log.ts'
import type { House, SampleRecord } from '../bundle/sample-log.ts'

export const ERASURE = createHash('sha256').update('erasure 7').digest('hex').slice(0, 32)
const HOUR = 3_600_000
const at = (ms: number): string => new Date(START + 40 * 24 * HOUR + ms).toISOString()

/** The log `system` around an erasure, before it is sealed; `sealed` are record data by their place. */
export interface CertificateDraft {
  house: House
  body: CertificateBody
  /** What the two statements say, if not what they should. */
  intent: { type: string; subject: string; data: JsonObject; time: string }
  completion: { type: string; subject: string; data: JsonObject; time: string }
  /** Places of intent and completion among the log's records. */
  places: [number, number]
  size: number
}

/** What was erased of these sample records. */
export function recordsErased(records: readonly SampleRecord[], log = 'calls'): CertificateRecord[] {
  return records.flatMap(({ index, fields, bytes, values }) => {
    const erased = values.filter(({ state }) => state === 'erased').map(({ path, digest }) => ({ path, digest }))
    const { auditid, type, time } = fields
    return erased.length === 0 ? [] : [{ log, index, auditid, hash: integrityHash(bytes), type, time, status: null, fields: erased }]
  })
}

export function sampleBody(house: House, records: readonly CertificateRecord[], change: Partial<CertificateBody> = {}): CertificateBody {
  return {
    format: 'sealtrail.certificate/1',
    id: ERASURE,
    origin: house.system.name,
    tenant: 'default',
    requested: { by: 'olga', at: at(0), ground: 'GDPR Art. 17(1)(b)', reference: 'DSR-2026-0007' },
    approved: { by: 'pavel', at: at(2 * HOUR) },
    started: at(3 * HOUR),
    completed: at(3 * HOUR + 9_000),
    method: {
      name: 'cryptographic erase',
      reference: 'NIST SP 800-88 Rev. 2',
      keys: 'files',
      destroyed: { person: 1, interactions: 2 },
      removed: { aliases: 3, rows: records.length, tokens: 4, exports: 1 },
    },
    searched: { files: 120, bytes: 4_000_000, patterns: 60, found: [] },
    records,
    notReached: [{ what: 'export', at: at(-HOUR), detail: 'export 5e1f, handed out to counsel' }],
    ...change,
  }
}

/** A draft of what an honest server seals for this body. */
export function certificateDraft(house: House, body: CertificateBody): CertificateDraft {
  const { id: erasure, requested, approved } = body
  return {
    house,
    body,
    intent: {
      type: ERASURE_STARTED_TYPE,
      subject: erasureSubject(erasure),
      data: {
        ...intentData({ erasure, by: requested.by, approvedBy: approved?.by ?? null, ground: requested.ground, reference: requested.reference }),
        logs: ['calls'],
      },
      time: body.started,
    },
    completion: {
      type: ERASURE_TYPE,
      subject: erasureSubject(erasure),
      data: completionData({ erasure, certificate: digestOf(body), records: body.records.length }),
      time: new Date(Date.parse(body.completed) + 5).toISOString(),
    },
    places: [4, 7],
    size: 11,
  }
}

export function digestOf(body: CertificateBody): string {
  return `sha256:${createHash('sha256')
    .update(canonicalize(body as unknown as JsonValue))
    .digest('hex')}`
}

/** The certificate as it is handed out. @param change of the draft, before it is sealed */
export function sealCertificate(draft: CertificateDraft): CertificateFile {
  const { house, body, intent, completion, places, size } = draft
  const records = Array.from({ length: size }, (_, i) => {
    const said =
      i === places[0] ? intent : i === places[1] ? completion : { type: 'sealtrail.system.reads', subject: `reads/${i}`, data: { n: i }, time: at(i) }
    return recordBytes({
      auditid: auditId(Date.parse(said.time), createHash('sha256').update(`system ${i} ${said.subject}`).digest('latin1')),
      dataschema: 'urn:sealtrail:schema:system:1',
      id: `system/${i}`,
      late: false,
      provenance: 'pushed',
      recordedtime: said.time,
      regulatorytag: null,
      source: 'urn:sealtrail:server',
      subjectsequence: 1,
      ...said,
    })
  })
  const leaves = new Uint8Array(32 * size)
  for (const [i, bytes] of records.entries()) leaves.set(leafHash(bytes), 32 * i)
  const text = formatCheckpoint({ origin: house.system.name, size: BigInt(size), root: rootOf(leaves) })
  const checkpoint = signNote(
    text,
    [house.system],
    house.witnesses.slice(0, 2).map((witness) => witness.cosign(text, BigInt((Date.parse(body.completed) / 1000) | 0) + 60n)),
  )
  const statement = (index: number): { record: string; proof: string } => ({
    record: Buffer.from(records[index]!).toString(),
    proof: formatTlogProof({ index: BigInt(index), hashes: proveInclusion(BigInt(index), BigInt(size), nodesInMemory(leaves)), checkpoint }),
  })
  return { certificate: body, started: statement(places[0]), completed: statement(places[1]) }
}

/** A good certificate over what is erased of these records. */
export function goodCertificate(house: House, records: readonly CertificateRecord[]): CertificateFile {
  return sealCertificate(certificateDraft(house, sampleBody(house, records)))
}

export const bytesOf = (file: CertificateFile): Uint8Array => Buffer.from(`${canonicalize(file as unknown as JsonValue)}\n`)
