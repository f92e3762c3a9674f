// What there is of one person, and of everybody else, read out of an open data directory: for the bench and for tests.
import { createHash } from 'node:crypto'
import { auditIdBytes, openDisclosure, parseRecord } from '@sealtrail/evidence'
import type { Sealing } from '../src/config/sealing.ts'
import { aliasTokens, interactionTokens } from '../src/event/alias.ts'
import { openRow } from '../src/vault/encrypt.ts'
import type { LevelVault } from '../src/vault/level/vault.ts'
import { decodeRow } from '../src/vault/row.ts'
import type { KeyAnswer } from '../src/vault/vault.ts'
import { auditidOf } from '../src/privacy/places.ts'
import type { Pattern } from '../src/privacy/work-file.ts'

export interface Traces {
  readonly keyIds: readonly string[]
  readonly records: number
  readonly values: readonly string[]
  /** Hex: bytes, by kind. */
  readonly bytes: ReadonlyArray<readonly [what: string, hex: string]>
  /** base64url. */
  readonly disclosures: readonly string[]
}

export interface Others {
  readonly values: number
  readonly hash: string
  /** Values asked for that somebody else has, too, and all search tokens of others in hex; none when nothing was asked for. */
  readonly shared: readonly string[]
  readonly tokens: readonly string[]
}

/** Of a person, and of what goes along: values of nobody's in the same interactions, and quarantined inputs with one of the names in them. */
export async function tracesOf(sealing: Sealing, aliases: ReadonlyArray<readonly [string, string]>): Promise<Traces> {
  const { vault, keys, config } = sealing
  const own = await vault.personOf(aliases.flatMap(([kind, value]) => aliasTokens(keys, config.tenant, kind, value)))
  const interactions = await vault.personOf(
    (await subjectsOf(sealing, new Set(own.keyIds), aliases)).flatMap((subject) => interactionTokens(keys, config.tenant, subject)),
  )
  const person = { keyIds: [...own.keyIds, ...interactions.keyIds], tokens: [...own.tokens, ...interactions.tokens] }
  const ids = new Set(person.keyIds)
  const bytes = new Map<string, [string, string]>()
  const add = (what: string, part: Uint8Array): void => void bytes.set(`${what} ${hex(part)}`, [what, hex(part)])
  for (const each of person.tokens) add('token', Buffer.from(each, 'latin1'))
  for (const { what, bytes: trace } of await vault.traces(person.keyIds)) add(what, trace)
  for (const answered of await vault.keysById(person.keyIds.map((id) => Buffer.from(id, 'latin1'))))
    if (answered.state === 'live') add('data key', answered.key.key)
  const disclosures: string[] = []
  let rows = 0
  for await (const row of vault.rowsUnder(ids)) {
    rows++
    const auditid = row.key.subarray(0, 16)
    for (const each of row.tokens) add('token', Buffer.from(each.token, 'latin1'))
    for (const stored of await vault.rows(auditid)) {
      const parts = decodeRow(stored.key, stored.value)?.parts ?? []
      const opened = await vault.open(stored, auditid)
      parts.forEach(({ keyId, ciphertext }, i) => {
        if (!ids.has(Buffer.from(keyId).toString('latin1'))) return
        add('ciphertext', ciphertext)
        const answered = opened[i]
        if (answered?.state === 'open') disclosures.push(...answered.disclosures)
      })
    }
  }
  const values = new Set(disclosures.flatMap((disclosure) => textsIn(openDisclosure(disclosure).value)))
  return {
    keyIds: person.keyIds.map((id) => Buffer.from(id, 'latin1').toString('hex')),
    records: rows,
    values: [...values],
    bytes: [...bytes.values()],
    disclosures,
  }
}

