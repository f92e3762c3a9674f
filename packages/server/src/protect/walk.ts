import { disclosureDigest, keepSalt, makeDisclosure } from '@sealtrail/evidence'
import { addressAlias } from '../event/address.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import type { FieldNode, FieldRule } from '../pack/pack.ts'
import { detect, detectNumber } from './detect.ts'
import type { Detected } from './detect.ts'
import type { ProtectEnv } from './env.ts'
import { pieceDigits, splitInList, splitInMembers, worthJoining } from './split.ts'

/** All disclosures of one event that belong to one owner. */
export interface OwnerDisclosures {
  /** 16-byte tokens (latin1) of every alias of the owner, in the pack's order; one token for an interaction's own key. */
  readonly tokens: readonly string[]
  /** Of a verify-only value the kept salt (format.md, section 5) in its place. */
  readonly disclosures: readonly string[]
}

/** A search token: in vault and index, never in the log. `owner` is the index of the owner whose value it is. */
export interface SearchToken {
  readonly kind: string
  /** 16 bytes, latin1. */
  readonly token: string
  readonly owner: number
}

/** A text that detection found in a field nobody calls personal: path and kind, never the value. */
export interface Hit {
  readonly path: string
  readonly kind: Detected
}

interface Owner {
  readonly tokens: readonly string[]
  readonly disclosures: string[]
}

/** Beyond this many disclosures, unclassified containers are committed as a whole: a sender cannot make an event dear. */
const MANY = 200
const MAX_TOKENS = 32
const MAX_DEPTH = 128
const INTERACTION = ''
/** What a field may be called; anything else may be a person's name, so it is committed with its value. */
const WORD = /^[A-Za-z_$][\w$.-]*$/

/** One event on its way through protect: the copy of its data grows while personal values are put aside. */
export class Walk {
  readonly owners: Owner[] = []
  readonly tokens: SearchToken[] = []
  readonly hits: Hit[] = []
  /** Paths a pack says must never be there. */
  readonly refused: string[] = []
  /** A field whose value was found to be personal and stands in the record's names as well, where nothing can be committed. */
  exposed: Hit | null = null
  firstDigest: string | null = null
  readonly #event: MappedEvent
  readonly #env: ProtectEnv
  readonly #owners = new Map<string, number>()
  #disclosures = 0

  constructor(event: MappedEvent, env: ProtectEnv) {
    this.#event = event
    this.#env = env
  }

