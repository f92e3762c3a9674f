// Evidence bundles of many records: time, size and memory of the server while it makes one and of the verifier while it checks it.
//   node --conditions=@sealtrail/source packages/server/bench/export.ts [RECORDS…]     10000 and 100000 unless given
import { fork } from 'node:child_process'
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { verifyBundle } from '@sealtrail/evidence'
import { shapeOf } from './shapes.ts'

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
const rssOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024

/** The most a process takes while work is done. */
async function watched<T>(pid: number, work: Promise<T>): Promise<{ value: T; seconds: number; before: number; most: number }> {
  const before = rssOf(pid)
  let most = before
  const timer = setInterval(() => (most = Math.max(most, rssOf(pid))), 20)
  const started = performance.now()
  const value = await work.finally(() => clearInterval(timer))
  return { value, seconds: (performance.now() - started) / 1000, before, most: Math.max(most, rssOf(pid)) }
}

if (process.argv[2] === 'verify') {
  const file = await open(process.argv[3] as string)
  const { size } = await file.stat()
  const read = async (from: number, to: number): Promise<Uint8Array> => (await file.read(new Uint8Array(to - from), 0, to - from, from)).buffer
  const { value, seconds, before, most } = await watched(process.pid, verifyBundle({ size, read }))
  const { records } = value.logs[0] ?? { records: { count: 0, proven: 0 } }
  process.stdout.write(
    `  verified  ${records.proven} of ${records.count} records, ${value.problemCount} problems, ${seconds.toFixed(1)} s; memory ${mib(before)}, at most ${mib(most)}\n`,
  )
  process.exit(value.ok ? 0 : 1)
}

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 100_000]
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-bench-export-'))
const child = fork(join(import.meta.dirname, 'server-process.ts'), [folder, '1', '5000'], { execArgv: ['--conditions=@sealtrail/source'] })
const message = <T>(): Promise<T> => new Promise((resolve) => child.once('message', resolve as (value: unknown) => void))
const { port, token } = await message<{ port: number; token: string }>()
const base = `http://127.0.0.1:${port}`
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
const shape = shapeOf('notifications')
const most = Math.max(...counts)
for (let at = 0; at < most; at += 1_000) {
  const serials = Array.from({ length: Math.min(1_000, most - at) }, (_, i) => at + i)
  const answer = await fetch(`${base}/api/v1/events?trail=notifications`, { method: 'POST', headers, body: shape.batch(serials) as never })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  await answer.arrayBuffer()
}
for (const count of counts) {
  for (const body of [{ range: `notifications:0..${count}` }, ...(count === most ? [{ query: { log: 'notifications' } }] : [])]) {
    const kind = Object.keys(body)[0] as string
    const make = async (): Promise<{ id: string; records: number; size: number }> => {
      let job = (await (await fetch(`${base}/api/v1/exports`, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as {
        id: string
        state: string
        records: number
        size: number
      }
      while (job['state'] === 'running' || job['state'] === 'queued') {
        await new Promise((done) => setTimeout(done, 50))
        job = (await (await fetch(`${base}/api/v1/exports/${String(job['id'])}`, { headers })).json()) as typeof job
      }
      if (job['state'] !== 'ready') throw new Error(JSON.stringify(job))
      return job
    }
    const made = await watched(child.pid as number, make())
    process.stdout.write(
      `${kind} of ${made.value.records} records\n  made      ${mib(made.value.size)}, ${made.seconds.toFixed(1)} s, ${Math.round(made.value.records / made.seconds)}/s; server ${mib(made.before)}, at most ${mib(made.most)}\n`,
    )
    const path = join(folder, 'bundle.zip')
    const answer = await fetch(`${base}/api/v1/exports/${made.value.id}/bundle`, { headers })
    const fetched = await watched(child.pid as number, pipeline(Readable.fromWeb(answer.body as never), createWriteStream(path)))
    process.stdout.write(
      `  fetched   ${mib(statSync(path).size)}, ${fetched.seconds.toFixed(1)} s; server ${mib(fetched.before)}, at most ${mib(fetched.most)}\n`,
    )
    const checker = fork(import.meta.filename, ['verify', path], { execArgv: ['--conditions=@sealtrail/source'] })
    const code = await new Promise((resolve) => checker.once('exit', resolve))
    if (code !== 0) process.exitCode = 1
  }
}
child.send('close')
await new Promise((resolve) => child.once('exit', resolve))
rmSync(folder, { recursive: true, force: true })
