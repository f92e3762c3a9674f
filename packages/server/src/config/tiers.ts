import { compileExpression } from '../pack/expression/expression.ts'
import { NAMES } from '../pack/expression/scope.ts'
import type { RetainConfig } from './config.ts'
import type { StoreReading } from './store-keys.ts'

/** What stands behind tenant and trail in the name of a log of summaries. */
export const SUMMARY = 'summary'

const DAY_MS = 86_400_000
/** An interaction may go on for days before it is summed up, and nothing expires before that. */
const LEAST_DETAIL_MS = 7 * DAY_MS

/** What is written of a trail's tiers. */
export function readTiers(trail: string, periodMs: number, reading: StoreReading): Pick<RetainConfig, 'detailMs' | 'keep'> {
  const at = (key: string): string => `trails.${trail}.retain.${key}`
  const detailMs = reading.find<number>(at('detail'))
  const keep = reading.find<string>(at('keep'))
  if (detailMs !== null && detailMs < LEAST_DETAIL_MS)
    reading.mistake(at('detail'), `${at('detail')}: at least 7 days, so that every interaction is summed up before`)
  if (detailMs !== null && detailMs >= periodMs)
    reading.mistake(at('detail'), `${at('detail')}: must be shorter than period; leave it out to keep everything for period`)
  if (keep !== null && detailMs === null) reading.mistake(at('keep'), `${at('keep')}: goes with detail; without it every record is kept`)
  if (keep !== null) {
    const wrong = faultOf(keep)
    if (wrong !== null) reading.mistake(at('keep'), `${at('keep')}: ${wrong}`)
  }
  return { detailMs, keep }
}

/** Why the expression cannot be asked of sealed records, or null. */
function faultOf(text: string): string | null {
  try {
    const { paths } = compileExpression(text)
    const other = paths.map((path) => /^[A-Za-z_]\w*/.exec(path)?.[0] ?? path).find((root) => root !== 'event')
    if (other === undefined) return null
    return (NAMES as readonly string[]).includes(other) ? `${other} is not sealed, only event can be asked` : `there is no ${other}, only event`
  } catch (error) {
    return error instanceof Error ? error.message : 'no expression'
  }
}
