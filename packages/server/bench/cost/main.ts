// `sealtrail bench --cost [--rate N] [--delay DURATION] [--records N] [--months N] [--store NAME] [--sample N] [--prices FILE] [--json]`
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseDuration } from '../../src/config/units.ts'
import { SealtrailError } from '../../src/errors.ts'
import { measure } from './measure.ts'
import type { Measured } from './measure.ts'
import { asJson, asText } from './print.ts'
import { readPrices, STORES } from './prices.ts'
import type { StoreName } from './prices.ts'

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    delay: { type: 'string', default: '100ms' },
    records: { type: 'string', default: '4000' },
    months: { type: 'string', default: '12' },
    store: { type: 'string' },
    sample: { type: 'string', default: '70000' },
    prices: { type: 'string', default: join(import.meta.dirname, 'prices.yaml') },
    json: { type: 'boolean', default: false },
  },
})

try {
  const delayMs = parseDuration(values.delay)
  if (delayMs === null || delayMs > 60_000) throw new SealtrailError('USAGE', '--delay is a duration up to 1m, such as 100ms')
  const plan = {
    rate: number('rate', 1, 1_000_000),
    delayMs,
    maxRecords: number('records', 1, 65_536),
    sample: number('sample', 1, 1_000_000),
  }
  const months = number('months', 1, 1_200)
  const table = readPrices(resolve(values.prices))
  const stores = values.store === undefined ? STORES : STORES.filter((store) => store === values.store)
  if (stores.length === 0) throw new SealtrailError('USAGE', `--store is one of ${STORES.join(', ')}`)
  const all: Measured[] = []
  for (const store of stores) all.push(await measured(store))
  process.stdout.write(values.json ? `${JSON.stringify(asJson(plan, months, all, table))}\n` : asText(plan, months, all, table))

  async function measured(store: StoreName): Promise<Measured> {
    if (!values.json) process.stderr.write(`sealing into ${store} …\n`)
    return measure(store, plan)
  }
} catch (error) {
  if (!(error instanceof SealtrailError)) throw error
  process.stderr.write(`${error.code}: ${error.message}\n`)
  process.exitCode = 2
}

function number(name: 'rate' | 'records' | 'months' | 'sample', from: number, to: number): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < from || value > to) throw new SealtrailError('USAGE', `--${name} is a whole number from ${from} to ${to}`)
  return value
}
