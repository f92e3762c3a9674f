import { mkdirSync, rmSync } from 'node:fs'
import { BUNDLE_FORMAT, canonicalize, schemaPath } from '@sealtrail/evidence'
import type { BundleAsked, BundleKeys, BundleLog, BundleManifest, JsonObject, JsonValue } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { goneAt } from '../index/records.ts'
import type { Records } from '../index/records.ts'
import { sightOf, viewOf } from '../index/views.ts'
import { certificateDraft } from './certificate.ts'
import { ExportCertificates } from './certificates.ts'
import { AccessSight } from './access.ts'
import type { AccessDeps } from './access.ts'
import type { ExportMade, ExportOrder } from './export.ts'
import { writeLogPart } from './log-part.ts'
import type { Leaf, LogHashes, LogPartDeps } from './log-part.ts'
import { readme } from './readme.ts'
import { select } from './select.ts'
import type { SelectDeps } from './select.ts'
import { Snapshots } from './snapshot.ts'
import type { Checkpoints } from './snapshot.ts'
import { assertRoom } from './spool.ts'
import { addStamp, chooseStamps } from './stamps.ts'
import type { ChosenStamps, ListStamps } from './stamps.ts'
import { ZipFile } from './zip-file.ts'

/** What bundles are made from; everything of it read-only. */
export interface BundleDeps extends Omit<SelectDeps, 'records'>, Pick<LogPartDeps, 'vault' | 'wrapper'> {
  readonly records: Records
  readonly checkpoints: Checkpoints
  readonly stamps: ListStamps
  hashes(log: string): LogHashes
  /** vkey of each log. */
  readonly vkeys: Readonly<Record<string, string>>
  /** Raw public keys of segments, base64. */
  readonly segmentKeys: readonly string[]
  /** `dataschema` → JSON Schema, as far as the packs have it. */
  readonly schemas: ReadonlyMap<string, JsonObject>
  readonly version: string
  /** `auth.purposeRequired` */
  readonly purposeRequired: boolean
  interactionTokens: AccessDeps['interactionTokens']
  /** Asks the thread that has the vault. */
  personOf: AccessDeps['personOf']
}

const NO_STAMPS: ChosenStamps = { stamps: [], unfit: [] }
const KEYS_NOTE = 'Hints. A key found beside what it signed says nothing about who signed: take the log key, policy or root from elsewhere.'

/**
 * Writes the bundle of an order to `path`, with bounded memory, one checkpoint a log for all of it.
 * @throws SealtrailError UNKNOWN_TRAIL, BAD_REQUEST, TOO_LARGE, INDEX_BEHIND, DATA_CORRUPT, DATA_UNWRITABLE: then nothing is left behind
 */
