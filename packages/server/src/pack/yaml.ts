import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import { SealtrailError } from '../errors.ts'

/** A place in a pack's YAML: a value that knows its file, line and column, so that every complaint can name them. */
export class Place {
  readonly file: string
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #node: Node | null

  private constructor(file: string, document: Document, lines: LineCounter, node: Node | null) {
    this.file = file
    this.#document = document
    this.#lines = lines
    this.#node = node
  }

  /** @throws SealtrailError PACK_INVALID when the text is no YAML map. */
  static parse(text: string, file: string): Place {
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
    const error = document.errors[0]
    if (error !== undefined) {
      const at = lines.linePos(error.pos[0])
      throw new SealtrailError('PACK_INVALID', `${file}:${at.line}:${at.col}: ${error.message.split('\n')[0]!}`)
    }
    return new Place(file, document, lines, document.contents as Node | null)
  }

  /** `file:line:column` */
  get where(): string {
    const at = this.#lines.linePos(this.#node?.range?.[0] ?? 0)
    return `${this.file}:${at.line}:${at.col}`
  }

  /** `offset` counts characters into a plain scalar's text, to point into an expression. */
  fail(message: string, offset = 0): never {
    const at = this.#lines.linePos((this.#node?.range?.[0] ?? 0) + offset)
    throw new SealtrailError('PACK_INVALID', `${this.file}:${at.line}:${at.col}: ${message}`)
  }

  /** Offset of the scalar's first character: past the quote if it has one. */
  get quoted(): number {
    return isScalar(this.#node) && (this.#node.type === 'QUOTE_DOUBLE' || this.#node.type === 'QUOTE_SINGLE') ? 1 : 0
  }

  get isMap(): boolean {
    return isMap(this.#node)
  }

  get isList(): boolean {
    return isSeq(this.#node)
  }

  /** Entries of a map in the order written. `allowed`: the keys there may be, or null for any. */
  entries(allowed: readonly string[] | null): Map<string, Place> {
    if (!isMap(this.#node)) this.fail('a map is needed here')
    const found = new Map<string, Place>()
    for (const pair of this.#node.items) {
      const key = this.#at(pair.key as Node)
      const name = key.text()
      if (allowed !== null && !allowed.includes(name)) key.fail(`unknown key "${name}"; known: ${allowed.join(', ')}`)
      found.set(name, this.#at(pair.value as Node | null))
    }
    return found
  }

  items(): Place[] {
    if (!isSeq(this.#node)) this.fail('a list is needed here')
    return this.#node.items.map((item) => this.#at(item as Node))
  }

  /** The items of a list, or the one value that stands for a list of one. */
  oneOrMore(): Place[] {
    return this.isList ? this.items() : [this]
  }

  /** A string, or a number or boolean as text. */
  text(): string {
    const value = this.scalar()
    if (value === null) this.fail('a text is needed here')
    return String(value)
  }

  integer(): number {
    const value = this.scalar()
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) this.fail('a whole number is needed here')
    return value
  }

  boolean(): boolean {
    const value = this.scalar()
    if (typeof value !== 'boolean') this.fail('true or false is needed here')
    return value
  }

  scalar(): string | number | boolean | null {
    const value = this.#node === null ? null : isScalar(this.#node) ? this.#node.value : undefined
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
    this.fail('a single value is needed here')
  }

  #at(node: Node | null): Place {
    const real = isAlias(node) ? ((node.resolve(this.#document) as Node | undefined) ?? null) : node
    return new Place(this.file, this.#document, this.#lines, real)
  }
}
