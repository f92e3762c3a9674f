// How fast one core audits (CPU time, all threads): `node --conditions=@sealtrail/source packages/evidence/bench/audit.ts`. Unpacking and reading are not in it.
import { createHash } from 'node:crypto'
import { Frontier, ed25519Sign, ed25519PublicKey, ed25519Signer, formatCheckpoint, leafHash, signNote } from '@sealtrail/tlog'
import { EMPTY_ROOT, LogAudit, auditId, encodeSegment, recordBytes, segmentKey } from '@sealtrail/evidence'
import type { RecordChecks } from '@sealtrail/evidence'

const ORIGIN = 'log.example.org/bench'
const seed = new Uint8Array(32).fill(5)
const signer = { publicKey: ed25519PublicKey(seed), sign: (message: Uint8Array) => ed25519Sign(seed, message) }
const logSigner = ed25519Signer(ORIGIN, new Uint8Array(32).fill(6))
const COUNT = 200_000
const PER_SEGMENT = 500

const frontier = new Frontier()
const segments: Array<{ key: string; digest: string; bytes: Uint8Array }> = []
let previous = { size: 0, root: EMPTY_ROOT, segment: '', checkpoint: '' }
let bytesInAll = 0
for (let first = 0; first < COUNT; first += PER_SEGMENT) {
  const records = Array.from({ length: PER_SEGMENT }, (_, i) => {
    const n = first + i
    const identity = createHash('sha256').update(String(n)).digest('latin1')
    const data = {
      eventId: identity.slice(0, 4).length + n,
      pad: 'lorem ipsum dolor sit amet '.repeat(24),
      attributes: [{ '...': createHash('sha256').update(`x${n}`).digest('base64url') }],
    }
    return recordBytes({ auditid: auditId(1.8e12 + n, identity), data, dataschema: 'urn:sealtrail:schema:bench:1', id: `bench-${n}`, late: false, provenance: 'pushed', recordedtime: '2027-01-15T08:00:00.000Z', regulatorytag: null, source: 'urn:example:bench', subject: `subject-${n % 50_000}`, subjectsequence: Math.floor(n / 50_000) + 1, time: '2027-01-15T08:00:00.000Z', type: 'org.example.bench' }) // prettier-ignore
  })
  bytesInAll += records.reduce((sum, record) => sum + record.length, 0)
  for (const record of records) frontier.append(leafHash(record))
  const root = Buffer.from(frontier.root()).toString('hex')
  const bytes = encodeSegment(
    { log: ORIGIN, first, count: PER_SEGMENT, created: '2027-01-15T08:00:00.000Z', journal: { file: 1, offset: 0 }, previous },
    records,
    root,
    signer,
  )
  const digest = createHash('sha256').update(bytes).digest('hex')
  segments.push({ key: segmentKey('bench', first, digest), digest, bytes })
  const size = first + PER_SEGMENT
  previous = { size, root, segment: digest, checkpoint: signNote(formatCheckpoint({ origin: ORIGIN, size: BigInt(size), root: frontier.root() }), [logSigner]) }
}

console.log(`${COUNT} records of ${Math.round(bytesInAll / COUNT)} bytes, ${PER_SEGMENT} a segment, ${process.version}`)
for (const [name, records] of [
  ['bytes, signatures, roots', { form: 'scan', auditids: false, subjects: false }],
  ['… and audit ids unique, subjects gapless', { form: 'scan', auditids: true, subjects: true }],
  ['… and each record parsed strictly', { form: 'parse', auditids: true, subjects: true }],
] as ReadonlyArray<readonly [string, RecordChecks]>) {
  const rates: number[] = []
  for (let round = 0; round < 5; round++) {
    const audit = new LogAudit({ log: 'bench', origin: ORIGIN, trust: logSigner.vkey, signer: signer.publicKey, records })
    const start = process.cpuUsage()
    for (const { key, digest, bytes } of segments) audit.segment(key, digest, bytes)
    audit.checkpoint('checkpoint', previous.checkpoint)
    if (!audit.result().ok) throw new Error(JSON.stringify(audit.result().problems[0]))
    const { user, system } = process.cpuUsage(start)
    rates.push((COUNT * 1000) / (user + system))
  }
  rates.sort((a, b) => a - b)
  console.log(`${name.padEnd(44)} ${(rates[2] as number).toFixed(0)} k records/s (${(rates[0] as number).toFixed(0)}-${(rates[4] as number).toFixed(0)})`)
}
