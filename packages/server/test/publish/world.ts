import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cosigner, ed25519Signer, leafHash } from '@sealtrail/tlog'
import type { Cosigner } from '@sealtrail/tlog'
import { createLog } from '../../src/observe/log.ts'
import { Metrics, renderPrometheus } from '../../src/observe/metrics.ts'
import type { ForkAlarm } from '../../src/publish/alarm.ts'
import { Publisher } from '../../src/publish/publisher.ts'
import { publishTrust, readPublished } from '../../src/publish/published.ts'
import type { Published } from '../../src/publish/published.ts'
import { readCheckpoint, signCheckpoint, writeCheckpoint } from '../../src/seal/checkpoint.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { listenWitness } from '../../src/witness/listen.ts'
import type { WitnessListening } from '../../src/witness/listen.ts'
import { openWitness } from '../../src/witness/open.ts'
import type { OpenWitness } from '../../src/witness/open.ts'

export const ORIGIN = 'audit.example.com/cc/calls'
const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)

/** A log without its server: hash files and the committed checkpoint, as the sealing thread leaves them. */
export class TestLog {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sealtrail-publish-'))
  readonly data: string = join(this.folder, 'data')
  readonly signer = ed25519Signer(ORIGIN, seed(11))
  files: HashFiles = HashFiles.open(join(this.data, 'tiles', 'calls'))

  get vkey(): string {
    return this.signer.vkey
  }

  grow(to: number, tag = 'record'): void {
    const leaves = Buffer.concat(Array.from({ length: to - this.files.size }, (_, i) => leafHash(Buffer.from(`${tag} ${this.files.size + i}`))))
    this.files.append(leaves)
    this.sign()
  }

  /** Another history from `size` on. */
  forkAt(size: number, to: number): void {
    this.files.truncate(size)
    this.grow(to, 'another')
  }

  sign(): void {
    writeCheckpoint(join(this.data, 'checkpoint', 'calls'), this.note)
  }

  get note(): string {
    const root = Buffer.from(this.files.rootAt(this.files.size)).toString('hex')
    return signCheckpoint(ORIGIN, { size: this.files.size, root, segment: '', digest: '' }, [this.signer])
  }

  end(): void {
    this.files.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export interface PublishWorldOptions {
  readonly quorum?: string
  readonly failOpen?: boolean
  readonly timeoutMs?: number
  readonly graceMs?: number
  readonly now?: () => number
}

/** A publisher over a log, with the lines of the policy given. */
export class Publishing {
  readonly forks: ForkAlarm[] = []
  readonly lines: string[] = []
  readonly metrics = new Metrics()
  readonly publisher: Publisher
  readonly #log: TestLog
  readonly #trust

  constructor(log: TestLog, witnesses: readonly string[], options: PublishWorldOptions = {}) {
    this.#log = log
    const names = witnesses.map((line) => line.split(' ')[1] as string)
    const quorum = options.quorum ?? 'all'
    const policy = `${witnesses.map((line) => `${line}\n`).join('')}${quorum === 'none' ? '' : `group g ${quorum} ${names.join(' ')}\n`}quorum ${quorum === 'none' ? 'none' : 'g'}\n`
    const settings = { policy, failOpen: options.failOpen ?? false, intervalMs: 10_000, timeoutMs: options.timeoutMs ?? 2_000 }
    this.#trust = publishTrust(settings, log.vkey)
    this.publisher = new Publisher({
      data: log.data,
      settings,
      vkeys: { calls: log.vkey },
      committed: () => readCheckpoint(join(log.data, 'checkpoint', 'calls'), log.vkey),
      tree: () => log.files,
      onFork: (alarm) => void this.forks.push(alarm),
      now: options.now ?? Date.now,
      log: createLog({ level: 'debug', now: Date.now, write: (line) => void this.lines.push(line) }),
      metrics: this.metrics,
      graceMs: options.graceMs ?? 50,
    })
  }

  async round(): Promise<Published | null> {
    await this.publisher.round()
    return this.published
  }

  get published(): Published | null {
    return readPublished(this.#log.data, 'calls', this.#trust)
  }

  metric(name: string): string[] {
    this.publisher.observe()
    return renderPrometheus(this.metrics.snapshot())
      .split('\n')
      .filter((line) => line.startsWith(name))
  }
}

/** The real witness, on a port. */
export class RealWitness {
  readonly name: string
  readonly data: string
  readonly logs: readonly string[]
  open!: OpenWitness
  listening!: WitnessListening

  constructor(name: string, data: string, logs: readonly string[]) {
    this.name = name
    this.data = data
    this.logs = logs
  }

  static async start(name: string, data: string, logs: readonly string[]): Promise<RealWitness> {
    const witness = new RealWitness(name, data, logs)
    await witness.start()
    return witness
  }

  async start(port = 0): Promise<void> {
    const log = createLog({ level: 'error', now: Date.now, write: () => {} })
    this.open = openWitness({ data: this.data, name: this.name, logs: this.logs, now: Date.now, random: randomBytes, log })
    this.listening = await listenWitness(this.open.service, { host: '127.0.0.1', port, tls: null, page: () => 'a witness\n', log })
  }

  async stop(): Promise<void> {
    await this.listening.close()
    this.open.close()
  }

  get line(): string {
    return `witness ${this.name} ${this.open.vkey} ${this.listening.url}`
  }
}

/** A server that answers as it is told, with a cosigning key at hand: what deployed and lying witnesses do. */
export class OddWitness {
  readonly key: Cosigner
  readonly requests: string[] = []
  answer: (body: string, response: ServerResponse, request: IncomingMessage) => void = (_, response) => void response.end()
  readonly #server: Server
  #port = 0

  constructor(n: number) {
    this.key = cosigner(`odd${n}.example`, seed(100 + n))
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        this.requests.push(request.method === 'GET' ? `GET ${request.url}` : (body.split('\n', 1)[0] as string))
        this.answer(body, response, request)
      })
    })
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get line(): string {
    return `witness ${this.key.name} ${this.key.vkey} http://127.0.0.1:${this.#port}/prefix/`
  }

  /** Cosigns whatever is sent. */
  cosign(body: string, response: ServerResponse, time: number = Date.now()): void {
    const text = body.slice(body.indexOf('\n\n') + 2).replace(/\n\n[^]*$/, '\n')
    const { signature, keyId, name } = this.key.cosign(text, BigInt(Math.floor(time / 1000)))
    const id = Buffer.alloc(4)
    id.writeUInt32BE(keyId)
    response.end(`\u2014 ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`)
  }

  status(response: ServerResponse, status: number, body = '', type?: string): void {
    response.writeHead(status, type === undefined ? {} : { 'content-type': type }).end(body)
  }
}
