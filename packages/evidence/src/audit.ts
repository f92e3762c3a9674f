import { equalBytes, Frontier, parseCheckpoint, parseNote } from '@sealtrail/tlog'
import type { Checkpoint, CheckpointPolicy } from '@sealtrail/tlog'
import { Span, partsOf } from './audit-expired.ts'
import type { LeafHashes } from './audit-expired.ts'
import { PackAudit } from './audit-packs.ts'
import { SummaryAudit } from './audit-summaries.ts'
import { RecordAudit } from './audit-records.ts'
import type { RecordChecks } from './audit-records.ts'
import { EvidenceError } from './errors.ts'
import type { ExpiredRange } from './expiry.ts'
import { EMPTY_ROOT, assertHead } from './head.ts'
import type { LogHead } from './head.ts'
import { problemOf } from './problem.ts'
import type { Problem, ProblemCode } from './problem.ts'
import { openedBy, policyOf } from './receipt.ts'
import { firstOf, isSegmentKey, segmentKey } from './segment-key.ts'
import { segmentFacts, splitSegment } from './segment.ts'
import type { Segment, SegmentFacts } from './segment.ts'
import type { SummaryClaim } from './summary.ts'
import { encodeHex } from './text.ts'

/** So many checkpoints are kept until the keys of before are known: some 300 bytes each. */
const MAX_UNSIGNED = 200_000

export interface AuditOptions {
  /** The log's name, as in its store keys. */
  readonly log: string
  /** The log's origin; null: whatever its first segment says. */
  readonly origin: string | null
  /** The log's vkey line or a policy with witnesses, from elsewhere than the log; null: consistency only. */
  readonly trust: string | CheckpointPolicy | null
  /** Segment key that must have signed; null: any, each segment naming its own. */
  readonly signer: Uint8Array | null
  readonly records: RecordChecks
  /** Where to begin instead of at leaf 0; `edge` as `Frontier.edge` gives it, `segment` the digest of the segment before (null: unknown). */
  readonly start?: { readonly size: number; readonly edge: Uint8Array; readonly segment: string | null }
  /** Leaf hashes kept elsewhere (hash packs, tiles), 32 bytes each: used to name a changed record and to go on past a missing segment. */
  readonly hashes?: LeafHashes
  /**
   * What the log `system`, itself audited, says has expired of this log, and leaf hashes from the store's packs and tails
   * alone: only these prove a range whose segments are gone.
   */
  readonly expired?: { readonly ranges: readonly ExpiredRange[]; readonly hashes: LeafHashes }
  /** What the log of summaries, itself audited, says was made of this log. */
  readonly summaries?: readonly SummaryClaim[]
  /**
   * vkeys the log signed with before, as the log `system` names them; asked at the end. A checkpoint that only one of these
   * signed is no problem where a trusted one covers it: what it says was held against the records all the same.
   */
  readonly earlier?: () => readonly string[]
  /** Problems kept; more are only counted. Default 1,000. */
  readonly maxProblems?: number
}

export interface AuditResult {
  readonly ok: boolean
  readonly log: string
  readonly size: number
  /** Hex; recomputed from the records, or null when damage made that impossible. */
  readonly root: string | null
  /** `given`: a checkpoint was opened with the trust given. */
  readonly trust: 'given' | 'none'
  readonly problems: readonly Problem[]
  /** Records that have expired, and whose leaf hashes lead to the root that follows them. */
  readonly expired: readonly ExpiredRange[]
  /** Problems beyond those kept. */
  readonly more: number
}

/**
 * The audit of one log: a state machine fed with the log's segments in order of their keys, unpacked, then with hash
 * packs, checkpoints and the head. It reads and computes everything again and believes nothing of what it is fed.
 *
 * Attacker: whoever holds the store. Found are any changed, dropped, inserted or moved byte of what is there, against what
 * else is there and against the trusted key. Not found without a witness or a receipt: the whole log, head and
 * checkpoints set back together to an earlier state.
 */
