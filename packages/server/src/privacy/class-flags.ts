import type { RecordFields } from '@sealtrail/evidence'
import type { JsonValue } from '../event/json.ts'
import type { FoldPart } from '../retain/fold.ts'
import { FLAG_TYPE } from '../retain/standing.ts'

/** Subjects of which a later event asked for a class that keeps longer: their content is to be kept as that class says. */
export class ClassFlags implements FoldPart {
  readonly name = 'class-flags'
  readonly version = 1
  readonly types: readonly string[] = [FLAG_TYPE]
  /** Log and subject → classes; '' is the trail's own. */
  readonly #classes = new Map<string, readonly string[]>()

  take({ data }: RecordFields): void {
    const { log, subject, reason, class: asked } = data
    if (reason !== 'class' || typeof log !== 'string' || typeof subject !== 'string') return
    const name = typeof asked === 'string' ? asked : ''
    const known = this.#classes.get(keyOf(log, subject)) ?? []
    if (!known.includes(name)) this.#classes.set(keyOf(log, subject), [...known, name])
  }

  /** Classes asked for beside that of the log; null is the trail's own. */
  of(log: string, subject: string): ReadonlyArray<string | null> {
    return (this.#classes.get(keyOf(log, subject)) ?? []).map((name) => (name === '' ? null : name))
  }

  save(): JsonValue {
    return [...this.#classes].map(([key, names]) => [key, [...names]])
  }

  load(saved: JsonValue | null): void {
    this.#classes.clear()
    for (const [key, names] of (saved ?? []) as unknown as Array<[string, string[]]>) this.#classes.set(key, names)
  }
}

function keyOf(log: string, subject: string): string {
  return `${log}\n${subject}`
}
