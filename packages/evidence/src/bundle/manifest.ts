import type { FieldState } from '../flatten.ts'
import { LOG_NAME } from '../segment-key.ts'
import { BundleBroken } from './broken.ts'
import { BUNDLE_FORMAT } from './format.ts'
import type { BundleAsked, BundleFile, BundleLog, BundleManifest } from './format.ts'
import { readShape, Shape } from './shape.ts'
import { ZIP_LIMITS } from './zip-directory.ts'

/** A manifest is read whole: 200,000 files at 150 bytes. */
export const MAX_MANIFEST_BYTES: number = 64 * 2 ** 20
/** attacker: what is looked at for each log, or each stamp, must end soon, however small the zip. */
export const MAX_LOGS = 1_000
export const MAX_TIMESTAMPS = 1_000
export const FIELD_STATES: readonly FieldState[] = ['disclosed', 'sealed', 'erased', 'expired', 'missing']

const PATH = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9._-]*$/
const HEX32 = /^[0-9a-f]{64}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

const fail = (detail: string): BundleBroken => new BundleBroken('BUNDLE_MANIFEST', 'manifest.json', detail)

/** attacker: whoever made the bundle; only its form is checked here. @throws BundleBroken BUNDLE_MANIFEST */
export function parseManifest(bytes: Uint8Array): BundleManifest {
  const shape = readShape(bytes, fail, MAX_MANIFEST_BYTES)
  if (shape.text('format') !== BUNDLE_FORMAT) throw fail('of another format than this verifier knows')
  shape.only('format', 'created', 'tool', 'asked', 'requester', 'logs', 'files')
  const tool = shape.object('tool').only('name', 'version')
  const requester = shape.object('requester').only('name', 'role', 'purpose')
  const logs = shape.list('logs', (each) => logOf(new Shape(each, fail)), MAX_LOGS)
  const files = shape.list('files', (each) => fileOf(new Shape(each, fail)), ZIP_LIMITS.maxEntries)
  assertOnce(logs.map(({ log }) => log))
  assertOnce(files.map(({ path }) => path))
  return {
    format: BUNDLE_FORMAT,
    created: shape.matching('created', TIME),
    tool: { name: tool.text('name'), version: tool.text('version') },
    asked: askedOf(shape.object('asked')),
    requester: { name: requester.text('name'), role: requester.text('role'), purpose: requester.isNull('purpose') ? null : requester.text('purpose') },
    logs,
    files,
  }
}

function askedOf(asked: Shape): BundleAsked {
  const kind = asked.text('kind')
  if (kind === 'subject') return { kind, subject: asked.only('kind', 'subject').text('subject') }
  if (kind === 'person' || kind === 'subject-access') {
    asked.only('kind')
    return { kind }
  }
  if (kind === 'query') return { kind, query: asked.only('kind', 'query').textsByName('query') }
  if (kind !== 'range') throw fail('asked in a way this verifier does not know')
  return { kind, log: asked.only('kind', 'log', 'from', 'to').matching('log', LOG_NAME), ...rangeOf(asked) }
}

function logOf(log: Shape): BundleLog {
  log.only('log', 'origin', 'size', 'root', 'published', 'records', 'first', 'end', 'range', 'fields', 'timestamps')
  const fields = log.object('fields').only(...FIELD_STATES)
  const [first, end, records] = [log.count('first'), log.count('end'), log.count('records')]
  if (end < first || records > end - first || (records === 0) !== (end === first)) throw fail('first, end and records contradict each other')
  return {
    log: log.matching('log', LOG_NAME),
    origin: log.text('origin'),
    size: log.count('size'),
    root: log.matching('root', HEX32),
    published: log.flag('published'),
    records,
    first,
    end,
    range: log.isNull('range') ? null : rangeOf(log.object('range').only('from', 'to')),
    fields: Object.fromEntries(FIELD_STATES.map((state) => [state, fields.count(state)])) as Record<FieldState, number>,
    timestamps: timestampsOf(log),
  }
}

function timestampsOf(log: Shape): string[] {
  const names = log.texts('timestamps', MAX_TIMESTAMPS)
  if (names.some((name) => !/^[0-9a-z][0-9a-z-]{0,127}$/.test(name))) throw fail('the name of a time stamp is malformed')
  assertOnce(names)
  return names
}

function rangeOf(shape: Shape): { from: number; to: number } {
  const [from, to] = [shape.count('from'), shape.count('to')]
  if (to < from) throw fail('a range ends before it begins')
  return { from, to }
}

function fileOf(file: Shape): BundleFile {
  file.only('path', 'size', 'sha256')
  const path = file.matching('path', PATH)
  if (path === 'manifest.json') throw fail('it names itself')
  return { path, size: file.count('size'), sha256: file.matching('sha256', HEX32) }
}

function assertOnce(names: readonly string[]): void {
  if (new Set(names).size !== names.length) throw fail('a name stands twice')
}
