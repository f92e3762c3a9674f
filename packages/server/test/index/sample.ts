import { createHash } from 'node:crypto'

/** Records for the tests of the index: JSON with sorted keys is canonical as long as no key needs UTF-16 ordering. */
export interface Sample {
  n: number
  subject?: string
  sequence?: number
  type?: string
  status?: string | null
  tag?: string | null
  schema?: string
  timeMs?: number | null
  recordedMs?: number
  late?: boolean
  data?: Record<string, unknown>
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
export const START = Date.UTC(2031, 2, 4, 9, 0, 0)

/** An audit id of this time; `n` makes it unique. */
export function auditidOf(timeMs: number, n: number): string {
  const bits = BigInt(timeMs) * 2n ** 80n + BigInt('0x' + createHash('sha256').update(String(n)).digest('hex').slice(0, 20))
  let text = ''
  for (let i = 25n; i >= 0n; i--) text += ALPHABET[Number((bits >> (5n * i)) & 31n)]
  return text
}

export function uuidOf(n: number): string {
  const hex = createHash('sha256').update(`uuid ${n}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

export function recordObject(sample: Sample): Record<string, unknown> {
  const timeMs = sample.timeMs === undefined ? START + sample.n * 1000 : sample.timeMs
  const status = sample.status === undefined ? null : sample.status
  const data: Record<string, unknown> = { ...sample.data, ...(status === null ? {} : { delivery_status: status }) }
  return {
    auditid: auditidOf(timeMs ?? 0, sample.n),
    data: Object.fromEntries(Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))),
    dataschema: sample.schema ?? 'urn:sealtrail:schema:sample:1',
    id: `sample-${sample.n}`,
    late: sample.late ?? false,
    provenance: 'pushed',
    recordedtime: new Date(sample.recordedMs ?? START + sample.n * 1000 + 250).toISOString(),
    ...(sample.tag == null ? {} : { regulatorytag: sample.tag }),
    source: 'urn:sample',
    specversion: '1.0',
    subject: sample.subject ?? uuidOf(sample.n),
    subjectsequence: sample.sequence ?? 1,
    ...(timeMs === null ? {} : { time: new Date(timeMs).toISOString() }),
    type: sample.type ?? 'sample.made',
  }
}

export function recordOf(sample: Sample): Buffer {
  return Buffer.from(JSON.stringify(recordObject(sample)))
}
