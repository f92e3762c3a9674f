import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Kept, Refusal, Rules } from './rules.ts'

/** One request as it came. */
export interface Seen {
  /** The service's own name, such as `objects.insert`. */
  readonly method: string
  readonly name: string
  readonly query: URLSearchParams
  readonly bytes: number
  readonly authorization: string | null
  /** Permissions that Google documents for it, for what it asks of the state it meets. */
  readonly needs: readonly string[]
}

/**
 * What goes wrong with a request. `silent`: done, and never answered; `lost`: done, and the connection cut instead of an answer;
 * `reset`: cut before anything is done; `cut`: half of the answer; `garbage`: done, and described by something else; a number: that
 * status, nothing done.
 */
export type Fault = number | 'silent' | 'lost' | 'reset' | 'cut' | 'garbage'

export interface GcsServer {
  readonly endpoint: string
  readonly rules: Rules
  readonly seen: Seen[]
  /** Asked of every request; null lets it go through. */
  fault: (seen: Seen) => Fault | null | Promise<Fault | null>
  /** Null: everything is allowed. */
  grants: ReadonlySet<string> | null
  /** A bearer token that is needed, or null. */
  token: string | null
  /** Largest page of a list, below what is asked for. */
  page: number
  /** What takes the place of the time limits of those who ask: ended for a request that stays without an answer, and never before. */
  limit(): AbortSignal
  /** Requests that have come and are not answered yet. */
  underWay: number
  now(): number
  pass(ms: number): void
  close(): Promise<void>
}

/** A server in this process that answers as Google documents (JSON API v1), with a clock of its own: it stands still unless one is given. */
export async function startGcs(clock: () => number = () => Date.UTC(2030, 0, 1)): Promise<GcsServer> {
  let passed = 0
  const now = (): number => clock() + passed
  const rules = new Rules(now)
  const sockets = new Set<Socket>()
  const limits = new Set<AbortController>()
  const http: Server = createServer((request, response) => {
    here.underWay++
    response.once('close', () => here.underWay--)
    const unanswered = (): void => {
      for (const limit of limits) limit.abort()
      limits.clear()
    }
    serve(here, request, response, unanswered).catch((error: unknown) => response.destroy(error as Error))
  })
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const here: GcsServer = {
    endpoint: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    rules,
    seen: [],
    fault: () => null,
    grants: null,
    token: null,
    page: 1_000,
    underWay: 0,
    limit() {
      const limit = new AbortController()
      limits.add(limit)
      return limit.signal
    },
    now,
    pass: (ms) => void (passed += ms),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return here
}

async function serve(here: GcsServer, request: IncomingMessage, response: ServerResponse, unanswered: () => void): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const call = callOf(here.rules, request, body)
  const { seen } = call
  here.seen.push(seen)
  const fault = await here.fault(seen)
  if (fault === 'reset') return void request.socket.destroy()
  if (typeof fault === 'number') return refuse(response, new Refusal(fault, 'backendError', 'Backend Error'))
  try {
    if (here.token !== null && seen.authorization !== `Bearer ${here.token}`) throw new Refusal(401, 'authError', 'Invalid Credentials')
    const missing = here.grants === null ? undefined : seen.needs.find((each) => !here.grants!.has(each))
    if (missing !== undefined) throw new Refusal(403, 'forbidden', `someone@example.com does not have ${missing} access to the Google Cloud Storage object.`)
    const answer = call.run(here.page)
    if (fault === 'silent') return unanswered()
    if (fault === 'lost') return void request.socket.destroy()
    send(response, 200, fault === 'garbage' && seen.query.get('alt') !== 'media' ? Buffer.from('{"kind":') : answer, fault === 'cut')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (fault === 'silent') return unanswered()
    if (fault === 'lost') return void request.socket.destroy()
    refuse(response, error)
  }
}

function send(response: ServerResponse, status: number, body: Buffer, cut: boolean): void {
  response.writeHead(body.length === 0 ? 204 : status, { 'content-type': 'application/json; charset=UTF-8', 'content-length': body.length })
  if (!cut) return void response.end(body)
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
}

function refuse(response: ServerResponse, { status, reason, message }: Refusal): void {
  const body = { error: { code: status, message, errors: [{ message, domain: 'global', reason }] } }
  send(response, status, Buffer.from(JSON.stringify(body)), false)
}

interface Called {
  readonly seen: Seen
  run(page: number): Buffer
}

