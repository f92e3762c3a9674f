import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampleInput } from '../src/pack/check.ts'
import { loadPack } from '../src/pack/load.ts'

// Filter and map of each built-in pack over its samples: µs of CPU for each mapped event, best of six rounds.
// node --conditions=@sealtrail/source packages/server/bench/packs.ts

const PACKS = join(import.meta.dirname, '../../../packs')
const cases: readonly [string, string, RegExp][] = [
  ['conversation details (a call)', 'genesys-interactions', /^topic-/],
  ['message snapshots', 'genesys-notifications', /^queue-message-(delivery-success|read|delivery-failed)/],
  ['flat records', 'genesys-notifications', /^flat-record-same/],
  ['plain receipts', 'genesys-notifications', /^plain-receipt-read/],
]

for (const [title, name, pattern] of cases) {
  const pack = loadPack(join(PACKS, name))
  const folder = join(PACKS, name, 'samples')
  const inputs = readdirSync(folder)
    .filter((file) => pattern.test(file))
    .map((file) => sampleInput(readFileSync(join(folder, file))))
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 6; round++) {
    const before = process.cpuUsage()
    let events = 0
    for (let i = 0; i < 60_000; i++) {
      const result = pack.apply(inputs[i % inputs.length]!, { tenant: 'default' })
      if (result.kind === 'events') events += result.events.length
    }
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / events)
  }
  console.log(`${title}: ${best.toFixed(2)} µs/event`)
}
