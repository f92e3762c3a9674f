// Microsoft's emulator of Azure Storage, for the service suite `azurite`. It is heavy (some 360 MB with what it needs) and of use
// to nobody else, so it is no dependency: it lies in the user's cache directory, in one pinned version.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const VERSION = '3.37.0'
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sealtrail', 'azurite')
const INSTALL_TIMEOUT_MS = 8 * 60_000

/** Its blob service, to be run with Node; installed where it is not yet. @throws Error when it cannot be had */
export async function azuriteBlob(): Promise<string> {
  const home = join(CACHE, VERSION)
  const main = join(home, 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js')
  if (existsSync(main)) return main
  mkdirSync(CACHE, { recursive: true })
  const making = mkdtempSync(join(CACHE, 'making-'))
  try {
    writeFileSync(join(making, 'package.json'), `${JSON.stringify({ private: true, dependencies: { azurite: VERSION } })}\n`)
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], making)
    // Whole or not there: another run may be making the same.
    if (!existsSync(main)) renameSync(making, home)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return main
}

function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: INSTALL_TIMEOUT_MS })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)))
    child.on('error', reject)
    child.on('close', (code, signal) => (code === 0 ? resolve() : reject(new Error(`azurite was not installed: ${signal ?? `exit ${code}`}\n${said}`))))
  })
}
