import { SEGMENT_FORMAT } from '@sealtrail/evidence'
import type { About } from '../store/store.ts'
import type { Built } from './build.ts'

const SCHEMA = Buffer.from('"dataschema":"')
const TAG = Buffer.from('"regulatorytag":"')
const QUOTE = 0x22
/** More kinds than that in one commit are not told: whoever wants to know reads the segment. */
const MOST = 20

/**
 * What the records of a segment are about, for the store's metadata. Looked for from each record's end: members are
 * sorted, and what stands in `data` comes before; within a text every quote is escaped, so no value can look like a name.
 */
export function aboutSegment({ ndjson, offsets }: Pick<Built, 'ndjson' | 'offsets'>): About {
  const schemas = new Found(SCHEMA)
  const tags = new Found(TAG)
  for (let i = 0; i + 1 < offsets.length; i += 2) {
    const record = ndjson.subarray(offsets[i], offsets[i + 1])
    schemas.lookIn(record)
    tags.lookIn(record)
  }
  return { format: SEGMENT_FORMAT, schemas: schemas.values(), tags: tags.values() }
}

/** Values of one member; records of one kind come together, so that most are told by comparing bytes. */
class Found {
  readonly #name: Buffer
  readonly #values = new Set<string>()
  #last: Buffer = Buffer.alloc(0)

  constructor(name: Buffer) {
    this.#name = name
  }

  lookIn(record: Buffer): void {
    const at = record.lastIndexOf(this.#name)
    if (at < 0) return
    const start = at + this.#name.length
    const end = start + this.#last.length
    if (this.#last.length > 0 && record[end] === QUOTE && record.compare(this.#last, 0, this.#last.length, start, end) === 0) return
    this.#last = record.subarray(start, record.indexOf(QUOTE, start))
    if (this.#values.size < MOST) this.#values.add(this.#last.latin1Slice())
  }

  values(): string[] {
    return [...this.#values].sort()
  }
}
