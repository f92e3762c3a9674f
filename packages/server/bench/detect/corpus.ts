import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import type { Kind } from './presidio.ts'

/** What an item holds; `refused`: sensitive authentication data, for which the event is refused. */
export type Label = Kind | 'none' | 'refused'

export interface Item {
  /** `file: group`. */
  readonly group: string
  readonly label: Label
  /** The event, or one with the text as its only field. */
  readonly event: JsonObject
  readonly shown: string
}

interface Line {
  readonly text?: string
  readonly name?: string
  readonly event?: JsonObject
  readonly kind: Label
}

/** Every item of `corpus/*.yaml`. */
export function corpus(): Item[] {
  const folder = join(import.meta.dirname, 'corpus')
  const items: Item[] = []
  for (const file of readdirSync(folder).toSorted()) {
    const groups = parse(readFileSync(join(folder, file), 'utf8'), { maxAliasCount: 0 }) as Record<string, Line[]>
    for (const [group, lines] of Object.entries(groups)) {
      for (const { text, name = 'note', event, kind } of lines) {
        const value = event ?? { [name]: text as string }
        items.push({ group: `${file.replace('.yaml', '')}: ${group}`, label: kind, event: value, shown: JSON.stringify(value) })
      }
    }
  }
  return items
}

/** Every text and number of an event, with the name of its field. */
export function leaves(value: JsonValue, name = ''): Array<{ readonly text: string; readonly name: string }> {
  if (typeof value === 'string' || typeof value === 'number') return [{ text: String(value), name }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) => leaves(each as JsonValue, Array.isArray(value) ? name : key))
}
