// Run by served-full.test.ts on a small disk: `sealtrail serve` as a process of its own, asked over HTTP while others fill the disk and free it again.
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject } from '../../src/event/json.ts'
import { TRAILS, auditedWhole, eventText, range } from './harness.ts'
import type { Trail } from './harness.ts'

const disk = process.argv[2] as string
const leave = JSON.parse(process.argv[3] as string) as number[]
const data = join(disk, 'data')
const ballast = join(disk, 'ballast')
const main = join(import.meta.dirname, '../../src/main.ts')
writeFileSync(join(disk, 'sealtrail.yaml'), 'limits: { answerWithin: 300ms, ingestThreads: 2 }\n')

let lines = ''
interface Running {
  readonly url: string
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

async function serve(): Promise<Running> {
  const args = ['--conditions=@sealtrail/source', main, 'serve', '--config', join(disk, 'sealtrail.yaml'), '--data', data, '--port', '0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  let asked = false
  void exited.then((code) => {
    if (!asked) throw new Error(`the server ended by itself with ${code}: ${lines}`)
  })
  let text = ''
  const url = await new Promise<string>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        lines += chunk.toString()
        text += chunk.toString()
        const found = /^listening (\S+)$/m.exec(text)
        if (found !== null) resolve(found[1] as string)
      })
    }
  })
  return {
    url,
    async stop(signal = 'SIGTERM') {
      asked = true
      child.kill(signal)
      return exited
    },
  }
}

let server = await serve()
const authorization = `Bearer ${readFileSync(join(data, 'admin.token'), 'utf8').trim()}`
interface Answer {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: JsonObject | JsonObject[]
}
async function ask(path: string, body?: string): Promise<Answer> {
  const headers = { authorization, 'content-type': 'application/json' }
  const answer = await fetch(server.url + path, body === undefined ? { headers } : { method: 'POST', headers, body })
  const text = await answer.text()
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as JsonObject) : { text },
  }
}

const acknowledged = new Set<string>()
const said = { refused: {} as Record<string, number>, unfit: [] as unknown[], whileFull: 0, cameBack: 0, restarts: 0, notReady: [] as unknown[] }
const next: Record<Trail, number> = { notifications: 0, interactions: 0 }
/** Sends thirty as a list, or one alone; false when they were refused. Interactions are held: until they are over only the journal has them. */
async function submit(trail: Trail, many: boolean): Promise<boolean> {
  const texts = range(next[trail], (next[trail] += many ? 30 : 1)).map((serial) => eventText(trail, serial))
  const { status, retryAfter, body } = await ask('/api/v1/events', many ? `[${texts.join()}]` : (texts[0] as string))
  if (status === 503) {
    const code = String((body as JsonObject)['code'])
    said.refused[code] = (said.refused[code] ?? 0) + 1
    if (retryAfter === null) said.unfit.push({ status, code, retryAfter })
    return false
  }
  for (const result of Array.isArray(body) ? body : [body]) {
    if (result['outcome'] === 'sealed' || result['outcome'] === 'held') acknowledged.add(String(result['auditid']))
    else said.unfit.push({ status, result })
  }
  if (status !== (many ? 200 : 201) && status !== 202) said.unfit.push({ status, body })
  return true
}
const ready = async (): Promise<{ ok: boolean; reasons: string[] }> => {
  const { status, body } = await ask('/readyz')
  return { ok: status === 200, reasons: ((body as JsonObject)['reasons'] as string[] | undefined) ?? [] }
}

for (const bytes of leave) {
  for (const trail of TRAILS)
    for (const many of [true, false]) if (!(await submit(trail, many))) throw new Error(`refused while there is room: ${JSON.stringify(said)} ${lines}`)
  const first = [...acknowledged][0] as string
  const { bavail, bsize } = statfsSync(disk)
  try {
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes), 1))
  } catch (error) {
    // The server wrote meanwhile: fuller it cannot be.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
  let refused = 0
  for (let i = 0; i < 600 && refused < 6; i++) {
    const before = acknowledged.size
    if (await submit(TRAILS[i % 2] as Trail, i % 4 < 2)) said.whileFull += acknowledged.size - before
    else refused++
  }
  // Reads go on, and the reason is told.
  for (const path of ['/healthz', '/metrics', `/api/v1/records/${first}`]) {
    const { status } = await ask(path)
    if (status !== 200) said.unfit.push({ full: path, status })
  }
  // It tries to go on each second, and what it freed in between is filled again.
  let state = await ready()
  for (let i = 0; i < 60 && state.ok; i++) {
    const before = acknowledged.size
    if (await submit('notifications', false)) said.whileFull += acknowledged.size - before
    await pause(100)
    state = await ready()
  }
  said.notReady.push(state.reasons)
  rmSync(ballast)
  // Readiness is a second old at most, so whether events are taken is asked of them.
  let taken = await submit('notifications', false)
  for (let i = 0; i < 120 && !taken && !(await ready()).reasons.some((reason) => reason.includes('restart the server')); i++) {
    await pause(100)
    taken = await submit('notifications', false)
  }
  if (taken) said.cameBack++
  else {
    said.notReady.push((await ready()).reasons)
    await server.stop()
    server = await serve()
    said.restarts++
  }
}
for (const trail of TRAILS)
  for (const many of [true, false]) if (!(await submit(trail, many))) throw new Error(`refused with room again: ${JSON.stringify(said)} ${lines}`)
await server.stop('SIGKILL')
server = await serve()
let lost = 0
for (const auditid of acknowledged) if ((await ask(`/api/v1/events/${auditid}`)).status !== 200) lost++
const exit = await server.stop()
await auditedWhole(data)
console.log('said ' + JSON.stringify({ ...said, promised: acknowledged.size, lost, exit }))
