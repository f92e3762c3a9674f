// `npm run test:services [-- NAME…]`: what needs more than npm. Every packages/*/test/services/NAME.test.ts is a suite; they run
// one after the other, the short benchmark (`bench`) last. Debian packages are installed where that may be, programs in Go are
// built (scripts/go-tools.ts). What cannot run here says so, loudly, and does not fail the rest.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'
import { azuriteBlob } from './azurite.ts'
import { motoServer, pkcs11js } from './key-services.ts'
import { GO_TOOLS, goMissing, goTool } from './go-tools.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SUITE_TIMEOUT_MS = 8 * 60_000
/** Command → Debian package that brings it. */
const DEBIAN: Readonly<Record<string, string>> = {
  postgres: 'postgresql',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  radosgw: 'radosgw',
  ceph: 'ceph-common',
  openssl: 'openssl',
  'softhsm2-util': 'softhsm2',
  'ssh-agent': 'openssh-client',
  chromium: 'chromium',
  jq: 'jq',
  unzip: 'unzip',
  xxd: 'xxd',
}

let passed = 0
let failed = 0
const skipped: string[] = []
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`

function command(name: string, args: readonly string[], timeoutMs: number): boolean {
  console.log(`$ ${[name, ...args].join(' ')}`)
  return spawnSync(name, args, { stdio: 'inherit', cwd: ROOT, timeout: timeoutMs, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0
}

function has(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name} || ls /usr/lib/postgresql/*/bin/${name}`], { stdio: 'ignore' }).status === 0
}

function installDebian(): void {
  const missing = (): string[] => Object.keys(DEBIAN).filter((name) => !has(name))
  if (missing().length === 0) return
  if (process.getuid?.() === 0 && has('apt-get') && command('apt-get', ['update', '-qq'], 180_000)) {
    // One by one: a package that cannot be had keeps no other away.
    for (const name of missing()) command('apt-get', ['install', '-y', '-qq', '--no-install-recommends', DEBIAN[name] as string], 300_000)
  }
  for (const name of missing()) skipped.push(`what needs ${name}: not here, and ${DEBIAN[name]} cannot be installed (that needs apt and root)`)
}

async function buildGo(): Promise<void> {
  const reason = goMissing()
  if (reason !== null) return void skipped.push(`what needs programs in Go (Tessera, litewitness, omniwitness, sumdb, formats): ${reason}`)
  for (const name of GO_TOOLS) {
    try {
      await goTool(name)
    } catch (error) {
      // The suites that need it fail and say so again.
      console.error(`FAILED to build ${name}: ${(error as Error).message}`)
    }
  }
}

/** Suite → what it installs for itself. */
const INSTALLS = { azurite: azuriteBlob, softhsm: pkcs11js, 'aws-kms': motoServer }

async function install(): Promise<void> {
  for (const [name, have] of Object.entries(INSTALLS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    try {
      await have()
    } catch (error) {
      // The suite that needs it fails and says so again.
      console.error(`FAILED to install what ${name} needs: ${(error as Error).message}`)
    }
  }
}

function runSuite(file: string): Promise<void> {
  const name = basename(file, '.test.ts')
  const started = performance.now()
  console.log(`== ${name}`)
  const stream = run({ files: [file], concurrency: 1, execArgv: ['--conditions=@sealtrail/source'], timeout: SUITE_TIMEOUT_MS })
  stream.on('test:pass', ({ name: test, skip }) => {
    if (skip !== undefined) skipped.push(`${name}: ${test}${typeof skip === 'string' ? `: ${skip}` : ''}`)
  })
  let seen = false
  stream.on('test:summary', ({ file: of, counts }: { file?: string; counts: { passed: number; failed: number; cancelled: number } }) => {
    if (of !== undefined) return
    seen = true
    passed += counts.passed
    failed += counts.failed + counts.cancelled
  })
  stream.compose(new spec()).pipe(process.stdout, { end: false })
  return new Promise((resolve) => {
    stream.on('end', () => {
      // The reporter has written what it had.
      setImmediate(() => {
        if (!seen) failed++
        console.log(`== ${name} took ${seconds(started)}`)
        resolve()
      })
    })
  })
}

function bench(): void {
  const started = performance.now()
  console.log('== bench')
  const measured = ['--conditions=@sealtrail/source', 'packages/server/bench/main.ts', '--smoke']
  if (command(process.execPath, has('postgres') ? ['scripts/postgres.ts', process.execPath, ...measured] : measured, SUITE_TIMEOUT_MS)) passed++
  else failed++
  console.log(`== bench took ${seconds(started)}`)
}

const started = performance.now()
const wanted = process.argv.slice(2)
const suites = globSync('packages/*/test/services/*.test.ts', { cwd: ROOT }).sort()
const unknown = wanted.filter((name) => name !== 'bench' && !suites.some((file) => basename(file, '.test.ts') === name))
if (unknown.length > 0) {
  console.error(`no suite ${unknown.join(', ')}; there are ${[...suites.map((file) => basename(file, '.test.ts')), 'bench'].join(', ')}`)
  process.exit(2)
}
installDebian()
await buildGo()
await install()
console.log(`prepared in ${seconds(started)}`)
for (const file of suites) if (wanted.length === 0 || wanted.includes(basename(file, '.test.ts'))) await runSuite(`${ROOT}${file}`)
if (wanted.length === 0 || wanted.includes('bench')) bench()
for (const reason of skipped) console.log(`SKIPPED ${reason}`)
console.log(`services took ${seconds(started)}`)
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`)
process.exitCode = failed === 0 ? 0 : 1
