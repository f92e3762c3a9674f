import type { IncomingMessage } from 'node:http'
import { parseIJson } from '@sealtrail/evidence'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { inflate } from '../source/inflate.ts'
import type { Env } from './app-context.ts'

/** Bytes that bodies may take up in one thread at once; beyond it senders are told to come back. */
export class BodyBudget {
  readonly #most: number
  #taken = 0
  constructor(mostBytes: number) {
    this.#most = mostBytes
  }

  /** Runs `work` with the bytes set aside; its share grows and shrinks as it tells. @throws SealtrailError OVERLOADED */
  async hold<T>(bytes: number, work: (share: Share) => Promise<T>): Promise<T> {
    let mine = 0
    const share: Share = {
      needs: (size) => {
        if (size > mine) share.is(this.#checked(mine, size))
      },
      is: (size) => {
        this.#taken += size - mine
        mine = size
      },
    }
    share.needs(bytes)
    try {
      return await work(share)
    } finally {
      share.is(0)
    }
  }

  /** One body is always let in, however large. */
  #checked(mine: number, size: number): number {
    const others = this.#taken - mine
    if (others > 0 && others + size > this.#most) throw new SealtrailError('OVERLOADED', 'too many bytes are under way')
    return size
  }
}

/** What one request has set aside. */
export interface Share {
  /** At least so many bytes. @throws SealtrailError OVERLOADED */
  needs(size: number): void
  /** Exactly so many, now that they are there. */
  is(size: number): void
}

/** JSON seldom packs better; a body that does is bounded all the same. */
const USUAL_INFLATION = 20

/** Bytes to set aside before reading: what the request announces, more when it is compressed; what does not say is counted as it comes. */
export function announcedBytes(c: Context<Env>, maxBytes: number): number {
  const length = c.req.header('content-length')
  return length === undefined || !/^\d{1,15}$/.test(length) ? 0 : inflated(c, Number(length), maxBytes)
}

function inflated(c: Context<Env>, bytes: number, maxBytes: number): number {
  return Math.min(bytes * (c.req.header('content-encoding') === undefined ? 1 : USUAL_INFLATION), maxBytes)
}

/**
 * The inflated body. Read from the socket's message when there is one – no web stream between – and never further than the limit.
 * @throws SealtrailError TOO_LARGE, BAD_REQUEST (ended early, damaged coding), UNSUPPORTED_ENCODING, OVERLOADED.
 */
export async function readBody(c: Context<Env>, maxBytes: number, share?: Share): Promise<Buffer> {
  // attacker: a length that lies. What announces too much is not read at all, what announces too little is cut off below.
  const length = c.req.header('content-length')
  if (length !== undefined && Number(length) > maxBytes) throw tooLarge(maxBytes)
  const incoming = c.env?.incoming
  const grow = (size: number): void => {
    if (size > maxBytes) throw tooLarge(maxBytes)
    share?.needs(inflated(c, size, maxBytes))
  }
  const sent = incoming === undefined ? await readStream(c.req.raw.body, grow) : await readIncoming(incoming, grow)
  const body = await inflate(sent, c.req.header('content-encoding') ?? null, maxBytes)
  share?.is(body.length)
  return body
}

/**
 * The body of a request that orders something.
 * @param limits bytes, levels of nesting, and whether no body means an empty object
 * @throws SealtrailError NOT_JSON, BAD_REQUEST, and those of `readBody`
 */
export async function objectBody(c: Context<Env>, limits: { maxBytes: number; maxDepth: number; mayBeEmpty?: boolean }): Promise<JsonObject> {
  const bytes = await readBody(c, limits.maxBytes)
  if (bytes.length === 0 && limits.mayBeEmpty === true) return {}
  const parsed = parseIJson(bytes, limits)
  if ('problem' in parsed) throw new SealtrailError(parsed.problem.code === 'NOT_JSON' ? 'NOT_JSON' : 'BAD_REQUEST', parsed.problem.message)
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value))
    throw new SealtrailError('BAD_REQUEST', 'the body is a JSON object')
  return parsed.value
}

function readIncoming(incoming: IncomingMessage, grow: (size: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (error: unknown): void => {
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      if (error === null) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))
      else {
        incoming.pause()
        reject(error)
      }
    }
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      try {
        grow(size)
        chunks.push(chunk)
      } catch (error) {
        settle(error)
      }
    }
    const onEnd = (): void => settle(null)
    const onClose = (): void => settle(new SealtrailError('BAD_REQUEST', 'the body ended early'))
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}

async function readStream(stream: ReadableStream<Uint8Array> | null, grow: (size: number) => void): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (stream !== null) {
    for await (const chunk of stream) {
      size += chunk.length
      grow(size)
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks, size)
}

const tooLarge = (maxBytes: number): SealtrailError => new SealtrailError('TOO_LARGE', `the body is larger than ${maxBytes} bytes`)
