// `npm run bench [-- --smoke] [--seconds N] [--rate N] [--preload N] [--postgres URL] [--only NAME|tiers [--days N] [--calls N]]`
// Prints what this machine does now, beside a raw append and (where PostgreSQL is) a hash-chain table, in the same run.
import { parseArgs } from 'node:util'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { auditDirectory } from '../src/config/open-audit.ts'
import { postgresChain, rawAppend } from './baselines.ts'
import type { Baseline } from './baselines.ts'
import type { LoadResult } from './load.ts'
import { shapeOf } from './shapes.ts'
import type { Shape } from './shapes.ts'
import { tiers } from './tiers.ts'
import { UnderLoad } from './under-load.ts'

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    rate: { type: 'string', default: '10000' },
    preload: { type: 'string', default: '0' },
    postgres: { type: 'string' },
    only: { type: 'string' },
    calls: { type: 'string', default: '100' },
    days: { type: 'string', default: '45' },
    json: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds ?? (values.smoke ? 3 : 60))
const rate = Number(values.rate)
const preload = Number(values.preload)
const THREADS = 2
const out: Array<Record<string, unknown>> = []

say(`Sealtrail bench: Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), load average before ${loadavg()[0]?.toFixed(2)}`)
say(`Full protection, vault, journal, fsync on; 5 % duplicates; 50,000 people; calls of 10 events; ${THREADS} ingest threads; generator on the same cores`)

for (const name of ['notifications', 'interactions'] as const) {
  if (values.only !== undefined && values.only !== name) continue
  const shape = shapeOf(name)
  say(`\n${name}: events of ${shape.eventBytes} bytes`)
  const raw = rawAppend(shape, 200, Math.min(3, seconds))
  row(raw.name, raw)
  const postgres = values.postgres ?? process.env['POSTGRES_URL']
  if (postgres !== undefined) {
    const table = await postgresChain(postgres, shape, 200, Math.min(20, seconds))
    row(table.name, table)
  }
  await profile(name, shape, raw)
}

if (values.only === 'tiers') {
  const calls = Number(values.calls)
  if (!(await tiers(say, { days: values.smoke ? 3 : Number(values.days), calls }))) process.exitCode = 1
}

async function profile(name: Shape['name'], shape: Shape, raw: Baseline): Promise<void> {
  const server = await UnderLoad.start(THREADS, 5_000)
  const plan = { shape: name, batch: 200, connections: 16, duplicates: 0.05, single: false }
  await server.run({ ...plan, rate: 2_000, seconds: Math.min(10, seconds) }) // until the compilers have seen everything
  if (preload > 0) await preloaded(server, plan)
  const before = await server.settled()

  const open = await server.watch(server.run({ ...plan, rate, seconds }))
  const after = await server.settled()
  line(`offered ${rate}/s in batches of 200`, open.result, {
    rss: open.rss,
    lag: open.lagRecords,
    cpu: (after.cpu - before.cpu) / open.result.seconds,
    sealed: (after.sizes[name] ?? 0) - (before.sizes[name] ?? 0),
  })

  if (name === 'notifications') {
    const single = await server.watch(server.run({ ...plan, single: true, batch: 1, connections: 32, rate: 1_000, seconds: Math.min(20, seconds) }))
    line('offered 1000/s, one event a request', single.result, { rss: single.rss, lag: single.lagRecords })
  }
  const start = await server.settled()
  const closed = await server.watch(server.run({ ...plan, batch: 500, connections: 16, rate: 0, seconds: Math.min(30, seconds) }))
  const end = await server.settled()
  const sealed = (end.sizes[name] ?? 0) - (start.sizes[name] ?? 0)
  line('as fast as it answers, batches of 500', closed.result, {
    rss: closed.rss,
    lag: closed.lagRecords,
    cpu: (end.cpu - start.cpu) / closed.result.seconds,
    sealed,
  })
  say(
    `  ${'against raw append'.padEnd(44)} ${((closed.result.events / closed.result.seconds / raw.eventsPerSecond) * 100).toFixed(1)} % of its events a second`,
  )

  const records = end.sizes[name] ?? 0
  const per = (folder: string): string => (server.bytesOnDisk(folder) / records).toFixed(0)
  say(
    `  stored per record: write-once store ${per('store')} bytes (${((server.bytesOnDisk('store') / records / shape.eventBytes) * 100).toFixed(0)} % of the JSON), vault ${per('vault')}, ledger state ${per('ledger')}, index ${per('index')}, hash files ${per('tiles')}`,
  )
  await server.stop()

  const from = performance.now()
  const verdicts = await auditDirectory(server.data, { key: null, vault: false, now: Date.now })
  const spent = (performance.now() - from) / 1000
  const total = Object.values(end.sizes).reduce((a, b) => a + b, 0)
  say(`  verify (log part): ${verdicts.every((verdict) => verdict.ok) ? 'ok' : 'PROBLEMS'}, ${Math.round(total / spent)} records/s over ${total} records`)
  if (verdicts.some((verdict) => !verdict.ok)) process.exitCode = 1
  server.remove()
}

async function preloaded(server: UnderLoad, plan: Parameters<UnderLoad['run']>[0] extends infer P ? Omit<P, 'rate' | 'seconds'> : never): Promise<void> {
  for (;;) {
    const { sizes } = await server.state()
    const size = sizes[plan.shape] ?? 0
    if (size >= preload) return
    await server.run({ ...plan, batch: 500, rate: 0, seconds: 20 })
    say(`  preloading: ${size} of ${preload}`)
  }
}

function row(name: string, { eventsPerSecond, p50, p99, note }: Baseline): void {
  out.push({ name, eventsPerSecond, p50, p99, note })
  say(`  ${name.padEnd(44)} ${String(Math.round(eventsPerSecond)).padStart(8)} events/s   batch p50 ${p50} ms, p99 ${p99} ms   (${note})`)
}

function line(name: string, result: LoadResult, more: { rss: number; lag: number; cpu?: number; sealed?: number }): void {
  out.push({ name, ...result, ...more })
  const perSecond = result.events / result.seconds
  say(
    `  ${name.padEnd(44)} ${String(Math.round(perSecond)).padStart(8)} events/s   answer p50 ${result.latencies.p50} ms, p99 ${result.latencies.p99} ms, max ${result.latencies.max} ms` +
      `\n  ${''.padEnd(44)} RSS ${Math.round(more.rss / 2 ** 20)} MiB, index behind by at most ${more.lag} records (${(more.lag / Math.max(1, perSecond)).toFixed(2)} s)` +
      (more.cpu === undefined ? '' : `, server CPU ${Math.round(more.cpu * 100)} %`) +
      `, generator CPU ${result.cpu} %` +
      (more.sealed === undefined ? '' : `, sealed ${more.sealed}`) +
      `\n  ${''.padEnd(44)} answers ${JSON.stringify(result.statuses)}, outcomes ${JSON.stringify(result.outcomes)}`,
  )
}

function say(text: string): void {
  if (!values.json) console.log(text)
}

if (values.json) console.log(JSON.stringify(out))
