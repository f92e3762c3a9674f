import * as http from 'node:http'
import * as https from 'node:https'
import type { Traffic } from '../counted.ts'
import type { Patience } from '../remote.ts'
import { Requests } from '../remote.ts'
import type { Account } from './account.ts'
import { isPassing, NoAnswer, Refused } from './failure.ts'

/** One request as the JSON API takes it. */
export interface Call {
  /** The service's own name for it, such as `objects.insert`. */
  readonly name: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** From the root, escaped. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: { readonly type: string; readonly parts: readonly Uint8Array[] }
  /** An answer with more bytes is not read. */
  readonly maxBytes: number
  /** The permissions it takes, for whoever has to grant them. */
  readonly needs: string
}

export interface ClientOptions {
  /** For one request, from the moment it is sent to the last byte of its answer, a new token included. */
  readonly timeoutMs: number
  readonly patience: Patience
  readonly traffic?: Traffic
  /** For tests: aborts after so long. */
  readonly limit?: (ms: number) => AbortSignal
}

const MAX_ERROR = 64 * 1024

/**
 * Sends requests: bounded in time, number and size of answers. Not through Google's library for Cloud Storage (decision 0017):
 * its uploads have no time limit, and it deletes by name what does not match.
 */
export class Client {
  readonly #account: Account
  readonly #options: ClientOptions
  readonly #requests: Requests
  readonly #agent: http.Agent

  constructor(account: Account, options: ClientOptions) {
    this.#account = account
    this.#options = options
    this.#requests = new Requests(options.patience)
    const agent = { keepAlive: true, maxSockets: options.patience.atOnce }
    this.#agent = account.endpoint.protocol === 'http:' ? new http.Agent(agent) : new https.Agent(agent)
  }

  /** What is read of the answer; an answer that cannot be read is none. @throws Refused, NoAnswer */
  once<T>(call: Call, read: (body: Buffer) => T): Promise<T> {
    return this.#requests.make(
      async () => read(await this.#exchange(call)),
      () => false,
    )
  }

  /** The same for a request that changes nothing by being sent twice. @throws Refused, NoAnswer */
  again<T>(call: Call, read: (body: Buffer) => T): Promise<T> {
    return this.#requests.make(
      async () => read(await this.#exchange(call)),
      (error) => this.passes(call.name, error),
    )
  }

  /** Whether to try again; says so to who counts. */
  passes(name: string, error: unknown): boolean {
    if (!isPassing(error)) return false
    this.#options.traffic?.again(name, error instanceof Refused ? String(error.status) : 'no-answer')
    return true
  }

  close(): void {
    this.#agent.destroy()
  }

  async #exchange(call: Call): Promise<Buffer> {
    const { timeoutMs, limit = AbortSignal.timeout } = this.#options
    const signal = limit(timeoutMs)
    let answer: http.IncomingMessage
    let body: Buffer
    try {
      const headers = await beforeAbort(this.#account.headers(), signal)
      this.#options.traffic?.sent(call.name)
      answer = await this.#answer(call, headers, signal)
      const max = isSuccess(answer) ? call.maxBytes : MAX_ERROR
      body = await bounded(answer, max)
    } catch (error) {
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
      throw new NoAnswer(why, { cause: error })
    }
    if (isSuccess(answer)) return body
    throw refusal(answer.statusCode ?? 0, body, call.needs)
  }

  #answer(call: Call, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { endpoint } = this.#account
    const query = new URLSearchParams({ ...call.query, prettyPrint: 'false' })
    const url = new URL(`${endpoint.origin}${endpoint.pathname.replace(/\/$/, '')}${call.path}?${query.toString()}`)
    const length = call.body?.parts.reduce((sum, part) => sum + part.length, 0) ?? 0
    const { request } = url.protocol === 'http:' ? http : https
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        method: call.method,
        agent: this.#agent,
        signal,
        headers: {
          ...headers,
          // Bytes come as they are stored, also where somebody said they are compressed.
          'accept-encoding': 'gzip',
          ...(call.body === undefined ? {} : { 'content-type': call.body.type }),
          ...(call.method === 'GET' ? {} : { 'content-length': length }),
        },
      })
      sent.once('response', resolve)
      // Stays: a socket that breaks after the answer began says so here, too.
      sent.on('error', reject)
      for (const part of call.body?.parts ?? []) sent.write(part)
      sent.end()
    })
  }
}

const isSuccess = ({ statusCode = 0 }: http.IncomingMessage): boolean => statusCode >= 200 && statusCode < 300

/** attacker: whoever answers may send for ever, or stop in the middle. */
async function bounded(answer: http.IncomingMessage, max: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > max) {
      answer.destroy()
      throw new Error(`an answer of more than ${max} bytes`)
    }
    chunks.push(chunk)
  }
  if (!answer.complete) throw new Error('the answer was cut')
  return Buffer.concat(chunks)
}

function refusal(status: number, body: Buffer, needs: string): Refused {
  let reason = ''
  let words = ''
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: { message?: unknown; errors?: { reason?: unknown }[] } }
    const given = error?.errors?.[0]?.reason
    if (typeof given === 'string' && /^[A-Za-z]{1,60}$/.test(given)) reason = given
    if (typeof error?.message === 'string') words = error.message.slice(0, 1_000)
  } catch {
    // Not its usual form: a proxy, or no JSON at all.
  }
  return new Refused(status, reason, words, needs)
}

function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error('aborted'))
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

/** The system's code or the first words of ours; a library's message may name people. */
function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (typeof code === 'string') return code
  return error instanceof Error && /^(?:an answer of|the answer was)/.test(error.message) ? error.message : 'no token, or no connection'
}
