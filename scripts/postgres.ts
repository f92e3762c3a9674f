// A throw-away PostgreSQL on a free port of the loopback interface: `node scripts/postgres.ts COMMAND…` runs the command with
// POSTGRES_URL set, fsync and synchronous_commit on as installed, and removes everything afterwards.
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'

const bin = dirname(globSync('/usr/lib/postgresql/*/bin/postgres').sort().at(-1) ?? '/usr/bin/postgres')
// PostgreSQL refuses to run as root; Debian's package brings a user for it.
const asUser = userInfo().uid === 0 ? ['runuser', '-u', 'postgres', '--'] : []
const user = userInfo().uid === 0 ? 'postgres' : userInfo().username

function pg(command: string, ...args: string[]): boolean {
  const [first, ...rest] = [...asUser, join(bin, command), ...args] as [string, ...string[]]
  return spawnSync(first, rest, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' }).status === 0
}

const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port: free } = probe.address() as AddressInfo
    probe.close(() => resolve(free))
  })
})
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-pg-'))
if (asUser.length > 0) spawnSync('chown', [user, folder])
chmodSync(folder, 0o700)
const data = join(folder, 'data')
let status = 1
try {
  if (!pg('initdb', '-D', data, '-A', 'trust', '-E', 'UTF8', '--no-sync')) throw new Error('initdb failed')
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c shared_buffers=512MB -c max_wal_size=4GB`
  if (!pg('pg_ctl', '-D', data, '-w', '-o', options, '-l', join(folder, 'log'), 'start')) throw new Error('PostgreSQL did not start')
  const [command, ...args] = process.argv.slice(2) as [string, ...string[]]
  status = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, POSTGRES_URL: `postgres://${user}@127.0.0.1:${port}/postgres` } }).status ?? 1
} finally {
  pg('pg_ctl', '-D', data, '-m', 'immediate', 'stop')
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = status
