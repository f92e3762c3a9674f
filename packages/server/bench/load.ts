// The generator: a process of its own, raw keep-alive connections, no library in its way.
// Closed loop (rate 0): a connection sends again once answered. Open loop: due times on a grid, latency from the due time.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { shapeOf } from './shapes.ts'
import type { Shape } from './shapes.ts'

export interface LoadPlan {
  readonly port: number
  readonly token: string
  readonly shape: Shape['name']
  readonly batch: number
  readonly connections: number
  /** Events a second; 0: as fast as answered. */
  readonly rate: number
  readonly seconds: number
  /** Share of events sent a second time. */
  readonly duplicates: number
  readonly firstSerial: number
  /** One event a request, as an object. */
  readonly single: boolean
}

export interface LoadResult {
  readonly events: number
  readonly requests: number
  readonly seconds: number
  readonly latencies: { p50: number; p90: number; p99: number; max: number }
  readonly statuses: Record<string, number>
  readonly outcomes: Record<string, number>
  /** CPU of this process, percent of one core. */
  readonly cpu: number
  readonly nextSerial: number
}

export async function run(plan: LoadPlan): Promise<LoadResult> {
  const shape = shapeOf(plan.shape)
  let serial = plan.firstSerial
  const recent: number[] = []
  const next = (): Buffer => {
    const serials: number[] = []
    for (let i = 0; i < plan.batch; i++) {
      if (recent.length > 0 && (serial * 0.6180339887) % 1 < plan.duplicates && serials.length > 0) {
        serials.push(recent[(serial * 31) % recent.length] ?? serial - 1)
        serial++
        continue
      }
      recent[serial % 5_000] = serial
      serials.push(serial++)
    }
    const body = shape.batch(serials)
    return plan.single ? body.subarray(1, -1) : body
  }
  const head = (length: number): string =>
    `POST /api/v1/events?trail=${plan.shape} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${plan.token}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const latencies: number[] = []
  const statuses: Record<string, number> = {}
  const outcomes: Record<string, number> = {}
  let events = 0
  let requests = 0
  const started = performance.now()
  const cpu = process.cpuUsage()
  const until = started + plan.seconds * 1000
  let due = started
  const step = plan.rate === 0 ? 0 : (plan.batch / plan.rate) * 1000

  async function connection(): Promise<void> {
    const socket = connect(plan.port, '127.0.0.1')
    socket.setNoDelay(true)
    const read = reader(socket)
    while (performance.now() < until) {
      let from = performance.now()
      if (step > 0) {
        from = due
        due += step
        if (from >= until) break
        const wait = from - performance.now()
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      }
      const body = next()
      socket.write(head(body.length), 'latin1')
      socket.write(body)
      const { status, text } = await read()
      latencies.push(performance.now() - from)
      statuses[status] = (statuses[status] ?? 0) + 1
      for (const [, outcome] of text.matchAll(/"outcome":"([a-z]+)"/g)) outcomes[outcome as string] = (outcomes[outcome as string] ?? 0) + 1
      events += plan.batch
      requests++
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: plan.connections }, connection))
  const seconds = (performance.now() - started) / 1000
  const used = process.cpuUsage(cpu)
  latencies.sort((a, b) => a - b)
  const at = (q: number): number => Math.round((latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0) * 10) / 10
  return {
    events,
    requests,
    seconds,
    latencies: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
    statuses,
    outcomes,
    cpu: Math.round((used.user + used.system) / 10_000 / seconds),
    nextSerial: serial,
  }
}

/** Reads one HTTP answer after another; Content-Length or chunked. */
function reader(socket: Socket): () => Promise<{ status: string; text: string }> {
  let buffer: Buffer = Buffer.alloc(0)
  let wake: (() => void) | null = null
  socket.on('data', (chunk: Buffer) => {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
    wake?.()
  })
  socket.on('error', () => wake?.())
  return async () => {
    for (;;) {
      const end = buffer.indexOf('\r\n\r\n')
      if (end >= 0) {
        const head = buffer.latin1Slice(0, end)
        const length = /content-length: (\d+)/i.exec(head)?.[1]
        const bodyEnd = length === undefined ? chunkedEnd(buffer, end + 4) : end + 4 + Number(length)
        if (bodyEnd >= 0 && buffer.length >= bodyEnd) {
          const text = buffer.latin1Slice(end + 4, bodyEnd)
          buffer = buffer.subarray(bodyEnd)
          return { status: head.slice(9, 12), text }
        }
      }
      if (socket.destroyed) throw new Error('the server closed the connection')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}

function chunkedEnd(buffer: Buffer, from: number): number {
  const end = buffer.indexOf('0\r\n\r\n', from)
  return end < 0 ? -1 : end + 5
}

if (parentPort === null && process.send !== undefined) {
  process.on('message', (plan: LoadPlan) => {
    void run(plan).then((result) => process.send?.(result))
  })
}
