import { parseIJson } from '../ijson.ts'
import type { JsonObject, JsonValue } from '../json.ts'
import { MAX_LINE_BYTES } from './lines.ts'

/** Checks values a stranger wrote, one member at a time; what does not fit is an error of the caller's that names the member, never the value. */
export class Shape {
  readonly #value: JsonObject
  readonly #fail: (detail: string) => Error

  constructor(value: JsonValue | undefined, fail: (detail: string) => Error, what = 'it') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail(`${what} is no object`)
    this.#value = value
    this.#fail = fail
  }

  text(key: string): string {
    const value = this.#own(key)
    if (typeof value !== 'string') throw this.#fail(`${key} is no text`)
    return value
  }

  matching(key: string, pattern: RegExp): string {
    const value = this.text(key)
    if (!pattern.test(value)) throw this.#fail(`${key} is malformed`)
    return value
  }

  count(key: string): number {
    const value = this.#own(key)
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.#fail(`${key} is no whole number from 0`)
    return value
  }

  flag(key: string): boolean {
    const value = this.#own(key)
    if (typeof value !== 'boolean') throw this.#fail(`${key} is neither true nor false`)
    return value
  }

  object(key: string): Shape {
    return new Shape(this.#own(key), this.#fail, key)
  }

  list<T>(key: string, each: (value: JsonValue) => T, most: number = Infinity): T[] {
    const value = this.#own(key)
    if (!Array.isArray(value)) throw this.#fail(`${key} is no list`)
    if (value.length > most) throw this.#fail(`${key} has more than ${most} members`)
    return value.map(each)
  }

  texts(key: string, most?: number): string[] {
    const each = (value: JsonValue): string => {
      if (typeof value !== 'string') throw this.#fail(`${key} holds something else than texts`)
      return value
    }
    return this.list(key, each, most)
  }

  /** A text for each key of an object. */
  textsByName(key: string): Record<string, string> {
    const shape = this.object(key)
    return Object.fromEntries(shape.keys().map((name) => [name, shape.text(name)]))
  }

  isNull(key: string): boolean {
    return this.#own(key) === null
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#value, key)
  }

  keys(): string[] {
    return Object.keys(this.#value)
  }

  /** Nothing but these keys: what a reader does not know may be what misleads the next one. */
  only(...keys: readonly string[]): this {
    if (Object.keys(this.#value).some((key) => !keys.includes(key))) throw this.#fail('a member this format does not have')
    return this
  }

  #own(key: string): JsonValue | undefined {
    return Object.hasOwn(this.#value, key) ? this.#value[key] : undefined
  }
}

/** The JSON object in these bytes, read strictly as I-JSON. @throws what `fail` makes */
export function readShape(bytes: Uint8Array, fail: (detail: string) => Error, maxBytes: number = MAX_LINE_BYTES): Shape {
  const parsed = parseIJson(bytes, { maxBytes, maxDepth: 32 })
  if ('problem' in parsed) throw fail(parsed.problem.message)
  return new Shape(parsed.value, fail)
}
