import { hash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { fdatasyncSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Shape } from './shapes.ts'

export interface Baseline {
  readonly name: string
  readonly eventsPerSecond: number
  readonly p50: number
  readonly p99: number
  readonly note: string
}

/** The floor: the same bytes appended to one file, one fdatasync a batch, nothing else. */
export function rawAppend(shape: Shape, batch: number, seconds: number): Baseline {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-raw-'))
  const fd = openSync(join(folder, 'raw'), 'a')
  const bodies = Array.from({ length: 32 }, (_, i) => shape.batch(Array.from({ length: batch }, (_, n) => i * batch + n)))
  const times: number[] = []
  const until = performance.now() + seconds * 1000
  const started = performance.now()
  for (let i = 0; performance.now() < until; i++) {
    const from = performance.now()
    writeSync(fd, bodies[i % bodies.length] as Buffer)
    fdatasyncSync(fd)
    times.push(performance.now() - from)
  }
  const elapsed = (performance.now() - started) / 1000
  closeSync(fd)
  rmSync(folder, { recursive: true, force: true })
  return {
    name: 'raw append + fdatasync',
    eventsPerSecond: (times.length * batch) / elapsed,
    ...quantiles(times),
    note: 'one thread, the same bytes, no parsing, no answer',
  }
}

/** What many teams build instead: a PostgreSQL table with a hash chain over its rows and four indexes, one transaction a batch. */
export async function postgresChain(connection: string, shape: Shape, batch: number, seconds: number): Promise<Baseline> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: connection })
  await client.connect()
  await client.query('DROP TABLE IF EXISTS bench_chain')
  await client.query(
    'CREATE TABLE bench_chain (seq bigint PRIMARY KEY, id text NOT NULL, subject text NOT NULL, type text NOT NULL, at timestamptz NOT NULL, body jsonb NOT NULL, chain bytea NOT NULL)',
  )
  await client.query('CREATE UNIQUE INDEX ON bench_chain (id)')
  await client.query('CREATE INDEX ON bench_chain (subject, at)')
  await client.query('CREATE INDEX ON bench_chain (type, at)')
  await client.query('CREATE INDEX ON bench_chain (at)')
  let chain = Buffer.alloc(32)
  let seq = 0
  const times: number[] = []
  const started = performance.now()
  const until = started + seconds * 1000
  while (performance.now() < until) {
    const from = performance.now()
    const events = JSON.parse(shape.batch(Array.from({ length: batch }, (_, n) => seq + n)).toString()) as Array<Record<string, unknown>>
    const columns: unknown[][] = [[], [], [], [], [], [], []]
    for (const event of events) {
      const body = JSON.stringify(event)
      chain = Buffer.from(hash('sha256', Buffer.concat([chain, Buffer.from(body)]), 'hex'), 'hex')
      const row = [
        seq,
        `${seq}-${String(event['id'])}`,
        String((event['detail'] as { eventBody: { conversationId: string } }).eventBody.conversationId),
        String(event['detail-type']),
        String(event['time']),
        body,
        chain,
      ]
      row.forEach((value, i) => columns[i]?.push(value))
      seq++
    }
    await client.query(
      'INSERT INTO bench_chain SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[], $7::bytea[])',
      columns,
    )
    times.push(performance.now() - from)
  }
  const elapsed = (performance.now() - started) / 1000
  await client.query('DROP TABLE bench_chain')
  await client.end()
  return {
    name: 'PostgreSQL hash chain, 4 indexes',
    eventsPerSecond: seq / elapsed,
    ...quantiles(times),
    note: 'one connection, one transaction a batch, no personal data taken out, no proofs',
  }
}

export function quantiles(times: number[]): { p50: number; p99: number } {
  times.sort((a, b) => a - b)
  const at = (q: number): number => Math.round((times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0) * 10) / 10
  return { p50: at(0.5), p99: at(0.99) }
}
