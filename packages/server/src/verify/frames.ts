import { isSegmentSigned, type Segment, type SegmentFacts, splitSegment } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { Unpacker } from './unpacker.ts'

/** A stored object that should be a segment. */
export interface Frame {
  readonly key: string
  /** SHA-256 of what is stored, lower-case hex; '' when there is nothing. */
  readonly digest: string
  /** Unpacked, or why it cannot be. */
  readonly content: { readonly ndjson: Uint8Array; readonly facts: SegmentFacts | null } | { readonly fault: string }
}

/** Reads a log's segments, and has them unpacked, ahead of the one who checks them. */
export class FrameReader {
  readonly #store: Store
  readonly #unpacker: Unpacker
  readonly #ahead = new Map<string, Promise<Frame>>()

  constructor(store: Store, unpacker: Unpacker) {
    this.#store = store
    this.#unpacker = unpacker
  }

  /** Starts reading these; each is kept until it is taken. */
  prefetch(keys: Iterable<string>): void {
    for (const key of keys) {
      if (this.#ahead.has(key)) continue
      const reading = this.#read(key)
      // Thrown where it is taken.
      reading.catch(() => {})
      this.#ahead.set(key, reading)
    }
  }

  /** The frame; the reader forgets it. */
  take(key: string): Promise<Frame> {
    const frame = this.#ahead.get(key) ?? this.#read(key)
    this.#ahead.delete(key)
    return frame
  }

  /** Lets go of what was read ahead, if it was. */
  forget(key: string): void {
    this.#ahead.delete(key)
  }

  /** The frame, kept for a later `take`. */
  peek(key: string): Promise<Frame> {
    this.prefetch([key])
    return this.#ahead.get(key)!
  }

  async #read(key: string): Promise<Frame> {
    let stored: Uint8Array | null
    try {
      stored = await this.#store.get(key)
    } catch (error) {
      // A store that does not answer says nothing about what it has.
      if (error instanceof SealtrailError && error.code === 'STORE_UNREADABLE') throw error
      return { key, digest: '', content: { fault: 'the store cannot read it' } }
    }
    if (stored === null) return { key, digest: '', content: { fault: 'the store does not hold it any more' } }
    const { digest, ndjson, facts } = await this.#unpacker.unpack(stored)
    if (ndjson !== null) return { key, digest, content: { ndjson, facts } }
    return { key, digest, content: { fault: digest.startsWith(key.slice(-32)) ? 'it is no zstd frame' : 'its bytes are not those its key names' } }
  }
}

/** The segment in a frame if it is the one its key names, whole and signed; else null. */
export function wholeSegment(frame: Frame): Segment | null {
  const segment = frame.digest.startsWith(frame.key.slice(-32)) ? segmentIn(frame) : null
  return segment !== null && isSegmentSigned(segment) ? segment : null
}

/** The segment in a frame, whatever it is worth; null when it holds none. */
export function segmentIn({ content }: Frame): Segment | null {
  if ('fault' in content) return null
  try {
    return splitSegment(content.ndjson)
  } catch {
    // The audit names it.
    return null
  }
}