async function subjectsOf({ vault, records, sizes }: Sealing, ids: ReadonlySet<string>, aliases: ReadonlyArray<readonly [string, string]>): Promise<string[]> {
  const events = new Set<string>()
  for await (const { key } of vault.rowsUnder(ids)) events.add(auditidOf(key))
  const subjects = new Set<string>()
  for (const log of sizes.logs)
    for await (const bytes of records.range(log, 0, sizes.get(log))) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      const auditid = text.latin1Slice(12, 38)
      if (events.has(auditid)) subjects.add(parseRecord(bytes).subject)
      else if (text.includes('"sealtrail.quarantined"')) {
        const id = auditIdBytes(auditid)
        const opened = await Promise.all((await vault.rows(id)).map((row) => vault.open(row, id)))
        const said = opened.flat().flatMap((part) => (part.state === 'open' ? part.disclosures.map((each) => JSON.stringify(openDisclosure(each).value)) : []))
        if (said.some((each) => aliases.some(([, value]) => each.includes(value)))) subjects.add(parseRecord(bytes).subject)
      }
    }
  return [...subjects]
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** In the order of the logs, so that before and after are compared value by value. */
export async function othersOf({ sizes, records, ...sealing }: Sealing, erased: ReadonlySet<string>, asked: ReadonlySet<string>): Promise<Others> {
  const vault = sealing.vault as LevelVault
  const hash = createHash('sha256')
  const known = new Map<string, KeyAnswer>()
  const shared = new Set<string>()
  const tokens = new Set<string>()
  let values = 0
  for (const log of sizes.logs) {
    let ids: Uint8Array[] = []
    const look = async (): Promise<void> => {
      const rows = (await vault.rowsOf(ids)).flat()
      const entries = rows.map((row) => decodeRow(row.key, row.value))
      const missing = new Map<string, Uint8Array>()
      for (const entry of entries)
        for (const { keyId } of entry?.parts ?? []) {
          const id = Buffer.from(keyId).toString('latin1')
          if (!erased.has(id) && !known.has(id)) missing.set(id, Uint8Array.from(keyId))
        }
      const answers = await vault.keysById([...missing.values()])
      ;[...missing.keys()].forEach((id, i) => known.set(id, answers[i] as KeyAnswer))
      rows.forEach((row, i) => {
        const parts = entries[i]?.parts ?? []
        const opened = openRow(row, row.key.subarray(0, 16), () =>
          parts.map(({ keyId }) => known.get(Buffer.from(keyId).toString('latin1')) ?? { state: 'missing', why: 'erased' }),
        )
        for (const { owner, token: each } of asked.size === 0 ? [] : (entries[i]?.tokens ?? []))
          if (!erased.has(Buffer.from(parts[owner]?.keyId ?? '').toString('latin1'))) tokens.add(hex(each))
        parts.forEach(({ keyId }, part) => {
          if (erased.has(Buffer.from(keyId).toString('latin1'))) return
          const answered = opened[part]
          if (answered?.state !== 'open') throw new Error(`a value of somebody else cannot be opened: ${answered?.state}`)
          for (const disclosure of answered.disclosures) {
            values++
            for (const text of asked.size === 0 ? [] : textsIn(openDisclosure(disclosure).value)) if (asked.has(text)) shared.add(text)
            hash.update(disclosure)
          }
        })
      })
      ids = []
    }
    for await (const bytes of records.range(log, 0, sizes.get(log))) {
      ids.push(auditIdBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).latin1Slice(12, 38)))
      if (ids.length === 1_000) await look()
    }
    await look()
  }
  return { values, hash: hash.digest('hex'), shared: [...shared], tokens: [...tokens] }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
/** What is searched for. @param strings only what a heap would hold as text or in an object */
export function patternsOf({ values, bytes, disclosures }: Traces, strings = false): Pattern[] {
  const patterns: Pattern[] = []
  const add = (what: string, part: Uint8Array): void => {
    if (part.length >= 8) patterns.push({ what, bytes: part })
  }
  // The people of a bench are nobody: what is left of one may be said.
  for (const value of values) add(strings ? `value ${value.slice(0, 80)}` : 'value', Buffer.from(value))
  for (const disclosure of disclosures) {
    add('disclosure', Buffer.from(disclosure))
    add('salt', Buffer.from(openDisclosure(disclosure).salt))
  }
  for (const [what, hex] of bytes) {
    const raw = Buffer.from(hex, 'hex')
    // A table leaves out of a key what it shares with the one before.
    if (!strings) add(what, what === 'token' ? raw.subarray(4) : raw.subarray(0, Math.min(raw.length, 40)))
    if (strings) add(`${what} as a string`, Buffer.from(inSnapshot(raw)))
    if (what === 'ciphertext') continue
    add(`${what} in hex`, Buffer.from(hex))
    add(`${what} in base64`, Buffer.from(raw.toString('base64').slice(0, Math.floor((raw.length * 4) / 3))))
    add(`${what} in base64`, Buffer.from(raw.toString('base64url').slice(0, Math.floor((raw.length * 4) / 3))))
  }
  return [...new Map(patterns.map((pattern) => [`${pattern.what} ${Buffer.from(pattern.bytes).toString('latin1')}`, pattern])).values()]
}

/** The same without what others have as well. @param others asked with the person's values */
export function exclusive(traces: Traces, { shared, tokens }: Others): Traces {
  const [values, theirs] = [new Set(shared), new Set(tokens)]
  return {
    ...traces,
    values: traces.values.filter((value) => !values.has(value)),
    bytes: traces.bytes.filter(([what, hex]) => what !== 'token' || !theirs.has(hex)),
  }
}

/** How a heap snapshot writes a string of these codes. */
function inSnapshot(bytes: Uint8Array): string {
  const named: Readonly<Record<number, string>> = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r', 34: '\\"', 92: '\\\\' }
  let text = ''
  for (const byte of bytes)
    text += named[byte] ?? (byte > 31 && byte < 128 ? String.fromCharCode(byte) : `\\u00${byte.toString(16).toUpperCase().padStart(2, '0')}`)
  return text
}
