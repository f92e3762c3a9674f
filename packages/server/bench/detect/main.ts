// `npm run bench:detect [-- --verbose]`: precision and recall of detection over the corpus, beside Presidio's patterns in the same run.
// Exits 1 when ours fall below the floors that the suites hold as well.
import { parseArgs } from 'node:util'
import { isCardNumber } from '../../src/protect/cards.ts'
import { corpus } from './corpus.ts'
import type { Item } from './corpus.ts'
import { FLOORS, ours, scored, theirs } from './score.ts'
import type { Result } from './score.ts'

const { values } = parseArgs({ options: { verbose: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } } })
const items = corpus()
const judges = [
  ['Sealtrail', ours],
  ['Presidio, any score', theirs(0)],
  ['Presidio, 0.4 and more', theirs(0.4)],
] as const
const isInPieces = ({ group }: Item): boolean => group.startsWith('split')
const results = judges.map(([, judge]) => scored(items, judge))

if (values.json) console.log(JSON.stringify(results.map(({ scores }, at) => ({ name: judges[at]?.[0], scores }))))
else {
  const none = items.filter(({ label }) => label === 'none').length
  console.log(`${items.length} texts and events of our own making, of which ${none} hold nothing personal`)
  table(
    'in one text',
    items.filter((item) => !isInPieces(item)),
  )
  table('in pieces, or key by key', items.filter(isInPieces))
  console.log()
  for (const [at, { falsePositives, falseNegatives }] of results.entries())
    console.log(`${judges[at]?.[0]}: ${falsePositives.length} said to be what they are not, ${falseNegatives.length} missed or taken for another`)
  const rates = [13, 14, 15, 16, 17, 18, 19].map((length) => `${length}: ${((share(length) ?? 0) * 100).toFixed(1)} %`)
  console.log(`\nrandom digits that pass for a card number, by length: ${rates.join(', ')}`)
}

function table(title: string, of: readonly Item[]): void {
  const runs = judges.map(([, judge]) => scored(of, judge).scores)
  console.log(`\n${title.padEnd(26)}${judges.map(([name]) => name.padEnd(26)).join('')}`)
  console.log(`${'kind'.padEnd(16)}${'items'.padEnd(10)}${judges.map(() => 'precision   recall'.padEnd(26)).join('')}`)
  for (const [at, { kind, items: there }] of (runs[0] ?? []).entries()) {
    if (there === 0) continue
    const cells = runs.map((scores) => `${percent(scores[at]?.precision)}    ${percent(scores[at]?.recall)}`.padEnd(26))
    console.log(`${kind.padEnd(16)}${String(there).padStart(5)}     ${cells.join('')}`)
  }
}

function percent(value = NaN): string {
  return Number.isNaN(value) ? '      -' : `${(value * 100).toFixed(1).padStart(5)} %`
}

/** Of 100,000 runs of random digits; the same ones every time. */
function share(length: number): number {
  let seed = 1
  const digit = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) >>> 28
  let found = 0
  for (let i = 0; i < 100_000; i++) {
    let text = ''
    while (text.length < length) {
      const next = digit()
      if (next < 10) text += next
    }
    if (isCardNumber(text)) found++
  }
  return found / 100_000
}

if (values.verbose) {
  for (const [at, { falsePositives, falseNegatives }] of results.entries()) {
    const name = judges[at]?.[0]
    for (const { item, said } of falsePositives) console.log(`${name}: says ${said}, is ${item.label}: ${item.shown.slice(0, 200)}  (${item.group})`)
    for (const { item, said } of falseNegatives) if (said === 'none') console.log(`${name}: misses ${item.label}: ${item.shown.slice(0, 200)}  (${item.group})`)
  }
}
for (const { kind, precision, recall } of (results[0] as Result).scores) {
  const floor = FLOORS[kind]
  if (precision >= floor.precision && recall >= floor.recall) continue
  console.error(`${kind} is below its floor: precision ${percent(floor.precision)}, recall ${percent(floor.recall)}`)
  process.exitCode = 1
}
