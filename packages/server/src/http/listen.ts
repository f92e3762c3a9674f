import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import type { ErrorCode } from '../errors.ts'
import type { Env } from './app-context.ts'
import { problem, problemBody } from './problem.ts'

export interface ListenOptions {
  readonly host: string
  /** 0: any. */
  readonly port: number
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null
  /** True when several threads listen on one port. */
  readonly reusePort?: boolean
  /** Asked first; takes a request and says so, or leaves it to the app. */
  readonly before?: (incoming: IncomingMessage, outgoing: ServerResponse) => boolean
}

export interface Listening {
  readonly url: string
  readonly port: number
  /** Takes no new connection, lets requests finish for at most `graceMs`, then cuts what is left. */
  close(graceMs?: number): Promise<void>
}

/** Bounds on slow and large senders: a head within 10 s, a whole request within 60 s, 16 KiB of headers. */
const BOUNDS = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384 } as const
const MAX_CONNECTIONS = 10_000

/**
 * Serves the app; resolves once the port is open. TLS 1.2 at least.
 * @throws the system's error (EADDRINUSE, EACCES), or that of a certificate that cannot be read.
 */
export async function listen(app: Hono<Env>, options: ListenOptions): Promise<Listening> {
  const answer = getRequestListener((request, env) => app.fetch(request, env), {
    hostname: 'localhost',
    errorHandler: (error) => problem(error instanceof Error && error.name === 'RequestError' ? 'BAD_REQUEST' : 'INTERNAL'),
  })
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (options.before?.(incoming, outgoing) !== true) void answer(incoming, outgoing)
  }
  const server: Server =
    options.tls === null
      ? createServer(BOUNDS, handle)
      : createTlsServer({ ...BOUNDS, minVersion: 'TLSv1.2', cert: readFileSync(options.tls.certFile), key: readFileSync(options.tls.keyFile) }, handle)
  server.maxConnections = MAX_CONNECTIONS
  server.on('clientError', refuse)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, reusePort: options.reusePort ?? false, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `${options.tls === null ? 'http' : 'https'}://${host}:${port}`, port, close: (graceMs = 10_000) => close(server, graceMs) }
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection whose last answer goes out now would be kept alive; it is idle then, and is ended too.
    const sweep = setInterval(() => server.closeIdleConnections(), 20)
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(sweep)
      resolve()
    })
  })
}

/** attacker: bytes that are no HTTP, heads that never end. They get a problem document as well, and the connection ends. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [code, status, reason]: [ErrorCode, number, string] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['TOO_LARGE', 431, 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['BAD_REQUEST', 408, 'Request Timeout']
        : ['BAD_REQUEST', 400, 'Bad Request']
  const body = problemBody(code, {
    status,
    detail: status === 431 ? 'the headers are too large' : status === 408 ? 'the request took too long' : 'this is no HTTP/1.1 request',
  })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
