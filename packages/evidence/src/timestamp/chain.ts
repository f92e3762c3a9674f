import { equalBytes } from '@sealtrail/tlog'
import { ANY_USAGE, TIME_STAMPING, USAGE } from './certificate.ts'
import type { Certificate } from './certificate.ts'
import { checkSignature } from './signature.ts'
import { timestampProblem } from './verdict.ts'
import type { TimestampProblem } from './verdict.ts'

/** Longest chain, signer and root included. */
const MAX_CHAIN = 8
/** attacker: many certificates of one name would make the search long; so many signatures are checked and no more. */
const MAX_CHECKS = 48

export interface Chain {
  /** From the signer's to the root, or as far as it goes. */
  readonly certificates: readonly Certificate[]
  /** It ends in a trusted certificate. */
  readonly trusted: boolean
  readonly problems: readonly TimestampProblem[]
}

/**
 * The best chain from the signer to one of the roots: one without problems if there is one. Without roots, the longest one
 * that the certificates at hand make. @param atMs the time at which every certificate must be valid
 */
export async function buildChain(signer: Certificate, pool: readonly Certificate[], roots: readonly Certificate[], atMs: number): Promise<Chain> {
  const search = new Search(pool, roots, atMs)
  await search.extend([signer])
  return search.best ?? { certificates: [signer], trusted: false, problems: [] }
}

class Search {
  best: Chain | null = null
  /** Roots first. */
  readonly #candidates: readonly Certificate[]
  readonly #roots: readonly Certificate[]
  readonly #atMs: number
  #left = MAX_CHECKS
  #weak = false

  constructor(pool: readonly Certificate[], roots: readonly Certificate[], atMs: number) {
    this.#candidates = [...roots, ...pool]
    this.#roots = roots
    this.#atMs = atMs
  }

  get #done(): boolean {
    return this.best !== null && this.best.problems.length === 0 && (this.best.trusted || this.#roots.length === 0)
  }

  async extend(path: readonly Certificate[]): Promise<void> {
    const last = path.at(-1) as Certificate
    if (this.#roots.some((root) => equalBytes(root.der, last.der))) return this.#offer(path, true)
    if (path.length < MAX_CHAIN) {
      for (const issuer of this.#candidates) {
        if (this.#done || this.#left === 0) return
        if (!mayIssue(issuer, last) || path.some((each) => equalBytes(each.der, issuer.der))) continue
        this.#left--
        const checked = await checkSignature(issuer.spki, last.signatureAlgorithm, last.signature, last.signed)
        if (checked === 'weak') this.#weak = true
        if (checked === 'good') await this.extend([...path, issuer])
      }
    }
    if (!this.#done) this.#offer(path, false)
  }

  #offer(certificates: readonly Certificate[], trusted: boolean): void {
    const problems = pathProblems(certificates, this.#atMs)
    if (!trusted && this.#roots.length > 0) {
      const why = this.#weak
        ? 'a certificate is signed with an algorithm or key that is too weak'
        : 'the issuer of the last certificate found is not among the roots'
      problems.push(timestampProblem('TIMESTAMP_CHAIN', why))
    }
    const { best } = this
    const better =
      best === null ||
      (trusted && !best.trusted) ||
      (trusted === best.trusted && (problems.length < best.problems.length || (!trusted && certificates.length > best.certificates.length)))
    if (better) this.best = { certificates, trusted, problems }
  }
}

/** By name, and by key identifiers where both have them (RFC 5280 section 4.2.1.1). */
function mayIssue(issuer: Certificate, subject: Certificate): boolean {
  if (issuer.subject.key !== subject.issuer.key) return false
  return issuer.keyId === null || subject.authorityKeyId === null || equalBytes(issuer.keyId, subject.authorityKeyId)
}

/** RFC 5280 section 6.1 for a chain whose signatures fit; names and policies are not constrained, constraints on them are refused. */
function pathProblems(path: readonly Certificate[], atMs: number): TimestampProblem[] {
  const problems: TimestampProblem[] = []
  const wrong = (text: string): void => void problems.push(timestampProblem('TIMESTAMP_CHAIN', text))
  let below = 0
  path.forEach((certificate, at) => {
    const name = certificate.subject.text
    const { notBefore, notAfter } = certificate
    if (atMs < notBefore.ms) problems.push(timestampProblem('TIMESTAMP_VALIDITY', `${name}: not valid before ${notBefore.text}`))
    else if (atMs > notAfter.ms + 999) problems.push(timestampProblem('TIMESTAMP_VALIDITY', `${name}: not valid after ${notAfter.text}`))
    if (certificate.notUnderstood.length > 0) wrong(`${name}: critical extension ${certificate.notUnderstood[0]} is not understood`)
    if (at === 0) return
    const { basicConstraints, keyUsage, extKeyUsage } = certificate
    if (basicConstraints === null || !basicConstraints.ca) wrong(`${name}: not a certificate of an authority`)
    else if (basicConstraints.pathLength !== null && below > basicConstraints.pathLength) wrong(`${name}: more authorities below it than it allows`)
    if (keyUsage !== null && !keyUsage.includes(USAGE.keyCertSign)) wrong(`${name}: its key may not sign certificates`)
    if (extKeyUsage !== null && !extKeyUsage.includes(TIME_STAMPING) && !extKeyUsage.includes(ANY_USAGE)) wrong(`${name}: not an authority for time-stamping`)
    // Self-issued ones do not count (RFC 5280 section 6.1.4 l).
    if (certificate.subject.key !== certificate.issuer.key) below++
  })
  return problems
}
