/** The text of a tlog-policy: octets and lines in, `Policy` out, and back. */
import { TlogError } from './errors.ts'
import { parseVkey, type Vkey } from './key.ts'
import { LOG_KEY_TYPES, WITNESS_KEY_TYPES, type Policy, type PolicyGroup, type PolicyLog, type PolicyWitness } from './policy.ts'
import { decodeUtf8, encodeUtf8, parseDecimal } from './text.ts'
import { equalBytes } from './tree.ts'

/** A longer policy is refused before it is looked at: 1 MiB. */
export const MAX_POLICY_BYTES = 1_048_576
/** Most logs, witnesses and groups, each; C2SP asks for at least 32. */
export const MAX_POLICY_ITEMS = 256

/**
 * Takes a policy apart. attacker: whoever may write the file decides whom you trust; nothing here can tell.
 * @throws TlogError POLICY_MALFORMED, naming the line.
 */
export function parsePolicy(text: string | Uint8Array): Policy {
  if (text.length > MAX_POLICY_BYTES) throw new TlogError('POLICY_MALFORMED', 'a policy is at most 1 MiB')
  const octets = typeof text === 'string' ? encodeUtf8(text) : text
  const reading = new Reading()
  let start = 0
  for (let number = 1; start < octets.length; number++) {
    const end = octets.indexOf(0x0a, start)
    const line = octets.subarray(start, end < 0 ? octets.length : end)
    start = end < 0 ? octets.length : end + 1
    try {
      reading.line(fieldsOf(line))
    } catch (error) {
      if (!(error instanceof TlogError)) throw error
      throw new TlogError('POLICY_MALFORMED', `line ${number}: ${error.message}`, { cause: error })
    }
  }
  return reading.end()
}

/**
 * The text of a policy with at most one log: logs, witnesses, groups, quorum. {@link parsePolicy} gives the same back.
 * @throws TlogError INVALID_ARGUMENT for several logs, on which other programs differ; POLICY_MALFORMED for what no policy may hold.
 */
export function formatPolicy(policy: Policy): string {
  if (policy.logs.length > 1) throw new TlogError('INVALID_ARGUMENT', 'write one log per policy file')
  const url = (at: string | null): string => (at === null ? '' : ` ${at}`)
  const lines = [
    ...policy.logs.map((log) => `log ${log.vkey}${url(log.url)}`),
    ...policy.witnesses.map((witness) => `witness ${witness.name} ${witness.vkey}${url(witness.url)}`),
    ...policy.groups.map((group) => `group ${group.name} ${group.threshold} ${group.members.join(' ')}`),
    `quorum ${policy.quorum ?? 'none'}`,
  ]
  const text = lines.map((line) => `${line}\n`).join('')
  if (!text.isWellFormed()) throw new TlogError('INVALID_ARGUMENT', 'a name of the policy is not UTF-8')
  parsePolicy(text)
  return text
}

class Reading {
  readonly #logs: PolicyLog[] = []
  readonly #witnesses: PolicyWitness[] = []
  readonly #groups: PolicyGroup[] = []
  readonly #names = new Set<string>()
  readonly #members = new Set<string>()
  #quorum: string | null | undefined

  line(fields: readonly string[]): void {
    const [what, ...rest] = fields
    if (what === undefined) return
    if (what === 'log') this.#log(rest)
    else if (what === 'witness') this.#witness(rest)
    else if (what === 'group') this.#group(rest)
    else if (what === 'quorum') this.#setQuorum(rest)
    else throw wrong('a line begins with log, witness, group, quorum or #')
  }

