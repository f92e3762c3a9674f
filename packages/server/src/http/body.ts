import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { inflate } from '../source/inflate.ts'
import type { Env } from './app-context.ts'

/** Bytes that bodies may take up in one thread at once; beyond it senders are told to come back. */
export class BodyBudget {
  readonly #most: number
  #taken = 0
  constructor(mostBytes: number) {
    this.#most = mostBytes
  }

  /** Runs `work` with the bytes set aside. @throws SealtrailError OVERLOADED */
  async hold<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#taken > 0 && this.#taken + bytes > this.#most) throw new SealtrailError('OVERLOADED', 'too many bytes are under way')
    this.#taken += bytes
    try {
      return await work()
    } finally {
      this.#taken -= bytes
    }
  }
}

/** JSON seldom packs better; a body that does is bounded all the same. */
const USUAL_INFLATION = 20

/** Bytes to set aside before reading: what the request announces, more when it is compressed, the most when it does not say. */
export function announcedBytes(c: Context<Env>, maxBytes: number): number {
  const length = c.req.header('content-length')
  if (length === undefined || !/^\d{1,15}$/.test(length)) return maxBytes
  return Math.min(Number(length) * (c.req.header('content-encoding') === undefined ? 1 : USUAL_INFLATION), maxBytes)
}

/**
 * The inflated body. Read from the socket's message when there is one – no web stream between – and never further than the limit.
 * @throws SealtrailError TOO_LARGE, BAD_REQUEST (ended early, damaged coding), UNSUPPORTED_ENCODING.
 */
export async function readBody(c: Context<Env>, maxBytes: number): Promise<Buffer> {
  // attacker: a length that lies. What announces too much is not read at all, what announces too little is cut off below.
  const length = c.req.header('content-length')
  if (length !== undefined && Number(length) > maxBytes) throw tooLarge(maxBytes)
  const incoming = c.env?.incoming
  const body = incoming === undefined ? await readStream(c.req.raw.body, maxBytes) : await readIncoming(incoming, maxBytes)
  return inflate(body, c.req.header('content-encoding') ?? null, maxBytes)
}

function readIncoming(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (error: SealtrailError | null): void => {
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      if (error === null) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))
      else {
        incoming.pause()
        reject(error)
      }
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > maxBytes) settle(tooLarge(maxBytes))
      else chunks.push(chunk)
    }
    const onEnd = (): void => settle(null)
    const onClose = (): void => settle(new SealtrailError('BAD_REQUEST', 'the body ended early'))
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

async function readStream(stream: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (stream !== null) {
    for await (const chunk of stream) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks, size)
}

const tooLarge = (maxBytes: number): SealtrailError => new SealtrailError('TOO_LARGE', `the body is larger than ${maxBytes} bytes`)
