import type { BundleLog } from '../bundle/format.ts'
import { Lines, MAX_LINE_BYTES } from '../bundle/lines.ts'
import { BundleBroken } from '../bundle/broken.ts'
import type { BlobSource, BundleVerdict, ByteSource, LogVerdict } from '../bundle/verdict.ts'
import { Zip } from '../bundle/zip.ts'
import { joinData, objectDigest } from '../data-object.ts'
import { joined } from '../bundle/files.ts'
import type { FieldState } from '../flatten.ts'
import { parseIJson } from '../ijson.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { integrityHash, parseRecord } from '../record.ts'
import type { RecordFields } from '../record.ts'
import { recordRow } from './row.ts'
import type { RecordRow } from './row.ts'
import { moment } from './words.ts'

/** How many records a list holds at once. */
export const MAX_ROWS = 1_000
/** How many a search brings. */
export const MAX_HITS = 200

/**
 * The records of a bundle, one after the other, read again from the file. They are to be shown, not believed: whether they
 * are what was sealed is what `verifyBundle` said. Ends early where the file is damaged.
 * @throws what the source throws when it cannot be read
 */
export async function* bundleRows(source: BlobSource | ByteSource, { manifest, logs }: BundleVerdict): AsyncGenerator<RecordRow, void, undefined> {
  if (manifest === null) return
  for (const log of manifest.logs) {
    try {
      yield* logRows(await Zip.open(source), log, logs.find((each) => each.log === log.log)?.records ?? { count: 0, places: [] })
    } catch (error) {
      if (!(error instanceof BundleBroken)) throw error
    }
  }
}

type Checked = Pick<LogVerdict['records'], 'count' | 'places'>

async function* logRows(zip: Zip, { log, range }: BundleLog, { count, places }: Checked): AsyncGenerator<RecordRow, void, undefined> {
  const opened = (path: string): Lines => new Lines(zip.size(path) === null ? nothing() : zip.read(path), path)
  const records = opened(`log/${log}/records.ndjson`)
  const proofs = range === null ? opened(`log/${log}/proofs.ndjson`) : null
  const fields = new ByIndex(opened(`log/${log}/fields.ndjson`))
  const disclosures = new ByIndex(opened(`disclosures/${log}.ndjson`))
  let run = 0
  for (let n = 0; ; n++) {
    const line = await records.next()
    if (line === null) return
    while ((places[run + 1]?.line ?? Infinity) <= n) run++
    // Attacker: lines behind those that were checked are nothing but there.
    const place = n < count ? places[run] : undefined
    const counted = place?.index == null ? null : place.index + n - place.line
    const index = proofs === null ? counted : numberOf(objectOf(await proofs.next()), 'index')
    const said = new Map(listOf(index === null ? null : await fields.at(index), 'fields').map((field) => [textOf(field, 'digest'), field]))
    const texts = listOf(index === null ? null : await disclosures.at(index), 'disclosures').filter((text) => typeof text === 'string')
    let record
    try {
      record = parseRecord(line)
    } catch {
      continue // The check names it.
    }
    const stateOf = (digest: string): Exclude<FieldState, 'disclosed'> => {
      const state = textOf(said.get(digest) ?? null, 'state')
      // Attacker: a value said to be disclosed, without one that fits, is missing.
      return state === 'sealed' || state === 'erased' || state === 'expired' ? state : 'missing'
    }
    const whole = await wholeRecord(zip, log, record)
    yield recordRow({ log, index, proven: place?.proven ?? false }, whole, integrityHash(line), texts, stateOf, (digest) =>
      reasonOf(stateOf(digest), said.get(digest) ?? null),
    )
  }
}

/** Why and since when a value is gone, as the file says it. */
function reasonOf(state: FieldState, field: JsonValue): string | null {
  const [on, certificate, name] = [textOf(field, 'on'), textOf(field, 'certificate'), textOf(field, 'class')]
  const under =
    state === 'erased' && certificate !== '' ? `under the certificate ${certificate}` : state === 'expired' && name !== '' ? `under the class ${name}` : ''
  const words = state !== 'erased' && state !== 'expired' ? [] : [on === '' ? '' : `on ${moment(on)}`, under].filter((word) => word !== '')
  return words.length === 0 ? null : words.join(', ')
}

/** The record with the data that did not fit it; as it stands where that cannot be had, which the check names. */
async function wholeRecord(zip: Zip, log: string, record: RecordFields): Promise<RecordFields> {
  const digest = objectDigest(record)
  const path = `log/${log}/object/${digest}`
  if (digest === null || zip.size(path) === null) return record
  const opened = joinData(record, await joined(zip.read(path), path, MAX_LINE_BYTES))
  return 'data' in opened ? { ...record, data: opened.data } : record
}

/** Lines that each name a record's index, ascending; some records have none. */
class ByIndex {
  readonly #lines: Lines
  #held: JsonObject | null = null
  #ended = false
  constructor(lines: Lines) {
    this.#lines = lines
  }

  async at(index: number): Promise<JsonObject | null> {
    for (;;) {
      if (this.#held === null && !this.#ended) {
        const line = await this.#lines.next()
        this.#held = objectOf(line)
        this.#ended = this.#held === null
      }
      const held = this.#held === null ? null : numberOf(this.#held, 'index')
      if (held === null || held > index) return null
      const line = this.#held
      this.#held = null
      if (held === index) return line
    }
  }
}

/** attacker: lines are whatever somebody wrote. */
function objectOf(line: Uint8Array | null): JsonObject | null {
  if (line === null) return null
  const parsed = parseIJson(line, { maxBytes: MAX_LINE_BYTES, maxDepth: 32 })
  return 'problem' in parsed || typeof parsed.value !== 'object' || Array.isArray(parsed.value) ? null : parsed.value
}

function listOf(object: JsonObject | null, key: string): readonly JsonValue[] {
  const value = object?.[key]
  return Array.isArray(value) ? value : []
}

function numberOf(object: JsonObject | null, key: string): number | null {
  const value = object?.[key]
  return typeof value === 'number' ? value : null
}

function textOf(value: JsonValue, key: string): string {
  const text = typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined
  return typeof text === 'string' ? text : ''
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
