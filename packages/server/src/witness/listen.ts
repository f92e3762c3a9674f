import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { MAX_ADD_CHECKPOINT_BYTES } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { WitnessAnswer, WitnessService } from './witness.ts'

export interface WitnessListenOptions {
  readonly host: string
  /** 0: any. */
  readonly port: number
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null
  /** What `GET /` answers. */
  readonly page: () => string
  readonly log: Log
}

export interface WitnessListening {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Slow and large senders: a head within 5 s, a whole request within 10 s, 16 KiB each. Connections are kept for the next request. */
const BOUNDS = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 16_384 } as const
const MAX_CONNECTIONS = 1_000
const TEXT = 'text/plain; charset=utf-8'

/** Serves a witness. @throws the system's error when the port cannot be had */
export async function listenWitness(service: WitnessService, options: WitnessListenOptions): Promise<WitnessListening> {
  const { host, tls, log } = options
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(service, options, request).then(
      (made) => send(request, response, made),
      (error: unknown) => {
        log.error('a request could not be answered', errorFields(error))
        // The disk, mostly: nothing was cosigned, and the log comes again.
        const status = error instanceof SealtrailError ? 503 : 500
        send(request, response, { status, type: TEXT, body: 'try again later\n', headers: { 'retry-after': '5' } })
      },
    )
  }
  const server: Server =
    tls === null
      ? createServer(BOUNDS, handle)
      : createTlsServer({ ...BOUNDS, minVersion: 'TLSv1.2', cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, handle)
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: options.port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `${tls === null ? 'http' : 'https'}://${name}:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
        // What is being answered now was persisted; it may finish.
        setTimeout(() => server.closeAllConnections(), 1_000).unref()
      }),
  }
}

type Made = WitnessAnswer & { readonly headers?: Readonly<Record<string, string>> }

const CHECKPOINT = /^\/([0-9a-f]{64})\/checkpoint$/

async function answer(service: WitnessService, { page }: WitnessListenOptions, request: IncomingMessage): Promise<Made> {
  // attacker: any path; a query is no part of this protocol.
  const path = request.url ?? ''
  const read = request.method === 'GET' || request.method === 'HEAD'
  if (path === '/add-checkpoint') {
    if (request.method !== 'POST') return { status: 405, type: TEXT, body: 'POST\n', headers: { allow: 'POST' } }
    const body = await bodyOf(request)
    if (body === null) return { status: 413, type: TEXT, body: `a request is at most ${MAX_ADD_CHECKPOINT_BYTES} bytes\n`, headers: { connection: 'close' } }
    return service.addCheckpoint(body)
  }
  const hash = CHECKPOINT.exec(path)?.[1]
  if (hash === undefined && path !== '/') return { status: 404, type: TEXT, body: 'there is no such page\n' }
  if (!read) return { status: 405, type: TEXT, body: 'GET\n', headers: { allow: 'GET, HEAD' } }
  if (hash === undefined) return { status: 200, type: TEXT, body: page() }
  const note = service.checkpoint(hash)
  if (note === null) return { status: 404, type: TEXT, body: 'no checkpoint of this log was cosigned here\n' }
  return { status: 200, type: TEXT, body: note, headers: { 'cache-control': 'no-cache', 'access-control-allow-origin': '*' } }
}

/** The whole body, or null when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_ADD_CHECKPOINT_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body, headers = {} }: Made): void {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), 'x-content-type-options': 'nosniff', ...headers })
  response.end(request.method === 'HEAD' ? undefined : body)
}
