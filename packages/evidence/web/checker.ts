import { sha256Hasher } from '@sealtrail/tlog'
import type { BundleTrust, BundleVerdict } from '../src/bundle/verdict.ts'
import { verifyBundle } from '../src/bundle/verify.ts'
import { evidenceKind, KIND_BYTES } from '../src/report/kind.ts'
import { bundleReport } from '../src/report/of-bundle.ts'
import { checkCertificate } from '../src/report/of-certificate.ts'
import { MAX_CERTIFICATE_BYTES } from '../src/certificate/read.ts'
import { checkProof, MAX_ANSWER_BYTES } from '../src/report/of-proof.ts'
import type { RecordRow } from '../src/report/row.ts'
import { bundleRows, MAX_HITS, MAX_ROWS } from '../src/report/rows.ts'
import { readTrust } from '../src/report/trust-text.ts'
import type { Ask, Checked, Told } from './messages.ts'
import { matches } from './matches.ts'

const MAX_PROOF_BYTES = 2 * 1024 * 1024
const PIECE = 4 * 1024 * 1024
const TELL_EVERY_MS = 100

/** Answers the page: in a worker, or in the page itself where a browser allows none. */
export class Checker {
  readonly #tell: (told: Told) => void
  #file: { readonly file: File; readonly verdict: BundleVerdict } | null = null
  #told = 0

  constructor(tell: (told: Told) => void) {
    this.#tell = tell
  }

  async asked(ask: Ask): Promise<void> {
    if (ask.kind === 'find') return this.#find(ask.id, ask.text)
    try {
      this.#tell({ kind: 'checked', result: await this.#check(ask) })
    } catch (error) {
      this.#tell({ kind: 'failed', message: reasonOf(error) })
    }
  }

  async #check({ file, record, trust: texts, asked }: Extract<Ask, { kind: 'check' }>): Promise<Checked> {
    this.#file = null
    const trust = readTrust(texts)
    if (!trust.ok) throw new Plain(trust.message)
    const head = new Uint8Array(await file.slice(0, KIND_BYTES).arrayBuffer())
    const kind = evidenceKind(head, file.name)
    if (kind === null) throw new Plain('This is no evidence bundle, proof, receipt or certificate of an erasure.')
    const sha256 = await this.#digest(file)
    if (kind === 'certificate') {
      if (file.size > MAX_CERTIFICATE_BYTES) throw new Plain('The file is far too large for a certificate.')
      return { report: checkCertificate(await bytesOf(file), trust.value), rows: [], total: 0, sha256 }
    }
    if (kind !== 'bundle') {
      if (record === null) throw new Plain(`A ${kind} speaks about one record and does not hold it. Choose the record’s file too.`)
      if (file.size > MAX_PROOF_BYTES || record.size > MAX_ANSWER_BYTES) throw new Plain('One of these files is far too large for what it should be.')
      const { report, row } = checkProof({ kind, bytes: await bytesOf(file), record: await bytesOf(record) }, trust.value)
      return { report, rows: row === null ? [] : [row], total: row === null ? 0 : 1, sha256 }
    }
    const given: BundleTrust = {
      vkeys: trust.value.keys.map(({ vkey }) => vkey),
      ...(trust.value.policy === null ? {} : { policy: trust.value.policyText }),
      tsaRoots: trust.value.roots,
      asked,
    }
    const verdict = await verifyBundle(file, given, ({ done, total }) => this.#progress(done, total, 'Checking every record and signature'))
    this.#file = { file, verdict }
    const total = verdict.logs.reduce((sum, { records }) => sum + records.count, 0)
    return { report: bundleReport(verdict), rows: await this.#rows(file, verdict), total, sha256 }
  }

  /** The first records, and after them those something is wrong with. */
  async #rows(file: File, verdict: BundleVerdict): Promise<RecordRow[]> {
    const wrong = new Set(verdict.problems.map(({ index }) => index))
    const isWrong = ({ proven, index }: RecordRow): boolean => !proven || wrong.has(index)
    const rows: RecordRow[] = []
    const unproven = verdict.logs.reduce((sum, { records }) => sum + records.count - records.proven, 0)
    let later = verdict.problems.filter(({ index }) => index !== null).length + unproven
    for await (const row of bundleRows(file, verdict)) {
      if (rows.length < MAX_ROWS || isWrong(row)) rows.push(row)
      if (rows.length >= MAX_ROWS && (later === 0 || rows.length >= 2 * MAX_ROWS)) break
      if (isWrong(row)) later--
    }
    return rows
  }

  async #find(id: number, text: string): Promise<void> {
    try {
      const rows: RecordRow[] = []
      if (this.#file !== null) {
        for await (const row of bundleRows(this.#file.file, this.#file.verdict)) {
          if (matches(row, text)) rows.push(row)
          if (rows.length >= MAX_HITS) break
        }
      }
      this.#tell({ kind: 'found', id, rows })
    } catch {
      this.#tell({ kind: 'found', id, rows: null })
    }
  }

  async #digest(file: File): Promise<string> {
    const hasher = sha256Hasher()
    for (let at = 0; at < file.size; at += PIECE) {
      hasher.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()))
      this.#progress(at, file.size, 'Reading the file')
    }
    return [...hasher.digest()].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  #progress(done: number, total: number, what: string): void {
    const now = performance.now()
    if (now - this.#told < TELL_EVERY_MS) return
    this.#told = now
    this.#tell({ kind: 'progress', done, total, what })
  }
}

/** Something to be said to the examiner as it is. */
class Plain extends Error {}

const bytesOf = async (file: Blob): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer())

function reasonOf(error: unknown): string {
  if (error instanceof Plain) return error.message
  if (error instanceof DOMException) return 'The file can no longer be read. It may have been changed or moved; choose it again.'
  return `The check stopped unexpectedly and says nothing about the file (${error instanceof Error ? `${error.name}: ${error.message}` : 'unknown reason'}).`
}
