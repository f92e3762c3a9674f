import type { ContentDuty } from './config.ts'
import type { StoreReading } from './store-keys.ts'

/**
 * What is written of a legal obligation to keep content.
 * @param path of `content` @param keptMs how long records are kept in full @param periodMs its length where none is written
 */
export function readContentDuty(path: string, keptMs: number, periodMs: number, reading: StoreReading): ContentDuty | null {
  const basis = reading.find<string>(`${path}.basis`)
  const written = reading.find<number>(`${path}.period`)
  if (basis === null) {
    if (written !== null) reading.mistake(`${path}.period`, `${path}.basis is missing: without a clause nobody is obliged`)
    return null
  }
  const ms = written ?? periodMs
  if (ms <= 0) reading.mistake(`${path}.period`, `${path}.period: must be longer than nothing`)
  if (ms > keptMs)
    reading.mistake(
      written === null ? path : `${path}.period`,
      `${path}.period: the records are kept in full for less; make ${written === null ? 'detail' : 'period or detail'} longer, or this shorter`,
    )
  return { basis, periodMs: ms }
}
