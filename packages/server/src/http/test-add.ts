import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_ENTRY_BYTES } from '@sealtrail/tlog'
import { ERRORS, SealtrailError } from '../errors.ts'
import { admit } from './access.ts'
import type { Role } from './ports.ts'
import { problemBody, RETRY_AFTER_S } from './problem.ts'
import type { Tokens } from './tokens.ts'

const ROLES: readonly Role[] = ['ingest', 'admin']
const NEWLINE = 0x0a

export interface TestAddDeps {
  /** Appends entries; resolves to the index of the first once they are committed. */
  append(entries: readonly Uint8Array[]): Promise<number>
  readonly tokens: Pick<Tokens, 'check'>
}

/**
 * The test-only `POST /add`, which load generators of other logs speak (Tessera's hammer): the body is one leaf of the raw
 * log, the answer its index in ASCII decimal, once it is durable. It answers beside the app, on the bare request: a whole
 * request of one small entry is all there is to it. What arrives in one turn of the event loop is appended together.
 *
 * @returns takes a request if it is one of these, and says whether it did
 */
export function testAdd(deps: TestAddDeps): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  let entries: Uint8Array[] = []
  let waiting: ServerResponse[] = []

  function flush(): void {
    const [batch, answers] = [entries, waiting]
    entries = []
    waiting = []
    deps.append(batch).then(
      (first) => answers.forEach((outgoing, i) => answer(outgoing, 200, 'text/plain', String(first + i))),
      (error: unknown) => answers.forEach((outgoing) => fail(outgoing, error)),
    )
  }

  function add(entry: Buffer, outgoing: ServerResponse): void {
    // attacker: a segment is lines, so a leaf of it is one; C2SP tlog-tiles counts its bytes in 16 bits.
    if (entry.length === 0 || entry.includes(NEWLINE))
      return fail(outgoing, new SealtrailError('BAD_REQUEST', 'an entry is one line of text, without its newline'))
    if (entries.length === 0) setImmediate(flush)
    entries.push(entry)
    waiting.push(outgoing)
  }

  let known: string | null = null
  let knownAt = 0
  /** The same token in each of ten thousand requests a second is looked up once a second: a revocation takes no longer anywhere. */
  function letIn(authorization: string | null): void {
    const now = performance.now()
    if (authorization !== null && authorization === known && now - knownAt < 1_000) return
    admit({ roles: ROLES }, 'bearer', { get: (name) => (name === 'authorization' ? authorization : null) }, deps.tokens)
    known = authorization
    knownAt = now
  }

  return (incoming, outgoing) => {
    if (incoming.url !== '/add') return false
    if (incoming.method !== 'POST') {
      incoming.resume()
      fail(outgoing, new SealtrailError('METHOD_NOT_ALLOWED'))
      return true
    }
    try {
      letIn(incoming.headers.authorization ?? null)
    } catch (error) {
      incoming.resume()
      fail(outgoing, error)
      return true
    }
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_ENTRY_BYTES) chunks.push(chunk)
    })
    incoming.on('end', () => {
      if (size > MAX_ENTRY_BYTES) fail(outgoing, new SealtrailError('TOO_LARGE', `an entry has at most ${MAX_ENTRY_BYTES} bytes`))
      else add(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size), outgoing)
    })
    return true
  }
}

function answer(outgoing: ServerResponse, status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}): void {
  outgoing.writeHead(status, { 'content-type': type, 'content-length': body.length, ...headers })
  // Problem texts are ASCII as well.
  outgoing.end(body, 'latin1')
}

function fail(outgoing: ServerResponse, error: unknown): void {
  const code = error instanceof SealtrailError ? error.code : 'INTERNAL'
  const { status } = ERRORS[code]
  const headers: Record<string, string> = status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {}
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="sealtrail"'
  const body = problemBody(code, error instanceof SealtrailError ? { detail: error.message } : {})
  answer(outgoing, status, 'application/problem+json', body, headers)
}
