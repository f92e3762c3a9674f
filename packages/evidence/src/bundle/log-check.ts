import { TlogError } from '@sealtrail/tlog'
import { EvidenceError } from '../errors.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { MAX_RECORD_BYTES, parseRecord } from '../record.ts'
import type { RecordFields } from '../record.ts'
import { encodeHex } from '../text.ts'
import { BundleBroken } from './broken.ts'
import type { BundleAsked, BundleLog, BundleManifest } from './format.ts'
import type { BundleCertificates } from './certificates.ts'
import type { BundleFiles } from './files.ts'
import { DataObjects } from './data-objects.ts'
import { latestOf, parseInstant } from './instant.ts'
import { ProofFiles } from './proof-files.ts'
import { ProofProver, RangeProver } from './provers.ts'
import type { RecordProver } from './provers.ts'
import { RangeTiles } from './range-tiles.ts'
import { readCheckpointNote, signerOf } from './signer.ts'
import type { OpenedCheckpoint, Trust } from './signer.ts'
import { schemaPath } from './schema-path.ts'
import { Subjects } from './subjects.ts'
import type { Demand } from './subjects.ts'
import { checkTimestamps } from './timestamps.ts'
import { Values } from './values.ts'
import type { LogVerdict, ProvenTime, TimestampFinding } from './verdict.ts'

/** What is the same for every log of a bundle. */
export interface LogCheckDeps {
  readonly manifest: BundleManifest
  readonly files: BundleFiles
  readonly certificates: BundleCertificates
  readonly trust: Trust
  readonly tsaRoots: readonly Uint8Array[]
  /** Hints out of `keys.json`. */
  readonly keys: { readonly logs: Readonly<Record<string, string>>; readonly wrapper: Uint8Array | null }
  readonly report: (problem: Problem) => void
}

const MOST_RUNS = 1_000
const MOST_SCHEMAS = 10_000
const DEMANDS: Readonly<Record<BundleAsked['kind'], Demand>> = { subject: 'whole', range: 'run', person: 'some', 'subject-access': 'some', query: 'some' }

/** Checks everything a bundle holds of one log. */
export async function checkLog(log: BundleLog, deps: LogCheckDeps): Promise<LogVerdict> {
  const { files, report, trust, keys } = deps
  const path = `log/${log.log}/checkpoint`
  const checkpoint = await openOwn(log, path, deps)
  const signer =
    checkpoint === null
      ? ({ by: null, key: null, cosignatures: [], unknown: 0, quorum: 'not-asked' } as const)
      : signerOf(checkpoint, trust, Object.hasOwn(keys.logs, checkpoint.origin) ? (keys.logs[checkpoint.origin] as string) : null, path, report)
  const timestamps = await checkTimestamps(log, checkpoint, files, deps.tsaRoots, report)
  const values = new Values(log, { files, key: keys.wrapper, certificates: deps.certificates, report })
  // Whole from number 1 only when the range begins where the log does.
  const demand = log.range?.from === 0 ? 'whole' : DEMANDS[deps.manifest.asked.kind]
  const subjects = new Subjects(demand, report)
  const seen = new Seen(log, deps)
  try {
    await walk(log, checkpoint, deps, { values, subjects, seen })
  } catch (error) {
    if (!(error instanceof BundleBroken)) throw error
    report(problemOf(error.code, error.object, error.index, error.detail))
    seen.broken = true
  }
  seen.compare(values)
  return {
    log: log.log,
    origin: log.origin,
    size: log.size,
    root: checkpoint === null ? '' : encodeHex(checkpoint.root),
    signer,
    since: since(log, timestamps, signer.cosignatures),
    timestamps,
    records: {
      count: seen.count,
      proven: seen.proven,
      runs: seen.runs,
      moreRuns: seen.moreRuns,
      places: seen.places,
      earliest: seen.earliest?.text ?? null,
      latest: seen.latest?.text ?? null,
    },
    range: log.range === null ? null : { ...log.range, complete: seen.provenInRange === log.range.to - log.range.from && checkpoint !== null && !seen.broken },
    subjects: { count: subjects.count, gapless: subjects.gapless, fromLater: subjects.fromLater },
    fields: values.fields,
    erasedUnder: Object.fromEntries(values.erasedUnder),
    disclosures: { matching: values.matching, wrong: values.wrong },
    schemas: [...seen.schemas].map(([schema, records]) => ({ schema, records, included: files.has(schemaPath(schema) ?? '') })),
  }
}

