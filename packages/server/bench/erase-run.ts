import { fork, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { auditDirectory } from '../src/config/open-audit.ts'
import { loadConfig } from '../src/config/load.ts'
import { openSealing } from '../src/config/open-sealing.ts'
import type { Sealing } from '../src/config/sealing.ts'
import { createLog } from '../src/observe/log.ts'
import { searchFiles } from '../src/privacy/search.ts'
import type { EraseAsk } from './erase-server.ts'
import { exclusive, othersOf, patternsOf, tracesOf } from './erase-traces.ts'
import { peopleShape } from './erase-shape.ts'
import { memoryOf } from './process-memory.ts'

export interface ErasePlan {
  readonly records: number
  readonly people: number
  /** Calls among them, ten records each; the person erased takes part in the first. */
  readonly calls: number
  readonly threads: number
  /** Leaves the data directory. */
  readonly keep: boolean
}

interface State {
  readonly sizes: Record<string, number>
  readonly roots: Record<string, string>
  readonly held: number
  readonly rss: number
  readonly pid: number
}

const BATCH = 500
const CONNECTIONS = 8

/** Builds the log through the server, erases one person over HTTP, and looks at everything again. Resolves to what does not hold. */
export async function eraseOne(plan: ErasePlan, say: (text: string) => void): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), 'sealtrail-erase-'))
  const data = join(root, 'data')
  mkdirSync(data, { mode: 0o700 })
  const problems: string[] = []
  const check = (ok: boolean, what: string): void => {
    if (!ok) problems.push(what)
  }
  const shape = peopleShape(plan)
  const server = fork(join(import.meta.dirname, 'erase-server.ts'), [data, String(plan.threads)], { execArgv: ['--conditions=@sealtrail/source'] })
  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const from = performance.now()
    const done = await work()
    say(`  ${what.padEnd(58)} ${((performance.now() - from) / 1000).toFixed(1).padStart(7)} s`)
    return done
  }
  try {
    const { port, token } = await answer<{ port: number; token: string }>(server)
    const url = `http://127.0.0.1:${port}`
    const call = async (path: string, body?: unknown): Promise<Record<string, unknown>> => {
      const got = await fetch(url + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await got.text()
      if (!got.ok) throw new Error(`${path}: ${got.status} ${text}`)
      return /json/.test(got.headers.get('content-type') ?? '') ? (JSON.parse(text) as Record<string, unknown>) : { text }
    }
    const ask = <T>(what: EraseAsk): Promise<T> => answer<T>(server, what)

    await step(`${plan.records} records of ${plan.people} people sent over HTTP`, () => sendAll(url, token, shape))
    await step('all of them sealed', async () => {
      for (;;) {
        const { sizes, held } = await ask<State>({ ask: 'state' })
        const sealed = Object.entries(sizes).reduce((sum, [log, size]) => sum + (log === 'system' ? 0 : size), 0)
        if (held === 0 && sealed >= plan.records) return
        await pause(200)
      }
    })
    // Read out of a copy, by this process: nothing of it is in the server's memory on our account.
    const copy = join(root, 'copy')
    await step('data directory copied', () => cp(data, copy, { recursive: true }))
    const all = await step('what there is of the person, read out', () => reading(copy, (sealing) => tracesOf(sealing, shape.aliases)))
    const keyIds = new Set(all.keyIds.map((id) => Buffer.from(id, 'hex').toString('latin1')))
    const before = await step('every value of everybody else opened', () => reading(copy, (sealing) => othersOf(sealing, keyIds, new Set(all.values))))
    rmSync(copy, { recursive: true })
    const traces = exclusive(all, before)
    say(`  the person: ${all.records} records, ${all.values.length} different values, ${all.disclosures.length} disclosures, ${all.keyIds.length} keys`)
    say(`  ${all.values.length - traces.values.length} values and ${all.bytes.length - traces.bytes.length} tokens are of others as well, and stay with them`)
    check(
      traces.values.some((value) => value.includes(shape.phone.slice(1))),
      'the phone number was not among the values before',
    )
    const patterns = patternsOf(traces)
    const there = await step('data directory searched before', () => searchFiles(data, patterns, []))
    const kinds = new Set(there.found.map(({ what }) => what))
    for (const what of ['token', 'wrapped key', 'ciphertext']) check(kinds.has(what), `the search did not find a ${what} before the erasure`)
    say(`  found before: ${[...kinds].sort().join(', ')} in ${new Set(there.found.map(({ file }) => file)).size} files`)
    const sealed = await ask<State>({ ask: 'state' })
    const bytesBefore = bytesOf(data)

    const from = performance.now()
    const seconds = (): string => ((performance.now() - from) / 1000).toFixed(1)
    const asked = { person: shape.aliases.map((alias) => alias.join(':')), ground: 'GDPR Art. 17(1)(b)', reference: 'bench' }
    // The answer comes when it is completed, or after a while: what happens meanwhile is asked beside it.
    const request = call('/api/v1/erasures', asked)
    request.catch(() => {})
    for (let [said, state] = ['', '']; state !== 'completed';) {
      const [view] = (await call('/api/v1/erasures'))['erasures'] as Array<Record<string, unknown>>
      state = String(view?.['state'])
      const at = (view?.['progress'] as { step?: string } | null)?.step ?? state
      if (view !== undefined && at !== said) say(`    ${seconds().padStart(6)} s  ${(said = at)}`)
      if (view?.['problem'] != null) throw new Error(`the erasure does not go on: ${String(view['problem'])}`)
      await pause(10)
    }
    await request
    say(`  ${'erased: asked for to sealed completion'.padEnd(58)} ${seconds().padStart(7)} s`)
    const left = await step('data directory searched for values, tokens, keys', () => searchFiles(data, patterns, []))
    say(`  searched: ${left.files} files, ${left.bytes} bytes, ${patterns.length} patterns`)
    for (const { file, what } of left.found) check(false, `${what} in ${file}`)
    const [{ id }] = (await call('/api/v1/erasures'))['erasures'] as [{ id: string }]
    writeFileSync(join(root, 'certificate.json'), JSON.stringify(await call(`/api/v1/certificates/${id}`)))
    const metrics = String((await call('/metrics'))['text'] ?? '')
    check(!patterns.some(({ bytes }) => Buffer.from(metrics).includes(bytes)), 'something of the person is in /metrics')
    const now = await ask<State>({ ask: 'state' })
    for (const [log, at] of Object.entries(sealed.roots)) if (log !== 'system') check(now.roots[log] === at, `the root of ${log} changed`)
    const heaps = await step('heap snapshots of all threads', () => ask<string[]>({ ask: 'heap', folder: root }))
    const inHeap = await searchFiles(
      root,
      patternsOf(traces, true),
      [...readdirSync(root)].filter((name) => !name.endsWith('.heapsnapshot')),
    )
    for (const { file, what } of inHeap.found.filter(({ file: name }) => name.endsWith('.heapsnapshot'))) say(`  left in the heap: ${what} (${file})`)
    if (!inHeap.found.some(({ file }) => file.endsWith('.heapsnapshot'))) say(`  heap snapshots of ${heaps.length} threads: nothing of the person`)
    const memory = memoryOf(now.pid, patternsOf(traces))
    say(
      `  process memory, buffers and freed blocks included: ${memory === null ? 'cannot be read here' : memory.length === 0 ? 'nothing of the person' : memory.join(', ')}`,
    )
    say(`  data directory: ${bytesBefore} bytes before, ${bytesOf(data)} after; server ${Math.round(now.rss / 2 ** 20)} MiB`)
    await ask({ ask: 'close' })
    // Offline: nothing but the file, and the key of the log.
    const vkeys = await reading(data, async (sealing) => sealing.vkeys())
    const verifier = fileURLToPath(new URL('../../evidence/src/cli/main.ts', import.meta.url))
    const args = ['--conditions=@sealtrail/source', verifier, join(root, 'certificate.json'), '--key', vkeys['system'] as string]
    const checked = spawnSync(process.execPath, args, { encoding: 'utf8' })
    check(checked.status === 0, `sealtrail-verify ended with ${String(checked.status)}: ${checked.stdout}${checked.stderr}`)
    say(`  sealtrail-verify of the certificate: exit ${String(checked.status)}`)
    for (const line of checked.stdout.trim().split('\n').slice(0, 6)) say(`    ${line}`)
    const verdicts = await step('sealtrail verify, vault and all', () => auditDirectory(data, { key: null, vault: true, now: Date.now }))
    for (const { log, problems: found, ok } of verdicts) check(ok && found.length === 0, `verify ${log}: ${found.map(({ code }) => code).join(', ')}`)
    const after = await step('every value of everybody else opened again', () => reading(data, (sealing) => othersOf(sealing, keyIds, new Set())))
    check(after.values === before.values && after.hash === before.hash, `other people: ${before.values} values before, ${after.values} after, or others`)
    say(`  other people: ${after.values} values, SHA-256 ${after.hash.slice(0, 16)}… before and after`)
    const erased = verdicts.reduce((sum, { commitments }) => sum + (commitments?.erased ?? 0), 0)
    check(erased === traces.records, `verify counts ${erased} erased records, not ${traces.records}`)
    say(`  verify: ${verdicts.map(({ log, size }) => `${log} ${String(size)}`).join(', ')}; ${erased} records erased`)
    return problems
  } finally {
    server.kill('SIGKILL')
    if (plan.keep) say(`  left in ${root}`)
    else rmSync(root, { recursive: true, force: true })
  }
}

async function sendAll(url: string, token: string, shape: ReturnType<typeof peopleShape>): Promise<void> {
  let next = 0
  const send = async (): Promise<void> => {
    while (next < shape.events) {
      const { trail, body, to } = shape.batch(next, Math.min(shape.events, next + BATCH))
      next = to
      for (;;) {
        const got = await fetch(`${url}/api/v1/events?trail=${trail}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'return=minimal' },
          body,
        })
        const text = await got.text()
        if (got.ok) break
        if (got.status !== 503) throw new Error(`events: ${got.status} ${text.slice(0, 500)}`)
        await pause(200)
      }
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, send))
}

async function reading<T>(data: string, read: (sealing: Sealing) => Promise<T>): Promise<T> {
  const { config } = loadConfig(null, { cwd: data, env: {}, data })
  const sealing = await openSealing(config, { now: Date.now, log: createLog({ now: Date.now, level: 'error' }), onCommit() {} })
  try {
    return await read(sealing)
  } finally {
    await sealing.close()
  }
}

function answer<T>(child: ChildProcess, ask?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`the server ended with ${code}`))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.off('exit', gone)
      resolve(message as T)
    })
    if (ask !== undefined) child.send(ask as never)
  })
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0), 0)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
