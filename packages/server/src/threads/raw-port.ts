import type { RawLog } from '../config/open-raw-log.ts'
import type { Caller, Handlers } from './rpc.ts'

/** Entries on their way to the sealing thread: one array of bytes, for objects cost a thread change far more. */
interface Packed {
  readonly ends: Uint32Array
  readonly bytes: Uint8Array
}

/** The sealing thread's side of `POST /add`. */
export function rawHandlers(raw: RawLog): Handlers {
  return {
    addRaw({ ends, bytes }: Packed) {
      const entries = Array.from(ends, (end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
      return raw.append(entries)
    },
  }
}

/** The serving threads' side. */
export function remoteAppend(caller: Caller): (entries: readonly Uint8Array[]) => Promise<number> {
  return (entries) => {
    const ends = new Uint32Array(entries.length)
    let end = 0
    entries.forEach((entry, i) => (ends[i] = end += entry.length))
    const bytes = new Uint8Array(end)
    entries.forEach((entry, i) => bytes.set(entry, (ends[i] as number) - entry.length))
    return caller.call('addRaw', { ends, bytes } satisfies Packed, [ends.buffer, bytes.buffer])
  }
}
