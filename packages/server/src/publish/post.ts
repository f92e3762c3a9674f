import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

/** An answer, its body whole. */
export interface Answer {
  readonly status: number
  /** Media type without parameters, lower case; '' when there is none. */
  readonly type: string
  readonly retryAfterMs: number | null
  readonly body: Uint8Array
}

export interface AskOptions {
  readonly method: 'GET' | 'POST'
  readonly body?: string | Uint8Array
  /** `content-type` of the body: `text/plain` when not given. */
  readonly headers?: Readonly<Record<string, string>>
  /** From the first byte sent to the last received. */
  readonly timeoutMs: number
  /** A longer answer is cut off and counts as a failure. */
  readonly maxBytes: number
}

const CODE = /^[A-Z0-9_]{1,64}$/

/** Connections to witnesses and time-stamp authorities, kept open between requests (C2SP tlog-witness: "Clients SHOULD use HTTP keep-alive"). */
export class Connections {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 8 })
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 8, minVersion: 'TLSv1.2' })

  /**
   * Asks once; redirects are not followed. attacker: whoever answers. @throws Error whose message is a short code, fit for a
   * metric's label: the system's (ECONNREFUSED), TIMEOUT, TOO_LARGE, that of a certificate, or FAILED.
   */
  async ask(url: string, options: AskOptions): Promise<Answer> {
    try {
      return await this.#ask(url, options)
    } catch (cause) {
      const { code } = cause as { readonly code?: unknown }
      throw new Error(typeof code === 'string' && CODE.test(code) ? code : 'FAILED', { cause })
    }
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  #ask(url: string, { method, body, headers: own, timeoutMs, maxBytes }: AskOptions): Promise<Answer> {
    const secure = url.startsWith('https:')
    return new Promise((resolve, reject) => {
      const about = body === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) }
      const headers = { ...about, ...own }
      const asked = (secure ? httpsRequest : httpRequest)(url, { method, agent: secure ? this.#https : this.#http, headers })
      const fail = (code: unknown): void => {
        clearTimeout(timer)
        asked.destroy()
        reject(Object.assign(new Error(), { code }))
      }
      const timer = setTimeout(() => fail('TIMEOUT'), timeoutMs)
      asked.once('error', (error: NodeJS.ErrnoException) => fail(error.code))
      asked.once('response', (response: IncomingMessage) => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > maxBytes) fail('TOO_LARGE')
          else chunks.push(chunk)
        })
        response.once('error', () => fail('CUT_OFF'))
        response.once('aborted', () => fail('CUT_OFF'))
        response.once('end', () => {
          clearTimeout(timer)
          resolve({
            status: response.statusCode ?? 0,
            type: (response.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '',
            retryAfterMs: retryAfter(response.headers['retry-after']),
            body: Buffer.concat(chunks),
          })
        })
      })
      asked.end(body)
    })
  }
}

function retryAfter(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : null
}
