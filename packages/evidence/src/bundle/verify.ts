import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { sha256Hex } from '#platform'
import { decodeBase64url } from '../text.ts'
import { BundleBroken } from './broken.ts'
import { readCertificates } from './certificates.ts'
import type { BundleCertificates } from './certificates.ts'
import { BundleFiles, joined } from './files.ts'
import type { BundleManifest } from './format.ts'
import { checkLayout } from './layout.ts'
import { checkLog } from './log-check.ts'
import { MAX_MANIFEST_BYTES, parseManifest } from './manifest.ts'
import { conclude, questionsOf } from './questions.ts'
import { readShape } from './shape.ts'
import { readTrust } from './signer.ts'
import type { BlobSource, BundleProgress, BundleTrust, BundleVerdict, ByteSource, LogVerdict } from './verdict.ts'
import { Zip } from './zip.ts'

const MOST_PROBLEMS = 1_000
const MAX_KEYS_BYTES = 2 ** 20

/**
 * Checks an evidence bundle: the zip, every file against the manifest, every record against its log's checkpoint, the
 * checkpoint against what the examiner brought. Streams: what it holds grows by some 60 bytes a record, not with their size.
 *
 * attacker: every byte of the source; nothing in it makes this throw. What is wrong is in `problems`.
 * @param source a Blob or File, or bytes that can be read anywhere
 * @param trust keys, policy and roots from elsewhere. @throws TlogError for a vkey or policy that cannot be read
 * @throws what the source throws when it cannot be read
 */
export async function verifyBundle(
  source: BlobSource | ByteSource,
  trust: BundleTrust = {},
  onProgress: (progress: BundleProgress) => void = () => {},
): Promise<BundleVerdict> {
  const known = readTrust(trust)
  const problems: Problem[] = []
  let problemCount = 0
  const report = (problem: Problem): void => {
    if (problems.length < MOST_PROBLEMS) problems.push(problem)
    problemCount++
  }
  const logs: LogVerdict[] = []
  let manifest: BundleManifest | null = null
  let certificates: BundleCertificates | null = null
  let manifestSha256: string | null = null
  try {
    const zip = await Zip.open(source)
    if (zip.size('manifest.json') === null) throw new BundleBroken('BUNDLE_MANIFEST', 'manifest.json', 'not in the zip')
    const bytes = await joined(zip.read('manifest.json'), 'manifest.json', MAX_MANIFEST_BYTES)
    manifestSha256 = sha256Hex(bytes)
    manifest = parseManifest(bytes)
    const files = new BundleFiles(zip, manifest, report, onProgress)
    checkLayout(manifest, report)
    checkAsked(manifest, trust, report)
    const keys = await hints(files, report)
    certificates = await readCertificates(files, trust, report)
    for (const log of manifest.logs)
      logs.push(await checkLog(log, { manifest, files, certificates, trust: known, tsaRoots: trust.tsaRoots ?? [], keys, report }))
    await files.rest()
  } catch (error) {
    if (!(error instanceof BundleBroken)) throw error
    report(problemOf(error.code, error.object, error.index, error.detail))
  }
  const conclusion = conclude(logs, problemCount)
  const findings = certificates?.findings ?? []
  return {
    ok: problemCount === 0,
    conclusion,
    manifest,
    manifestSha256,
    logs,
    certificates: findings,
    questions: questionsOf({
      manifest,
      logs,
      certificates: findings,
      problems,
      problemCount,
      brought: known.any,
      roots: (trust.tsaRoots ?? []).length > 0,
      asked: trust.asked,
    }),
    problems,
    problemCount,
  }
}

/** attacker: a bundle of a narrower question is whole in itself; only the examiner knows what was asked. */
function checkAsked({ asked }: BundleManifest, { asked: wanted }: BundleTrust, report: (problem: Problem) => void): void {
  const other = (detail: string): void => report(problemOf('BUNDLE_ASKED', 'manifest.json', null, detail))
  const range = wanted?.range
  if (range !== undefined && !(asked.kind === 'range' && asked.log === range.log && asked.from === range.from && asked.to === range.to))
    other(asked.kind === 'range' ? `it says ${asked.log}:${asked.from}..${asked.to} was asked for` : 'it says no range was asked for')
  if (wanted?.subject !== undefined && !(asked.kind === 'subject' && asked.subject === wanted.subject)) other('it is not of the subject you asked for')
}

/** Keys in the bundle: they find accidents, and establish nobody. */
async function hints(files: BundleFiles, report: (problem: Problem) => void): Promise<{ logs: Record<string, string>; wrapper: Uint8Array | null }> {
  const fail = (detail: string): BundleBroken => new BundleBroken('BUNDLE_FILE_FORMAT', 'keys.json', detail)
  try {
    const keys = readShape(await files.whole('keys.json'), fail, MAX_KEYS_BYTES).only('note', 'logs', 'wrapper', 'segments')
    const wrapper = keys.textsByName('wrapper')
    const x = decodeBase64url(wrapper['x'] ?? '')
    if (wrapper['kty'] !== 'OKP' || wrapper['crv'] !== 'Ed25519' || x?.length !== 32) throw fail('the wrapper key is no Ed25519 JWK')
    return { logs: keys.textsByName('logs'), wrapper: x }
  } catch (error) {
    if (!(error instanceof BundleBroken)) throw error
    report(problemOf(error.code, error.object, error.index, error.detail))
    return { logs: {}, wrapper: null }
  }
}
