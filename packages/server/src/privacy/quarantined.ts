import { auditIdBytes, openDisclosure, parseRecord } from '@sealtrail/evidence'
import { addressAlias } from '../event/address.ts'
import type { JsonValue } from '../event/json.ts'
import { readAt } from '../index/finder.ts'
import { MAX_U48 } from '../index/index.ts'
import type { Index } from '../index/index.ts'
import type { Records } from '../index/records.ts'
import type { Vault } from '../vault/vault.ts'

export interface QuarantinedDeps {
  readonly index: Pick<Index, 'timeline'>
  readonly records: Pick<Records, 'record'>
  readonly vault: Pick<Vault, 'rows' | 'open'>
  /** Logs that may hold quarantined inputs. */
  readonly logs: readonly string[]
  /** Kinds of names the packs know people by. */
  readonly kinds: readonly string[]
  /** Tokens of a name under every token key, 16 bytes latin1. */
  aliasTokens(kind: string, value: string): readonly string[]
}

export interface Quarantined {
  /** Subjects of those that name the person. */
  readonly named: readonly string[]
  /** How many can be read and do not: whether they speak of the person nobody can tell. */
  readonly others: number
}

const TYPE = 'sealtrail.quarantined'
const MOST = 10_000
/** Text read between two turns given to others. */
const TURN = 64 * 1024
const LONGEST_NAME = 320
const LOCAL_PART = /[^\s"'<>,;:()[\]{}@]{1,64}$/
const DOMAIN = /^[^\s"'<>,;:()[\]{}@]{1,255}/
const NUMBERS = /\+?\d[\d ().-]{5,22}\d/g
const BETWEEN_WORDS = /[\s,;|"'<>=&]+/

/**
 * Which quarantined inputs name a person. No pack could read them, so nothing in vault or index says whom they are about;
 * but what they say can be opened, and a name in it gives the same tokens as in an event. A name is found where it is a value
 * of its own, a phone or an e-mail address within a text, or a word of an input that is no JSON.
 * @param tokens of the person's aliases, 16 bytes latin1
 */
export async function quarantinedNaming(tokens: ReadonlySet<string>, deps: QuarantinedDeps): Promise<Quarantined> {
  const named = new Set<string>()
  let others = 0
  let read = 0
  for (const log of deps.logs) {
    for await (const { index } of deps.index.timeline(log, { type: TYPE }, { from: 0, to: MAX_U48, after: null })) {
      const bytes = await readAt(deps.records as Records, log, index)
      const record = bytes === null || bytes.length === 0 ? null : parseRecord(bytes)
      if (record?.type !== TYPE) continue
      const texts = await textsOf(record.auditid, deps.vault)
      if (texts.length === 0) continue
      if (texts.some((text) => names(text, tokens, deps))) named.add(record.subject)
      else others++
      read += texts.reduce((sum, text) => sum + text.length, 0)
      if (read < TURN) continue
      read = 0
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { named: [...named], others }
}

/** What was quarantined, as far as the vault opens it. */
async function textsOf(auditid: string, vault: QuarantinedDeps['vault']): Promise<string[]> {
  const id = auditIdBytes(auditid)
  const texts: string[] = []
  for (const row of await vault.rows(id))
    for (const part of await vault.open(row, id)) {
      if (part.state !== 'open') continue
      for (const disclosure of part.disclosures) {
        const { value } = openDisclosure(disclosure)
        if (typeof value === 'string') texts.push(value)
        else if (typeof value === 'object' && value !== null && !Array.isArray(value) && typeof value['base64'] === 'string')
          texts.push(Buffer.from(value['base64'], 'base64').toString('latin1'))
      }
    }
  return texts
}

/** attacker: an input that no pack takes may hold anything; of values, words, numbers and addresses 10,000 each are looked at. */
function names(text: string, tokens: ReadonlySet<string>, deps: QuarantinedDeps): boolean {
  for (const [kind, value] of candidates(text, deps.kinds)) if (deps.aliasTokens(kind, value).some((token) => tokens.has(token))) return true
  return false
}

function* candidates(text: string, kinds: readonly string[]): Generator<readonly [kind: string, value: string]> {
  for (const value of scalarsOf(text) ?? text.split(BETWEEN_WORDS, MOST)) {
    if (value === '' || value.length > LONGEST_NAME) continue
    for (const kind of kinds) yield [kind, value]
    const address = addressAlias(value)
    if (address !== null) yield [address.kind, address.value]
  }
  for (const email of emailsIn(text)) yield ['email', email]
  let left = MOST
  for (const [number] of text.matchAll(NUMBERS)) {
    if (left-- === 0) return
    yield ['phone', number]
  }
}

function* emailsIn(text: string): Generator<string> {
  let left = MOST
  for (let at = text.indexOf('@'); at >= 0 && left-- > 0; at = text.indexOf('@', at + 1)) {
    const [local] = LOCAL_PART.exec(text.slice(Math.max(0, at - 64), at)) ?? []
    const [domain] = DOMAIN.exec(text.slice(at + 1, at + 256)) ?? []
    if (local !== undefined && domain !== undefined) yield `${local}@${domain.replace(/[.]+$/, '')}`
  }
}

/** Strings and numbers of a JSON text, or null when it is none. */
function scalarsOf(text: string): string[] | null {
  const open: JsonValue[] = []
  try {
    open.push(JSON.parse(text) as JsonValue)
  } catch {
    return null
  }
  const scalars: string[] = []
  for (let next = open.pop(); next !== undefined && scalars.length < MOST; next = open.pop()) {
    if (typeof next === 'string') scalars.push(next)
    else if (typeof next === 'number') scalars.push(String(next))
    // One by one: there may be a million of them.
    else if (typeof next === 'object' && next !== null) for (const value of Object.values(next)) open.push(value)
  }
  return scalars
}