async function openOwn(log: BundleLog, path: string, { files, report }: LogCheckDeps): Promise<OpenedCheckpoint | null> {
  try {
    const opened = readCheckpointNote(await files.whole(path))
    if (opened.origin !== log.origin) report(problemOf('CHECKPOINT_LOG', path, null, 'the manifest names another origin'))
    if (Number(opened.size) !== log.size || encodeHex(opened.root) !== log.root)
      report(problemOf('BUNDLE_COUNT', path, null, 'the manifest names another size or root'))
    return opened
  } catch (error) {
    if (error instanceof BundleBroken) report(problemOf(error.code, error.object, null, error.detail))
    else if (error instanceof TlogError) report(problemOf('CHECKPOINT_FORMAT', path, null, error.message))
    else throw error
    return null
  }
}

async function walk(
  log: BundleLog,
  checkpoint: OpenedCheckpoint | null,
  { files, report }: LogCheckDeps,
  { values, subjects, seen }: { values: Values; subjects: Subjects; seen: Seen },
): Promise<void> {
  const folder = `log/${log.log}/`
  const prover = await proverOf(log, checkpoint, files, report)
  const proofs = new ProofFiles(folder, files, checkpoint, report)
  const objects = new DataObjects(folder, files, report)
  const path = `${folder}records.ndjson`
  if (log.records > 0 || files.has(path)) {
    const lines = files.lines(path, MAX_RECORD_BYTES)
    for (let bytes = await lines.next(); bytes !== null; bytes = await lines.next()) {
      const at = lines.place
      const { index, proven } = await prover.place(bytes, at)
      const record = recordOf(bytes, index, at, report)
      seen.add(record, index, proven, at)
      if (record !== null) subjects.add(record.subject, record.subjectsequence, record.auditid, index, at)
      await values.check(bytes, record === null ? null : await objects.whole(record, index, at), record?.data ?? null, index, at, proven)
      await proofs.check(bytes, index)
    }
  }
  await prover.end()
  await values.end()
  proofs.end()
  objects.end()
}

async function proverOf(log: BundleLog, checkpoint: OpenedCheckpoint | null, files: BundleFiles, report: (problem: Problem) => void): Promise<RecordProver> {
  const folder = `log/${log.log}/`
  if (log.range === null) return new ProofProver(files.lines(`${folder}proofs.ndjson`), checkpoint?.size ?? 0n, checkpoint?.root ?? null, report)
  const { size, root } = checkpoint ?? { size: 0n, root: null }
  const beyond = log.range.to > Number(size)
  if (beyond && root !== null) report(problemOf('RECORD_MISSING', `${folder}checkpoint`, Number(size), 'the range reaches beyond the checkpoint'))
  const tiles = root === null || beyond ? null : await RangeTiles.open(Number(size), root, folder, (path) => files.whole(path), report)
  return new RangeProver(tiles, log.range, `${folder}records.ndjson`, report)
}

function recordOf(bytes: Uint8Array, index: number | null, at: string, report: (problem: Problem) => void): RecordFields | null {
  try {
    return parseRecord(bytes)
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error
    report(problemOf('RECORD_FORMAT', at, index, error.message))
    return null
  }
}

/** The earliest time that covers every record: established before consistent. */
function since(log: BundleLog, timestamps: readonly TimestampFinding[], cosignatures: LogVerdict['signer']['cosignatures']): ProvenTime | null {
  const times: ProvenTime[] = [
    ...timestamps
      .filter(({ ok, size }) => ok && size >= log.end)
      .map(({ time, accuracyMs, by, established, size }) => ({ time: latestOf(time, accuracyMs), kind: 'tsa' as const, by, established, size })),
    ...cosignatures.map(({ name, time }) => ({ time, kind: 'witness' as const, by: name, established: true, size: log.size })),
  ]
  const rank = ({ established, time }: ProvenTime): number => (established ? 0 : 1e15) + (parseInstant(time) ?? 1e14)
  return times.sort((a, b) => rank(a) - rank(b))[0] ?? null
}

