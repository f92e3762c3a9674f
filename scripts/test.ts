// `npm test`: every suite that needs nothing but npm, sources run as they are. Files or globs may be named. What needs more
// lies in test/services/ and is run by `npm run test:services`.
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const globs = process.argv.slice(2)
const files =
  globs.length > 0
    ? globSync(globs).sort()
    : globSync(['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'], { exclude: ['packages/*/test/services/**'] }).sort()
if (files.length === 0) {
  console.error('no test file of that name')
  process.exit(2)
}
let counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 }
// Node leaves one processor idle, which on two is half of them.
const stream = run({ files, concurrency: Math.max(2, availableParallelism()), execArgv: ['--conditions=@sealtrail/source'], timeout: 170_000 })
stream.on('test:summary', (summary: { file?: string; counts: typeof counts }) => {
  if (summary.file === undefined) counts = summary.counts
})
stream.compose(new spec()).pipe(process.stdout, { end: false })
stream.on('end', () => {
  // The reporter has written what it had; this is the last line.
  setImmediate(() => {
    const failed = counts.failed + counts.cancelled
    if (counts.skipped > 0) console.log(`${counts.skipped} skipped, each with its reason above`)
    console.log(`${counts.passed} passed, ${failed} failed`)
    process.exitCode = failed === 0 ? 0 : 1
  })
})