export class LogAudit {
  readonly #options: AuditOptions
  readonly #policy: CheckpointPolicy | null
  readonly #records: RecordAudit
  readonly #problems: Problem[] = []
  #more = 0
  #origin: string | null
  /** Null once leaf hashes are unknown: later roots cannot be recomputed, everything else still is checked. */
  #frontier: Frontier | null
  #size: number
  /** Root the segments claim for `#size`. */
  #root: string | null
  /** Digest of the last segment's frame; null: unknown. */
  #segment: string | null
  /** Roots at the segments' ends, by size: the only sizes a checkpoint can have. */
  readonly #ends = new Map<number, string>()
  readonly #start: number
  /** Objects reported as unreadable since the last good segment, so that the hole they leave is not reported again. */
  #damaged: string[] = []
  /** The state after a segment whose records lead to another root than it says, until the next header decides. */
  #doubtful: { readonly frontier: Frontier; readonly leaves: Uint8Array; readonly first: number } | null = null
  readonly #packs: PackAudit
  readonly #summaries: SummaryAudit
  readonly #expired: ExpiredRange[] = []
  readonly #spans: Span[] = []
  /** Largest size under a checkpoint that fits and is signed as the policy asks. */
  #vouched = 0
  /** Checkpoints that are not signed as the policy asks: whether an earlier key signed them is known at the end. */
  readonly #unsigned: { readonly object: string; readonly index: number; readonly note: string; readonly detail: string }[] = []
  /** Whether a checkpoint was signed as the policy asks. An empty log may have none: then nobody said that it is empty. */
  #opened = false

  /** @throws TlogError KEY_MALFORMED, KEY_UNSUPPORTED when `trust` is no vkey. */
  constructor(options: AuditOptions) {
    this.#options = options
    this.#policy = typeof options.trust === 'string' ? policyOf(options.trust) : options.trust
    this.#origin = options.origin
    this.#start = options.start?.size ?? 0
    this.#size = this.#start
    this.#frontier = options.start === undefined ? new Frontier() : Frontier.resume(BigInt(this.#start), options.start.edge)
    this.#root = encodeHex(this.#frontier.root())
    this.#segment = options.start === undefined ? '' : options.start.segment
    this.#ends.set(this.#size, this.#root)
    this.#packs = new PackAudit(this.#start, (...problem) => this.#report(...problem))
    this.#records = new RecordAudit(options.records, this.#start === 0)
    this.#summaries = new SummaryAudit(options.summaries ?? [])
  }

  /** Number of leaves seen so far. */
  get size(): number {
    return this.#size
  }

  /** Problems found so far. */
  get faults(): number {
    return this.#problems.length + this.#more
  }

