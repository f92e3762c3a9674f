import { EMPTY_ROOT, type Segment } from '@sealtrail/evidence'
import { AHEAD, type Place, placesOf } from './chain.ts'
import { type Frame, type FrameReader, wholeSegment } from './frames.ts'
import { type FoundProblem, type Note, problem } from './verdict.ts'

/** Segments kept in memory while two branches go on and nothing has decided between them. */
const MOST_PENDING = 4_096

/** A state of the log that somebody was promised: of a checkpoint or receipt kept elsewhere. */
export interface Promised {
  /** What it is called in the verdict. */
  readonly object: string
  readonly size: number
  /** Lower-case hex. */
  readonly root: string
}

export interface BranchOptions {
  /** Of this log. They decide between branches; which of them hold is the audit's to say. */
  readonly promised: readonly Promised[]
  /** Segment keys of the log's own writer, base64; null: not known. Between two branches the own one counts. */
  readonly signers: ReadonlySet<string> | null
}

/** One segment upon another, as far as nothing has decided yet that it is the log's. */
interface Step {
  readonly frame: Frame
  readonly signer: string
}

interface Branch {
  readonly size: number
  readonly root: string
  /** SHA-256 of the last frame. */
  readonly digest: string
  /** Since the last segment that is certain. */
  readonly steps: readonly Step[]
  /** Promises it keeps since then. */
  readonly keeps: ReadonlySet<Promised>
  /** It goes on beyond a promise without keeping it. */
  readonly breaks: boolean
}

export interface Told {
  problem(found: FoundProblem): void
  note(note: Note): void
}

/**
 * The segments of a log in order, where no head says which they are: what follows from the segments alone, each of which
 * names the digest of the one before it. A writer that lost a race left one segment, and nobody built upon it: what goes
 * on is the log. Two branches that both go on, or two last segments side by side, are a fork; then only a promise kept
 * elsewhere decides, and without one everything up to the fork is given and FORKED is reported.
 *
 * Damaged objects are given where they stand in a hole, for the audit to name. What is behind a hole is given too:
 * whether kept hashes lead over it is the caller's to see.
 *
 * attacker: the store. It can leave out the newest segments together: nothing in it shows that, a promise does.
 */
export async function* decidedFrames(keys: readonly string[], frames: FrameReader, options: BranchOptions, told: Told): AsyncGenerator<Frame> {
  const places = placesOf(keys)
  const branches = new Branches(options, told, (key) => frames.forget(key))
  for (const [at, place] of places.entries()) {
    frames.prefetch(places.slice(at, at + AHEAD).flatMap((each) => each.keys))
    const read = await Promise.all(place.keys.map((key) => frames.peek(key)))
    branches.take(place, read)
    if (!branches.decide(places[at + 1]?.first ?? null)) {
      for (const key of places.slice(at + 1).flatMap((each) => each.keys)) frames.forget(key)
      yield* branches.settled()
      return
    }
    yield* branches.settled()
  }
}

class Branches {
  readonly #options: BranchOptions
  readonly #told: Told
  readonly #forget: (key: string) => void
  readonly #signers: Set<string>
  #branches: Branch[] = [{ size: 0, root: EMPTY_ROOT, digest: '', steps: [], keeps: new Set(), breaks: false }]
  /** Damaged objects beyond what is read so far: part of a hole if the log goes on behind them. */
  #damaged: Frame[] = []
  #settled: Frame[] = []
  /** Digests of the segments of branches that were decided against: nothing upon them is the log's. */
  readonly #dropped = new Set<string>()

  constructor(options: BranchOptions, told: Told, forget: (key: string) => void) {
    this.#options = options
    this.#told = told
    this.#forget = forget
    this.#signers = new Set(options.signers)
  }

