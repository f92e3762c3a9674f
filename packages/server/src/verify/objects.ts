import { commitmentDigests, joinData, objectDigest, parseRecord, PROBLEMS } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import { objectKey } from '../store/objects.ts'
import type { Store } from '../store/store.ts'
import { readStored } from './stored.ts'
import type { FoundProblem } from './verdict.ts'

const NEWLINE = 0x0a
/** Hardly any record names an object, so the bytes are searched before anything is parsed. */
const NAMES_OBJECT = Buffer.from('"dataobject":"sha256:')

export interface ObjectFindings {
  readonly problems: readonly FoundProblem[]
  /** By index of the record: the digests its object commits to, null when the object is not the record's. */
  readonly digests: ReadonlyMap<number, readonly string[] | null>
}

/** Whether every object that the records of a segment name is in the store, is the one they name, and holds what it must. */
export async function checkObjects(log: string, first: number, ndjson: Uint8Array, store: Pick<Store, 'get'>): Promise<ObjectFindings> {
  const problems: FoundProblem[] = []
  const digests = new Map<number, readonly string[] | null>()
  for (const { index, record, digest } of naming(first, ndjson)) {
    const opened = joinData(record, await readStored(store, objectKey(log, digest)))
    digests.set(index, 'data' in opened ? commitmentDigests(opened.data) : null)
    if ('data' in opened) continue
    const message = opened.detail === undefined ? PROBLEMS[opened.code] : `${PROBLEMS[opened.code]} (${opened.detail})`
    problems.push({ index, object: objectKey(log, digest), code: opened.code, message })
  }
  return { problems, digests }
}

/** attacker: bytes whose digests did not fit may be anything; what is no record is passed over, the log's audit names it. */
function naming(first: number, ndjson: Uint8Array): Array<{ index: number; record: RecordFields; digest: string }> {
  const bytes = Buffer.from(ndjson.buffer, ndjson.byteOffset, ndjson.byteLength)
  const found: Array<{ index: number; record: RecordFields; digest: string }> = []
  let mark = bytes.indexOf(NAMES_OBJECT)
  let start = bytes.indexOf(NEWLINE) + 1
  for (let index = first; mark >= 0; index++) {
    const end = bytes.indexOf(NEWLINE, start)
    if (end < 0) break
    if (mark < end) {
      const record = parsed(bytes.subarray(start, end))
      const digest = record === null ? null : objectDigest(record)
      if (record !== null && digest !== null) found.push({ index, record, digest })
      mark = bytes.indexOf(NAMES_OBJECT, end)
    }
    start = end + 1
  }
  return found
}

function parsed(line: Uint8Array): RecordFields | null {
  try {
    return parseRecord(line)
  } catch {
    return null
  }
}