  object(object: JsonObject, node: FieldNode | null, path: string, depth: number): JsonObject {
    const out: JsonObject = {}
    let others: JsonValue[] | null = null
    let pieces = 0
    let digits = 0
    for (const key in object) {
      const named = node?.keys.get(key)
      // Metrics and refusals show paths: names nobody has listed are the sender's, and may be anything.
      const label = named === undefined ? '*' : key
      // Attacker: keys nobody has named are data too, and may be a person's number or address.
      if (named === undefined) {
        const found = detect(key, '')
        if (found !== null) this.#hit(join(path, label), found)
        if (found !== null || (node?.any == null && !WORD.test(key))) {
          ;(others ??= []).push({ '...': this.#digest(INTERACTION, { key, value: object[key] as JsonValue }) })
          continue
        }
      }
      const value = object[key] as JsonValue
      const next = named ?? node?.any ?? null
      const kept = this.#value(value, next, key, label, path, depth)
      if (kept === undefined) continue
      if (typeof value !== 'object' && next?.rule?.class === 'plain') {
        const brought = pieceDigits(value)
        if (brought > 0) {
          pieces++
          digits += brought
        }
      }
      if (key === '__proto__') Object.defineProperty(out, key, { value: kept, enumerable: true, configurable: true, writable: true })
      else out[key] = kept
    }
    if (worthJoining(pieces, digits)) this.#joinMembers(object, out, node, path)
    // `*` is no word: no key of the sender's is called that.
    if (others !== null) out['*'] = others
    return out
  }

  /** What stays in the record of a value; undefined when nothing does. */
  #value(value: JsonValue, node: FieldNode | null, key: string, label: string, path: string, depth: number): JsonValue | undefined {
    const rule = node === null ? null : node.rule
    if (rule === null) return this.#unclassified(value, node, key, label, path, depth)
    if (rule.class === 'plain') return this.#plain(value, node, key, label, path, depth)
    if (rule.class === 'drop') return undefined
    if (value === null || isEmptyContainer(value)) return value
    if (rule.class === 'personal') {
      const commitment = rule.verifyOnly ? [{ '...': this.#digest(rule.whose ?? INTERACTION, value, true) }] : this.#commit(rule.whose ?? INTERACTION, value)
      if (rule.token) this.#token(rule.kind, value, rule.whose ?? INTERACTION)
      return commitment
    }
    if (rule.class === 'map') return this.#map(value, rule, join(path, label))
    if (value !== '' && value !== false) this.refused.push(join(path, label))
    return undefined
  }

  #plain(value: JsonValue, node: FieldNode | null, key: string, label: string, path: string, depth: number): JsonValue {
    if (typeof value === 'string' || typeof value === 'number') {
      const found = typeof value === 'string' ? detect(value, key) : detectNumber(value, key)
      if (found === null) return value
      this.#hit(join(path, label), found)
      if (typeof value === 'string' && this.#isInName(value, found)) this.exposed ??= { path: join(path, label), kind: found }
      return this.#commit(INTERACTION, value)
    }
    if (typeof value !== 'object' || value === null) return value
    if (depth > MAX_DEPTH) return this.#commit(INTERACTION, value)
    const below = join(path, label)
    if (!Array.isArray(value)) return this.object(value, node, below, depth + 1)
    // A plain field may have several values; what is inside of objects must be named itself.
    const items = node?.items ?? null
    const split = this.#splitIn(value, items, key)
    if (split !== null) {
      this.#hit(split.member === null ? below : join(below, split.member), split.kind)
      return this.#commit(INTERACTION, value)
    }
    return this.#items(value, (each) =>
      items === null
        ? typeof each === 'object' && each !== null
          ? this.#unclassified(each, null, key, label, path, depth)
          : this.#plain(each, null, key, label, path, depth)
        : this.#value(each, items, key, label, path, depth + 1),
    )
  }

  /** Default-deny: a scalar nobody has classified is committed, except booleans and null. */
  #unclassified(value: JsonValue, node: FieldNode | null, key: string, label: string, path: string, depth: number): JsonValue {
    if (typeof value === 'string' || typeof value === 'number') return this.#commit(INTERACTION, value)
    if (typeof value !== 'object' || value === null || isEmptyContainer(value)) return value
    if (depth > MAX_DEPTH || (node === null && this.#disclosures > MANY)) return this.#commit(INTERACTION, value)
    const below = join(path, label)
    if (!Array.isArray(value)) return this.object(value, node, below, depth + 1)
    const items = node?.items ?? null
    // An array of scalars is one value: one commitment instead of many.
    if (items === null && value.some((each) => typeof each === 'string' || typeof each === 'number')) return this.#commit(INTERACTION, value)
    return this.#items(value, (each) => this.#value(each, items, key, label, path, depth + 1))
  }

  #items(list: readonly JsonValue[], keep: (each: JsonValue) => JsonValue | undefined): JsonValue[] {
    const out: JsonValue[] = []
    for (const each of list) {
      const kept = keep(each)
      if (kept !== undefined) out.push(kept)
    }
    return out
  }

  /** A number in pieces, of which each would stay in clear, is committed piece by piece. */
  #joinMembers(object: JsonObject, out: JsonObject, node: FieldNode | null, path: string): void {
    const members: JsonObject = {}
    // What is committed already may be a piece as well: half a card number can pass for a phone.
    for (const key in out) members[key] = (node?.keys.get(key) ?? node?.any)?.rule?.class === 'plain' ? (object[key] as JsonValue) : null
    for (const { kind, keys } of splitInMembers(members, path.slice(path.lastIndexOf('.') + 1))) {
      for (const key of keys) {
        this.#hit(join(path, node?.keys.get(key) === undefined ? '*' : key), kind)
        if (typeof out[key] !== 'object') out[key] = this.#commit(INTERACTION, out[key] as JsonValue)
      }
    }
  }

  /** What a list that stays in clear holds in pieces: its elements, or one member of all its elements. */
  #splitIn(list: readonly JsonValue[], items: FieldNode | null, key: string): { kind: Detected; member: string | null } | null {
    if (list.length < 2) return null
    if (items === null || items.rule?.class === 'plain') {
      const kind = joined(list, key, null)
      if (kind !== null) return { kind, member: null }
    }
    if (items === null || items.keys.size === 0) return null
    for (const [member, { rule }] of items.keys) {
      if (rule?.class !== 'plain') continue
      const kind = joined(list, `${key} ${member}`, member)
      if (kind !== null) return { kind, member }
    }
    return null
  }

