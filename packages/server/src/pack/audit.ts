import { isDeepStrictEqual } from 'node:util'
import type { JsonValue } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import type { TestOptions } from './check.ts'
import type { CompiledPack } from './compiled.ts'
import type { FieldNode, Selection } from './pack.ts'
import type { Rule } from './rule.ts'

/** Shorter values than this stand in ids by chance. */
const TELLING = 4

/** As the fingerprints of the two would compare (event/fingerprint.ts). */
function saysTheSame(a: MappedEvent, b: MappedEvent): boolean {
  if (a.agree === null || b.agree === null) return isDeepStrictEqual(a.compared, b.compared)
  const agreed = a.agree.every((value, i) => value === null || b.agree?.[i] === null || isDeepStrictEqual(value, b.agree?.[i]))
  const empty = [a, b].some(({ compared }) => Object.keys(compared).length === 0)
  return agreed && (empty || isDeepStrictEqual(a.compared, b.compared))
}

/** Looks at what a pack makes of its samples with the eyes of privacy and identity. */
export class Audit {
  readonly problems: string[] = []
  readonly unclassified: Set<string> = new Set()
  /** Samples that protect does not let through. */
  readonly refused: Array<{ readonly file: string; readonly why: string }> = []
  readonly #pack: CompiledPack
  readonly #protect: TestOptions['protect'] | null
  /** Files by what was found: `path`, line feed, kind. */
  readonly #found = new Map<string, Set<string>>()
  readonly #reached = new Set<Rule>()
  readonly #byId = new Map<string, Array<{ readonly file: string; readonly event: MappedEvent }>>()

  constructor(pack: CompiledPack, protect: TestOptions['protect'] | null) {
    this.#pack = pack
    this.#protect = protect
  }

  reached(selection: Selection): void {
    if (selection.kind === 'kept') for (const kept of selection.kept) this.#reached.add(kept.rule as Rule)
  }

  untested(): string[] {
    return this.#pack.rules.filter((rule) => !this.#reached.has(rule)).map((rule) => rule.place.where)
  }

  detected(): Array<{ path: string; kind: string; samples: number }> {
    return [...this.#found].map(([key, files]) => ({ path: key.split('\n')[0] as string, kind: key.split('\n')[1] as string, samples: files.size }))
  }

  event(file: string, event: MappedEvent): void {
    const said = this.#protect?.(event, this.#pack.fields)
    for (const { path, kind } of said?.hits ?? []) {
      const key = `${path}\n${kind}`
      this.#found.set(key, (this.#found.get(key) ?? new Set()).add(file))
    }
    if (said !== undefined && said.refused !== null) this.refused.push({ file, why: said.refused })
    const others = this.#byId.get(event.id) ?? []
    for (const other of others)
      if (!saysTheSame(other.event, event)) this.problems.push(`${file} and ${other.file} have the same id but differ in what is compared`)
    this.#byId.set(event.id, [...others, { file, event }])
    const telling: { path: string; text: string }[] = []
    this.#walk(event.data, this.#pack.fields, '', telling)
    for (const name of ['id', 'subject', 'source', 'type'] as const) {
      for (const { path, text } of telling)
        if (event[name].includes(text)) this.problems.push(`${file}: the ${name} shows the value of ${path}, which is not classified plain`)
    }
  }

  /** Collects the texts that must not be shown and the paths nobody has classified. */
  #walk(value: JsonValue, node: FieldNode | null, path: string, telling: { path: string; text: string }[]): void {
    const rule = node?.rule ?? null
    const hidden = rule !== null && rule.class !== 'plain'
    if (value === null || typeof value === 'boolean') return
    if (typeof value !== 'object') {
      if (rule === null) this.unclassified.add(path)
      if ((rule === null || hidden) && String(value).length >= TELLING) telling.push({ path, text: String(value) })
      return
    }
    const next = (child: FieldNode | null): FieldNode | null => (hidden ? { rule, keys: new Map(), items: null, any: null } : child)
    if (Array.isArray(value)) {
      const items = node?.items ?? (rule === null ? null : { rule, keys: new Map(), items: null, any: null })
      for (const item of value) this.#walk(item, next(items), `${path}[]`, telling)
      return
    }
    for (const [key, member] of Object.entries(value))
      this.#walk(member, next(node?.keys.get(key) ?? node?.any ?? null), path === '' ? key : `${path}.${key}`, telling)
  }
}
