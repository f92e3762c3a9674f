import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyTimestamp } from '@sealtrail/evidence'
import type { TimestampVerdict } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { decodeStored, readerFile } from '../publish/timestamp/stored.ts'
import type { StoredTimestamp } from '../publish/timestamp/stored.ts'
import type { Store } from '../store/store.ts'
import { problem } from './verdict.ts'
import type { FoundProblem, Note, TimestampSummary } from './verdict.ts'

export interface TimestampAudit {
  readonly problems: readonly FoundProblem[]
  /** The stamped checkpoints, for the log to be held against. */
  readonly checkpoints: ReadonlyArray<{ readonly object: string; readonly note: string }>
  readonly notes: readonly Note[]
  /**
   * What they establish, once the log was held against the checkpoints: a stamp of one that is not of the log says nothing
   * about its records. Null when there are no time stamps of the log. @param accepted whether the checkpoint of an object fits the log
   */
  summary(accepted: (object: string) => boolean): TimestampSummary | null
}

type Stamp = NonNullable<TimestampSummary['newest']>

/**
 * Checks every time stamp the store has of a log: its object, its token over the checkpoint it names, its revocation lists,
 * and the copy for readers. @param directory null: there are no copies. @param roots DER of trusted roots; none: the tokens are consistent at most
 */
export async function auditTimestamps(directory: string | null, log: string, store: Store, roots: readonly Uint8Array[]): Promise<TimestampAudit> {
  const problems: FoundProblem[] = []
  const checkpoints: { object: string; note: string }[] = []
  /** Of authorities whose roots were not given. */
  const foreign: FoundProblem[] = []
  const good: { readonly object: string; readonly stamp: Stamp }[] = []
  let count = 0
  for await (const { key } of store.list(`${log}/timestamp/`)) {
    const stored = await open(store, key)
    if (stored === null || stored.log !== log) {
      problems.push(problem('TIMESTAMP_DAMAGED', key, null))
      continue
    }
    checkpoints.push({ object: key, note: stored.checkpoint })
    for (const digest of stored.lost) problems.push(problem('TIMESTAMP_LIST_MISSING', `${log}/crl/${digest}`, null))
    if (directory !== null && !isCopied(directory, key, await store.get(key))) problems.push(problem('DERIVED_TIMESTAMPS', readerFile(key) ?? key, null))
    let verdict = await check(stored, roots)
    const found = verdict.problems.map(({ code, message }): FoundProblem => ({ index: null, object: key, code, message }))
    if (found.length > 0 && found.every(({ code }) => code === 'TIMESTAMP_CHAIN')) {
      // An auditor may trust one authority of several: what is sound in itself only does not count.
      verdict = await check(stored, [])
      ;(verdict.ok ? foreign : problems).push(...found)
    } else problems.push(...found)
    count++
    const stamp = stampOf(stored, verdict)
    if (stamp !== null) good.push({ object: key, stamp })
  }
  // Roots were given, and not one time stamp leads to them: that is what was asked.
  if (foreign.length > 0 && !good.some(({ stamp }) => stamp.established)) problems.push(foreign.at(-1) as FoundProblem)
  const notes =
    foreign.length > 0 ? [{ object: `${log}/timestamp`, message: `${foreign.length} time stamps lead to none of the roots given and were not counted` }] : []
  const summary = (accepted: (object: string) => boolean): TimestampSummary => ({
    count,
    newest: good
      .filter(({ object }) => accepted(object))
      .reduce<Stamp | null>((best, { stamp }) => (best === null || isBetter(stamp, best) ? stamp : best), null),
  })
  return { problems, checkpoints, notes, summary: (accepted) => (count === 0 ? null : summary(accepted)) }
}

function check({ token, text, nonce, chain, crls }: StoredTimestamp, roots: readonly Uint8Array[]): Promise<TimestampVerdict> {
  return verifyTimestamp(token, text, { roots, nonce, intermediates: chain, crls })
}

/** The stored object with its lists, null when it is not what its key says. */
async function open(store: Store, key: string): Promise<StoredTimestamp | null> {
  try {
    const bytes = await store.get(key)
    if (bytes === null) return null
    const lists = new Map<string, Uint8Array>()
    // Once to learn which lists it has, once with them.
    for (const digest of decodeStored(key, bytes, () => null).lost) {
      const list = await store.get(`${key.slice(0, key.indexOf('/'))}/crl/${digest}`)
      if (list !== null) lists.set(digest, list)
    }
    return decodeStored(key, bytes, (digest) => lists.get(digest) ?? null)
  } catch (error) {
    if (error instanceof SealtrailError && error.code !== 'STORE_UNREADABLE') return null
    throw error
  }
}

function isCopied(directory: string, key: string, bytes: Uint8Array | null): boolean {
  const file = readerFile(key)
  if (file === null || bytes === null) return true
  const path = join(directory, file)
  const digest = (of: Uint8Array): string => createHash('sha256').update(of).digest('hex')
  return existsSync(path) && digest(readFileSync(path)) === digest(bytes)
}

/** Null when the token is not good. */
function stampOf({ size }: StoredTimestamp, verdict: TimestampVerdict): Stamp | null {
  const { ok, trust, genTime, accuracyMs, tsa, revocation, revocationAsOf } = verdict
  if (!ok || genTime === null) return null
  return { size, latest: latestOf(genTime, accuracyMs ?? 0), tsa: tsa ?? '', established: trust === 'given', revocation, revocationAsOf }
}

/** RFC 3161 section 2.4.2: the token was made between genTime less the accuracy and genTime plus it. */
function latestOf(genTime: string, accuracyMs: number): string {
  // A fraction beyond milliseconds is rounded up with it.
  return accuracyMs === 0 ? genTime : new Date(Date.parse(genTime) + Math.ceil(accuracyMs + (/\.\d{4,}/.test(genTime) ? 1 : 0))).toISOString()
}

function isBetter(one: Stamp, than: Stamp): boolean {
  return one.established === than.established ? one.size >= than.size : one.established
}
