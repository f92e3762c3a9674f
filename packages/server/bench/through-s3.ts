// `node --conditions=@sealtrail/source packages/server/bench/through-s3.ts [--events N] [--rate N] [--json]`: events through a
// served process into Ceph's RADOS gateway, then the data directory is deleted, made again from the bucket alone, and verified.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { openStore } from '../src/config/open-store.ts'
import type { StorePlace } from '../src/config/store-config.ts'
import { Ceph, cephMissing } from '../test/services/ceph.ts'
import { command, LOG, Served, treeOf } from '../test/services/served.ts'
import { shapeOf } from './shapes.ts'
import { Generator, sizeOf } from './under-load.ts'

const BUCKET = 'evidence'
const SLICE_S = 15

export interface Through {
  readonly events: number
  readonly seconds: number
  /** Milliseconds until a batch was answered, its receipts in it. */
  readonly answer: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Upper bounds of what a put took until it was read back, seconds. */
  readonly put: { readonly p50: number; readonly p99: number }
  readonly requests: Readonly<Record<string, number>>
  readonly putsPerMillion: number
  readonly commits: number
  readonly eventBytes: number
  /** Bytes an event, in the bucket and on the server's disk. */
  readonly stored: Readonly<Record<'bucket' | 'vault' | 'ledger' | 'index' | 'tiles', number>>
  readonly peakRss: number
  readonly tree: { readonly size: number; readonly root: string }
  /** What was made from the bucket alone. */
  readonly recovered: { readonly size: number; readonly root: string; readonly recover: number | null; readonly verify: number | null; readonly said: string }
  readonly recoverSeconds: number
  readonly verifySeconds: number
}

/** @param say is told what is being done */
export async function throughS3(ceph: Ceph, events: number, rate: number, say: (text: string) => void): Promise<Through> {
  const { accessKeyId, secretAccessKey } = ceph.user
  process.env['AWS_ACCESS_KEY_ID'] = accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey
  const s3 = new S3Client({ endpoint: ceph.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: ceph.user })
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, ObjectLockEnabledForBucket: true }))
  s3.destroy()
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-s3-'))
  const yaml = `store: { type: s3, bucket: ${BUCKET}, region: us-east-1, endpoint: "${ceph.endpoint}", unlocked: stop }\nlimits: { ingestThreads: 2 }\n`
  const shape = shapeOf(LOG)
  const generator = new Generator()
  try {
    const data = join(folder, 'data')
    const server = await Served.start(data, yaml)
    say('waiting until the lock of the bucket was seen to hold')
    while ((await server.get('/readyz')).status !== 200) await new Promise((resolve) => setTimeout(resolve, 500))
    const at = { port: Number(new URL(server.url).port), token: server.token }
    const plan = { shape: LOG, batch: 200, connections: 32, duplicates: 0.05, single: false, rate } as const
    await generator.run({ ...plan, ...at, seconds: Math.min(5, events / 10_000) })
    const before = await metricsOf(server)
    const from = before.sum('sealtrail_log_size', LOG)
    const latencies: { p50: number; p99: number; max: number; weight: number }[] = []
    const began = performance.now()
    for (let size = from; size - from < events;) {
      const seconds = Math.min(SLICE_S, Math.max(2, (events - (size - from)) / (rate === 0 ? 8_000 : rate * 0.95)))
      const result = await generator.run({ ...plan, ...at, seconds })
      latencies.push({ ...result.latencies, weight: result.requests })
      size = (await metricsOf(server)).sum('sealtrail_log_size', LOG)
      say(
        `${size - from} of ${events}: ${Math.round(result.events / result.seconds)} events/s, answers ${JSON.stringify(result.statuses)} ${JSON.stringify(result.outcomes)}, p99 ${result.latencies.p99} ms`,
      )
    }
    const seconds = (performance.now() - began) / 1000
    const after = await metricsOf(server)
    const sealed = after.sum('sealtrail_log_size', LOG) - from
    const requests = Object.fromEntries(
      [...after.by('sealtrail_store_requests_total', 'request')].map(([name, count]) => [
        name,
        count - (before.by('sealtrail_store_requests_total', 'request').get(name) ?? 0),
      ]),
    )
    const peakRss = peakOf(server.program.child.pid)
    const vkey = await server.vkey()
    const note = await server.checkpoint()
    const tree = treeOf(server.open(note, vkey))
    await server.stop()
    const disk = (name: string): number => sizeOf(join(data, name)) / tree.size
    const place: StorePlace = { type: 's3', bucket: BUCKET, prefix: '', region: 'us-east-1', endpoint: ceph.endpoint, credentials: null }
    const store = await openStore({ data, store: { place, timeoutMs: 30_000, unlocked: 'stop' } }, { readOnly: true })
    let bytes = 0
    for await (const object of store.list(`${LOG}/`)) bytes += object.size
    await store.close()
    const stored = { bucket: bytes / tree.size, vault: disk('vault'), ledger: disk('ledger'), index: disk('index'), tiles: disk('tiles') }

    const keys = join(folder, 'keys')
    cpSync(join(data, 'keys'), keys, { recursive: true })
    rmSync(data, { recursive: true })
    writeFileSync(`${data}.yaml`, yaml)
    say('data directory deleted; recovering from the bucket')
    const args = ['--config', `${data}.yaml`, '--data', data]
    const recovering = performance.now()
    const made = await command(['recover', ...args, '--keys', keys])
    const recoverSeconds = (performance.now() - recovering) / 1000
    say(`recover: exit ${made.exit}\n${made.out}${made.err}`)
    const verifying = performance.now()
    const verified = await command(['verify', data, '--key', vkey, '--no-vault', '--store-locks', '--config', `${data}.yaml`, '--json'])
    const verifySeconds = (performance.now() - verifying) / 1000
    const verdict = findLog(verified.out)
    say(`verify: exit ${verified.exit} ${verified.err.slice(0, 500)}`)
    const puts = (requests['PutObject'] ?? 0) * (1e6 / sealed)
    return {
      events: sealed,
      seconds,
      answer: weighted(latencies),
      put: { p50: after.quantile('sealtrail_store_put_seconds', 0.5, before), p99: after.quantile('sealtrail_store_put_seconds', 0.99, before) },
      requests,
      putsPerMillion: Math.round(puts),
      commits: after.sum('sealtrail_commits_total', LOG) - before.sum('sealtrail_commits_total', LOG),
      eventBytes: shape.eventBytes,
      stored,
      peakRss,
      tree,
      recovered: { ...verdict, recover: made.exit, verify: verified.exit, said: verified.out.slice(0, 3_000) },
      recoverSeconds,
      verifySeconds,
    }
  } finally {
    generator.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

function weighted(all: readonly { p50: number; p99: number; max: number; weight: number }[]): { p50: number; p99: number; max: number } {
  const total = all.reduce((sum, { weight }) => sum + weight, 0)
  const mean = (of: 'p50' | 'p99'): number => Math.round((all.reduce((sum, each) => sum + each[of] * each.weight, 0) / total) * 10) / 10
  return { p50: mean('p50'), p99: mean('p99'), max: Math.max(...all.map(({ max }) => max)) }
}

function findLog(text: string): { size: number; root: string } {
  let found = { size: -1, root: '' }
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const { log, size, root } = value as { log?: unknown; size?: unknown; root?: unknown }
    if (log === LOG && typeof size === 'number') found = { size, root: typeof root === 'string' ? Buffer.from(root, 'hex').toString('base64') : '' }
    for (const each of Object.values(value)) visit(each)
  }
  for (const line of text.split('\n')) if (line.startsWith('{')) visit(JSON.parse(line))
  return found
}

