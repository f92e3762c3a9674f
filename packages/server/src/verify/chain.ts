import { parseObjectKey } from '@sealtrail/evidence'
import type { Head } from '../head/head.ts'
import { type Frame, type FrameReader, wholeSegment } from './frames.ts'
import { type FoundProblem, type Note, problem } from './verdict.ts'

export const AHEAD = 12
/** How many segments further on are asked whom they follow, before rivals are called undecided. */
const LOOK_ON = 4

/** Segments stored under one first index: one, or a committed one and the losers of its race. */
export interface Place {
  readonly first: number
  readonly keys: readonly string[]
}

/** Where the log stands, as the audit sees it: what has been fed so far. */
export interface Progress {
  readonly size: number
  /** SHA-256 of the last segment's frame; null when unknown. */
  readonly digest: string | null
}

/**
 * The segments of a log in order, as its commits made them. A store holds more than the log: a writer that lost the
 * head's swap leaves its frame behind. Which one counts is said by the next segment, which names the digest of the one
 * before it, and at the end by the head. What lies beyond the head counts if it alone continues it: a crash came between
 * storing and swapping, or the head was set back.
 *
 * attacker: the store. A frame put in place of another is found by digest and chain; one put between, as a stray.
 *
 * @param progress asked before each segment: what the audit has taken so far.
 */
export async function* committedFrames(
  keys: readonly string[],
  frames: FrameReader,
  head: Head | null,
  progress: () => Progress,
  report: { problem(found: FoundProblem): void; note(note: Note): void },
): AsyncGenerator<Frame> {
  const places = placesOf(keys)
  for (const [at, place] of places.entries()) {
    frames.prefetch(places.slice(at, at + AHEAD).flatMap(({ keys }) => keys))
    const { size, digest } = progress()
    const beyond = head !== null && place.first >= head.size
    if (place.first < size || (beyond && place.first > size)) {
      const others = beyond ? places.length - at - 1 : 0
      report.problem(problem('SEGMENT_STRAY', place.keys.join(' '), place.first, others > 0 ? `and ${others} after it` : undefined))
      for (const key of place.keys) frames.forget(key)
      if (beyond) return
      continue
    }
    const chosen = beyond ? await extension(place, frames, { size, digest }, report) : await committed(places, at, frames, head, { size, digest }, report)
    if (chosen === 'fork') return
    for (const key of place.keys) {
      if (key === chosen) continue
      report.note({ object: key, message: 'never committed: a writer that lost its race, or a write that a crash cut off' })
      frames.forget(key)
    }
    if (chosen !== null) yield await frames.take(chosen)
  }
}

export function placesOf(keys: readonly string[]): Place[] {
  const places: { first: number; keys: string[] }[] = []
  for (const key of keys) {
    const { first } = parseObjectKey(key)
    const last = places.at(-1)
    if (last?.first === first) last.keys.push(key)
    else places.push({ first, keys: [key] })
  }
  return places
}

/** Below the head something was committed here: the one its successor or the head names, even if it is damaged. */
async function committed(
  places: readonly Place[],
  at: number,
  frames: FrameReader,
  head: Head | null,
  now: Progress,
  report: { problem(found: FoundProblem): void },
): Promise<string | null> {
  const { first, keys } = places[at]!
  if (keys.length === 1) return keys[0]!
  if (head !== null && keys.includes(head.segment)) return head.segment
  for (const next of places.slice(at + 1, at + 1 + LOOK_ON)) {
    for (const key of next.keys) {
      const segment = wholeSegment(await frames.peek(key))
      const named = segment === null ? undefined : keys.find((candidate) => candidate.endsWith(`-${segment.header.previous.segment.slice(0, 32)}`))
      if (named !== undefined) return named
    }
  }
  const whole: string[] = []
  for (const key of keys) {
    const segment = wholeSegment(await frames.peek(key))
    if (segment !== null && (now.digest === null || segment.header.previous.segment === now.digest)) whole.push(key)
  }
  if (whole.length === 1) return whole[0]!
  report.problem(problem('FORKED', keys.join(' '), first))
  return whole[0] ?? keys[0]!
}

/** Beyond the head: the one whole segment that continues it, null if there is none, `fork` if there are more. */
async function extension(
  { first, keys }: Place,
  frames: FrameReader,
  now: Progress,
  report: { problem(found: FoundProblem): void },
): Promise<string | 'fork' | null> {
  const whole: string[] = []
  for (const key of keys) {
    const segment = wholeSegment(await frames.peek(key))
    if (segment !== null && segment.header.first === now.size && segment.header.previous.segment === now.digest) whole.push(key)
  }
  if (whole.length < 2) return whole[0] ?? null
  report.problem(problem('FORKED', whole.join(' '), first))
  return 'fork'
}
