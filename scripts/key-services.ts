// What the service suites `softhsm` and `aws-kms` need beside Debian's softhsm2: the library pkcs11js, which is compiled, and moto,
// an emulator of AWS in Python. Neither is a dependency of ours: each lies in the user's cache directory, in one pinned version.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const PKCS11JS = '2.1.7'
const MOTO = '5.2.1'
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sealtrail')
const INSTALL_TIMEOUT_MS = 8 * 60_000

/** Folder of pkcs11js, compiled for this machine. @throws Error when it cannot be had */
export async function pkcs11js(): Promise<string> {
  const inside = (home: string): string => join(home, 'node_modules', 'pkcs11js')
  const built = (home: string): string => join(inside(home), 'build', 'Release', 'pkcs11.node')
  const home = join(CACHE, 'pkcs11js', `${PKCS11JS}-${process.versions.modules}`)
  await installed(home, built, async (making) => {
    writeFileSync(join(making, 'package.json'), `${JSON.stringify({ private: true, dependencies: { pkcs11js: PKCS11JS } })}\n`)
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], making)
    // An npm that leaves install scripts to the user has compiled nothing.
    if (!existsSync(built(making))) await run('npx', ['--yes', 'node-gyp', 'rebuild'], inside(making))
  })
  return inside(home)
}

/** Path of moto's server. @throws Error when it cannot be had */
export async function motoServer(): Promise<string> {
  const home = join(CACHE, 'moto', MOTO)
  const server = (at: string): string => join(at, 'bin', 'moto_server')
  // A virtual environment knows its own path: it is made where it stays, and counts once it is whole.
  if (!existsSync(join(home, 'whole'))) {
    rmSync(home, { recursive: true, force: true })
    mkdirSync(join(home, '..'), { recursive: true })
    await run('python3', ['-m', 'venv', home], CACHE)
    await run(join(home, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `moto[kms,server]==${MOTO}`], home)
    writeFileSync(join(home, 'whole'), '')
  }
  return server(home)
}

async function installed(home: string, built: (home: string) => string, make: (making: string) => Promise<void>): Promise<void> {
  if (existsSync(built(home))) return
  mkdirSync(join(home, '..'), { recursive: true })
  const making = mkdtempSync(join(home, '..', 'making-'))
  try {
    await make(making)
    // Whole or not there: another run may be making the same.
    if (!existsSync(built(home))) renameSync(making, home)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_TIMEOUT_MS })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)))
    child.on('error', reject)
    child.on('close', (code, signal) => (code === 0 ? resolve() : reject(new Error(`${command} failed: ${signal ?? `exit ${code}`}\n${said}`))))
  })
}
