import type { Entry } from '../event/entry.ts'
import { latin1, decodeRow } from '../vault/row.ts'
import type { ErasableVault, OwnedRow, PersonKeys } from '../vault/erasable.ts'
import type { Vault } from '../vault/vault.ts'
import { vaultValues } from '../index/disclose.ts'
import { keptDigest } from '@sealtrail/evidence'
import type { Found } from './eraser.ts'
import { affected, placesOf } from './places.ts'
import type { PlacesDeps } from './places.ts'
import { LEAST_PATTERN } from './patterns.ts'
import { quarantinedNaming } from './quarantined.ts'
import type { QuarantinedDeps } from './quarantined.ts'
import type { ErasureWork, Pattern, WorkRow } from './work-file.ts'

/** What the values of a person are found with. */
export interface FindDeps extends PlacesDeps, Omit<QuarantinedDeps, 'index' | 'records' | 'vault'> {
  readonly index: PlacesDeps['index'] & QuarantinedDeps['index']
  readonly vault: Pick<ErasableVault, 'personOf' | 'rowsUnder' | 'traces'> & Pick<Vault, 'rows' | 'open'>
  /** Tokens of an interaction's own key, under every token key. */
  interactionTokens(subject: string): readonly string[]
  /** Entries of the journal: accepted, and perhaps not sealed yet. */
  accepted(): AsyncIterable<Pick<Entry, 'vaultKey' | 'subject'>>
}

/** What is found, with all that is needed to destroy it. */
export interface FoundAll {
  readonly found: Found
  readonly work: ErasureWork
}

/** Subjects asked for at once. */
const AT_ONCE = 1_000

/**
 * Everything that a person's keys open, and what goes along: the values of nobody known in the same interactions, which are
 * under a key of their own, and quarantined inputs that name the person.
 * @param known what an earlier attempt found: some of it may be destroyed by now
 * @param condemn told of the interactions' keys before their rows are read
 * @throws SealtrailError INDEX_BEHIND, DATA_CORRUPT, STORE_UNREADABLE, KEY_UNAVAILABLE
 */
