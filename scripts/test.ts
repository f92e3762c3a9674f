// `npm test`: the suites that need nothing but npm, sources run as they are. Files or globs may be named. `npm run test:long`
// runs those that start a process for every step, turn every byte or go through weeks, `*.long.test.ts`; what needs more than npm lies in
// test/services/ and is run by `npm run test:services`.
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const globs = process.argv.slice(2).filter((word) => word !== '--long')
const long = process.argv.includes('--long')
const files =
  globs.length > 0
    ? globSync(globs).sort()
    : globSync(['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'], { exclude: ['packages/*/test/services/**'] })
        .filter((file) => file.endsWith('.long.test.ts') === long)
        .sort()
if (files.length === 0) {
  console.error('no test file of that name')
  process.exit(2)
}
// Most of what a process or thread costs is reading the sources; what was compiled once serves them all.
const cache = join(import.meta.dirname, '../node_modules/.cache')
const compiled = join(cache, 'compiled')
if (existsSync(compiled) && readdirSync(compiled, { recursive: true }).length > 20_000) rmSync(compiled, { recursive: true })
process.env['NODE_COMPILE_CACHE'] ??= compiled
// What the suites write goes when they end, so where there is memory for it no disk need see it.
const memory = '/dev/shm'
const roomy = (path: string): boolean => existsSync(path) && statfsSync(path).bavail * statfsSync(path).bsize > 4 * 2 ** 30
const scratch = mkdtempSync(join(roomy(memory) ? memory : tmpdir(), 'sealtrail-test-'))
process.env['TMPDIR'] = scratch
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

// The longest first, so that no processor is left alone with one at the end.
const known = join(cache, 'test-durations.json')
let durations: Record<string, number> = {}
try {
  durations = JSON.parse(readFileSync(known, 'utf8')) as Record<string, number>
} catch {
  // None yet, or cut short: the folders say enough.
}
const longFolders = /\/(crash|export|cli|flow|bundle)\/|browser/
const weight = (file: string): number => durations[file] ?? (longFolders.test(file) ? 5_000 : 0)
files.sort((a, b) => weight(b) - weight(a))

let counts = { passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 }
// Node leaves one processor idle, which on two is half of them.
const stream = run({ files, concurrency: Math.max(2, availableParallelism()), execArgv: ['--conditions=@sealtrail/source'], timeout: 170_000 })
stream.on('test:summary', (summary: { file?: string; counts: typeof counts; duration_ms: number }) => {
  if (summary.file === undefined) counts = summary.counts
  else durations[relative(process.cwd(), summary.file)] = Math.round(summary.duration_ms)
})
stream.compose(new spec()).pipe(process.stdout, { end: false })
stream.on('end', () => {
  // The reporter has written what it had; this is the last line.
  setImmediate(() => {
    const failed = counts.failed + counts.cancelled
    if (counts.skipped > 0) console.log(`${counts.skipped} skipped, each with its reason above`)
    console.log(`${counts.passed} passed, ${failed} failed`)
    mkdirSync(cache, { recursive: true })
    writeFileSync(known, JSON.stringify(durations, null, 1))
    process.exitCode = failed === 0 ? 0 : 1
  })
})
