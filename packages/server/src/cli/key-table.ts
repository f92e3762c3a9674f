import type { JsonObject } from '../event/json.ts'
import { table } from './output.ts'

const DAY_MS = 86_400_000

/** Keys as lines: what for, state, who keeps it, how old, how used. */
export function keyTable(items: readonly JsonObject[], nowMs: number): string {
  return table(
    items.map((key) => [
      `${String(key['purpose'])} ${String(key['generation'])}`,
      String(key['state']),
      String(key['id']),
      `fingerprint ${String(key['fingerprint'])}`,
      `${key['held'] === true ? 'held in' : 'kept by'} ${String(key['service'])}`,
      ageOf(String(key['created']), nowMs),
      usesOf(key),
    ]),
  )
}

function ageOf(created: string, nowMs: number): string {
  const days = Math.floor((nowMs - Date.parse(created)) / DAY_MS)
  return days < 1 ? 'made today' : `${days} ${days === 1 ? 'day' : 'days'} old`
}

/** Only what is counted: hashes, tokens and answers are not. */
function usesOf(key: JsonObject): string {
  if (typeof key['ended'] === 'string') return `${String(key['state'])} on ${key['ended'].slice(0, 10)}`
  if (typeof key['wraps'] === 'number') return `wraps ${key['wraps']} keys`
  if (typeof key['signatures'] === 'number') return `${key['signatures']} signatures since the start`
  return ''
}