export async function find(
  person: PersonKeys,
  deps: FindDeps,
  { known, condemn, onProgress }: { known: ErasureWork | null; condemn(keyIds: readonly string[]): Promise<void>; onProgress(rows: number): void },
): Promise<FoundAll> {
  const own = await rowsUnder(new Set(person.keyIds), deps, onProgress)
  const { subjects } = await standing(own.keys(), deps)
  const quarantined = await quarantinedNaming(new Set(person.tokens), deps)
  for (const subject of quarantined.named) subjects.add(subject)
  const interactions = new Set(known?.interactions)
  const tokens = new Set([...person.tokens, ...(known?.tokens ?? [])])
  for (let list = [...subjects]; list.length > 0; list = list.slice(AT_ONCE)) {
    const asked = await deps.vault.personOf(list.slice(0, AT_ONCE).flatMap((subject) => deps.interactionTokens(subject)))
    for (const id of asked.keyIds) interactions.add(id)
    for (const token of asked.tokens) tokens.add(token)
  }
  await condemn([...interactions])
  const keyIds = new Set([...person.keyIds, ...interactions])
  const rows = interactions.size === 0 ? own : await rowsUnder(keyIds, deps, onProgress)
  const before = new Map(known?.rows.map((row) => [latin1(row.key), row]))
  const patterns = new Map<string, Pattern>()
  for (const pattern of known?.patterns ?? []) patterns.set(`${pattern.what} ${latin1(pattern.bytes)}`, pattern)
  const add = (what: string, bytes: Uint8Array): void => void patterns.set(`${what} ${latin1(bytes)}`, { what, bytes: Uint8Array.from(bytes) })
  for (const { what, bytes } of await deps.vault.traces([...keyIds])) add(what, bytes)
  const work: WorkRow[] = []
  for (const [key, row] of rows) {
    work.push(join(before.get(key), await look(row, keyIds, deps, add)))
    before.delete(key)
    if (work.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  work.push(...before.values())
  const { placed, waiting } = await standing(
    work.map(({ key }) => latin1(key)),
    deps,
    work,
  )
  const found: Found = {
    records: await affected(
      placed,
      (auditid) => staying(auditid, keyIds, deps),
      ({ key }) => (rows.get(latin1(key))?.others ?? 0) > 0,
    ),
    interactions: [...interactions],
    waiting,
    quarantined: { named: quarantined.named.length, others: quarantined.others },
  }
  return { found, work: { interactions: [...interactions], tokens: [...tokens], rows: work, patterns: [...patterns.values()], exports: known?.exports ?? [] } }
}

async function rowsUnder(keyIds: ReadonlySet<string>, { vault }: FindDeps, onProgress: (rows: number) => void): Promise<Map<string, OwnedRow>> {
  const rows = new Map<string, OwnedRow>()
  for await (const row of vault.rowsUnder(keyIds, onProgress)) rows.set(latin1(row.key), { ...row, key: Uint8Array.from(row.key) })
  return rows
}

/** What the events of these rows are about, where they are sealed, and how many wait to be. */
async function standing(keys: Iterable<string>, deps: FindDeps, rows?: readonly WorkRow[]) {
  const asked = rows ?? [...keys].map((key) => ({ key: Buffer.from(key, 'latin1'), digests: null, tokens: [] }))
  const { placed, elsewhere } = await placesOf(asked, deps)
  const subjects = new Set(placed.map(({ record }) => record.subject))
  const missing = new Set(elsewhere.map(({ key }) => latin1(key)))
  let waiting = 0
  if (missing.size > 0)
    for await (const { vaultKey, subject } of deps.accepted()) {
      if (vaultKey === null || !missing.delete(latin1(vaultKey))) continue
      subjects.add(subject)
      waiting++
    }
  return { placed, subjects, waiting }
}

/** What goes of a row, while its keys still open it. */
async function look(row: OwnedRow, keyIds: ReadonlySet<string>, { vault }: FindDeps, add: (what: string, bytes: Uint8Array) => void): Promise<WorkRow> {
  const tokens = row.tokens.map(({ token }) => token)
  const auditid = row.key.subarray(0, 16)
  const stored = row.redacted ? undefined : (await vault.rows(auditid)).find(({ key }) => latin1(key) === latin1(row.key))
  const entry = stored === undefined ? null : decodeRow(stored.key, stored.value)
  if (stored === undefined || entry === null) return { key: row.key, digests: null, tokens }
  const opened = await vault.open(stored, auditid)
  let digests: string[] | null = []
  entry.parts.forEach((part, i) => {
    if (!keyIds.has(latin1(part.keyId))) return
    // Both ends: a write-ahead log splits what lies across two of its blocks.
    if (part.ciphertext.length >= ENDS) for (const from of [0, part.ciphertext.length - ENDS]) add('ciphertext', part.ciphertext.subarray(from, from + ENDS))
    const answer = opened[i]
    if (answer?.state === 'open') digests?.push(...answer.disclosures.map(keptDigest))
    else digests = null
  })
  const telling = tellingPart(entry.fingerprint)
  if (telling !== null) add('fingerprint', telling)
  return { key: row.key, digests, tokens }
}

const ENDS = 16

/** The longest run of words that are stated, two at least: zeros stand everywhere, and a search that stops at each takes long. */
function tellingPart(fingerprint: Uint8Array): Uint8Array | null {
  let [best, from] = [fingerprint.subarray(0, 0), 0]
  for (let at = 0; at <= fingerprint.length; at += 4) {
    if (at < fingerprint.length && fingerprint.subarray(at, at + 4).some((byte) => byte !== 0)) continue
    if (at - from > best.length) best = fingerprint.subarray(from, at)
    from = at + 4
  }
  return best.length >= LEAST_PATTERN ? best : null
}

/** What was known before it was destroyed counts, and what is new joins it. */
function join(before: WorkRow | undefined, now: WorkRow): WorkRow {
  if (before === undefined) return now
  return {
    key: now.key,
    digests: before.digests === null || now.digests === null ? before.digests : [...new Set([...before.digests, ...now.digests])],
    tokens: [...new Set([...before.tokens, ...now.tokens])],
  }
}

/** Digests of an event that parts under other keys open. */
export async function staying(auditid: string, keyIds: ReadonlySet<string>, { vault }: Pick<FindDeps, 'vault'>): Promise<ReadonlySet<string>> {
  const others: Pick<Vault, 'rows' | 'open'> = {
    rows: (id) => vault.rows(id),
    async open(row, id) {
      const parts = decodeRow(row.key, row.value)?.parts ?? []
      return (await vault.open(row, id)).map((opened, i) =>
        opened.state === 'open' && keyIds.has(latin1(parts[i]?.keyId ?? new Uint8Array(0))) ? { state: 'open', disclosures: [] } : opened,
      )
    },
  }
  const { known, kept } = await vaultValues(auditid, others)
  return new Set([...known.keys(), ...kept.keys()])
}
