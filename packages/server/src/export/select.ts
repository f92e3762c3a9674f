import { SealtrailError } from '../errors.ts'
import { instantOf } from '../event/instant.ts'
import { aliasTokens } from '../event/alias.ts'
import { personAlias } from '../event/person-alias.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import { readFields } from '../index/fields.ts'
import type { Index } from '../index/index.ts'
import { MAX_LIMIT, runQuery } from '../index/query.ts'
import type { Query } from '../index/query.ts'
import type { Records } from '../index/records.ts'
import { Tail } from '../index/tail.ts'
import type { TrailReading } from '../index/trails.ts'
import { plainToken } from '../index/plain-token.ts'
import type { AccessGround } from './access.ts'
import type { ExportAsked } from './export.ts'

export interface SelectDeps {
  readonly index: Index
  readonly records: Records
  readonly trails: readonly TrailReading[]
  readonly keyed: Pick<KeyedHashes, 'tokens'>
  readonly tenant: string
  /** Most records of one export. */
  readonly maxRecords: number
  readonly sleep: (ms: number) => Promise<void>
  /** How long the index may take to hold everything committed before the question. */
  readonly indexWithinMs: number
}

/** Log → indexes of the records asked for, ascending; a log without any is not in it. */
export type Selection = ReadonlyMap<string, readonly number[]>

const PAGE = 1_000
const SYSTEM_LOG = 'system'

/**
 * Finds what is asked for among the first `sizes` records of each log. The index only points: the record itself says whether
 * it belongs, and a subject whose numbers have a gap is not exported as if it were whole.
 * @throws SealtrailError INDEX_BEHIND, TOO_LARGE, DATA_CORRUPT, UNKNOWN_TRAIL
 */
export async function select(
  asked: Exclude<ExportAsked, { kind: 'range' }>,
  sizes: ReadonlyMap<string, number>,
  deps: SelectDeps,
  access: AccessGround | null = null,
): Promise<Selection> {
  await indexed(sizes, deps)
  if (asked.kind === 'query') return byQuery(asked.query, sizes, deps)
  if (asked.kind === 'subject-access') return ofEvents(access?.auditids ?? [], sizes, deps)
  const found = new Map<string, number[]>()
  let count = 0
  for (const [log, size] of sizes) {
    // What the server did is not about a subject or a person; its log is exported by range or query.
    if (log === SYSTEM_LOG) continue
    const indexes = asked.kind === 'subject' ? await ofSubject(asked.subject, log, size, deps) : await ofPerson(asked.alias, log, size, deps)
    count += indexes.length
    assertCount(count, deps)
    if (indexes.length > 0) found.set(log, indexes)
  }
  return found
}

/** Resolves when the index holds so much of each log. @throws SealtrailError INDEX_BEHIND */
export async function indexed(
  sizes: ReadonlyMap<string, number>,
  { index, sleep, indexWithinMs }: Pick<SelectDeps, 'index' | 'sleep' | 'indexWithinMs'>,
): Promise<void> {
  for (let waited = 0; [...sizes].some(([log, size]) => index.size(log) < size); waited += 20) {
    if (waited >= indexWithinMs) throw new SealtrailError('INDEX_BEHIND')
    await sleep(20)
  }
}

async function ofSubject(subject: string, log: string, size: number, deps: SelectDeps): Promise<number[]> {
  const indexes: number[] = []
  let next = 1
  for (let after = -1; ;) {
    const places = await deps.index.subject(log, subject, after, PAGE)
    for (const { subjectsequence, index } of places) {
      after = subjectsequence
      if (index >= size) continue
      const bytes = await deps.records.record(log, index)
      const fields = bytes === null ? null : readFields(bytes)
      if (fields?.subject !== subject || fields.subjectsequence !== next++) throw await lost(log, deps)
      indexes.push(index)
    }
    assertCount(indexes.length, deps)
    if (places.length < PAGE) return indexes.sort((a, b) => a - b)
  }
}

/**
 * All records of every subject of which one of these events is a record, as far as they stand: what a person took part in is
 * about them as a whole. Events that are not sealed yet, or have expired, are in no log.
 */
