// A throw-away Ceph cluster of one monitor, one OSD in memory and one RADOS gateway, from Debian's packages ceph-mon, ceph-osd,
// radosgw and ceph-common: a real S3 server with a real Object Lock. Everything binds to the loopback interface.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'rados', 'radosgw', 'radosgw-admin']
const POOL = 'default.rgw.buckets.data'
const DEADLINE_MS = 60_000

/** Who may use the gateway. */
export interface User {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Why Ceph cannot be started here, or null. */
export function cephMissing(): string | null {
  const missing = PROGRAMS.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  return missing.length === 0 ? null : `Ceph is not installed (${missing.join(', ')})`
}

export class Ceph {
  readonly endpoint: string
  readonly user: User = { accessKeyId: 'sealtrail-owner-key', secretAccessKey: 'sealtrail-owner-secret' }
  readonly #folder: string

  private constructor(folder: string, port: number) {
    this.#folder = folder
    this.endpoint = `http://127.0.0.1:${port}`
  }

  /** Up and answering. @throws Error naming the step that failed */
  static async start(): Promise<Ceph> {
    // Short: a socket's path ends at 107 characters.
    const folder = mkdtempSync(join(tmpdir(), 'st-ceph-'))
    const [monitor, gateway] = [await freePort(), await freePort()]
    const ceph = new Ceph(folder, gateway)
    try {
      await ceph.#up(monitor, gateway)
      return ceph
    } catch (error) {
      ceph.stop()
      throw error
    }
  }

  /** Ends exactly what was started and removes everything; the cluster is not to be used again, so it is not asked politely. */
  stop(): void {
    for (const name of ['client.rgw.a', 'osd.0', 'mon.a']) this.#signal(name, 'SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Lets the gateway stand still (`SIGSTOP`), go on (`SIGCONT`) or die (`SIGKILL`); what it stored stays. */
  signalGateway(signal: NodeJS.Signals): void {
    this.#signal('client.rgw.a', signal)
  }

  /** At the same address, after it died; up and answering. */
  async startGateway(): Promise<void> {
    this.#run('radosgw', ['-n', 'client.rgw.a'])
    await until(async () => (await fetch(this.endpoint).catch(() => null))?.status === 200, 'the gateway')
  }

  #signal(name: string, signal: NodeJS.Signals): void {
    const file = join(this.#folder, `${name}.pid`)
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) : 0
    // The number may be another process's by now.
    if (pid > 1 && existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(this.#folder)) process.kill(pid, signal)
  }

  /** A further user of the gateway. */
  addUser(name: string): User {
    const user = { accessKeyId: `sealtrail-${name}-key`, secretAccessKey: `sealtrail-${name}-secret` }
    this.#admin('user', 'create', `--uid=${name}`, `--display-name=${name}`, `--access-key=${user.accessKeyId}`, `--secret=${user.secretAccessKey}`)
    return user
  }

  /** Behind the gateway's back: the RADOS object that holds a version's bytes (another one of the key only points to the current version). */
  dataOf(key: string): string {
    const names = this.#run('rados', ['-p', POOL, 'ls']).stdout.split('\n')
    const found = names.find((name) => name.endsWith(`_${key}`) && name.includes('__:'))
    if (found === undefined) throw new Error(`no data of ${key} in RADOS`)
    return found
  }

  /** Writes over the bytes of an object, whatever locks it. @param name of `dataOf` */
  rewrite(name: string, bytes: Uint8Array): void {
    const file = join(this.#folder, 'rewrite')
    writeFileSync(file, bytes)
    this.#run('rados', ['-p', POOL, 'put', name, file, '--offset', '0'])
  }

  /** Takes an object away, whatever locks it. @param name of `dataOf` */
  takeAway(name: string): void {
    this.#run('rados', ['-p', POOL, 'rm', name])
  }

  async #up(monitor: number, gateway: number): Promise<void> {
    for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) mkdirSync(join(this.#folder, name))
    const fsid = randomUUID()
    writeFileSync(join(this.#folder, 'ceph.conf'), configuration(this.#folder, fsid, monitor, gateway))
    const map = join(this.#folder, 'monmap')
    this.#run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monitor}]`, map])
    this.#run('ceph-mon', ['-i', 'a', '--mkfs', '--monmap', map])
    this.#run('ceph-mon', ['-i', 'a'])
    // The cluster and the disk must know the OSD by one id, else it waits without a word.
    const uuid = randomUUID()
    const id = this.#run('ceph', ['osd', 'new', uuid]).stdout.trim()
    this.#run('ceph-osd', ['-i', id, '--mkfs', '--osd-uuid', uuid])
    this.#run('ceph-osd', ['-i', id])
    await until(() => this.#run('ceph', ['osd', 'stat', '-f', 'json']).stdout.includes('"num_up_osds":1'), 'the OSD')
    this.#run('radosgw', ['-n', 'client.rgw.a'])
    const { accessKeyId, secretAccessKey } = this.user
    this.#admin('user', 'create', '--uid=owner', '--display-name=owner', `--access-key=${accessKeyId}`, `--secret=${secretAccessKey}`)
    await until(async () => (await fetch(this.endpoint).catch(() => null))?.status === 200, 'the gateway')
  }

  #admin(...args: string[]): void {
    this.#run('radosgw-admin', ['-n', 'client.rgw.a', ...args])
  }

  #run(program: string, args: readonly string[]): SpawnSyncReturns<string> {
    const conf = join(this.#folder, 'ceph.conf')
    const done = spawnSync(program, ['--conf', conf, ...args], { encoding: 'utf8', timeout: DEADLINE_MS, env: { ...process.env, CEPH_CONF: conf } })
    if (done.status !== 0) throw new Error(`${program} ${args[0]} failed: ${done.stderr.slice(-500)}`)
    return done
  }
}

/** Passes when the condition does. Other processes tell of themselves in no other way. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + DEADLINE_MS; Date.now() < end;) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come up`)
}

/** One copy on one OSD in memory, few placement groups and quick elections: it is up in seconds, and nothing of it lasts. */
function configuration(folder: string, fsid: string, monitor: number, gateway: number): string {
  return `[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = [v2:127.0.0.1:${monitor}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${folder}/run
pid_file = ${folder}/$name.pid
admin_socket = ${folder}/run/$name.asok
log_file = ${folder}/log/$name.log
crash_dir = ${folder}/log
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 2
osd_pool_default_pgp_num = 2
osd_pool_default_pg_autoscale_mode = off
mon_warn_on_pool_no_redundancy = false
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 10000
mon_data_avail_crit = 1
mon_data_avail_warn = 2
paxos_propose_interval = 0.01
[mon]
mon_data = ${folder}/mon
mon_cluster_log_file = ${folder}/log/cluster.log
[osd]
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_class_load_list = *
osd_class_default_list = *
[client]
# By default the gateway wants an encrypted way to the monitor, which there is none without keys: it would ask for ever.
ms_mon_client_mode = crc
# Without tcp_nodelay a small answer waits 40 ms for company.
rgw_frontends = beast endpoint=127.0.0.1:${gateway} tcp_nodelay=1
rgw_data = ${folder}/rgw
rgw_thread_pool_size = 64
rgw_rados_pool_pg_num_min = 2
rgw_enable_usage_log = false
rgw_dns_name = localhost
`
}
