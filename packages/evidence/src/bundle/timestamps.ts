import { checkConsistency, decodeBase64, parseCheckpoint, TlogError } from '@sealtrail/tlog'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { decodeUtf8 } from '../text.ts'
import { pemBlocks } from '../timestamp/pem.ts'
import { verifyTimestamp } from '../timestamp/verify.ts'
import { BundleBroken } from './broken.ts'
import type { BundleLog } from './format.ts'
import type { BundleFiles } from './files.ts'
import type { OpenedCheckpoint } from './signer.ts'
import type { TimestampFinding } from './verdict.ts'

/** Files of one time stamp, below `log/<log>/timestamp/<name>/`. */
export const TIMESTAMP_FILES = ['checkpoint.txt', 'token.tst', 'chain.pem', 'crls.pem', 'consistency'] as const

/** One stamp's finding, with the problems that are its own. */
interface Stamp {
  readonly finding: TimestampFinding
  readonly problems: Problem[]
  /** The only thing wrong is that its chain does not end in a root that was given. */
  readonly stranger: boolean
}

/**
 * Every time stamp of a log. When roots were given, a token of an authority that is not among them is left unestablished as
 * long as another one is established; when none is, it is a problem: the root given is of nobody here.
 * @param checkpoint null: it cannot be read, and no stamp can be led to the records
 */
export async function checkTimestamps(
  log: BundleLog,
  checkpoint: OpenedCheckpoint | null,
  files: BundleFiles,
  roots: readonly Uint8Array[],
  report: (problem: Problem) => void,
): Promise<TimestampFinding[]> {
  const stamps: Stamp[] = []
  for (const name of log.timestamps) stamps.push(await stampOf(name, log, checkpoint, files, roots))
  const established = stamps.some(({ finding }) => finding.established)
  for (const { problems, stranger } of stamps) if (!(stranger && established)) problems.forEach(report)
  return stamps.map(({ finding }) => finding)
}

async function stampOf(name: string, log: BundleLog, checkpoint: OpenedCheckpoint | null, files: BundleFiles, roots: readonly Uint8Array[]): Promise<Stamp> {
  const folder = `log/${log.log}/timestamp/${name}/`
  const problems: Problem[] = []
  const finding = {
    name,
    time: '',
    by: '',
    established: false,
    size: 0,
    accuracyMs: null,
    revocation: 'unknown' as const,
    revocationAsOf: null,
    ok: false,
    covers: 0,
  }
  try {
    const text = await files.whole(`${folder}checkpoint.txt`)
    const size = history(text, await files.whole(`${folder}consistency`), checkpoint, folder, problems)
    const token = await files.whole(`${folder}token.tst`)
    const optional = async (file: string, label: string): Promise<Uint8Array[]> =>
      files.has(folder + file) ? pem(await files.whole(folder + file), label, folder + file) : []
    const beside = { intermediates: await optional('chain.pem', 'CERTIFICATE'), crls: await optional('crls.pem', 'X509 CRL') }
    let verdict = await verifyTimestamp(token, text, { roots, ...beside })
    let stranger = false
    if (roots.length > 0 && verdict.problems.length > 0 && verdict.problems.every(({ code }) => code === 'TIMESTAMP_CHAIN')) {
      const alone = await verifyTimestamp(token, text, { roots: [], ...beside })
      if (alone.ok) {
        stranger = problems.length === 0
        problems.push(problemOf('TIMESTAMP_CHAIN', `${folder}token.tst`, null, 'none of the roots you gave'))
        verdict = alone
      }
    }
    for (const { code, message } of stranger ? [] : verdict.problems) problems.push({ code, object: `${folder}token.tst`, index: null, message })
    const historyHolds = problems.every(({ code }) => code === 'TIMESTAMP_CHAIN')
    const ok = verdict.ok && historyHolds
    return {
      problems,
      stranger,
      finding: {
        name,
        time: verdict.genTime ?? '',
        by: verdict.tsa ?? '',
        established: ok && verdict.trust === 'given',
        size,
        accuracyMs: verdict.accuracyMs,
        revocation: verdict.revocation,
        revocationAsOf: verdict.revocationAsOf,
        ok,
        covers: ok ? covered(log, size) : 0,
      },
    }
  } catch (error) {
    if (!(error instanceof BundleBroken)) throw error
    return { finding, problems: [...problems, problemOf(error.code, error.object, error.index, error.detail)], stranger: false }
  }
}

/** Leads the stamped checkpoint and the records' one to one history; returns the stamped size. */
function history(text: Uint8Array, proof: Uint8Array, checkpoint: OpenedCheckpoint | null, folder: string, problems: Problem[]): number {
  const object = `${folder}checkpoint.txt`
  try {
    const stamped = parseCheckpoint(decodeUtf8(text) ?? '')
    const size = Number(stamped.size)
    if (checkpoint === null) {
      problems.push(problemOf('HISTORY_MISMATCH', object, null, 'there is no checkpoint to compare it with'))
      return size
    }
    if (stamped.origin !== checkpoint.origin) {
      problems.push(problemOf('CHECKPOINT_LOG', object, null))
      return size
    }
    const hashes = proof.length === 0 ? [] : (decodeUtf8(proof) ?? '').split('\n').slice(0, -1)
    const [older, newer] = stamped.size <= checkpoint.size ? [stamped, checkpoint] : [checkpoint, stamped]
    checkConsistency(
      older.size,
      older.root,
      newer.size,
      newer.root,
      hashes.map((hash) => decodeBase64(hash)),
    )
    return size
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    const format = error.code === 'CHECKPOINT_MALFORMED' || error.code === 'NOTE_MALFORMED'
    problems.push(problemOf(format ? 'CHECKPOINT_FORMAT' : 'HISTORY_MISMATCH', object, null, error.message))
    return 0
  }
}

/** How many of the records a checkpoint of this size covers, at least. */
function covered({ records, first, end, range }: BundleLog, size: number): number {
  if (size >= end) return records
  return range === null ? 0 : Math.max(0, size - first)
}

/** The objects in a PEM file. @throws BundleBroken BUNDLE_FILE_FORMAT */
function pem(bytes: Uint8Array, label: string, path: string): Uint8Array[] {
  const { blocks, rest } = pemBlocks(decodeUtf8(bytes) ?? '')
  const ders = blocks.flatMap(({ label: found, der }) => (found !== label || der === null ? [] : [der]))
  if (rest.trim() !== '' || ders.length !== blocks.length) throw new BundleBroken('BUNDLE_FILE_FORMAT', path, `not PEM of ${label}`)
  return ders
}
