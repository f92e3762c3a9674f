/**
 * Trust policies (c2sp.org/tlog-policy): which logs are known, which witnesses, and which of them must have cosigned.
 *
 *     log example.com/log+1c3e…+AQ…
 *     witness X1 witness.example/x1+8d66…+BA… https://witness.example/x1
 *     witness X2 witness.example/x2+77ae…+BA…
 *     group X 1 X1 X2
 *     quorum X
 *
 * Stricter than the specification: a key may not be a log's and a witness's at once. More lenient: the last line may lack
 * its newline. Other programs deviate: Tessera wants a URL on each witness line, torchwood wants every listed log to have
 * signed, so write one log per file.
 */
import { openCheckpoint, parseCheckpoint, type CheckpointPolicy, type VerifiedCheckpoint } from './checkpoint.ts'
import { cosignatureVerifier } from './cosignature.ts'
import { TlogError } from './errors.ts'
import { ed25519Verifier, TYPE_COSIGNATURE_V1, TYPE_ED25519, TYPE_ML_DSA_44, type Vkey } from './key.ts'
import { parseNote, type Note, type Verifier } from './note.ts'

/** A log a policy knows. */
export interface PolicyLog {
  /** Its name is the log's origin. */
  readonly key: Vkey
  readonly vkey: string
  readonly url: string | null
}

/** A witness a policy knows. */
export interface PolicyWitness {
  /** What quorum and groups of this policy call it. Octets that are not UTF-8 stand as U+DC80..U+DCFF. */
  readonly name: string
  readonly key: Vkey
  readonly vkey: string
  /** Its submission prefix. */
  readonly url: string | null
}

/** A group has cosigned when `threshold` of its members have. */
export interface PolicyGroup {
  readonly name: string
  /** 1..members. */
  readonly threshold: number
  /** Witnesses, and groups that stand before this one in the policy. */
  readonly members: readonly string[]
}

/** A policy taken apart. */
export interface Policy {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  readonly groups: readonly PolicyGroup[]
  /** Name of a witness or group; null: none is needed. */
  readonly quorum: string | null
}

/** Makes verifiers for keys this package has no algorithm for (ML-DSA-44); null: none. */
export type BringVerifier = (vkey: string) => Verifier | null

/** Whether a quorum is there when the witnesses of these names have cosigned. */
export function isQuorumMet(policy: Pick<Policy, 'groups' | 'quorum'>, cosigned: Iterable<string>): boolean {
  if (policy.quorum === null) return true
  const met = new Set(cosigned)
  // Members stand before their group, so one pass decides however deep they are nested.
  for (const { name, threshold, members } of policy.groups) if (members.filter((member) => met.has(member)).length >= threshold) met.add(name)
  return met.has(policy.quorum)
}

/** Verifiers of the policy's witnesses by their names in it; `unsupported` are those whose signatures nobody here can check. */
export function witnessVerifiers(
  policy: Policy,
  bring: BringVerifier = () => null,
): { readonly verifiers: ReadonlyMap<string, Verifier>; readonly unsupported: readonly string[] } {
  const verifiers = new Map<string, Verifier>()
  const unsupported: string[] = []
  for (const { name, key, vkey } of policy.witnesses) {
    const verifier = key.type === TYPE_COSIGNATURE_V1 ? cosignatureVerifier(vkey) : bring(vkey)
    if (verifier === null) unsupported.push(name)
    else verifiers.set(name, verifier)
  }
  return { verifiers, unsupported }
}

/**
 * The policy for one log, for `openCheckpoint` and whatever else takes such. @param log verifiers of the log where the
 * caller knows them; else the policy's own for this origin.
 * @throws TlogError ORIGIN_MISMATCH when the policy names no log of this origin; POLICY_UNSUPPORTED when the quorum cannot
 * be reached with the signatures that can be checked here.
 */
export function checkpointPolicy(
  policy: Policy,
  origin: string,
  options: { readonly log?: readonly Verifier[]; readonly bring?: BringVerifier } = {},
): CheckpointPolicy {
  const { verifiers, unsupported } = witnessVerifiers(policy, options.bring)
  if (!isQuorumMet(policy, verifiers.keys())) {
    throw new TlogError('POLICY_UNSUPPORTED', `the quorum needs signatures that cannot be checked here (ML-DSA-44: ${unsupported.join(', ')})`)
  }
  const log = options.log ?? logVerifiers(policy, origin, options.bring)
  const names = new Map([...verifiers].map(([name, verifier]) => [verifier, name]))
  return {
    origin,
    log,
    witnesses: [...verifiers.values()],
    quorum: (cosigned) =>
      isQuorumMet(
        policy,
        cosigned.map((verifier) => names.get(verifier) ?? ''),
      ),
  }
}

/**
 * The checkpoint in a signed note, once a log of the policy and a quorum of its witnesses signed it.
 * @throws TlogError as `openCheckpoint` and `checkpointPolicy`
 */
export function openCheckpointByPolicy(note: string | Uint8Array | Note, policy: Policy, bring?: BringVerifier): VerifiedCheckpoint {
  const parsed = typeof note === 'string' || note instanceof Uint8Array ? parseNote(note) : note
  const { origin } = parseCheckpoint(parsed.text)
  return openCheckpoint(parsed, checkpointPolicy(policy, origin, bring === undefined ? {} : { bring }))
}

function logVerifiers(policy: Policy, origin: string, bring: BringVerifier = () => null): Verifier[] {
  const keys = policy.logs.filter(({ key }) => key.name === origin)
  if (keys.length === 0) throw new TlogError('ORIGIN_MISMATCH', 'the policy names no log of this origin')
  const verifiers = keys.map(({ key, vkey }) => (key.type === TYPE_ED25519 ? ed25519Verifier(vkey) : bring(vkey))).filter((verifier) => verifier !== null)
  if (verifiers.length === 0) throw new TlogError('POLICY_UNSUPPORTED', 'no signature of this log can be checked here (ML-DSA-44)')
  return verifiers
}

/** Key types that fit each line. */
export const LOG_KEY_TYPES: readonly number[] = [TYPE_ED25519, TYPE_ML_DSA_44]
export const WITNESS_KEY_TYPES: readonly number[] = [TYPE_COSIGNATURE_V1, TYPE_ML_DSA_44]
