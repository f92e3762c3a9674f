import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inside, readDer } from '../../../../evidence/src/timestamp/der.ts'
import { oidOf, unsignedBytes } from '../../../../evidence/src/timestamp/value.ts'
import { int, makeCertificate, makeCrl, makeToken, seq } from '../../../../evidence/test/timestamp/forge.ts'
import type { CertificateWish, CrlWish, Made, TokenWish } from '../../../../evidence/test/timestamp/forge.ts'

const DAY = 86_400_000

/** What a request asks for. */
export interface Query {
  readonly imprint: Uint8Array
  readonly nonce: Uint8Array
  readonly policy: string | null
}

export function readQuery(bytes: Uint8Array): Query {
  const [version, imprint, ...more] = inside(readDer(bytes)).rest(5)
  if (version === undefined || imprint === undefined) throw new Error('no request')
  const policy = more.find(({ tag }) => tag === 6)
  const nonce = more.find(({ tag }) => tag === 2)
  return {
    imprint: inside(imprint).rest(2)[1]?.body ?? new Uint8Array(0),
    nonce: nonce === undefined ? new Uint8Array(0) : unsignedBytes(nonce),
    policy: policy === undefined ? null : oidOf(policy),
  }
}

/** A time-stamp authority on a port of its own that can be told to answer anything. */
export class OddAuthority {
  readonly root: Made
  readonly tsa: Made
  /** Milliseconds its clock is ahead. */
  ahead = 0
  /** Changes the token it would give. */
  wish: (query: Query) => Partial<TokenWish> = () => ({})
  /** Answers in its place. */
  answer: ((response: ServerResponse, reply: Uint8Array, request: IncomingMessage) => void) | null = null
  crl: Partial<CrlWish> | null = {}
  readonly queries: Query[] = []
  crls = 0
  /** Most requests that were under way at once. */
  most = 0
  #now = 0
  #server: Server | null = null

  constructor() {
    const now = Date.now()
    this.root = makeCertificate({ name: 'Odd root', issuer: null, kind: 'ca', notBefore: now - 30 * DAY, notAfter: now + 30 * DAY })
    this.tsa = this.make()
  }

  make(wish: Partial<CertificateWish> = {}): Made {
    const now = Date.now()
    return makeCertificate({ name: 'Odd TSA', issuer: this.root, kind: 'tsa', notBefore: now - 20 * DAY, notAfter: now + 20 * DAY, ...wish })
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/tsa`
  }

  async start(port = 0): Promise<this> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      this.most = Math.max(this.most, ++this.#now)
      response.once('close', () => this.#now--)
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => this.#reply(request, response, Buffer.concat(chunks)))
    })
    await new Promise<void>((resolve) => this.#server?.listen(port, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((resolve) => (this.#server === null ? resolve(null) : this.#server.close(resolve)))
  }

  #reply(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    if (request.method === 'GET') {
      this.crls++
      if (this.crl === null) return void response.writeHead(404).end()
      const now = Date.now()
      return void response.end(makeCrl({ issuer: this.root, thisUpdate: now - DAY, nextUpdate: now + DAY, ...this.crl }))
    }
    const query = readQuery(body)
    this.queries.push(query)
    const { imprint, nonce, policy } = query
    const token = makeToken({
      text: body,
      imprint,
      nonce,
      signer: this.tsa,
      genTimeMs: Date.now() + this.ahead,
      ...(policy === null ? {} : { policy }),
      ...this.wish(query),
    })
    const reply = seq(seq(int(0)), token)
    if (this.answer !== null) this.answer(response, reply, request)
    else response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply)
  }
}
