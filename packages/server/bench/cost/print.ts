import { costOf, type PriceTable, type Use } from './prices.ts'
import type { Measured, Plan } from './measure.ts'

export const MILLION = 1_000_000
const NAMES = { s3: 'Amazon S3', azure: 'Azure Blob Storage', gcs: 'Google Cloud Storage' } as const

/** Use of a million events, ours and of one object an event, as the guides of the platforms have it: written, and not read back. */
export function perMillion({ use, events, eventBytes }: Measured): { ours: Use; guides: Use } {
  const scale = MILLION / events
  return {
    ours: { write: use.write * scale, list: use.list * scale, read: use.read * scale, objects: use.objects * scale, bytes: use.bytes * scale },
    guides: { write: MILLION, list: 0, read: 0, objects: MILLION, bytes: eventBytes * MILLION },
  }
}

/** The result as plain data: one entry for each store, with the price of each of its classes. */
export function asJson(plan: Plan, months: number, all: readonly Measured[], table: PriceTable): object {
  const stores = all.map((measured) => {
    const { ours, guides } = perMillion(measured)
    const prices = table.prices
      .filter(({ store }) => store === measured.store)
      .map((price) => ({ name: price.name, source: price.source, sure: price.sure, ours: costOf(ours, months, price), guides: costOf(guides, months, price) }))
    return { ...measured, perMillion: { ours: withMonths(ours, months), guides: withMonths(guides, months) }, prices }
  })
  return { plan, months, priceDate: table.date, currency: table.currency, stores }
}

function withMonths(use: Use, months: number): Use & { objectMonths: number } {
  return { ...use, objectMonths: use.objects * months }
}

/** What somebody reads who has to pay it. */
export function asText(plan: Plan, months: number, all: readonly Measured[], table: PriceTable): string {
  const [first] = all as [Measured]
  const lines = [
    `A million events of ${whole(first.eventBytes)} bytes, ${whole(plan.rate)} a second; a commit each ${plan.delayMs} ms or ${whole(plan.maxRecords)} records; kept ${months} months`,
    `measured: ${whole(first.events)} events sealed through the whole flow into a server that answers as the platform does, counted there, scaled up`,
    'beside it: each event an object of its own, as the guides of the platforms have it (1 write each; computed)',
  ]
  for (const measured of all) {
    const { ours, guides } = perMillion(measured)
    const row = (what: string, of: (use: Use) => string, note = ''): string =>
      `  ${what.padEnd(30)}${of(guides).padStart(18)}${of(ours).padStart(16)}   ${note}`.trimEnd()
    lines.push(
      '',
      `${NAMES[measured.store].padEnd(32)}${'object an event'.padStart(18)}${'Sealtrail'.padStart(16)}`,
      row(
        'writes (PUT)',
        ({ write }) => whole(write),
        `1 to ${whole(guides.write / ours.write)}; ${whole((measured.commits * MILLION) / measured.events)} commits, the rest hash packs`,
      ),
      row(
        'reads (GET, HEAD)',
        ({ read }) => whole(read),
        `nothing counts before it is read back; an object an event so treated: ${whole(measured.single.read * MILLION)}`,
      ),
      row('lists', ({ list }) => whole(list)),
      row('objects', ({ objects }) => whole(objects)),
      row('object-months', ({ objects }) => whole(objects * months)),
      row(
        'bytes stored',
        ({ bytes }) => `${(bytes / 1e6).toFixed(1)} MB`,
        `${((ours.bytes / guides.bytes) * 100).toFixed(1)} % of the JSON, without the personal values: those stay on the server (below)`,
      ),
    )
    for (const price of table.prices.filter(({ store }) => store === measured.store)) {
      const cost = (use: Use): ReturnType<typeof costOf> => costOf(use, months, price)
      lines.push(`  ${price.name}, ${table.currency}${price.sure ? '' : ' (price not checked with its source)'}`)
      for (const [what, part] of [
        ['  requests', 'requests'],
        [`  storage, ${months} months`, 'storage'],
        ['  together', 'total'],
      ] as const)
        lines.push(row(what, (use) => money(cost(use)[part])))
    }
  }
  const disk = Object.entries(first.disk).map(([name, bytes]) => `${name} ${whole(bytes / first.events)}`)
  lines.push(
    '',
    `On the server's own disk, bytes an event: ${disk.join(', ')}. Not counted: the server's own records, the daily probe, traffic.`,
    `Prices of ${table.date}; they change, and yours are in your contract: bench/cost/prices.yaml, or --prices FILE.`,
  )
  return `${lines.join('\n')}\n`
}

function whole(number: number): string {
  return Math.round(number)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
}

function money(amount: number): string {
  return amount.toFixed(amount < 0.1 ? 4 : 2)
}
