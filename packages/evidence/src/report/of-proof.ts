import {
  checkInclusion,
  checkpointPolicy,
  cosignatureVerifier,
  decodeBase64,
  ed25519Verifier,
  leafHash,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseTlogProof,
  TlogError,
} from '@sealtrail/tlog'
import type { Checkpoint, VerifiedCheckpoint } from '@sealtrail/tlog'
import { formatSeconds } from '../bundle/instant.ts'
import { quoted } from '../bundle/quoted.ts'
import { commitmentDigests } from '../commitment.ts'
import { parseIJson } from '../ijson.ts'
import { problemOf } from '../problem.ts'
import type { Problem, ProblemCode } from '../problem.ts'
import { parseReceipt } from '../receipt.ts'
import type { SealReceipt } from '../receipt.ts'
import { integrityHash, parseRecord } from '../record.ts'
import type { RecordFields } from '../record.ts'
import { headOf } from './of-bundle.ts'
import type { Answer, Detail, Report } from './report.ts'
import { encodeUtf8 } from '../text.ts'
import { recordRow } from './row.ts'
import type { RecordRow } from './row.ts'
import { SENTENCES } from './sentences.ts'
import type { GivenTrust } from './trust-text.ts'
import { count, list, moment, printable, some } from './words.ts'

/** A record, and what was handed over about it. */
export interface LoneProof {
  readonly kind: 'proof' | 'receipt'
  readonly bytes: Uint8Array
  /** The record's bytes as sealed, one newline behind them forgiven; or the API's answer about it, whose `leaf` is their text. */
  readonly record: Uint8Array
}

const MAX_RECEIPT_BYTES = 2 * 1024 * 1024
/** Largest file `record` may be read from: an answer carries the data of its objects too. */
export const MAX_ANSWER_BYTES: number = 32 * 1024 * 1024

interface Claim {
  readonly index: number
  readonly hashes: readonly Uint8Array[]
  readonly note: string
  /** Null for a proof. */
  readonly receipt: SealReceipt | null
}

/**
 * Checks a C2SP tlog-proof or a receipt against its record.
 * attacker: proof, receipt and record may all come from the one who cheats; only `trust` comes from elsewhere. Never throws for them.
 */
export function checkProof(lone: LoneProof, trust: GivenTrust): { readonly report: Report; readonly row: RecordRow | null } {
  const problems: Problem[] = []
  const bytes = leafOf(lone.record)
  const claim = readClaim(lone, problems)
  const report = (code: ProblemCode, object: string, detail?: string): void => void problems.push(problemOf(code, object, claim?.index ?? null, detail))
  let record: RecordFields | null = null
  try {
    record = parseRecord(bytes)
  } catch (error) {
    report('RECORD_FORMAT', 'record', codeOf(error))
  }
  let checkpoint: Checkpoint | null = null
  let opened: VerifiedCheckpoint | null = null
  let stranger = false
  if (claim !== null) {
    try {
      checkpoint = parseCheckpoint(parseNote(claim.note).text, { extensions: 'allow' })
    } catch (error) {
      report('CHECKPOINT_FORMAT', lone.kind, codeOf(error))
    }
    if (claim.receipt !== null) checkReceipt(claim.receipt, bytes, record, checkpoint, (code, detail) => report(code, 'receipt', detail))
  }
  if (claim !== null && checkpoint !== null) {
    try {
      checkInclusion(BigInt(claim.index), checkpoint.size, leafHash(bytes), claim.hashes, checkpoint.root)
    } catch (error) {
      report('RECEIPT_PROOF', lone.kind, codeOf(error))
    }
    try {
      const given = openGiven(claim.note, checkpoint.origin, trust)
      opened = given?.opened ?? null
      if (given?.quorum === 'not-met') problems.push(problemOf('QUORUM_NOT_MET', lone.kind, null, `${given.opened.cosignatures.length} known witnesses signed`))
    } catch (error) {
      report('CHECKPOINT_SIGNATURE', lone.kind, isStranger(error) ? 'nothing you gave is of a log of this name' : codeOf(error))
      stranger = isStranger(error)
    }
  }
  const conclusion = problems.length > 0 ? 'broken' : opened === null ? 'consistent' : 'established'
  const integrity = integrityHash(bytes)
  return {
    report: {
      ...headOf(conclusion, problems.length, lone.kind),
      subject: lone.kind,
      answers: answersOf({ kind: lone.kind, claim, checkpoint, opened, stranger, asksForNone: trust.policy?.quorum === null, record, integrity, problems }),
      findings: problems.map(({ code, object, message, index }) => ({
        code,
        place: object === 'record' ? 'the record' : `the ${object}`,
        sentence: SENTENCES[code] ?? message,
        detail: message,
        index,
        log: checkpoint?.origin ?? null,
      })),
      more: 0,
      pictures:
        claim === null || checkpoint === null || problems.length > 0
          ? []
          : [{ log: checkpoint.origin, size: Number(checkpoint.size), held: [{ from: claim.index, to: claim.index + 1 }], times: [] }],
    },
    row:
      record === null
        ? null
        : recordRow({ log: checkpoint?.origin ?? '', index: claim?.index ?? null, proven: isProved(problems) }, record, integrity, [], () => 'sealed'),
  }
}

