import { hash } from 'node:crypto'
import { type SegmentFacts, segmentFacts, splitSegment } from '@sealtrail/evidence'
import { unpackSync } from '../store/unpack.ts'

/** What a stored frame holds. */
export interface Unpacked {
  /** SHA-256 of the frame, lower-case hex. */
  readonly digest: string
  /** Null when it is no zstd frame. */
  readonly ndjson: Uint8Array | null
  /** Null when it is no segment: the audit then says why. */
  readonly facts: SegmentFacts | null
}

/** Everything about a frame that needs nothing else. attacker: whoever holds the store made it. */
export function unpackFrame(frame: Uint8Array): Unpacked {
  const digest = hash('sha256', frame, 'hex')
  let ndjson: Uint8Array
  try {
    ndjson = unpackSync(frame)
  } catch {
    return { digest, ndjson: null, facts: null }
  }
  try {
    return { digest, ndjson, facts: segmentFacts(splitSegment(ndjson)) }
  } catch {
    return { digest, ndjson, facts: null }
  }
}
