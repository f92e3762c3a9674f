import { EvidenceError } from './errors.ts'
import type { JsonValue } from './json.ts'

/**
 * RFC 8785 (JCS) writer.
 *
 * Sorting keys is what makes canonical JSON dear, and events of one kind have the same keys in the same places. So every
 * object position of the tree remembers the key lists seen there and their sorted order ("site cache"):
 *
 *   site ─ shape {keys: b,a} ─ write order: "a": (slot 1), "b": (slot 0) ─ a child site per key
 *
 * A shape that matches costs one comparison per key. The cache is dropped when it grows past SHAPES_KEPT, so an
 * attacker who varies keys gains slowness, not memory.
 */
interface Shape {
  /** Keys in the engine's enumeration order. */
  readonly keys: readonly string[]
  /** The same keys sorted by UTF-16 code units (RFC 8785 section 3.2.3). */
  readonly sorted: readonly string[]
  /** What stands before each sorted key's value: `{"key":` or `,"key":`, then that with a quote for a value that is a plain string. */
  readonly lead: readonly string[]
  readonly quoted: readonly string[]
  /** The same leads behind a plain string, whose closing quote they bring. */
  readonly closing: readonly string[]
  readonly closingQuoted: readonly string[]
  readonly children: Site[]
  /** UTF-8 bytes of all keys beyond their string length. */
  readonly extra: number
}
interface Site {
  shapes: Shape[]
  items: Site | null
}

const SHAPES_KEPT = 8192
const SHAPES_PER_SITE = 24
const MAX_DEPTH = 256
/** Printable ASCII without quote and backslash: such a string is its own JSON text. */
const PLAIN = /^[ !#-[\]-~]*$/

let root: Site = newSite()
let shapesKept = 0
let extra = 0

/**
 * The canonical JSON text of a value (RFC 8785): keys sorted by UTF-16 code units, no white space, ECMAScript numbers.
 * @throws EvidenceError NOT_I_JSON on a lone surrogate, a non-finite number or anything JSON has no form for;
 * TOO_DEEP beyond 256 levels.
 */
export function canonicalize(value: JsonValue): string {
  if (shapesKept > SHAPES_KEPT) {
    root = newSite()
    shapesKept = 0
  }
  return write(value, root, 0)
}

/** The canonical text with its length in UTF-8 bytes, which costs nothing extra here. @throws as `canonicalize`. */
export function canonicalizeSized(value: JsonValue): { text: string; bytes: number } {
  const before = extra
  const text = canonicalize(value)
  return { text, bytes: text.length + extra - before }
}

/**
 * How many UTF-8 bytes more than string length all texts written so far have. Whoever joins pieces takes the difference
 * before and after; the absolute value means nothing.
 */
export function extraBytesWritten(): number {
  return extra
}

function write(value: JsonValue, site: Site, depth: number): string {
  switch (typeof value) {
    case 'string':
      return PLAIN.test(value) ? '"' + value + '"' : quote(value)
    case 'number':
      if (!Number.isFinite(value)) throw new EvidenceError('NOT_I_JSON', 'a number is not finite')
      return '' + value // ECMAScript Number::toString is what section 3.2.2.3 asks for; -0 gives "0"
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      break
    default:
      throw new EvidenceError('NOT_I_JSON', `JSON has no form for ${typeof value}`)
  }
  if (value === null) return 'null'
  if (depth >= MAX_DEPTH) throw new EvidenceError('TOO_DEEP', `nested deeper than ${MAX_DEPTH} levels`)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    const items = (site.items ??= newSite())
    let text = '[' + write(value[0] as JsonValue, items, depth + 1)
    for (let i = 1; i < value.length; i++) text += ',' + write(value[i] as JsonValue, items, depth + 1)
    return text + ']'
  }
  const shape = shapeOf(value, site)
  const { sorted, children } = shape
  if (sorted.length === 0) return '{}'
  extra += shape.extra
  let text = ''
  let open = false // the last value was a plain string and lacks its closing quote
  for (let i = 0; i < sorted.length; i++) {
    const member = value[sorted[i] as string] as JsonValue
    // Two joins a member instead of four: joins and their flattening are most of the cost (measured).
    if (typeof member === 'string' && PLAIN.test(member)) {
      text = text + ((open ? shape.closingQuoted : shape.quoted)[i] as string) + member
      open = true
    } else {
      text = text + ((open ? shape.closing : shape.lead)[i] as string) + write(member, children[i] as Site, depth + 1)
      open = false
    }
  }
  return text + (open ? '"}' : '}')
}

function shapeOf(value: { [key: string]: JsonValue }, site: Site): Shape {
  const { shapes } = site
  for (let s = 0; s < shapes.length; s++) {
    const shape = shapes[s] as Shape
    if (!matches(value, shape.keys)) continue
    if (s > 0) {
      // Half-way to the front: frequent shapes end there, one stray shape does not displace them.
      const better = s >> 1
      shapes[s] = shapes[better] as Shape
      shapes[better] = shape
    }
    return shape
  }
  const shape = newShape(Object.keys(value))
  shapesKept++
  if (shapes.length < SHAPES_PER_SITE) shapes.push(shape)
  else shapes[SHAPES_PER_SITE - 1] = shape
  return shape
}

function matches(value: { [key: string]: JsonValue }, keys: readonly string[]): boolean {
  let i = 0
  // An inherited enumerable key (somebody extended Object.prototype) never matches, and Object.keys leaves it out.
  for (const key in value) if (key !== keys[i++]) return false
  return i === keys.length
}

function newShape(keys: string[]): Shape {
  const before = extra
  const sorted = keys.toSorted()
  const lead = sorted.map((key, i) => (i === 0 ? '{' : ',') + quote(key) + ':')
  const own = extra - before
  extra = before
  const quoted = lead.map((text) => text + '"')
  return {
    keys,
    sorted,
    lead,
    quoted,
    closing: lead.map((text) => '"' + text),
    closingQuoted: quoted.map((text) => '"' + text),
    children: sorted.map(newSite),
    extra: own,
  }
}

function newSite(): Site {
  return { shapes: [], items: null }
}

/** RFC 8785 section 3.2.2.2: JSON.stringify writes exactly these escapes, but would escape a lone surrogate instead of failing. */
function quote(text: string): string {
  if (!text.isWellFormed()) throw new EvidenceError('NOT_I_JSON', 'a string holds a lone surrogate')
  const quoted = JSON.stringify(text)
  extra += utf8Length(text) - text.length
  return quoted
}

/** Length in UTF-8 of a well-formed string. */
function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // A surrogate pair is two units and four bytes: one extra per unit.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2
  }
  return bytes
}
