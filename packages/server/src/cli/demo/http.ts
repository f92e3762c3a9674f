import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'

const WITHIN_MS = 20_000

/** What the demo asks of its server, over HTTP like anybody else. */
export class DemoClient {
  readonly #url: string
  readonly #token: string
  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  async post(path: string, body: unknown): Promise<{ status: number; body: JsonObject; headers: Headers }> {
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  }

  async get(path: string): Promise<{ status: number; body: JsonObject; headers: Headers }> {
    return this.#ask(path, { method: 'GET', headers: { 'x-audit-purpose': 'demo' } })
  }

  /** Asks until the answer is what is waited for. @throws SealtrailError NOT_READY after `withinMs`. */
  async until(path: string, enough: (body: JsonObject) => boolean, withinMs = 15_000): Promise<JsonObject> {
    for (const end = Date.now() + withinMs; ;) {
      const { status, body } = await this.get(path)
      if (status === 200 && enough(body)) return body
      if (Date.now() > end) throw new SealtrailError('NOT_READY', `the answer of ${path.split('?')[0]} did not come to what it should within ${withinMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async #ask(
    path: string,
    init: { method: string; body?: string; headers: Record<string, string> },
  ): Promise<{ status: number; body: JsonObject; headers: Headers }> {
    const answer = await fetch(this.#url + path, {
      ...init,
      signal: AbortSignal.timeout(WITHIN_MS),
      headers: { ...init.headers, authorization: `Bearer ${this.#token}` },
    })
    const text = await answer.text()
    return { status: answer.status, body: text.startsWith('{') ? (JSON.parse(text) as JsonObject) : {}, headers: answer.headers }
  }
}