  end(): Policy {
    if (this.#quorum === undefined) throw wrong('there is no quorum line')
    return { logs: this.#logs, witnesses: this.#witnesses, groups: this.#groups, quorum: this.#quorum }
  }

  #log([vkey, url, ...more]: readonly string[]): void {
    if (vkey === undefined || more.length > 0) throw wrong('write log VKEY [URL]')
    this.#logs.push({ key: this.#key(vkey, LOG_KEY_TYPES), vkey, url: url ?? null })
    bounded(this.#logs)
  }

  #witness([name, vkey, url, ...more]: readonly string[]): void {
    if (name === undefined || vkey === undefined || more.length > 0) throw wrong('write witness NAME VKEY [URL]')
    const key = this.#key(vkey, WITNESS_KEY_TYPES)
    this.#define(name)
    this.#witnesses.push({ name, key, vkey, url: url ?? null })
    bounded(this.#witnesses)
  }

  #group([name, k, ...members]: readonly string[]): void {
    if (name === undefined || k === undefined || members.length === 0) throw wrong('write group NAME all|any|K MEMBER...')
    for (const member of members) {
      // Only names defined before: no group can contain itself.
      if (!this.#names.has(member)) throw wrong('a member of the group is not defined on a line before')
      if (this.#members.has(member)) throw wrong('a witness or group may be a member once, of one group')
      this.#members.add(member)
    }
    const threshold = k === 'all' ? members.length : k === 'any' ? 1 : Number(parseDecimal(k, BigInt(members.length)) ?? 0n)
    if (threshold === 0) throw wrong('the threshold of a group is all, any, or 1 up to the number of its members')
    this.#define(name)
    this.#groups.push({ name, threshold, members })
    bounded(this.#groups)
  }

  #setQuorum([name, ...more]: readonly string[]): void {
    if (name === undefined || more.length > 0) throw wrong('write quorum NAME, or quorum none')
    if (this.#quorum !== undefined) throw wrong('there is a quorum line already')
    if (name !== 'none' && !this.#names.has(name)) throw wrong('the quorum is not defined on a line before')
    this.#quorum = name === 'none' ? null : name
  }

  #define(name: string): void {
    if (name === 'none') throw wrong('the name none is reserved')
    if (this.#names.has(name)) throw wrong('the name is defined already')
    this.#names.add(name)
  }

  #key(vkey: string, types: readonly number[]): Vkey {
    const key = parseVkey(vkey)
    if (!types.includes(key.type)) throw wrong(`a key of type 0x${key.type.toString(16).padStart(2, '0')} does not fit this line`)
    // attacker: one key under two names would count twice (C2SP tlog-policy, "duplicate").
    const known = [...this.#logs, ...this.#witnesses].some((other) => equalBytes(other.key.publicKey, key.publicKey))
    if (known) throw wrong('the same public key stands on a line before')
    return key
  }
}

/** The fields of a line as texts; none for an empty line or a comment. */
function fieldsOf(line: Uint8Array): string[] {
  const fields: string[] = []
  let from = -1
  for (let i = 0; i <= line.length; i++) {
    const octet = line[i] ?? 0x20
    // 0x09, 0x20..0x7E, 0x80..0xFF (the newline is the line's end).
    if ((octet < 0x20 && octet !== 0x09) || octet === 0x7f) throw wrong('a control character')
    if (octet === 0x20 || octet === 0x09) {
      if (from >= 0) fields.push(textOf(line.subarray(from, i)))
      from = -1
    } else if (from < 0) {
      from = i
    }
  }
  return fields[0]?.startsWith('#') === true ? [] : fields
}

/** Names are opaque octets: what is not UTF-8 stands as lone surrogates, so that different octets are different texts. */
function textOf(octets: Uint8Array): string {
  try {
    return decodeUtf8(octets)
  } catch {
    return Array.from(octets, (octet) => String.fromCharCode(octet < 0x80 ? octet : 0xdc00 + octet)).join('')
  }
}

function bounded(items: readonly unknown[]): void {
  if (items.length > MAX_POLICY_ITEMS) throw wrong(`more than ${MAX_POLICY_ITEMS} of a kind`)
}

function wrong(message: string): TlogError {
  return new TlogError('POLICY_MALFORMED', message)
}
