/**
 * An S3 server in this process that answers as Amazon's was recorded to answer: versions, deletion markers, Object Lock,
 * checksums, conditional writes, error documents. Strict: what it does not know is 501. It can be made to fail (`fault`),
 * to be gone (`goAway`), to lie (`lies`), and to let time pass (`pass`).
 *
 *   const server = await S3Server.start()
 *   server.bucket('evidence')                          // with Object Lock; { lock: false } without
 *   server.fault({ does: 'cut-after', on: ({ operation }) => operation === 'PutObject' })
 *   await S3Store.open(server.place('evidence'), …)
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answer, type Answer } from './answer.ts'
import { Bucket, type Lie } from './bucket.ts'
import { denied, escapeXml, Failure } from './failure.ts'
import { type Asked, readRequest, rightsFor } from './request.ts'

/** What is seen of a request: for faults to choose by, and for tests to count. */
export interface Seen {
  readonly operation: string
  readonly bucket: string
  readonly key: string
  readonly rights: readonly string[]
  readonly headers: IncomingMessage['headers']
}

export interface Fault {
  /**
   * `internal-error` 500, `slow-down` 503, `refuse` 403: not done, and said so. `hang`: not done, never answered.
   * `hang-after`: done, never answered. `cut`: not done, connection cut. `cut-after`: done, connection cut before the
   * answer. `cut-answer`: done, connection cut in the middle of the answer. `drip`: done, answered a byte at a time. A
   * number: done, that many milliseconds late.
   */
  readonly does: 'internal-error' | 'slow-down' | 'refuse' | 'hang' | 'hang-after' | 'cut' | 'cut-after' | 'cut-answer' | 'drip' | number
  /** Which requests; all unless given. */
  readonly on?: (request: Seen) => boolean
  /** How many of them; 1 unless given, `Infinity` until lifted. */
  readonly times?: number
}

export class S3Server {
  readonly lies = new Set<Lie>()
  readonly seen: Seen[] = []
  /** Most versions in one answer of a list. */
  pageSize = 1000
  /** Requests answered late, lost or not at all are under way until their connection ends. */
  underWay = 0
  mostUnderWay = 0
  readonly #buckets = new Map<string, Bucket>()
  readonly #users = new Map<string, readonly string[]>()
  readonly #faults: { fault: Fault; left: number }[] = []
  readonly #server: Server
  #passedMs = 0
  #port = 0

  private constructor() {
    this.#server = createServer((message, response) => void this.#serve(message, response))
    this.#server.keepAliveTimeout = 60_000
  }

  static async start(): Promise<S3Server> {
    const server = new S3Server()
    await server.comeBack()
    return server
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** A place as the configuration has it; credentials are read from `env`, see there. */
  place(bucket: string, prefix = ''): { type: 's3'; bucket: string; prefix: string; region: string; endpoint: string; credentials: null } {
    return { type: 's3', bucket, prefix, region: 'us-east-1', endpoint: this.endpoint, credentials: null }
  }

  /** The clock that locks go by. */
  now(): number {
    return Date.now() + this.#passedMs
  }

  async pass(ms: number): Promise<void> {
    this.#passedMs += ms
  }

  /** The bucket of that name, made when there is none: with Object Lock (and versioning) unless told otherwise. */
  bucket(name: string, options: { readonly lock?: boolean; readonly versioning?: boolean } = {}): Bucket {
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      bucket = new Bucket(() => this.now(), this.lies, { lock: options.lock ?? true, versioning: options.versioning ?? false })
      this.#buckets.set(name, bucket)
    }
    return bucket
  }

  /** Limits what may be done with an access key; one that was not limited may do everything. */
  limit(accessKeyId: string, rights: readonly string[]): void {
    this.#users.set(accessKeyId, rights)
  }

  /** Lets requests fail; returns what lifts it. */
  fault(fault: Fault): () => void {
    const armed = { fault, left: fault.times ?? 1 }
    this.#faults.push(armed)
    return () => void (armed.left = 0)
  }

  /** Requests of that operation, or all. */
  count(operation?: string): number {
    return this.seen.filter((each) => operation === undefined || each.operation === operation).length
  }

