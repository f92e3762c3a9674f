import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { BundleTrust } from '../bundle/verdict.ts'
import { verifyBundle } from '../bundle/verify.ts'
import { evidenceKind, KIND_BYTES } from '../report/kind.ts'
import { bundleReport } from '../report/of-bundle.ts'
import { checkCertificate } from '../report/of-certificate.ts'
import { MAX_CERTIFICATE_BYTES } from '../certificate/read.ts'
import { checkProof, MAX_ANSWER_BYTES } from '../report/of-proof.ts'
import type { Report } from '../report/report.ts'
import type { RecordRow } from '../report/row.ts'
import { bundleRows } from '../report/rows.ts'
import { readTrust } from '../report/trust-text.ts'
import type { GivenTrust } from '../report/trust-text.ts'
import { count, printable } from '../report/words.ts'
import { readCertificates } from '../timestamp/pem.ts'
import { openFile, readSmall, textOrFile } from './files.ts'
import type { OpenFile } from './files.ts'
import { printRecord, printReport } from './print.ts'
import { HELP, parseUsage, RunError, UsageError } from './usage.ts'
import type { Wanted } from './usage.ts'

export { rangeOf, RunError, UsageError } from './usage.ts'
export type { Wanted } from './usage.ts'

/** What the program sees of the world; tests give their own. */
export interface Io {
  stdout(text: string): void
  stderr(text: string): void
  readonly cwd: string
  /** Whether stderr is a terminal: progress is only drawn there. */
  readonly terminal: boolean
}

const MAX_TRUST_BYTES = 4 * 1024 * 1024
const MAX_PROOF_BYTES = 2 * 1024 * 1024
/** Progress is drawn for every hundredth, not for every record. */
const STEPS = 100

/**
 * Runs `sealtrail-verify`; never rejects. 0 verified, 1 a problem or signer not established, 2 wrong use, 3 could not run.
 * Not established is no success: a script that only asks for the exit code must not take a self-made file for evidence.
 */
export async function run(argv: readonly string[], io: Io): Promise<0 | 1 | 2 | 3> {
  const json = argv.includes('--json')
  try {
    const wanted = parseUsage(argv)
    if (wanted === 'help') io.stdout(HELP)
    else if (wanted === 'version') io.stdout(`${version()}\n`)
    if (typeof wanted === 'string') return 0
    return await checkFile(wanted, io)
  } catch (error) {
    const wrongUse = error instanceof UsageError
    const known = wrongUse || error instanceof RunError
    const message = known ? error.message : `it stopped unexpectedly (${error instanceof Error ? error.name : 'unknown'})`
    const code = wrongUse ? 'USAGE' : 'COULD_NOT_RUN'
    io.stderr(
      json
        ? `${JSON.stringify({ error: { code, message } })}\n`
        : `sealtrail-verify: ${message}\n${wrongUse ? '  sealtrail-verify --help says how it is used\n' : ''}`,
    )
    if (!known && !json && error instanceof Error) io.stderr(`${error.stack?.split('\n').slice(1, 5).join('\n')}\n`)
    return wrongUse ? 2 : 3
  }
}

/**
 * Checks a bundle, proof, receipt or certificate and says what it found, as text or JSON: 0 verified, 1 a problem or signer not established.
 * @throws UsageError, RunError
 */
export async function checkFile(wanted: Wanted, io: Io): Promise<0 | 1> {
  const trust = trustOf(wanted, io.cwd)
  const file = await openFile(io.cwd, wanted.file)
  try {
    const kind = evidenceKind(await file.read(0, Math.min(KIND_BYTES, file.size)), wanted.file)
    if (kind === null) throw new UsageError('this is no evidence bundle, proof, receipt or erasure certificate')
    const result =
      kind === 'bundle'
        ? await checkBundle(file, wanted, trust, io)
        : kind === 'certificate'
          ? await checkErasure(file, wanted, trust)
          : await checkLone(kind, file, wanted, trust, io.cwd)
    const { verdict } = result.report
    if (wanted.json) {
      io.stdout(
        `${JSON.stringify({ ok: verdict === 'verified', file: basename(wanted.file), ...result.report, ...(wanted.records ? { rows: await collect(result.rows) } : {}) })}\n`,
      )
    } else {
      io.stdout(`${printReport(result.report, `${printable(basename(wanted.file))}, ${count(file.size)} bytes`)}\n`)
      if (wanted.records) await printRecords(result, io)
    }
    return verdict === 'verified' || (verdict === 'consistent' && wanted.allowUnestablished) ? 0 : 1
  } finally {
    await file.close()
  }
}

