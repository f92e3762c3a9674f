// `npm run -s bench:erase [-- --records N] [--people N] [--calls N] [--threads N] [--keep]`
// One of 10,000 people in a log of 1,000,000 records is erased by the running server; then everything is looked at again.
import { parseArgs } from 'node:util'
import { availableParallelism, loadavg } from 'node:os'
import { eraseOne } from './erase-run.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    people: { type: 'string', default: '10000' },
    calls: { type: 'string', default: '200' },
    threads: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(text + '\n')
say(`Sealtrail, one person erased: Node ${process.version}, ${availableParallelism()} cores, load average before ${loadavg()[0]?.toFixed(2)}`)
const problems = await eraseOne(
  { records: Number(values.records), people: Number(values.people), calls: Number(values.calls), threads: Number(values.threads), keep: values.keep },
  say,
)
for (const problem of problems) say(`PROBLEM: ${problem}`)
say(problems.length === 0 ? 'everything holds' : `${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