/** attacker: whichever form is taken, the bytes are then hashed and led to the checkpoint. */
function leafOf(given: Uint8Array): Uint8Array {
  const bytes = given.at(-1) === 0x0a ? given.subarray(0, -1) : given
  const parsed = parseIJson(bytes, { maxBytes: MAX_ANSWER_BYTES, maxDepth: 256 })
  if ('problem' in parsed) return bytes
  const { value } = parsed
  // A record has no member of this name.
  const leaf = typeof value === 'object' && value !== null && !Array.isArray(value) ? value['leaf'] : undefined
  return typeof leaf === 'string' ? encodeUtf8(leaf) : bytes
}

function readClaim({ kind, bytes }: LoneProof, problems: Problem[]): Claim | null {
  try {
    if (kind === 'proof') {
      const { index, hashes, checkpoint } = parseTlogProof(bytes)
      return { index: Number(index), hashes, note: checkpoint, receipt: null }
    }
    const parsed = parseIJson(bytes, { maxBytes: MAX_RECEIPT_BYTES, maxDepth: 16 })
    if ('problem' in parsed) throw Object.assign(new Error(parsed.problem.message), { code: parsed.problem.code })
    const { value } = parsed
    // As in the answer to the event it is for, or alone.
    const inside = typeof value === 'object' && value !== null && !Array.isArray(value) ? value['receipt'] : undefined
    const receipt = parseReceipt(inside ?? value)
    return { index: receipt.index, hashes: receipt.proof.map(decodeBase64), note: receipt.checkpoint, receipt }
  } catch (error) {
    problems.push(problemOf('RECEIPT_FORMAT', kind, null, codeOf(error)))
    return null
  }
}

function checkReceipt(
  receipt: SealReceipt,
  bytes: Uint8Array,
  record: RecordFields | null,
  checkpoint: Checkpoint | null,
  report: (code: ProblemCode, detail?: string) => void,
): void {
  if (record !== null && record.auditid !== receipt.auditid) report('RECEIPT_RECORD', 'another audit id')
  if (integrityHash(bytes) !== receipt.integrity_hash) report('RECEIPT_RECORD', 'another integrity hash')
  if (checkpoint !== null && checkpoint.origin !== receipt.log && !checkpoint.origin.endsWith(`/${receipt.log}`)) report('CHECKPOINT_LOG')
}

/**
 * The checkpoint, opened with what was given; null when nothing was given that could say who signed. The log's own signature
 * is told apart from its witnesses': it may stand where they are too few.
 * @throws TlogError when what was given does not bear the checkpoint out.
 */
function openGiven(note: string, origin: string, { keys, policy }: GivenTrust): { opened: VerifiedCheckpoint; quorum: 'met' | 'not-met' } | null {
  if (!keys.some(({ of }) => of === 'log') && policy === null) return null
  // A key given for this log, or else those of the policy. Keys of other logs open nothing: ORIGIN_MISMATCH.
  const log = keys.filter(({ of, name }) => of === 'log' && name === origin).map(({ vkey }) => ed25519Verifier(vkey))
  if (policy === null) {
    if (log.length === 0) throw new TlogError('ORIGIN_MISMATCH', 'no key of this origin')
    const witnesses = keys.filter(({ of }) => of === 'witness').map(({ vkey }) => cosignatureVerifier(vkey))
    return { opened: openCheckpoint(note, { origin, log, witnesses }), quorum: 'met' }
  }
  const asked = checkpointPolicy(policy, origin, log.length === 0 ? {} : { log })
  try {
    return { opened: openCheckpoint(note, asked), quorum: 'met' }
  } catch (error) {
    if (codeOf(error) !== 'QUORUM_NOT_MET') throw error
    return { opened: openCheckpoint(note, { ...asked, quorum: 0 }), quorum: 'not-met' }
  }
}

/** Too few witnesses leave the record where it stands. */
function isProved(problems: readonly Problem[]): boolean {
  return problems.every(({ code }) => code === 'QUORUM_NOT_MET')
}

function isStranger(error: unknown): boolean {
  return codeOf(error) === 'ORIGIN_MISMATCH'
}