  #map(value: JsonValue, rule: FieldRule & { class: 'map' }, path: string): JsonValue {
    const owner = rule.whose ?? INTERACTION
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.#commit(owner, value)
    const out: JsonValue[] = []
    let digits = 0
    for (const name in value) {
      const each = value[name] as JsonValue
      if (rule.allow.has(name)) {
        const found = typeof each === 'string' ? detect(each, name) : typeof each === 'number' ? detectNumber(each, name) : null
        if (found !== null) this.#hit(join(path, name), found)
        else if (typeof each !== 'object' || each === null) {
          digits += pieceDigits(each)
          out.push({ key: name, value: each })
          continue
        }
      }
      out.push({ '...': this.#digest(owner, { key: name, value: each }) })
    }
    return worthJoining(out.length, digits) ? this.#joinEntries(out, owner, path) : out
  }

  /** The same for attributes that stay in clear. */
  #joinEntries(entries: readonly JsonValue[], owner: string, path: string): JsonValue[] {
    const clear = new Map(
      (entries as { key?: string; value?: JsonValue }[]).flatMap(({ key, value }) => (key === undefined ? [] : [[key, value as JsonValue]])),
    )
    const split = splitInMembers(Object.fromEntries(clear), path.slice(path.lastIndexOf('.') + 1))
    for (const { kind, keys } of split) for (const key of keys) this.#hit(join(path, key), kind)
    const cut = new Set(split.flatMap(({ keys }) => keys))
    return entries.map((entry) => {
      const { key } = entry as { key?: string }
      return key !== undefined && cut.has(key) ? { '...': this.#digest(owner, entry) } : entry
    })
  }

  #commit(role: string, value: JsonValue): JsonValue {
    return [{ '...': this.#digest(role, value) }]
  }

  #digest(role: string, value: JsonValue, verifyOnly = false): string {
    const salt = this.#env.salt()
    const disclosure = makeDisclosure(salt, value)
    const digest = disclosureDigest(disclosure)
    this.firstDigest ??= digest
    this.#disclosures++
    ;(this.owners[this.#owner(role)] as Owner).disclosures.push(verifyOnly ? keepSalt(digest, salt) : disclosure)
    return digest
  }

  /** The index of whoever plays the role: a person with a name to be found by, else the interaction. */
  #owner(role: string): number {
    const known = this.#owners.get(role)
    if (known !== undefined) return known
    // A receipt has one party: what belongs to nobody there is erased with that party, so it needs no key of its own.
    if (role === INTERACTION && this.#event.status !== null) {
      const [only, ...others] = Object.keys(this.#event.people)
      if (only !== undefined && others.length === 0) {
        const index = this.#owner(only)
        this.#owners.set(role, index)
        return index
      }
    }
    const aliases = role === INTERACTION || !Object.hasOwn(this.#event.people, role) ? [] : (this.#event.people[role] ?? [])
    const tokens: string[] = []
    for (const { kind, value } of aliases) {
      for (const token of this.#env.alias(kind, value)) if (!tokens.includes(token)) tokens.push(token)
    }
    if (tokens.length === 0) tokens.push(...this.#env.interaction(this.#event.subject))
    // One person in two roles has one key, and one ciphertext.
    let index = this.owners.findIndex((owner) => owner.tokens[0] === tokens[0])
    if (index < 0) index = this.owners.push({ tokens, disclosures: [] }) - 1
    this.#owners.set(role, index)
    return index
  }

  #token(kind: string, value: JsonValue, role: string): void {
    if (Array.isArray(value)) {
      for (const each of value) if (typeof each !== 'object') this.#token(kind, each, role)
    } else if (typeof value === 'string' || typeof value === 'number') {
      const text = String(value)
      if (text.length > 512 || this.tokens.length >= MAX_TOKENS) return
      // An address is a telephone number, an e-mail address or another name; it is searched for as what it is.
      const alias = (kind === 'address' ? addressAlias(text) : null) ?? { kind, value: text }
      const [token] = this.#env.alias(alias.kind, alias.value)
      if (token !== undefined && !this.tokens.some((each) => each.token === token)) this.tokens.push({ kind: alias.kind, token, owner: this.#owner(role) })
    }
  }

  #hit(path: string, kind: Detected): void {
    this.hits.push({ path, kind })
  }

  #isInName(value: string, kind: Detected): boolean {
    // The Message-ID of an e-mail (RFC 5322 section 3.6.4) only looks like an address.
    if (kind === 'email' && /^<[^<>\s]+>$/.test(value)) return false
    const { id, subject, source, type, regulatorytag } = this.#event
    return [id, subject, source, type, regulatorytag].some((name) => name?.includes(value))
  }
}

/** What a list holds in pieces, of its elements or of one member of them. */
function joined(list: readonly JsonValue[], name: string, member: string | null): Detected | null {
  let digits = 0
  for (const each of list) digits += pieceDigits(member === null ? each : memberOf(each, member))
  if (!worthJoining(list.length, digits)) return null
  return splitInList(member === null ? list : list.map((each) => memberOf(each, member)), name)
}

function memberOf(value: JsonValue, member: string): JsonValue {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, member) ? (value[member] as JsonValue) : null
}

function join(path: string, name: string): string {
  return path === '' ? name : path + '.' + name
}

function isEmptyContainer(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}