  /** Nobody answers at this address until `comeBack`; what is stored stays. */
  async goAway(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  /** Answers again, at the same address. */
  async comeBack(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', () => resolve()))
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.goAway()
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
    response.once('close', () => this.underWay--)
    try {
      const parts: Buffer[] = []
      for await (const part of message) parts.push(part as Buffer)
      await this.#handle(message, response, Buffer.concat(parts))
    } catch {
      // The client went away.
      response.destroy()
    }
  }

  async #handle(message: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> {
    let asked: Asked
    try {
      asked = readRequest(message, body)
    } catch (error) {
      return send(response, message, failed(error))
    }
    const seen: Seen = { operation: asked.operation, bucket: asked.bucket, key: asked.key, rights: rightsFor(asked), headers: asked.headers }
    this.seen.push(seen)
    const does = this.#due(seen)
    switch (does) {
      case 'internal-error':
        return send(response, message, failed(new Failure(500, 'InternalError', 'We encountered an internal error. Please try again.')))
      case 'slow-down':
        return send(response, message, failed(new Failure(503, 'SlowDown', 'Please reduce your request rate.')))
      case 'refuse':
        return send(response, message, failed(denied()))
      case 'hang':
        return
      case 'cut':
        message.socket.destroy()
        return
      default:
    }
    const done = this.#answer(asked, seen)
    if (does === 'hang-after') return
    if (does === 'cut-after') return void message.socket.destroy()
    if (typeof does === 'number') await new Promise((resolve) => setTimeout(resolve, does).unref())
    if (does === 'drip') return drip(response, done)
    send(response, message, done, does === 'cut-answer')
  }

  #due(seen: Seen): Fault['does'] | null {
    const due = this.#faults.find(({ fault, left }) => left > 0 && (fault.on?.(seen) ?? true))
    if (due === undefined) return null
    due.left--
    return due.fault.does
  }

  #answer(asked: Asked, { rights }: Seen): Answer {
    try {
      const allowed = this.#users.get(asked.accessKeyId)
      const may = (right: string): boolean => allowed === undefined || allowed.includes(right)
      if (asked.operation === 'CreateBucket') {
        this.bucket(asked.bucket, { lock: asked.headers['x-amz-bucket-object-lock-enabled'] === 'true' })
        return { status: 200, headers: {}, body: '' }
      }
      const bucket = this.#buckets.get(asked.bucket)
      if (bucket === undefined) throw new Failure(404, 'NoSuchBucket', 'The specified bucket does not exist')
      if (!rights.every(may)) throw denied()
      try {
        return answer(asked, bucket, this.lies, may, this.pageSize)
      } catch (error) {
        // Whether there is such a key is told only to those who may list.
        if (error instanceof Failure && error.code === 'NoSuchKey' && !may('s3:ListBucket')) throw denied()
        throw error
      }
    } catch (error) {
      return failed(error)
    }
  }
}

function failed(error: unknown): Answer {
  const { status, code, message, headers } = error instanceof Failure ? error : new Failure(500, 'InternalError', String(error))
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${escapeXml(message)}</Message><RequestId>0000</RequestId></Error>`
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body }
}

/** A connection that is never silent and never done. */
function drip(response: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(body as string)
  response.writeHead(status, { ...headers, 'content-length': String(bytes.length) })
  let at = 0
  const timer = setInterval(() => {
    if (at < bytes.length) response.write(bytes.subarray(at, ++at))
    else response.end()
  }, 20)
  response.once('close', () => clearInterval(timer))
}

function send(response: ServerResponse, message: IncomingMessage, { status, headers, body }: Answer, cut = false): void {
  const bytes = Buffer.from(body as string)
  response.writeHead(status, { ...headers, 'x-amz-request-id': '0000', ...(status === 204 ? {} : { 'content-length': String(bytes.length) }) })
  if (message.method === 'HEAD' || status === 204) return void response.end()
  if (!cut) return void response.end(bytes)
  response.write(bytes.subarray(0, bytes.length >> 1), () => message.socket.destroy())
}