  /** Takes the segments that begin at one index. */
  take({ first }: Place, read: readonly Frame[]): void {
    const whole = read.flatMap((frame) => {
      const segment = wholeSegment(frame)
      if (segment === null) return []
      if (!this.#dropped.has(segment.header.previous.segment)) return [{ frame, segment }]
      this.#lost(frame)
      return []
    })
    const rest = read.filter(({ digest }) => !this.#dropped.has(digest))
    if (rest.length === 0) return
    const before = this.#branches
    const grown = new Set<Branch>()
    const attached = whole.filter(({ frame, segment: { header } }) => {
      const parent = before.find(({ size, digest, root }) => size === first && digest === header.previous.segment && root === header.previous.root)
      if (parent === undefined) return false
      grown.add(parent)
      this.#branches = [...this.#branches, this.#extend(parent, frame, wholeSegment(frame) as Segment)]
      return true
    })
    if (attached.length > 0) {
      this.#branches = this.#branches.filter((branch) => !grown.has(branch))
      const named = new Set(attached.map(({ frame }) => frame.key))
      for (const frame of rest) if (!named.has(frame.key)) this.#lost(frame)
      for (const frame of this.#damaged.splice(0)) this.#lost(frame)
      return
    }
    const reached = Math.max(...before.map(({ size }) => size))
    if (first < reached) {
      const keys = rest.map(({ key }) => key)
      this.#told.problem(problem('SEGMENT_STRAY', keys.join(' '), first))
      for (const key of keys) this.#forget(key)
    } else if (whole.length === 0) this.#damaged.push(...rest)
    else this.#bridge(first, whole, rest)
  }

  /** Drops what was never committed, and says whether the log can be followed on. @param next where the next segments begin, null at the end. */
  decide(next: number | null): boolean {
    this.#drop(({ breaks }) => breaks)
    const keeping = this.#branches.filter(({ keeps }) => keeps.size > 0)
    if (keeping.length > 0) this.#drop(({ keeps }) => keeps.size === 0)
    this.#settleCommon()
    if (this.#signers.size > 0) this.#drop(({ steps }) => steps.length > 0 && steps.every(({ signer }) => !this.#signers.has(signer)))
    const ended = ({ size }: Branch): boolean => next === null || size < next
    if (this.#branches.some(({ steps }) => steps.length > 1)) this.#drop((branch) => branch.steps.length < 2 && ended(branch))
    this.#settleCommon()
    if (this.#branches.length > 1 && this.#isFork(next === null)) return this.#fork()
    if (next === null) this.#finish()
    return true
  }

  /** Frames that are certain by now. */
  *settled(): Generator<Frame> {
    for (const frame of this.#settled.splice(0)) {
      this.#forget(frame.key)
      yield frame
    }
  }

  #extend(parent: Branch, frame: Frame, { header, trailer }: Segment): Branch {
    const { size, root } = trailer
    const near = this.#options.promised.filter((each) => each.size > header.first && each.size <= size)
    const kept = near.filter((each) => each.size === size && each.root === root)
    return {
      size,
      root,
      digest: frame.digest,
      steps: [...parent.steps, { frame, signer: Buffer.from(trailer.signer).toString('base64') }],
      keeps: new Set([...parent.keeps, ...kept]),
      breaks: parent.breaks || kept.length < near.length,
    }
  }

  /** The log goes on behind a hole: what stands before it and is not decided stays as it is. */
  #bridge(first: number, whole: readonly { readonly frame: Frame; readonly segment: Segment }[], read: readonly Frame[]): void {
    const names = new Set(whole.map(({ segment }) => segment.header.previous.segment))
    const [longest, ...others] = this.#branches.toSorted((a, b) => b.size - a.size) as [Branch, ...Branch[]]
    // A segment that ends right here and is not the one named was the loser of the race whose winner is gone.
    const lost = longest.size === first && !names.has(longest.digest) ? 1 : 0
    const kept = longest.steps.slice(0, longest.steps.length - lost).map(({ frame }) => frame)
    for (const { steps } of [longest, ...others]) for (const { frame } of steps) if (!kept.includes(frame)) this.#lost(frame)
    this.#settled.push(...kept, ...this.#damaged.splice(0))
    const damaged = read.filter((frame) => !whole.some((each) => each.frame === frame))
    for (const frame of damaged) this.#lost(frame)
    this.#branches = whole.map(({ frame, segment }) => {
      const { root, segment: digest } = segment.header.previous
      return this.#extend({ size: first, root, digest, steps: [], keeps: new Set(), breaks: false }, frame, segment)
    })
  }

  /** Leaves branches out, if others are left. */
  #drop(out: (branch: Branch) => boolean): void {
    const left = this.#branches.filter((branch) => !out(branch))
    if (left.length === 0 || left.length === this.#branches.length) return
    const stays = new Set(left.flatMap(({ steps }) => steps.map(({ frame }) => frame)))
    for (const { steps } of this.#branches) for (const { frame } of steps) if (!stays.has(frame)) this.#lost(frame)
    this.#branches = left
  }

  /** What all branches share is certain, but for the last segment of the only one: nobody has built upon it yet. */
  #settleCommon(): void {
    const [one, ...others] = this.#branches as [Branch, ...Branch[]]
    let common = 0
    const limit = others.length === 0 ? one.steps.length - 1 : one.steps.length
    while (common < limit && others.every(({ steps }) => steps[common]?.frame === one.steps[common]?.frame)) common++
    if (common <= 0) return
    for (const { frame, signer } of one.steps.slice(0, common)) {
      this.#settled.push(frame)
      if (this.#signers.size > 0) this.#signers.add(signer)
    }
    const base = this.#settled.at(-1) as Frame
    const end = wholeSegment(base)?.trailer.size ?? 0
    this.#branches = this.#branches.map((branch) => ({
      ...branch,
      steps: branch.steps.slice(common),
      keeps: new Set([...branch.keeps].filter(({ size }) => size > end)),
    }))
  }

  #isFork(atEnd: boolean): boolean {
    if (atEnd) return true
    if (this.#branches.filter(({ steps }) => steps.length > 1).length < 2) return false
    const least = Math.min(...this.#branches.map(({ size }) => size))
    const pending = this.#branches.reduce((sum, { steps }) => sum + steps.length, 0)
    return pending > MOST_PENDING || !this.#options.promised.some(({ size }) => size > least)
  }

  #fork(): false {
    const begins = this.#branches.map(({ steps }) => steps[0]?.frame.key ?? '')
    const first = Math.min(...this.#branches.map(({ steps }) => wholeSegment((steps[0] as Step).frame)?.header.first ?? 0))
    this.#told.problem(problem('FORKED', [...new Set(begins)].join(' '), first))
    return false
  }

  #finish(): void {
    const [one] = this.#branches as [Branch]
    this.#settled.push(...one.steps.map(({ frame }) => frame), ...this.#damaged.splice(0))
  }

  #lost({ key, digest }: Frame): void {
    if (digest !== '') this.#dropped.add(digest)
    this.#told.note({ object: key, message: 'never committed: a writer that lost its race, or a write that a crash cut off' })
    this.#forget(key)
  }
}
