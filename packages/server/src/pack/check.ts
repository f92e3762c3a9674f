import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { SealtrailError } from '../errors.ts'
import type { Input } from '../event/input.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { Audit } from './audit.ts'
import type { CompiledPack } from './compiled.ts'
import { methodText } from './field-rule.ts'
import { rulesOf } from './fields.ts'
import { loadPack } from './load.ts'
import type { FieldNode, PackResult } from './pack.ts'

/** What protect says of a mapped sample. */
export interface SampleProtected {
  readonly hits: ReadonlyArray<{ readonly path: string; readonly kind: string }>
  /** Why the event would not be sealed, or null. */
  readonly refused: string | null
}

export interface TestOptions {
  /** Write `expected/` instead of comparing. */
  readonly update?: boolean
  /** Protect as the server does it. */
  readonly protect?: (event: MappedEvent, fields: FieldNode) => SampleProtected
}

export interface SampleReport {
  readonly file: string
  readonly outcome: string
  /** What differs from `expected/`, or null. */
  readonly difference: string | null
}

/** What `sealtrail pack test DIR` prints. */
export interface PackReport {
  readonly ok: boolean
  readonly name: string | null
  readonly version: number | null
  readonly samples: readonly SampleReport[]
  /** Why the pack does not work or must not be used. */
  readonly problems: readonly string[]
  /** What becomes of each field that is classified, in words. */
  readonly methods: ReadonlyArray<{ readonly path: string; readonly method: string }>
  /** Paths of mapped samples that `fields` does not name: they are committed by default-deny. */
  readonly unclassified: readonly string[]
  /** Fields that are called plain and hold what detection takes for personal, with the number of samples. */
  readonly detected: ReadonlyArray<{ readonly path: string; readonly kind: string; readonly samples: number }>
  /** Samples that protect does not let through, with the fields. */
  readonly refused: ReadonlyArray<{ readonly file: string; readonly why: string }>
  /** Lines of `pack.yaml` with an event no sample reaches. */
  readonly untested: readonly string[]
}

/** Receive time and tenant of samples, so that expected records stay the same. */
const RECEIVED_MS = Date.UTC(2026, 0, 1)
const TENANT = 'default'

/**
 * Loads a pack, maps each `samples/*.json` and compares with `expected/` of the same name: `{ outcome, … }` with the mapped
 * events before protection. A record whose id, subject, source or type shows a value that is not classified plain is a problem.
 * With `update` writes `expected/` instead of comparing. Never throws for what is wrong with the pack.
 */
export function testPack(dir: string, options: TestOptions = {}): PackReport {
  let pack: CompiledPack
  try {
    pack = loadPack(dir)
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return {
      ok: false,
      name: null,
      version: null,
      samples: [],
      problems: [error.message],
      methods: [],
      unclassified: [],
      detected: [],
      refused: [],
      untested: [],
    }
  }
  const audit = new Audit(pack, options.protect ?? null)
  const folder = join(dir, 'samples')
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.json'))
        .sort()
    : []
  const samples = files.map((file) => testSample(pack, audit, dir, file, options.update ?? false))
  if (files.length === 0) audit.problems.push('there is no sample in samples/')
  for (const file of existsSync(join(dir, 'expected')) ? readdirSync(join(dir, 'expected')) : [])
    if (!files.includes(file)) audit.problems.push(`expected/${file} has no sample`)
  return {
    ok: audit.problems.length === 0 && samples.every((sample) => sample.difference === null),
    name: pack.name,
    version: pack.version,
    samples,
    problems: audit.problems,
    methods: [...rulesOf(pack.fields)].map(({ path, rule }) => ({ path, method: methodText(rule) })),
    unclassified: [...audit.unclassified].sort(),
    detected: audit.detected(),
    refused: audit.refused,
    untested: audit.untested(),
  }
}

function testSample(pack: CompiledPack, audit: Audit, dir: string, file: string, update: boolean): SampleReport {
  let input: Input
  try {
    input = sampleInput(readFileSync(join(dir, 'samples', file)))
  } catch (error) {
    return { file, outcome: 'unreadable', difference: (error as Error).message }
  }
  const context = { tenant: TENANT }
  audit.reached(pack.select(input, context))
  const result = pack.apply(input, context)
  if (result.kind === 'events') for (const event of result.events) audit.event(file, event)
  const actual = JSON.parse(JSON.stringify(shown(result))) as JsonObject
  const outcome = String(actual['outcome'])
  const path = join(dir, 'expected', file)
  if (update) {
    mkdirSync(join(dir, 'expected'), { recursive: true })
    writeFileSync(path, `${JSON.stringify(actual, null, 2)}\n`)
    return { file, outcome, difference: null }
  }
  if (!existsSync(path)) return { file, outcome, difference: `expected/${file} is missing` }
  try {
    return { file, outcome, difference: firstDifference(JSON.parse(readFileSync(path, 'utf8')) as JsonValue, actual, '') }
  } catch (error) {
    return { file, outcome, difference: `expected/${file}: ${(error as Error).message}` }
  }
}

/** A sample as the source step would hand it on: a structured CloudEvent is taken apart. */
export function sampleInput(bytes: Uint8Array): Input {
  const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonObject
  const data = value['data']
  const event = typeof value['specversion'] === 'string' && data !== null && typeof data === 'object' && !Array.isArray(data) ? data : null
  const context = event === null ? null : Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (typeof v === 'string' ? [[k, v]] : [])))
  return { bytes, value: event ?? value, problem: null, context, trail: null, receivedMs: RECEIVED_MS, provenance: 'pushed' }
}

function shown(result: PackResult): object {
  if (result.kind === 'unmatched') return { outcome: 'unmatched' }
  if (result.kind === 'error') return { outcome: 'quarantined', code: result.code, message: result.message }
  if (result.events.length === 0) return { outcome: 'filtered' }
  return { outcome: 'events', dropped: result.dropped, events: result.events.map(shownEvent) }
}

function shownEvent(event: MappedEvent): object {
  const { id, subject, type, time, source, schema, regulatorytag, status, order, people, data } = event
  return { id, subject, type, time, source, schema, regulatorytag, status: status?.name ?? null, session: order.session, people, data }
}

function firstDifference(expected: JsonValue, actual: JsonValue, path: string): string | null {
  if (isDeepStrictEqual(expected, actual)) return null
  if (isContainer(expected) && isContainer(actual) && Array.isArray(expected) === Array.isArray(actual)) {
    const a = expected as JsonObject
    const b = actual as JsonObject
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (!(key in b)) return `${path}/${key} is missing`
      if (!(key in a)) return `${path}/${key} is not expected`
      const inside = firstDifference(a[key]!, b[key]!, `${path}/${key}`)
      if (inside !== null) return inside
    }
  }
  return `${path}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`
}

function isContainer(value: JsonValue): value is JsonObject | JsonValue[] {
  return value !== null && typeof value === 'object'
}
