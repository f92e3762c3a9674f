// Programs by others, and our own that use their libraries, built from pinned Go modules for the service tests: `goTool(name)`.
// What is built is kept in the user's cache directory by version, so that a second run builds nothing.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Every program by others, with the one version that we test against. */
const OUTSIDE = {
  fsck: 'github.com/transparency-dev/tessera/cmd/fsck@v1.0.4',
  hammer: 'github.com/transparency-dev/tessera/internal/hammer@v1.0.4',
  posix: 'github.com/transparency-dev/tessera/cmd/conformance/posix@v1.0.4',
  // v0.10.0 needs Go 1.27.
  litewitness: 'filippo.io/torchwood/cmd/litewitness@v0.9.0',
} as const

/** What packages/server/test/services/go/go.mod pins: small programs of our own over libraries by others, and one that needs a newer library than it names. */
const PINNED = {
  notecheck: './notecheck',
  proofcheck: './proofcheck',
  tesseralog: './tesseralog',
  omniwitness: 'github.com/transparency-dev/witness/cmd/omniwitness',
} as const

type Outside = keyof typeof OUTSIDE
type Pinned = keyof typeof PINNED
export type GoTool = Outside | Pinned
export const GO_TOOLS: readonly GoTool[] = [...(Object.keys(OUTSIDE) as Outside[]), ...(Object.keys(PINNED) as Pinned[])]

const OLDEST_GO = 25
const BUILD_TIMEOUT_MS = 8 * 60_000
const SOURCES = fileURLToPath(new URL('../packages/server/test/services/go/', import.meta.url))
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sealtrail', 'go-tools')

let found: { go: string; version: string } | string | undefined

function findGo(): { go: string; version: string } | string {
  const seen: string[] = []
  for (const go of ['go', join(process.env['GOROOT'] ?? '/usr/local/go', 'bin', 'go'), '/usr/lib/go/bin/go']) {
    const { status, stdout } = spawnSync(go, ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...process.env, GOTOOLCHAIN: 'local' } })
    const version = /^go1\.(\d+)\S*/.exec(status === 0 ? stdout : '')
    if (version !== null && Number(version[1]) >= OLDEST_GO) return { go, version: version[0] }
    if (version !== null) seen.push(version[0])
  }
  return seen.length === 0 ? 'Go is not here' : `Go 1.${OLDEST_GO} or later is not here (there is ${seen.join(', ')})`
}

/** Why no tool can be had, in words for a line that says what is skipped; null where Go is there. */
export function goMissing(): string | null {
  found ??= findGo()
  return typeof found === 'string' ? found : null
}

function isOutside(name: GoTool): name is Outside {
  return Object.hasOwn(OUTSIDE, name)
}

function versionOf(name: GoTool): string {
  if (isOutside(name)) return OUTSIDE[name].split('@')[1] as string
  const hash = createHash('sha256')
  for (const file of globSync(['go.mod', 'go.sum', 'internal/**/*.go', `${name}/*.go`], { cwd: SOURCES }).sort())
    hash.update(`${file}\n`).update(readFileSync(join(SOURCES, file)))
  return hash.digest('hex').slice(0, 16)
}

function run(go: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(go, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'], timeout: BUILD_TIMEOUT_MS })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-8_000)))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`go ${args.join(' ')}: ${signal ?? `exit ${code}`}\n${said.replace(/^go: downloading .*\n/gm, '')}`))
    })
  })
}

async function build(name: GoTool, go: string, target: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'build-'))
  const started = performance.now()
  const what = isOutside(name) ? OUTSIDE[name] : `${name} (as go.mod pins it)`
  console.log(`building ${what} …`)
  try {
    // Without cgo no C compiler is needed.
    const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '', GOWORK: 'off', CGO_ENABLED: '0', GOBIN: folder }
    const flags = ['-p=2', '-trimpath', '-buildvcs=false', '-ldflags=-s -w']
    if (isOutside(name)) await run(go, ['install', ...flags, OUTSIDE[name]], { cwd: folder, env })
    else await run(go, ['install', '-mod=readonly', ...flags, PINNED[name]], { cwd: SOURCES, env })
    // Two builds at once are work done twice, never half a program: the last rename wins.
    renameSync(join(folder, name), target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`built ${what} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

let queue: Promise<unknown> = Promise.resolve()

/**
 * Path of a built program; null where no Go is (the caller says `SKIPPED …`, loudly, with `goMissing()`).
 * @throws Error with what the compiler or the module proxy said, when it cannot be built.
 */
export async function goTool(name: GoTool): Promise<string | null> {
  if (goMissing() !== null) return null
  const { go, version } = found as { go: string; version: string }
  const target = join(CACHE, `${name}-${versionOf(name)}-${version}`)
  if (existsSync(target)) return target
  // One at a time: a build takes both processors by itself.
  const turn = queue.then(() => (existsSync(target) ? undefined : build(name, go, target)))
  queue = turn.catch(() => undefined)
  await turn
  return target
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // `node scripts/go-tools.ts [NAME…]` builds all or some, and prints where they are.
  const names = process.argv.length > 2 ? (process.argv.slice(2) as GoTool[]) : GO_TOOLS
  for (const name of names) console.log((await goTool(name)) ?? `SKIPPED ${name}: ${goMissing()}`)
}
