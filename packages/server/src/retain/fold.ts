import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { canonicalize, parseRecord } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import { replaceDurably } from '../durable-file.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Records } from '../index/records.ts'

const SYSTEM_LOG = 'system'
const FORMAT = 'sealtrail/retain/1'
/** Records read between two turns given to others. */
const STEP = 500

/** A part of the duties' state: what the sealed records of some types, taken in order, come to. It is nothing else, so that the store alone brings it back. */
export interface FoldPart {
  /** Its name in the snapshot; of another `version` the part is folded again from the first record. */
  readonly name: string
  readonly version: number
  /** Record types it is made of, such as `sealtrail.system.hold`. */
  readonly types: readonly string[]
  /** Takes the next record of its types; must not throw on a record it cannot read, as that is sealed for ever. */
  take(record: RecordFields, index: number): void
  /** As JSON, for the snapshot. */
  save(): JsonValue
  /** Takes a snapshot's word; null: begins with nothing. @throws when it is no state of this part */
  load(saved: JsonValue | null): void
}

export interface FoldDeps {
  readonly records: Pick<Records, 'size' | 'range'>
  readonly parts: readonly FoldPart[]
  /** `DIR/retain/state.json`. */
  readonly file: string
  /** RFC 6962 root of the system log at this size, lower-case hex: a snapshot of another log is not believed. */
  rootAt(size: number): string
}

/**
 * What the sealed `system` records say of holds, flags and other standing orders. The snapshot saves reading them again; it
 * is derived, and made again when it is missing, damaged, of another log or of other parts.
 */
export class Fold {
  readonly #deps: FoldDeps
  readonly #byType = new Map<string, FoldPart[]>()
  #size = 0
  #saved = 0
  #running: Promise<void> | null = null

  constructor(deps: FoldDeps) {
    this.#deps = deps
    for (const part of deps.parts) for (const type of part.types) this.#byType.set(type, [...(this.#byType.get(type) ?? []), part])
    const saved = readSnapshot(deps)
    try {
      for (const part of deps.parts) part.load(saved?.parts[part.name] ?? null)
      this.#size = this.#saved = saved?.size ?? 0
    } catch {
      for (const part of deps.parts) part.load(null)
    }
  }

  /** How much of the system log is in it. */
  get size(): number {
    return this.#size
  }

  /** Takes what was sealed since, up to the committed size; whoever waits for a record of its own seals it first. @throws SealtrailError DATA_CORRUPT */
  async catchUp(): Promise<void> {
    while (this.#running !== null) await this.#running
    this.#running = this.#read().finally(() => (this.#running = null))
    await this.#running
  }

  /** Writes the snapshot where something was added. @throws SealtrailError DATA_UNWRITABLE */
  save(): void {
    if (this.#size === this.#saved) return
    const { file, parts, rootAt } = this.#deps
    const state = {
      format: FORMAT,
      parts: Object.fromEntries(parts.map((part) => [part.name, part.save()])),
      root: rootAt(this.#size),
      size: this.#size,
      versions: versionsOf(parts),
    }
    const text = canonicalize(state)
    replaceDurably(file, `${text} ${digest(text)}\n`, 'the state of holds and flags')
    this.#saved = this.#size
  }

  async #read(): Promise<void> {
    const { records } = this.#deps
    const to = records.size(SYSTEM_LOG)
    let read = 0
    for await (const bytes of records.range(SYSTEM_LOG, this.#size, to)) {
      this.#take(bytes, this.#size)
      this.#size++
      if (++read % STEP === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #take(bytes: Uint8Array, index: number): void {
    const record = parseRecord(bytes)
    for (const part of this.#byType.get(record.type) ?? []) part.take(record, index)
  }
}

/** What a snapshot says of one part, for commands that only tell; null when there is none, or it is damaged. */
export function snapshotPart(file: string, name: string): JsonValue | null {
  return lineIn(file)?.parts?.[name] ?? null
}

interface Snapshot {
  readonly size: number
  readonly parts: JsonObject
}

/** attacker: whoever can write the file; what it says is checked by the root only as far as which log it is of, as it is derived and on the same disk. */
function readSnapshot({ file, parts, records, rootAt }: FoldDeps): Snapshot | null {
  try {
    const state = lineIn(file)
    if (state === null) return null
    const { size } = state
    if (state.format !== FORMAT || typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > records.size(SYSTEM_LOG)) return null
    if (state.root !== rootAt(size) || state.versions !== versionsOf(parts)) return null
    if (typeof state.parts !== 'object') return null
    return { size, parts: state.parts }
  } catch {
    return null
  }
}

/** The line of a snapshot, where its digest fits. */
function lineIn(file: string): { format?: unknown; parts?: JsonObject; root?: unknown; size?: unknown; versions?: unknown } | null {
  try {
    if (!existsSync(file)) return null
    const line = readFileSync(file, 'utf8')
    const text = line.slice(0, line.lastIndexOf(' '))
    return line === `${text} ${digest(text)}\n` ? (JSON.parse(text) as JsonObject) : null
  } catch {
    return null
  }
}

/** Parts and versions: a snapshot made by other ones lacks something. */
function versionsOf(parts: readonly FoldPart[]): string {
  return parts
    .map(({ name, version, types }) => `${name}/${version}:${[...types].sort().join('+')}`)
    .sort()
    .join(' ')
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
