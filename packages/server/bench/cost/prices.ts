import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { SealtrailError } from '../../src/errors.ts'

export const STORES = ['s3', 'azure', 'gcs'] as const
export type StoreName = (typeof STORES)[number]

/** Per thousand requests, and per GiB and month. */
export interface Price {
  readonly name: string
  readonly store: StoreName
  readonly source: string
  /** Whether it was compared with its source on the table's date. */
  readonly sure: boolean
  readonly write: number
  readonly list: number
  readonly read: number
  readonly storage: number
  /** What a smaller object counts as. */
  readonly minimumBytes: number
}

export interface PriceTable {
  readonly date: string
  readonly currency: string
  readonly prices: readonly Price[]
}

/** What is billed for a number of events. */
export interface Use {
  readonly write: number
  readonly list: number
  readonly read: number
  readonly objects: number
  readonly bytes: number
}

const NUMBERS = ['write', 'list', 'read', 'storage', 'minimumBytes'] as const
const GIB = 2 ** 30

/** @throws SealtrailError CONFIG_INVALID, naming the entry and the key */
export function readPrices(path: string): PriceTable {
  const wrong = (what: string): never => {
    throw new SealtrailError('CONFIG_INVALID', `${path}: ${what}`)
  }
  let table: Record<string, unknown>
  try {
    table = (parse(readFileSync(path, 'utf8')) ?? {}) as Record<string, unknown>
  } catch (error) {
    return wrong(`cannot be read: ${(error as Error).message.split('\n')[0] ?? ''}`)
  }
  const { date, currency, prices } = table
  if (typeof date !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(date)) return wrong('date: a day such as 2026-11-29 is needed')
  if (typeof currency !== 'string' || currency === '') return wrong('currency: a text is needed')
  if (!Array.isArray(prices) || prices.length === 0) return wrong('prices: a list is needed')
  for (const [i, price] of (prices as Record<string, unknown>[]).entries()) {
    const at = `prices[${i}]`
    for (const key of ['name', 'source']) if (typeof price?.[key] !== 'string' || price[key] === '') wrong(`${at}.${key}: a text is needed`)
    if (!STORES.includes(price['store'] as StoreName)) wrong(`${at}.store: one of ${STORES.join(', ')} is needed`)
    if (typeof price['sure'] !== 'boolean') wrong(`${at}.sure: true or false is needed`)
    for (const key of NUMBERS) {
      const number = price[key]
      if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) wrong(`${at}.${key}: a number from 0 on is needed`)
    }
  }
  return { date, currency, prices: prices as Price[] }
}

/** What making and keeping them costs, in the table's currency. */
export function costOf(use: Use, months: number, price: Price): { requests: number; storage: number; total: number } {
  const requests = (use.write * price.write + use.list * price.list + use.read * price.read) / 1_000
  const storage = (Math.max(use.bytes, use.objects * price.minimumBytes) / GIB) * months * price.storage
  return { requests, storage, total: requests + storage }
}
