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
const MAX_VALUES = 10_000
const LONGEST_NAME = 320
const EMAILS = /[^\s"'<>,;:()[\]{}]{1,64}@[^\s"'<>,;:()[\]{}]{1,255}/g
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
      if (++read % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
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

/** attacker: an input that no pack takes may hold anything; at most 10,000 of its values are looked at. */
function names(text: string, tokens: ReadonlySet<string>, deps: QuarantinedDeps): boolean {
  let left = MAX_VALUES
  for (const [kind, value] of candidates(text, deps.kinds)) {
    if (left-- === 0) return false
    if (deps.aliasTokens(kind, value).some((token) => tokens.has(token))) return true
  }
  return false
}

function* candidates(text: string, kinds: readonly string[]): Generator<readonly [kind: string, value: string]> {
  const values = scalarsOf(text) ?? text.split(BETWEEN_WORDS)
  for (const value of values) {
    if (value === '' || value.length > LONGEST_NAME) continue
    for (const kind of kinds) yield [kind, value]
    const address = addressAlias(value)
    if (address !== null) yield [address.kind, address.value]
  }
  for (const [email] of text.matchAll(EMAILS)) yield ['email', email.replace(/[.]+$/, '')]
  for (const [number] of text.matchAll(NUMBERS)) yield ['phone', number]
}

/** Strings and numbers of a JSON text, or null when it is none. */
function scalarsOf(text: string): string[] | null {
  const scalars: string[] = []
  const open: JsonValue[] = []
  try {
    open.push(JSON.parse(text) as JsonValue)
  } catch {
    return null
  }
  for (let next = open.pop(); next !== undefined && scalars.length < MAX_VALUES; next = open.pop()) {
    if (typeof next === 'string') scalars.push(next)
    else if (typeof next === 'number') scalars.push(String(next))
    else if (typeof next === 'object' && next !== null) open.push(...Object.values(next))
  }
  return scalars
}
