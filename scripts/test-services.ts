// `npm run test:services`: what needs more than npm. Installs PostgreSQL with apt where it may, then runs the benchmark's
// short form, which measures beside it. What cannot run here says so, loudly, and does not fail the rest.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BENCH = fileURLToPath(new URL('../packages/server/bench/main.ts', import.meta.url))
const POSTGRES = fileURLToPath(new URL('postgres.ts', import.meta.url))
const skipped: string[] = []

function run(command: string, args: readonly string[], timeoutMs: number): boolean {
  console.log(`$ ${[command, ...args].join(' ')}`)
  return spawnSync(command, args, { stdio: 'inherit', timeout: timeoutMs, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0
}

function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command} || ls /usr/lib/postgresql/*/bin/${command}`], { stdio: 'ignore' }).status === 0
}

function postgres(): boolean {
  if (has('postgres')) return true
  if (process.getuid?.() !== 0 || !has('apt-get')) return false
  return (
    run('apt-get', ['update', '-qq'], 180_000) && run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'postgresql'], 300_000) && has('postgres')
  )
}

const withPostgres = postgres()
if (!withPostgres) skipped.push('PostgreSQL: not here, and it cannot be installed (that needs apt and root); the benchmark runs without its comparison')

let failed = 0
if (!existsSync(BENCH)) skipped.push('benchmark: packages/server/bench/main.ts is not here')
else if (!run(process.execPath, [...(withPostgres ? [POSTGRES, process.execPath] : []), '--conditions=@sealtrail/source', BENCH, '--smoke'], 600_000)) {
  console.error('FAILED: the short benchmark')
  failed++
}
for (const reason of skipped) console.log(`SKIPPED ${reason}`)
console.log(`${failed === 0 ? 1 - Number(!existsSync(BENCH)) : 0} passed, ${failed} failed, ${skipped.length} skipped`)
process.exitCode = failed === 0 ? 0 : 1