export async function makeBundle(order: ExportOrder, path: string, deps: BundleDeps, onProgress: (records: number) => void): Promise<ExportMade> {
  const folder = `${path}.parts`
  rmSync(folder, { recursive: true, force: true })
  rmSync(path, { force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  assertRoom(folder)
  const zip = new ZipFile(path, order.createdMs)
  try {
    return await fill(zip, order, folder, deps, onProgress)
  } catch (error) {
    zip.abort()
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fill(zip: ZipFile, order: ExportOrder, folder: string, deps: BundleDeps, onProgress: (records: number) => void): Promise<ExportMade> {
  const snapshots = new Snapshots(deps.records.logs(), deps.checkpoints)
  const person = order.access === null ? null : new AccessSight(order.access, deps)
  const plan = await planOf(order, person, snapshots, deps)
  const total = plan.parts.reduce((sum, { count }) => sum + count, 0)
  if (total > deps.maxRecords) throw new SealtrailError('TOO_LARGE', `${total} records; see limits.exportRecords, or ask for smaller ranges`)
  const committed = snapshots.sizes()
  const certificates = new ExportCertificates(snapshots, deps)
  const logs: BundleLog[] = []
  const runs: Record<string, Array<[number, number]>> = {}
  const disclosed: Record<string, string[]> = {}
  const schemas = new Set<string>()
  const unfitStamps: string[] = []
  const view = viewOf(order.requester, order.openings, deps.purposeRequired)
  let done = 0
  for (const { log, leaves, end, range } of plan.parts) {
    const snapshot = snapshots.covering(log, end)
    const hashes = deps.hashes(log)
    const trail = deps.trails.find((each) => each.log === log)?.trail ?? log
    const {
      runs: places,
      disclosed: paths,
      ...part
    } = await writeLogPart(log, leaves, range, {
      zip,
      folder,
      origin: originOf(deps.vkeys[log]),
      snapshot,
      hashes,
      vault: deps.vault,
      erasedUnder: certificates.erasedUnder,
      onCertificate: (id) => certificates.add(id),
      object: (name, digest) => deps.records.object(name, digest),
      sight: (index, record) => (person === null ? sightOf(view, { log, trail, index, subject: record.subject }, null) : person.of(record)),
      wrapper: deps.wrapper,
      total,
      onSchema: (dataschema) => void schemas.add(dataschema),
      onRecords: (count) => onProgress((done += count)),
    })
    const { stamps, unfit } = part.records === 0 ? NO_STAMPS : await chooseStamps(deps.stamps, log, part.first, part.end, committed.get(log) ?? 0)
    unfitStamps.push(...unfit)
    logs.push({ ...part, timestamps: stamps.map((stamp) => addStamp(zip, log, stamp, snapshot.size, hashes)) })
    runs[log] = places
    disclosed[log] = paths
  }
  await certificates.write(zip)
  addSchemas(zip, schemas, deps.schemas)
  zip.add('keys.json', `${canonicalize(keysOf(logs, deps) as unknown as JsonValue)}\n`)
  const about = {
    format: BUNDLE_FORMAT,
    created: new Date(order.createdMs).toISOString(),
    tool: { name: 'sealtrail', version: deps.version },
    asked: plan.asked,
    requester: order.requester,
    logs,
  } as const
  zip.add('CERTIFICATE-DRAFT.md', certificateDraft(about, zip.files()))
  zip.add('README.md', readme(about))
  const manifest: BundleManifest = { ...about, files: zip.files() }
  const text = `${canonicalize(manifest as unknown as JsonValue)}\n`
  zip.add('manifest.json', text)
  const manifestSha256 = zip.files().find(({ path }) => path === 'manifest.json')?.sha256 ?? ''
  return { ...zip.end(), manifest: manifestSha256, records: done, logs, runs, disclosed, unfitStamps }
}

interface Part {
  readonly log: string
  readonly count: number
  /** Behind the last record. */
  readonly end: number
  readonly range: { from: number; to: number } | null
  readonly leaves: AsyncIterable<Leaf>
}

async function planOf(order: ExportOrder, person: AccessSight | null, snapshots: Snapshots, deps: BundleDeps): Promise<{ asked: BundleAsked; parts: Part[] }> {
  const { asked } = order
  const { records } = deps
  if (asked.kind === 'range') {
    const to = asked.to ?? snapshots.sizes().get(asked.log) ?? 0
    const { size } = snapshots.covering(asked.log, to)
    if (asked.from > to || to > size) throw new SealtrailError('BAD_REQUEST', `the log has ${size} records`)
    const range = { from: asked.from, to }
    return {
      asked: { kind: 'range', log: asked.log, ...range },
      parts: [{ log: asked.log, count: to - asked.from, end: to, range, leaves: run(records, asked.log, range) }],
    }
  }
  const selected = await select(asked, snapshots.sizes(), deps, order.access)
  await person?.learn(selected)
  const parts = [...selected]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([log, indexes]): Part => ({ log, count: indexes.length, end: (indexes.at(-1) as number) + 1, range: null, leaves: some(records, log, indexes) }))
  // The alias stays here: what the bundle says of it is only that a person was asked for.
  return { asked: asked.kind === 'person' || asked.kind === 'subject-access' ? { kind: asked.kind } : asked, parts }
}

async function* run(records: Records, log: string, { from, to }: { from: number; to: number }): AsyncGenerator<Leaf> {
  let index = from
  if (from === to) return
  for await (const bytes of records.range(log, from, to)) {
    if (bytes.length === 0) throw new SealtrailError('RECORDS_EXPIRED', `log ${log}: record ${index} has expired; a range is whole or none`)
    yield { index: index++, bytes }
  }
}

async function* some(records: Records, log: string, indexes: readonly number[]): AsyncGenerator<Leaf> {
  for (const index of indexes) {
    const bytes = await records.record(log, index)
    if (bytes === null && (await goneAt(records, log, index)) !== null) throw new SealtrailError('RECORDS_EXPIRED', `record ${index} of log ${log} has expired`)
    if (bytes === null) throw new SealtrailError('DATA_CORRUPT', `record ${index} of log ${log} cannot be read; run \`sealtrail verify\``)
    yield { index, bytes }
  }
}

function addSchemas(zip: ZipFile, named: ReadonlySet<string>, schemas: BundleDeps['schemas']): void {
  const paths = new Map<string, JsonObject>()
  for (const dataschema of named) {
    const path = schemaPath(dataschema)
    const schema = schemas.get(dataschema.replace(/#newer$/, ''))
    if (path !== null && schema !== undefined) paths.set(path, schema)
  }
  for (const [path, schema] of [...paths].sort(([a], [b]) => (a < b ? -1 : 1))) zip.add(path, `${canonicalize(schema)}\n`)
}

function keysOf(logs: readonly BundleLog[], { vkeys, wrapper, segmentKeys }: BundleDeps): BundleKeys {
  return {
    note: KEYS_NOTE,
    logs: Object.fromEntries(logs.map(({ log, origin }) => [origin, vkeys[log] as string])),
    wrapper: { alg: 'EdDSA', crv: 'Ed25519', kid: wrapper.kid, kty: 'OKP', use: 'sig', x: wrapper.x },
    segments: [...segmentKeys],
  }
}

/** A vkey's name is the log's origin. */
function originOf(vkey: string | undefined): string {
  return (vkey ?? '').split('+')[0] as string
}