function callOf(rules: Rules, request: IncomingMessage, body: Buffer): Called {
  const url = new URL(request.url ?? '/', 'http://here')
  const { searchParams: query } = url
  const generation = query.get('generation')
  const [, upload, , , , , raw] = /^(\/upload)?\/storage\/v1\/b\/(bucket)(\/o)?((\/)(.+))?$/.exec(url.pathname) ?? []
  const isObjects = url.pathname.endsWith('/o') || raw !== undefined
  const name = raw === undefined ? '' : decodeURIComponent(raw)
  const called = (method: string, needs: readonly string[], run: (page: number) => Buffer, of = name): Called => ({
    seen: { method, name: of, query, bytes: body.length, authorization: request.headers.authorization ?? null, needs },
    run,
  })
  const object = (kept: Kept): Buffer => json(selected(rules.describe(kept), query.get('fields')))
  if (upload !== undefined && request.method === 'POST') {
    const [description, bytes] = parts(body, request.headers['content-type'] ?? '')
    // In the address, as Google's client does, or in the description.
    description['name'] ??= query.get('name')
    const target = String(description['name'])
    const needs = ['storage.objects.create']
    if (description['retention'] !== undefined) needs.push('storage.objects.setRetention')
    if (rules.live(target) !== undefined && query.get('ifGenerationMatch') !== '0') needs.push('storage.objects.delete')
    return called('objects.insert', needs, () => object(rules.insert(description, bytes, query.get('ifGenerationMatch'))), target)
  }
  if (!isObjects && request.method === 'GET') return called('buckets.get', ['storage.buckets.get'], () => json(selected(bucketOf(rules), query.get('fields'))))
  if (!isObjects && request.method === 'PATCH')
    return called('buckets.patch', ['storage.buckets.update'], () => {
      if (query.get('ifMetagenerationMatch') !== String(rules.metageneration)) throw new Refusal(412, 'conditionNotMet', 'pre-conditions')
      rules.lifecycle = (JSON.parse(body.toString('utf8')) as { lifecycle: { rule: unknown[] } | null }).lifecycle
      rules.metageneration++
      return json(selected(bucketOf(rules), query.get('fields')))
    })
  if (isObjects && name === '')
    return called('objects.list', ['storage.objects.list'], (page) => json(selected(listOf(rules, query, page), query.get('fields'))))
  if (request.method === 'GET') {
    const media = query.get('alt') === 'media'
    return called('objects.get', ['storage.objects.get'], () => (media ? rules.find(name, generation).bytes : object(rules.find(name, generation))))
  }
  if (request.method === 'DELETE')
    return called('objects.delete', ['storage.objects.delete'], () => {
      rules.remove(name, generation)
      return Buffer.alloc(0)
    })
  const asked = JSON.parse(body.toString('utf8')) as Record<string, unknown>
  const override = query.get('overrideUnlockedRetention') === 'true'
  const needs = ['storage.objects.update']
  if ('retention' in asked) needs.push('storage.objects.setRetention')
  if (override) needs.push('storage.objects.overrideUnlockedRetention')
  return called('objects.patch', needs, () =>
    object(rules.patch(name, generation, asked, { ifMetagenerationMatch: query.get('ifMetagenerationMatch'), override })),
  )
}

function bucketOf(rules: Rules): Record<string, unknown> {
  return {
    name: 'bucket',
    metageneration: String(rules.metageneration),
    ...(rules.objectRetention ? { objectRetention: { mode: 'Enabled' } } : {}),
    ...(rules.versioning ? { versioning: { enabled: true } } : {}),
    ...(rules.lifecycle === null ? {} : { lifecycle: rules.lifecycle }),
  }
}

/** Names ascending, generations of a name as they came; the token says how many were given already. */
function listOf(rules: Rules, query: URLSearchParams, page: number): Record<string, unknown> {
  const start = query.get('startOffset') ?? ''
  const matching = rules.kept
    .filter(
      ({ name, timeDeleted }) => name.startsWith(query.get('prefix') ?? '') && name >= start && (timeDeleted === null || query.get('versions') === 'true'),
    )
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.generation < b.generation ? -1 : 1))
  const from = Number(query.get('pageToken') ?? 0)
  const size = Math.min(page, Number(query.get('maxResults') ?? 1_000))
  const items = matching.slice(from, from + size).map((each) => rules.describe(each))
  return { kind: 'storage#objects', ...(items.length === 0 ? {} : { items }), ...(from + size < matching.length ? { nextPageToken: String(from + size) } : {}) }
}

/** `a,b(c,d)`: only what was asked for. */
function selected(value: Record<string, unknown>, fields: string | null): Record<string, unknown> {
  if (fields === null) return value
  const wanted = [...fields.matchAll(/([A-Za-z]+)(?:\(([^)]*)\))?/g)]
  return Object.fromEntries(
    wanted
      .filter(([, name = '']) => name in value)
      .map(([, name, inner]) => [name, inner === undefined ? value[name!] : (value[name!] as Record<string, unknown>[]).map((each) => selected(each, inner))]),
  )
}

function parts(body: Buffer, type: string): [Record<string, unknown>, Buffer] {
  const boundary = /^multipart\/related; boundary=([0-9A-Za-z_-]{1,70})$/.exec(type)?.[1]
  if (boundary === undefined) throw new Error('no boundary')
  const marks: number[] = []
  for (let at = body.indexOf(`--${boundary}`); at >= 0; at = body.indexOf(`--${boundary}`, at + 1)) marks.push(at)
  if (marks.length !== 3) throw new Error('not two parts')
  const content = (from: number, to: number): Buffer => {
    const part = body.subarray(from, to)
    return part.subarray(part.indexOf('\r\n\r\n') + 4, part.length - 2)
  }
  return [JSON.parse(content(marks[0]!, marks[1]!).toString('utf8')) as Record<string, unknown>, content(marks[1]!, marks[2]!)]
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
