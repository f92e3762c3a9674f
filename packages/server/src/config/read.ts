import { LineCounter, isAlias, isMap, isScalar, parseDocument } from 'yaml'
import type { Document, Node } from 'yaml'
import type { ErrorCode } from '../errors.ts'
import { nearest } from './nearest.ts'
import { correctKey, correctMode, correctText } from './pasted.ts'
import { KEYS } from './schema.ts'
import type { Key } from './key.ts'
import { takeValue } from './value.ts'
import type { Taking } from './value.ts'

/** Something about the file that its writer should know; never quotes a value, which could be a secret. */
export interface Remark {
  readonly code: ErrorCode
  /** From 1; 0 when it is about no place in the file. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** What the file says: values by concrete path (`trails.calls.public`), where each stands, and its mistakes. */
export interface Written {
  readonly values: ReadonlyMap<string, unknown>
  readonly places: ReadonlyMap<string, { readonly line: number; readonly column: number }>
  /** The names an operator chose under a key (`trails`, `trails.calls.retain.classes`), each with whether its entry stands: `false` switches it off. */
  names(path: string): ReadonlyMap<string, boolean>
  readonly mistakes: readonly Remark[]
}

interface Branch {
  readonly keys: Map<string, Branch>
  key: Key | null
}

const ROOT = branches()
const MAX_ALIASES = 100

/** Reads the text of a configuration file; collects every mistake instead of stopping at the first. */
export function readWritten(text: string, taking: Taking): Written {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const reader = new Reader(document, lines, taking)
  // Tags are warnings to the parser; here a tag has no meaning, so it is a slip.
  const problems = [...document.errors, ...document.warnings]
  if (problems.length > 0) {
    // The parser's own words may quote the file.
    for (const error of problems) reader.mistake(error.pos[0], `not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`)
    for (const [offset, correction] of correctText(text)) reader.mistake(offset, correction.message, correction.code)
  } else reader.branch(document.contents as Node | null, ROOT, '')
  return reader
}

class Reader implements Written {
  readonly values = new Map<string, unknown>()
  readonly places = new Map<string, { line: number; column: number }>()
  readonly mistakes: Remark[] = []
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #taking: Taking
  readonly #names = new Map<string, Map<string, boolean>>()
  #aliases = 0

  constructor(document: Document, lines: LineCounter, taking: Taking) {
    this.#document = document
    this.#lines = lines
    this.#taking = taking
  }

  names(path: string): ReadonlyMap<string, boolean> {
    return this.#names.get(path) ?? new Map<string, boolean>()
  }

  mistake(offset: number, message: string, code: ErrorCode = 'CONFIG_INVALID'): void {
    this.mistakes.push({ code, ...this.#place(offset), message })
  }

  branch(written: Node | null, branch: Branch, path: string): void {
    const node = this.#real(written)
    if (node === null || (isScalar(node) && node.value === null)) return
    const short = branch.keys.get('type')?.key ?? null
    // `store: files` says only of what type it is.
    if (isScalar(node) && short !== null) return this.#leaf(node, short, `${path}.type`, node.range?.[0] ?? 0)
    if (!isMap(node)) {
      this.mistake(
        node.range?.[0] ?? 0,
        path === '' ? 'the file must be a map of keys' : `${path}: a map is needed here; known keys: ${[...branch.keys.keys()].join(', ')}`,
      )
      return
    }
    for (const { key, value } of node.items) this.#entry(key as Node, value as Node | null, branch, path)
  }

  #entry(key: Node, value: Node | null, branch: Branch, above: string): void {
    const offset = key.range?.[0] ?? 0
    const name = isScalar(key) ? String(key.value) : ''
    const any = branch.keys.get('*')
    const next = any ?? branch.keys.get(name)
    const path = above === '' ? name : `${above}.${name}`
    const pasted = correctKey(name)
    if (pasted !== null) {
      this.mistake(offset, pasted.message, pasted.code)
      const mode = isScalar(value) ? correctMode(String(value.value)) : null
      if (mode !== null) this.mistake(value?.range?.[0] ?? offset, mode.message, mode.code)
    } else if (next === undefined) this.#unknown(name, offset, branch, above)
    else if (any !== undefined && !/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
      this.mistake(offset, `${above}: a name has lower-case letters, digits and hyphens, at most 63`)
    else if (above === 'trails' && name === 'system') this.mistake(offset, `${above}: the name "system" is taken`)
    else {
      this.places.set(path, this.#place(offset))
      const real = this.#real(value)
      const off = any !== undefined && isScalar(real) && real.value === false
      if (any !== undefined) this.#names.set(above, (this.#names.get(above) ?? new Map<string, boolean>()).set(name, !off))
      if (off) return
      if (next.key === null) this.branch(real, next, path)
      else this.#leaf(real, next.key, path, offset)
    }
  }

  #unknown(name: string, offset: number, branch: Branch, above: string): void {
    const known = [...branch.keys.keys()]
    const meant = nearest(name, known)
    const where = above === '' ? '' : `${above}: `
    // attacker: none; but a line that lost its key may be a secret, so only what looks like a key is quoted.
    const quoted = /^[A-Za-z][\w.-]{0,40}$/.test(name) ? ` "${name}"` : ''
    this.mistake(offset, `${where}unknown key${quoted}; ${meant === null ? `known: ${known.join(', ')}` : `did you mean "${meant}"?`}`)
  }

  #leaf(node: Node | null, key: Key, path: string, keyOffset: number): void {
    const offset = node?.range?.[0] ?? keyOffset
    let plain: unknown = null
    try {
      plain = node === null ? null : node.toJS(this.#document, { maxAliasCount: MAX_ALIASES })
    } catch {
      return this.mistake(offset, `${path}: not valid YAML (an alias of nothing, or too many)`)
    }
    const nested = findPasted(plain)
    if (nested !== null) return this.mistake(offset, nested.message, nested.code)
    const taken = takeValue(plain, key.type, this.#taking)
    if ('message' in taken) this.mistake(offset, `${path}: ${taken.message}`, taken.code ?? 'CONFIG_INVALID')
    else if (taken.value !== null) this.values.set(path, taken.value)
    // What is wrong with one of them is found later, by whoever knows what they are about.
    if (key.type.is === 'methods' && isMap(node))
      for (const { key: name } of node.items) if (isScalar(name)) this.places.set(`${path}.${String(name.value)}`, this.#place(name.range?.[0] ?? offset))
  }

  #real(node: Node | null): Node | null {
    if (node === null || !isAlias(node)) return node
    if (++this.#aliases > MAX_ALIASES) {
      this.mistake(node.range?.[0] ?? 0, 'too many aliases')
      return null
    }
    const real = node.resolve(this.#document) as Node | undefined
    if (real === undefined) this.mistake(node.range?.[0] ?? 0, 'not valid YAML (alias of nothing)')
    return real ?? null
  }

  #place(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset)
    return { line, column: col }
  }
}

/** A lock header anywhere inside a value that is otherwise taken as it is. */
function findPasted(value: unknown): ReturnType<typeof correctKey> {
  if (value === null || typeof value !== 'object') return null
  for (const [name, inner] of Object.entries(value)) {
    const found = correctKey(name) ?? findPasted(inner)
    if (found !== null) return found
  }
  return null
}

function branches(): Branch {
  const root: Branch = { keys: new Map(), key: null }
  for (const key of KEYS) {
    let branch = root
    for (const part of key.path.split('.')) {
      let next = branch.keys.get(part)
      if (next === undefined) branch.keys.set(part, (next = { keys: new Map(), key: null }))
      branch = next
    }
    branch.key = key
  }
  return root
}
