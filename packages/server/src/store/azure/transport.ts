import { Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import { Agent as TlsAgent, request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import type { HttpHeaders, HttpOperationResponse, IHttpClient, WebResource } from '@azure/storage-blob'
import { SealtrailError } from '../../errors.ts'

/** Nothing of ours is bigger: as much as a frame may unpack to; and no page of a list comes near. */
const MAX_BYTES = 256 * 1024 * 1024

/**
 * Carries the library's requests, in place of its own transport, which reads an answer of any length into memory. An answer
 * is whole here before anybody sees it. The request's signal ends it; what ends early is an error.
 */
export class Transport implements IHttpClient {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #tlsAgent = new TlsAgent({ keepAlive: true })
  readonly #maxBytes: number

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  async sendRequest(request: WebResource): Promise<HttpOperationResponse> {
    const { status, headers, bytes } = await this.#exchange(request)
    const answer = { request, status, headers: headersLike(request.headers, headers) }
    if (request.method === 'HEAD') return answer
    const streamed = request.streamResponseStatusCodes
    if (streamed?.has(status) === true || streamed?.has(Number.POSITIVE_INFINITY) === true) return { ...answer, readableStreamBody: Readable.from([bytes]) }
    return { ...answer, bodyAsText: bytes.toString('utf8') }
  }

  close(): void {
    this.#agent.destroy()
    this.#tlsAgent.destroy()
  }

  #exchange(request: WebResource): Promise<{ status: number; headers: IncomingMessage['headers']; bytes: Buffer }> {
    const tls = request.url.startsWith('https:')
    return new Promise((resolve, reject) => {
      const sent = (tls ? requestHttps : requestHttp)(
        request.url,
        // A proxy of the environment comes as the request's own agent.
        { method: request.method, headers: request.headers.rawHeaders(), agent: (request.agent as Agent | undefined) ?? (tls ? this.#tlsAgent : this.#agent) },
        (response) => {
          collect(response, this.#maxBytes).then(
            (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes }),
            (error: unknown) => {
              sent.destroy()
              reject(error as Error)
            },
          )
        },
      )
      sent.on('error', reject)
      request.abortSignal?.addEventListener('abort', () => void sent.destroy(new Error('ended')))
      const body: unknown = request.body
      sent.end(body instanceof Uint8Array || typeof body === 'string' ? body : undefined)
    })
  }
}

async function collect(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    // attacker: a store that never stops sending.
    if (size > maxBytes) throw new SealtrailError('DATA_CORRUPT', 'the store sends more than any object holds')
  }
  return Buffer.concat(chunks, size)
}

/** The library's form of headers can only be had from a request's. */
function headersLike(form: HttpHeaders, headers: IncomingMessage['headers']): HttpHeaders {
  const like = form.clone()
  for (const name of like.headerNames()) like.remove(name)
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) like.set(name, Array.isArray(value) ? value.join(', ') : value)
  return like
}