interface Found {
  readonly kind: LoneProof['kind']
  readonly claim: Claim | null
  readonly checkpoint: Checkpoint | null
  readonly opened: VerifiedCheckpoint | null
  /** What was given is of other logs. */
  readonly stranger: boolean
  /** A policy was given, with `quorum none`. */
  readonly asksForNone: boolean
  readonly record: RecordFields | null
  readonly integrity: string
  readonly problems: readonly Problem[]
}

function answersOf({ kind, claim, checkpoint, opened, stranger, asksForNone, record, integrity, problems }: Found): Answer[] {
  const has = (...codes: ProblemCode[]): boolean => problems.some(({ code }) => codes.includes(code))
  const detail = (...pairs: (readonly [string, string | null, mono?: boolean])[]): Detail[] =>
    pairs
      .filter((pair) => pair[1] !== null)
      .map(([label, value, mono]) => ({ label, value: printable(value as string), ...(mono ? { mono: true as const } : {}) }))
  const origin = checkpoint === null ? null : printable(quoted(checkpoint.origin))
  const few = has('QUORUM_NOT_MET')
  const proved = claim !== null && checkpoint !== null && isProved(problems)
  const committed = record === null ? 0 : commitmentDigests(record.data).length
  const witnesses = opened?.cosignatures ?? []
  const times = witnesses.map(({ name, time }) => ({ name: printable(name), time: formatSeconds(time) }))
  const signer: Answer = {
    id: 'signer',
    question: 'Who signed?',
    state: has('CHECKPOINT_SIGNATURE', 'CHECKPOINT_FORMAT') || claim === null ? 'no' : opened === null ? 'open' : few ? 'part' : 'yes',
    says:
      has('CHECKPOINT_SIGNATURE') || claim === null || checkpoint === null
        ? [
            stranger && origin !== null
              ? `Nobody you trust: the file names the log ${origin}, and nothing you gave is of a log of this name.`
              : 'Nobody you trust: what you gave does not bear out the signature.',
          ]
        : opened === null
          ? [`Somebody who calls themselves ${origin}. Without a key from elsewhere, nobody can tell who that is.`]
          : [
              `The log ${origin}, with the key you gave.`,
              ...(few ? ['Fewer independent witnesses countersigned than your policy asks for.'] : asksForNone ? ['Your policy asks for no witness.'] : []),
              ...(times.length > 0 ? [`Countersigned by ${list(times.map(({ name }) => name))}.`] : []),
            ],
    detail: detail(
      ['Name of the log', origin],
      [opened === null ? 'State, its signer not established' : 'Signed state', checkpoint === null ? null : `${some(Number(checkpoint.size), 'record')}`],
      ...times.map(({ name, time }) => ['Countersigned', `${name}, ${moment(time)}`] as const),
    ),
  }
  return [
    signer,
    {
      id: 'time',
      question: 'Since when does it provably exist?',
      state: proved && times.length > 0 ? 'yes' : 'open',
      says:
        proved && times.length > 0
          ? times.map(({ name, time }) => `Since ${moment(time)} at the latest, says the witness ${name}.`)
          : [`Not shown: this ${kind} holds no time that somebody else than the log vouches for.`],
      detail: detail(
        ['Event, by the sender’s word', record?.time == null ? null : moment(record.time)],
        ['Received, by the log’s clock', record === null ? null : moment(record.recordedtime)],
      ),
    },
    {
      id: 'records',
      question: 'Which record is it?',
      state: !proved ? 'no' : opened === null ? 'part' : 'yes',
      says: proved
        ? [
            opened === null
              ? `Record ${count(claim.index)} of the log ${origin}: it leads to a state of ${some(Number(checkpoint.size), 'record')} that the ${kind} holds, whose signature nobody here can check.`
              : `Record ${count(claim.index)} of the log ${origin}, unchanged since the log was signed at ${some(Number(checkpoint.size), 'record')}.`,
          ]
        : ['It is not shown that this record stands in a signed log.'],
      detail: detail(
        ['Audit id', record?.auditid ?? null, true],
        ['Kind', record?.type ?? null],
        ['About', record?.subject ?? null],
        ['Integrity hash', integrity, true],
      ),
    },
    { id: 'complete', question: 'Is anything left out?', state: 'none', says: [`A ${kind} speaks of one record; it says nothing about others.`], detail: [] },
    {
      id: 'disclosed',
      question: 'Which values are disclosed, and do they match?',
      state: 'none',
      says: [
        committed === 0
          ? 'This record holds no protected values.'
          : `None: the record holds ${some(committed, 'protected value')}, each only as a seal over it. An evidence bundle can disclose them.`,
      ],
      detail: [],
    },
  ]
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'malformed'
}