  /**
   * The next segment.
   * @param object its store key. @param digest hex SHA-256 of the zstd frame. @param bytes the NDJSON in it.
   * @param facts what `segmentFacts` makes of these very bytes, where the caller has had it done elsewhere.
   */
  segment(object: string, digest: string, bytes: Uint8Array, facts?: SegmentFacts): void {
    let segment: Segment
    try {
      segment = splitSegment(bytes)
    } catch (error) {
      return this.#unusable('SEGMENT_FORMAT', object, error)
    }
    const { header, trailer } = segment
    const report = (code: ProblemCode, index: number, detail?: string): void => this.#report(code, object, index, detail)
    if (header.first < this.#size) return report('SEGMENT_ORDER', header.first, `leaf ${header.first} comes after ${this.#size} leaves`)
    if (header.first > this.#size) this.#skipTo(segment)
    this.#settle(header.previous.root)

    const named = isSegmentKey(object, this.#options.log, header.first, digest)
    if (!named) report('SEGMENT_KEY', header.first)
    this.#origin ??= header.log
    if (header.log !== this.#origin) report('SEGMENT_LOG', header.first)
    if (this.#segment !== null && header.previous.segment !== this.#segment) report('SEGMENT_CHAIN', header.first)
    if (this.#root !== null && header.previous.root !== this.#root) report('PREVIOUS_MISMATCH', header.first)
    if (header.previous.checkpoint !== '') this.checkpoint(object, header.previous.checkpoint)
    const { signed, leaves } = facts ?? segmentFacts(segment)
    if (!signed) report('SEGMENT_SIGNATURE', header.first)
    else if (this.#options.signer !== null && !equalBytes(this.#options.signer, trailer.signer)) report('SEGMENT_SIGNER', header.first)

    const sound = this.#extend(segment, leaves, report)
    if (sound) this.#records.segment(segment, report)
    else this.#records.skipped()
    this.#size = trailer.size
    // What is known to be damaged is no measure for what follows.
    this.#root = sound && signed ? trailer.root : null
    this.#segment = named ? digest : null
    this.#ends.set(trailer.size, trailer.root)
  }

  /** An object that could not be read or unpacked. */
  unreadable(object: string, detail: string): void {
    this.#unusable('SEGMENT_UNREADABLE', object, new EvidenceError('SEGMENT_FORMAT', detail))
  }

  /** A hash pack of the store; after the segments. */
  hashPack(object: string, bytes: Uint8Array): void {
    this.#packs.pack(object, bytes, this.#size)
  }

  /** Before the segments: that the store has a tail, of so many bytes. */
  expectHashTail(object: string, bytes: number): void {
    this.#packs.expectTail(object, bytes)
  }

  /** A tail of the store; after the segments. */
  hashTail(object: string, bytes: Uint8Array): void {
    this.#packs.tail(object, bytes, this.#size)
  }

  /** Reports each full run of 65,536 leaves that had no good pack; after all packs. @param before the size up to which packs must exist. */
  expectHashPacks(before: number = this.#size): void {
    this.#packs.expectAll(this.#options.log, before)
  }

  /** A signed checkpoint: one within a segment, or, after the segments, one kept, published or held by somebody. */
  checkpoint(object: string, note: string): void {
    let checkpoint: Checkpoint
    try {
      checkpoint = parseCheckpoint(parseNote(note).text)
    } catch (error) {
      return this.#report('CHECKPOINT_FORMAT', object, null, messageOf(error))
    }
    const { origin, size, root } = checkpoint
    const index = Number(size)
    if (this.#origin !== null && origin !== this.#origin) return this.#report('CHECKPOINT_LOG', object, index)
    const wrong = this.#policy === null ? null : openedBy(note, this.#policy)
    if (wrong === null) this.#opened = true
    else if (this.#options.earlier === undefined || this.#unsigned.length >= MAX_UNSIGNED) this.#report('CHECKPOINT_SIGNATURE', object, index, wrong)
    else this.#unsigned.push({ object, index, note, detail: wrong })
    if (index > this.#size) return this.#report('CHECKPOINT_BEYOND', object, index, `size ${size}, records make ${this.#size}`)
    if (index < this.#start) return
    const end = index === 0 ? EMPTY_ROOT : (this.#ends.get(index) ?? this.#rootWithin(index))
    if (end === undefined) this.#report('CHECKPOINT_MISMATCH', object, index, `no segment ends at size ${size}`)
    else if (end !== encodeHex(root)) this.#report('CHECKPOINT_MISMATCH', object, index, `another root at size ${size}`)
    else if (wrong === null) this.#vouched = Math.max(this.#vouched, index)
  }

  /** The head the commits swap; after the segments. `HEAD_BEHIND` heals at the next start, the others do not. */
  head(head: LogHead): void {
    try {
      assertHead(head)
    } catch (error) {
      return this.#report('HEAD_FORMAT', 'head', null, messageOf(error))
    }
    if (head.size > this.#size) return this.#report('HEAD_BEYOND', 'head', this.#size, `size ${head.size}, records make ${this.#size}`)
    if (head.size >= this.#start && this.#ends.get(head.size) !== head.root) return this.#report('HEAD_MISMATCH', 'head', head.size, 'another root')
    if (head.size < this.#size) return this.#report('HEAD_BEHIND', 'head', head.size, `size ${head.size}, records make ${this.#size}`)
    if (this.#segment !== null && head.digest !== this.#segment) this.#report('HEAD_MISMATCH', 'head', head.size, 'another segment')
  }

  /** Holds the summaries against the records; after everything else. Resolves to how many had all their records come by. */
  summaries(): number {
    for (const { object, index, origin } of this.#options.summaries ?? [])
      if (this.#origin !== null && origin !== this.#origin) this.#report('SUMMARY_MISMATCH', object, index, 'it is of another log')
    const rootAt = (size: number): string | null => this.#ends.get(size) ?? this.#rootWithin(size) ?? null
    for (const { claim, detail } of this.#summaries.finish(rootAt)) this.#report('SUMMARY_MISMATCH', claim.object, claim.index, detail)
    return this.#summaries.checked
  }

  /** The verdict so far; after everything was fed. */
  result(): AuditResult {
    const problems = [...this.#problems, ...this.#strangers()]
    // Attacker: a store may leave all checkpoints out. Consistent records that no trusted key vouches for prove nothing.
    if (this.#policy !== null && this.#vouched < this.#size) {
      problems.push(problemOf('RECORDS_UNVOUCHED', 'checkpoint', this.#vouched, `leaves ${this.#vouched} to ${this.#size - 1}`))
    }
    return {
      ok: problems.length === 0,
      log: this.#options.log,
      size: this.#size,
      root: this.#frontier === null ? null : encodeHex(this.#frontier.root()),
      trust: this.#policy === null || !this.#opened ? 'none' : 'given',
      problems,
      expired: [...this.#expired],
      more: this.#more,
    }
  }

  /** Checkpoints that neither a trusted key signed nor, below what a trusted one covers, an earlier one. */
  #strangers(): Problem[] {
    // attacker: whoever holds the store may name keys; beyond what the trusted key vouches for they count for nothing.
    const earlier = this.#unsigned.length === 0 ? [] : (this.#options.earlier?.() ?? []).map((vkey) => policyOf(vkey))
    return this.#unsigned
      .filter(({ index, note }) => index > this.#vouched || !earlier.some((policy) => openedBy(note, policy) === null))
      .map(({ object, index, detail }) => problemOf('CHECKPOINT_SIGNATURE', object, index, detail))
  }

  /** Adds the segment's leaves; false when its records are not those that were sealed. */
  #extend({ header, trailer }: Segment, leaves: Uint8Array, report: (code: ProblemCode, index: number, detail?: string) => void): boolean {
    if (this.#frontier === null) return true
    const grown = this.#frontier.clone()
    grown.append(leaves)
    if (encodeHex(grown.root()) === trailer.root) {
      this.#frontier = grown
      this.#known(leaves, header.first)
      return true
    }
    const kept = this.#keptHashes(header.first, header.count, trailer.root)
    if (kept === null) {
      report('ROOT_MISMATCH', header.first, `leaves ${header.first} to ${trailer.size - 1}`)
      this.#doubtful = { frontier: grown, leaves, first: header.first }
      this.#frontier = null
      return false
    }
    for (let i = 0; i < header.count; i++) {
      if (!equalBytes(leaves.subarray(i * 32, i * 32 + 32), kept.subarray(i * 32, i * 32 + 32))) report('RECORD_CHANGED', header.first + i)
    }
    return false
  }

  /** The next header decides about a root that did not fit: if it names the root of the records, only the trailer was damaged. */
  #settle(root: string): void {
    const doubtful = this.#doubtful
    this.#doubtful = null
    if (doubtful === null || Number(doubtful.frontier.size) !== this.#size || encodeHex(doubtful.frontier.root()) !== root) return
    this.#frontier = doubtful.frontier
    this.#known(doubtful.leaves, doubtful.first)
    this.#ends.set(this.#size, root)
  }

  /** Goes on behind a hole, with leaf hashes kept elsewhere if they lead to the root the next segment names. */
  #skipTo({ header: { first, previous } }: Segment): void {
    const from = this.#size
    const parts = partsOf(from, first, this.#options.expired?.ranges ?? [])
    const proven = this.#lead(first, previous.root)
    for (const part of parts) {
      const key = segmentKey(this.#options.log, part.from, '')
      if (part.range !== null && proven) this.#expired.push({ ...part.range, from: part.from, to: part.to })
      else if (part.range !== null) this.#report('EXPIRED_UNPROVEN', key, part.from, `leaves ${part.from} to ${part.to - 1}`)
      else if (!this.#isExplained(part.from, previous.segment)) {
        const last = part.to === first ? `, the last of them in ${previous.segment.slice(0, 32)}` : ''
        this.#report('SEGMENT_MISSING', key, part.from, `leaves ${part.from} to ${part.to - 1}${last}`)
      }
    }
    this.#damaged = []
    this.#doubtful = null
    this.#records.skipped()
    if (!proven && this.#frontier !== null && this.#keptHashes(from, first - from, previous.root) === null) this.#frontier = null
    this.#size = first
    this.#root = null
    this.#segment = null
    this.#ends.set(first, previous.root)
  }

  /** A hole that damaged objects explain from its first leaf to its last segment was reported with them. */
  #isExplained(from: number, last: string): boolean {
    const begins = this.#damaged.some((each) => each.startsWith(segmentKey(this.#options.log, from, '')))
    return begins && (this.#damaged[this.#damaged.length - 1]?.endsWith(last.slice(0, 32)) ?? false)
  }

  /** Leads what packs and tails hold over a hole; true when it comes to the root. */
  #lead(to: number, root: string): boolean {
    const { expired } = this.#options
    if (expired === undefined || expired.ranges.length === 0 || this.#frontier === null) return false
    const led = Span.lead(this.#frontier, to, root, expired.hashes)
    if (led === null) return false
    this.#frontier = led.frontier
    this.#spans.push(led.span)
    // What stands before it in its run came from a pack or tail itself.
    this.#packs.add(led.last.hashes, led.last.first)
    led.span.each((leaves, first) => this.#summaries.add(leaves, first))
    return true
  }

  #rootWithin(size: number): string | undefined {
    return this.#spans.find((span) => size > span.from && size < span.to)?.rootAt(size) ?? undefined
  }

  /** Leaf hashes kept elsewhere, taken over once they lead to the root; null otherwise. */
  #keptHashes(first: number, count: number, root: string): Uint8Array | null {
    const kept = this.#options.hashes?.(first, count) ?? null
    if (kept === null || this.#frontier === null || kept.length !== count * 32) return null
    const grown = this.#frontier.clone()
    grown.append(kept)
    if (encodeHex(grown.root()) !== root) return null
    this.#frontier = grown
    this.#known(kept, first)
    return kept
  }

  /** Leaf hashes that are those that were sealed. */
  #known(leaves: Uint8Array, first: number): void {
    this.#packs.add(leaves, first)
    this.#summaries.add(leaves, first)
  }

  #unusable(code: ProblemCode, object: string, error: unknown): void {
    this.#report(code, object, firstOf(object), messageOf(error))
    this.#damaged.push(object)
  }

  #report(code: ProblemCode, object: string, index: number | null, detail?: string): void {
    if (this.#problems.length < (this.#options.maxProblems ?? 1000)) this.#problems.push(problemOf(code, object, index, detail))
    else this.#more++
  }
}

function messageOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return error.message
  throw error
}