interface Result {
  readonly report: Report
  readonly rows: AsyncIterable<RecordRow>
}

async function checkBundle(file: OpenFile, wanted: Wanted, trust: GivenTrust, io: Io): Promise<Result> {
  if (wanted.record !== null) throw new UsageError('--record goes with a proof or a receipt; a bundle holds its records')
  const asked = { ...(wanted.range === null ? {} : { range: wanted.range }), ...(wanted.subject === null ? {} : { subject: wanted.subject }) }
  const given: BundleTrust = {
    vkeys: trust.keys.map(({ vkey }) => vkey),
    ...(trust.policy === null ? {} : { policy: trust.policyText }),
    tsaRoots: trust.roots,
    asked,
  }
  let shown = -1
  const verdict = await verifyBundle(file, given, ({ done, total }) => {
    const step = total === 0 ? STEPS : Math.floor((done / total) * STEPS)
    if (!io.terminal || step === shown) return
    shown = step
    io.stderr(`\rchecking [${'#'.repeat(Math.floor(step / 4)).padEnd(25, '.')}] ${step} %\u001b[K`)
  })
  if (shown >= 0) io.stderr('\r\u001b[K')
  return { report: bundleReport(verdict), rows: bundleRows(file, verdict) }
}

async function checkLone(kind: 'proof' | 'receipt', file: OpenFile, wanted: Wanted, trust: GivenTrust, cwd: string): Promise<Result> {
  if (wanted.record === null) throw new UsageError(`a ${kind} speaks about a record and does not hold it; name the record's file with --record`)
  if (file.size > MAX_PROOF_BYTES) throw new UsageError(`the file is far too large for a ${kind}`)
  const record = readSmall(cwd, wanted.record, 'the record', MAX_ANSWER_BYTES)
  const { report, row } = checkProof({ kind, bytes: await file.read(0, file.size), record }, trust)
  return {
    report,
    rows: (async function* (): AsyncGenerator<RecordRow> {
      if (row !== null) yield row
    })(),
  }
}

async function checkErasure(file: OpenFile, wanted: Wanted, trust: GivenTrust): Promise<Result> {
  if (wanted.record !== null) throw new UsageError('--record goes with a proof or a receipt; a certificate holds what it rests on')
  if (file.size > MAX_CERTIFICATE_BYTES) throw new UsageError('the file is far too large for a certificate')
  return { report: checkCertificate(await file.read(0, file.size), trust), rows: (async function* (): AsyncGenerator<RecordRow> {})() }
}

/** @throws UsageError */
function trustOf(wanted: Wanted, cwd: string): GivenTrust {
  const decoder = new TextDecoder()
  const read = readTrust({
    keys: wanted.keys.map((given) => textOrFile(cwd, given, 'the key', MAX_TRUST_BYTES)).join('\n'),
    policy: wanted.policy === null ? '' : decoder.decode(readSmall(cwd, wanted.policy, 'the policy', MAX_TRUST_BYTES)),
    roots: '',
  })
  if (!read.ok) throw new UsageError(read.message)
  const roots = wanted.roots.flatMap((path) => {
    const certificates = readCertificates(readSmall(cwd, path, 'the root certificates', MAX_TRUST_BYTES))
    if (!certificates.ok) throw new UsageError(`${basename(path)}: ${certificates.message}`)
    return certificates.value
  })
  return { ...read.value, roots }
}

async function printRecords({ report: { findings }, rows }: Result, io: Io): Promise<void> {
  const wrong = new Set(findings.filter(({ index }) => index !== null).map(({ log, index }) => `${log ?? ''}:${index}`))
  for await (const row of rows) io.stdout(`${printRecord(row, !row.proven || wrong.has(`${row.log}:${row.index}`) || wrong.has(`:${row.index}`))}\n`)
}

async function collect(rows: AsyncIterable<RecordRow>): Promise<RecordRow[]> {
  const all: RecordRow[] = []
  for await (const row of rows) all.push(row)
  return all
}

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}
