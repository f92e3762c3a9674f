import { PROBLEMS } from '../problem.ts'
import type { ProblemCode } from '../problem.ts'

export type TimestampCode = Extract<ProblemCode, `TIMESTAMP_${string}`>

export interface TimestampProblem {
  readonly code: TimestampCode
  readonly message: string
}

/** What a verifier brings from elsewhere than the evidence. */
export interface TimestampTrust {
  /** Trusted certificates, DER: roots, or any certificate one trusts like one. None: who signed stays unestablished. */
  readonly roots: readonly Uint8Array[]
  /** Policies (dotted OIDs) under which a token may be issued; all when left out. */
  readonly policies?: readonly string[]
  /** The nonce of the request, big-endian; left out when the request is not at hand (stored tokens). */
  readonly nonce?: Uint8Array
  /** Certificates that may help to build the chain, DER; they are trusted for nothing. */
  readonly intermediates?: readonly Uint8Array[]
  /** Revocation lists kept with the token, DER; each is believed only when its issuer signed it. */
  readonly crls?: readonly Uint8Array[]
}

/** What an RFC 3161 token says, and what is wrong with it. Members are null as far as the token could not be read. */
export interface TimestampVerdict {
  /** No problem was found. With `trust: 'none'` that says *consistent, signer not established*, and nothing about the time. */
  readonly ok: boolean
  /** `given`: the chain ends in one of the roots given. */
  readonly trust: 'given' | 'none'
  /** The authority's time, RFC 3339 in UTC, with the fraction it gave. */
  readonly genTime: string | null
  /** How far genTime may be off, in ms; null when the token does not say. */
  readonly accuracyMs: number | null
  /** Serial number of the token, lower-case hex. */
  readonly serial: string | null
  /** Policy, dotted OID. */
  readonly policy: string | null
  /** Subject of the signer's certificate, printable; attacker: means nothing while `trust` is `none`. */
  readonly tsa: string | null
  /** Certificates from the signer's to the root, DER, as far as a chain could be built. */
  readonly chain: readonly Uint8Array[]
  /** `good`: lists current at genTime or later, signed by their issuers, cover every certificate of the chain but the root. */
  readonly revocation: 'good' | 'revoked' | 'unknown'
  /** For `good`: when the oldest of these lists was made, RFC 3339. It may be before genTime, and then knows nothing of the time between. */
  readonly revocationAsOf: string | null
  readonly problems: readonly TimestampProblem[]
}

/** A problem with the code's own meaning, and more if there is more to say. */
export function timestampProblem(code: TimestampCode, detail?: string): TimestampProblem {
  return { code, message: detail === undefined ? PROBLEMS[code] : `${PROBLEMS[code]} (${detail})` }
}
