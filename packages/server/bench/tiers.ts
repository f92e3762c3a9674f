// What letting detail expire saves: the bytes of the same days kept in full, and of what is left of them.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../src/config/load.ts'
import { auditDirectory } from '../src/config/open-audit.ts'
import { createApp } from '../src/http/app.ts'
import { createLog } from '../src/observe/log.ts'
import { openLocal } from '../src/threads/local.ts'
import { callAt, conversationOf, DAY_MS } from '../test/retain/month.ts'

const START = Date.UTC(2026, 2, 5, 8)
const KEPT_EVERY = 100

interface Measured {
  readonly bytes: ReadonlyMap<string, number>
  readonly records: number
  readonly kept: number
  readonly problems: number
}

/** Calls of twenty records for so many days, then as many days more as the detail lasts; one interaction in a hundred is flagged. */
export async function tiers(say: (text: string) => void, { days, calls }: { readonly days: number; readonly calls: number }): Promise<boolean> {
  say(
    `\ntiers: ${days} days of ${calls} calls, 20 records each; then 31 days more, so that all detail has had its time; 1 interaction in ${KEPT_EVERY} flagged`,
  )
  const whole = await measure(null, days, calls)
  const left = await measure('30d', days, calls)
  const names = [...new Set([...whole.bytes.keys(), ...left.bytes.keys()])].sort()
  for (const name of names) {
    const [a, b] = [whole.bytes.get(name) ?? 0, left.bytes.get(name) ?? 0]
    say(`  ${name.padEnd(34)} ${kib(a).padStart(12)} kept in full ${kib(b).padStart(12)} left`)
  }
  const sum = (of: Measured, which: (name: string) => boolean): number => [...of.bytes].reduce((total, [name, bytes]) => total + (which(name) ? bytes : 0), 0)
  const isStore = (name: string): boolean => name.startsWith('store/')
  // The last segment never expires, and its file holds the room of its whole day: one day of all, as large as the others.
  const lastDay = left.bytes.get('store/interactions/segment') ?? 0
  const shares = (name: string): boolean => isStore(name) || name === 'vault' || name === 'index'
  const replaced = (name: string): boolean => /summary|tail|kept/.test(name)
  for (const [what, before, after, off] of [
    ['detail, disclosures and index → summaries, hashes and kept', shares, replaced, 0],
    ['the same, with what index, vault and system still hold', shares, shares, lastDay],
    ['write-once store alone', isStore, isStore, lastDay],
    ['all but the journal, ledger and hash files too', (name: string) => name !== 'journal', (name: string) => name !== 'journal', lastDay],
  ] as const) {
    const [a, b] = [sum(whole, before), sum(left, after) - off]
    say(
      `  ${what.padEnd(60)} ${(a / whole.records).toFixed(0).padStart(6)} → ${(b / whole.records).toFixed(0).padStart(4)} bytes a record: ${((1 - b / a) * 100).toFixed(1)} % less`,
    )
  }
  say(`  ${left.kept} of ${left.records} records kept; verify: ${whole.problems + left.problems === 0 ? 'ok' : 'PROBLEMS'}`)
  return whole.problems + left.problems === 0
}

async function measure(detail: string | null, days: number, calls: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tiers-'))
  const yaml = `trails: { notifications: false, interactions: { retain: { period: P1Y${detail === null ? '' : `, detail: ${detail}`} }, sequence: { settle: 1h, quiet: 1h, hold: 1h } } }`
  const { config } = parseConfig(yaml, 'sealtrail.yaml', folder, { cwd: folder, env: {}, data: join(folder, 'data') })
  let now = START
  const local = await openLocal(config, { log: createLog({ level: 'error', now: () => now }), now: () => now, monotonic: () => now })
  const { deps } = local.served
  const app = createApp(deps)
  const { token } = deps.tokens.create('bench', 'admin', null)
  const post = async (path: string, body: unknown): Promise<void> => {
    const answer = await app.request(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }
  let records = 0
  let kept = 0
  for (let day = 0; day < days + 31; day++) {
    const flag: string[] = []
    for (let i = 0; day < days && i < calls; i += 10) {
      const some = Array.from({ length: Math.min(10, calls - i) }, (_, n) => callAt(day * calls + i + n + 1, now + (i + n) * 60_000))
      some.forEach((call, n) => (day * calls + i + n) % KEPT_EVERY === 0 && flag.push(conversationOf(call)))
      await post('/api/v1/events', some.flat())
      // As a server releases them: a commit for what closed together.
      await local.sealing.flush()
      records += some.flat().length
    }
    await local.indexed()
    for (const subject of detail === null ? [] : flag) await post('/api/v1/retention/flags', { subject, reason: 'bench' })
    now += DAY_MS
    for (const run of await local.retaining.run()) kept += run.kept
  }
  await local.close()
  const verdicts = await auditDirectory(config.data, { key: null, vault: true, now: () => now })
  const bytes = new Map<string, number>()
  const add = (name: string, path: string): void => void bytes.set(name, (bytes.get(name) ?? 0) + bytesOf(path))
  for (const log of readdirSync(join(config.data, 'store')))
    for (const kind of readdirSync(join(config.data, 'store', log))) add(`store/${log}/${kind}`, join(config.data, 'store', log, kind))
  for (const name of ['vault', 'index', 'ledger', 'tiles', 'journal']) add(name, join(config.data, name))
  rmSync(folder, { recursive: true, force: true })
  return { bytes, records, kept, problems: verdicts.reduce((total, verdict) => total + verdict.problems.length + verdict.more, 0) }
}

function bytesOf(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((total, entry) => total + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`
}