async function ofEvents(auditids: readonly string[], sizes: ReadonlyMap<string, number>, deps: SelectDeps): Promise<Selection> {
  const subjects = new Map<string, { readonly log: string; readonly subject: string }>()
  for (const auditid of auditids)
    for (const { log, index } of await deps.index.auditid(auditid)) {
      const bytes = index < (sizes.get(log) ?? 0) ? await deps.records.record(log, index) : null
      const fields = bytes === null ? null : readFields(bytes)
      if (fields?.auditid === auditid) subjects.set(`${log}\n${fields.subject}`, { log, subject: fields.subject })
    }
  const found = new Map<string, number[]>()
  let count = 0
  for (const { log, subject } of subjects.values()) {
    const indexes = found.get(log) ?? []
    found.set(log, indexes)
    for (let after = -1; ;) {
      const places = await deps.index.subject(log, subject, after, PAGE)
      for (const { subjectsequence, index } of places) {
        after = subjectsequence
        const bytes = index < (sizes.get(log) ?? 0) ? await deps.records.record(log, index) : null
        if (bytes === null || readFields(bytes)?.subject !== subject) continue
        indexes.push(index)
        count++
      }
      assertCount(count, deps)
      if (places.length < PAGE) break
    }
  }
  for (const indexes of found.values()) indexes.sort((a, b) => a - b)
  return found
}

/** A subject whose records are not all there: some of them have expired, or something is wrong. */
async function lost(log: string, { records }: SelectDeps): Promise<SealtrailError> {
  const [first] = await records.gone(log)
  return first === undefined
    ? gone(log)
    : new SealtrailError('RECORDS_EXPIRED', `log ${log}: records of the subject have expired; what is left of them is in its summary`)
}

function gone(log: string): SealtrailError {
  return new SealtrailError(
    'DATA_CORRUPT',
    `log ${log}: records of the subject cannot be found; run \`sealtrail verify\`, and \`sealtrail rebuild-index\` if it finds nothing`,
  )
}

/** Every way in which a person may be known: each kind of token the packs make of a personal field, and ids kept in clear. */
async function ofPerson(alias: string, log: string, size: number, deps: SelectDeps): Promise<number[]> {
  const trail = deps.trails.find((each) => each.log === log)
  if (trail === undefined) return []
  const known = new Set([...trail.tokenKinds.values()].flat())
  const named = personAlias(alias)
  const { kind, value } = named.kind === null || known.has(named.kind) || named.kind === 'external-id' ? named : { kind: null, value: alias }
  // A value alone is looked for as every kind of name: an export that holds too much is seen, one that holds too little is not.
  const kinds = kind === null ? known : [kind]
  const tokens = [...kinds].flatMap((each) => aliasTokens(deps.keyed, deps.tenant, each, value).map((token) => Buffer.from(token, 'latin1') as Uint8Array))
  if (kind === null || kind === 'external-id') tokens.push(plainToken('customer_external_id', value))
  const found = new Set<number>()
  for (const token of tokens)
    for (let after = -1; ;) {
      const places = await deps.index.token(log, token, { after, limit: PAGE })
      for (const index of places) if (index < size) found.add(index)
      assertCount(found.size, deps)
      if (places.length < PAGE) break
      after = places.at(-1) as number
    }
  return [...found].sort((a, b) => a - b)
}

async function byQuery(query: Readonly<Record<string, string>>, sizes: ReadonlyMap<string, number>, deps: SelectDeps): Promise<Selection> {
  const { log, from, to, ...filters } = query
  if (log !== undefined && !sizes.has(log)) throw new SealtrailError('UNKNOWN_TRAIL', 'there is no log of this name')
  const logs = log === undefined ? [...sizes.keys()].filter((each) => each !== SYSTEM_LOG) : [log]
  const tail = new Tail(deps.index, deps.records, { waitMs: 500, pollMs: 5, maxRecords: 100_000, sleep: deps.sleep })
  const asked: Query = {
    logs,
    limit: MAX_LIMIT,
    ...filters,
    ...(from === undefined ? {} : { fromMs: instantOf(from) as number }),
    ...(to === undefined ? {} : { toMs: instantOf(to) as number }),
  }
  const found = new Map<string, number[]>()
  let count = 0
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await runQuery({ ...asked, ...(cursor === undefined ? {} : { cursor }) }, { index: deps.index, records: deps.records, tail })
    if (page.mismatches[0] !== undefined) throw gone(page.mismatches[0].log)
    for (const { log: name, index } of page.entries) {
      if (index >= (sizes.get(name) ?? 0)) continue
      const indexes = found.get(name)
      if (indexes === undefined) found.set(name, [index])
      else indexes.push(index)
      count++
    }
    assertCount(count, deps)
    cursor = page.next
  }
  for (const indexes of found.values()) indexes.sort((a, b) => a - b)
  return found
}

function assertCount(count: number, { maxRecords }: SelectDeps): void {
  if (count > maxRecords) throw new SealtrailError('TOO_LARGE', `more than ${maxRecords} records; see limits.exportRecords, or ask for ranges`)
}