/** Most memory the process ever had, bytes; 0 where the kernel does not tell. */
function peakOf(pid: number | undefined): number {
  const path = `/proc/${pid}/status`
  return existsSync(path) ? Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? 0) * 1024 : 0
}

class Scraped {
  readonly #rows: { name: string; labels: string; value: number }[]

  constructor(text: string) {
    this.#rows = [...text.matchAll(/^([a-z_]+)(\{[^}]*\})? (\S+)$/gm)].map(([, name, labels = '', value]) => ({
      name: name as string,
      labels,
      value: Number(value),
    }))
  }

  /** Of all series whose labels hold the text. */
  sum(name: string, holding: string): number {
    return this.#rows.filter((row) => row.name === name && (holding === '' || row.labels.includes(`"${holding}"`))).reduce((sum, { value }) => sum + value, 0)
  }

  by(name: string, label: string): Map<string, number> {
    const found = new Map<string, number>()
    for (const row of this.#rows) {
      const value = row.name === name ? new RegExp(`${label}="([^"]*)"`).exec(row.labels)?.[1] : undefined
      if (value !== undefined) found.set(value, (found.get(value) ?? 0) + row.value)
    }
    return found
  }

  /** Upper bound of the bucket that holds it, of what came since `before`. */
  quantile(name: string, q: number, before: Scraped): number {
    const [now, then] = [this.by(`${name}_bucket`, 'le'), before.by(`${name}_bucket`, 'le')]
    const buckets = [...now].map(([le, count]) => [le === '+Inf' ? Infinity : Number(le), count - (then.get(le) ?? 0)] as const).sort((a, b) => a[0] - b[0])
    const total = buckets.at(-1)?.[1] ?? 0
    return buckets.find(([, count]) => count >= total * q)?.[0] ?? Infinity
  }
}

async function metricsOf(server: Served): Promise<Scraped> {
  return new Scraped(await server.text('/metrics'))
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { events: { type: 'string', default: '1000000' }, rate: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
  })
  const missing = cephMissing()
  if (missing !== null) {
    console.error(missing)
    process.exit(3)
  }
  const ceph = await Ceph.start()
  try {
    const result = await throughS3(ceph, Number(values.events), Number(values.rate), (text) => {
      if (!values.json) console.error(text)
    })
    console.log(JSON.stringify(result, null, 1))
    if (result.recovered.root !== result.tree.root || result.recovered.size !== result.tree.size) process.exitCode = 1
  } finally {
    ceph.stop()
  }
}