/** What was seen of the records, held against what was asked and what the manifest says. */
class Seen {
  count = 0
  proven = 0
  provenInRange = 0
  broken = false
  readonly runs: Array<{ from: number; to: number }> = []
  moreRuns = false
  readonly places: Array<{ line: number; index: number | null; proven: boolean }> = []
  earliest: { ms: number; text: string } | null = null
  latest: { ms: number; text: string } | null = null
  readonly schemas = new Map<string, number>()
  readonly #log: BundleLog
  readonly #asked: BundleAsked
  readonly #report: (problem: Problem) => void
  #first: number | null = null
  #last: number | null = null

  constructor(log: BundleLog, { manifest, report }: LogCheckDeps) {
    this.#log = log
    this.#asked = manifest.asked
    this.#report = report
  }

  add(record: RecordFields | null, index: number | null, proven: boolean, at: string): void {
    this.#stands(this.count, index, proven)
    this.count++
    if (proven) this.proven++
    if (index !== null) this.#place(index, proven)
    if (record === null) return
    if (!this.#isAsked(record)) this.#report(problemOf('BUNDLE_ASKED', at, index, 'the record is not one of those asked for'))
    const ms = record.time === null ? null : parseInstant(record.time)
    if (ms !== null && (this.earliest === null || ms < this.earliest.ms)) this.earliest = { ms, text: record.time as string }
    if (ms !== null && (this.latest === null || ms > this.latest.ms)) this.latest = { ms, text: record.time as string }
    if (this.schemas.size < MOST_SCHEMAS || this.schemas.has(record.dataschema))
      this.schemas.set(record.dataschema, (this.schemas.get(record.dataschema) ?? 0) + 1)
  }

  compare(values: Values): void {
    const { log, records, first, end, fields } = this.#log
    const object = `log/${log}/records.ndjson`
    if (this.count !== records) this.#report(problemOf('BUNDLE_COUNT', object, null, `${this.count} records, not ${records}`))
    else if (!this.broken && records > 0 && (this.#first !== first || this.#last !== end - 1))
      this.#report(problemOf('BUNDLE_COUNT', object, null, 'they begin or end elsewhere than the manifest says'))
    if (!this.broken && Object.entries(fields).some(([state, count]) => values.fields[state as keyof typeof fields] !== count))
      this.#report(problemOf('BUNDLE_COUNT', `log/${log}/fields.ndjson`, null, 'other numbers of fields than the manifest says'))
  }

  #stands(line: number, index: number | null, proven: boolean): void {
    const last = this.places.at(-1)
    const next = last === undefined || last.index === null ? null : last.index + line - last.line
    if (last?.proven === proven && (this.#log.range === null || index === next)) return
    if (this.places.length < MOST_RUNS) this.places.push({ line, index, proven })
    // Behind these nothing is told apart, so nothing counts as proven.
    else if (this.places.length === MOST_RUNS) this.places.push({ line, index: null, proven: false })
  }

  #place(index: number, proven: boolean): void {
    const range = this.#log.range
    if (proven && range !== null && index >= range.from && index < range.to) this.provenInRange++
    this.#first ??= index
    this.#last = index
    const run = this.runs.at(-1)
    if (run !== undefined && run.to === index) run.to++
    else if (this.runs.length < MOST_RUNS) this.runs.push({ from: index, to: index + 1 })
    else this.moreRuns = true
  }

  #isAsked(record: RecordFields): boolean {
    if (this.#asked.kind === 'subject') return record.subject === this.#asked.subject
    if (this.#asked.kind !== 'query') return true
    const { subject, type, tag, log } = this.#asked.query
    return (
      (subject === undefined || subject === record.subject) &&
      (type === undefined || type === record.type) &&
      (tag === undefined || tag === (record.regulatorytag ?? '')) &&
      (log === undefined || log === this.#log.log)
    )
  }
}
