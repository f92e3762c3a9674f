import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { createApp } from '../http/app.ts'
import { createLog } from '../observe/log.ts'
import { openLocal } from '../threads/local.ts'
import type { Context, Option } from './command.ts'
import { DATA_OPTIONS, settings } from './settings.ts'

/** The options of commands that ask a server, or open a data directory in its place. */
export const CLIENT_OPTIONS: Readonly<Record<string, Option>> = {
  ...DATA_OPTIONS,
  url: { type: 'string', value: 'URL', what: 'the server to ask, with the token in SEALTRAIL_TOKEN; else SEALTRAIL_URL, else http://127.0.0.1:8787' },
  purpose: { type: 'string', value: 'REF', what: 'why this is read: a case number, sealed in the system trail' },
}

export interface Ask {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: string | Uint8Array
  readonly type?: string
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** A server, near or far: the same routes over HTTP, or in this process over a data directory it opened itself. */
export interface Client {
  /** What it is, for messages. */
  readonly place: string
  request(method: 'GET' | 'POST' | 'DELETE', path: string, ask?: Ask): Promise<Answer>
  /** As `request` with GET, for an answer that may be large. @throws SealtrailError with the code of its problem document */
  stream(path: string): Promise<ReadableStream<Uint8Array>>
  /** Releases everything held and seals it; null over HTTP, which has no such route. */
  readonly flush: (() => Promise<void>) | null
  close(): Promise<void>
}

/** @param create whether a data directory that is not there is made. @throws SealtrailError DATA_IN_USE when a server holds it, USAGE. */
export async function openClient(ctx: Context, options: { readonly create?: boolean } = {}): Promise<Client> {
  const local = ctx.text('data') !== undefined || ctx.text('config') !== undefined
  if (!local) return remote(ctx)
  if (ctx.text('url') !== undefined) throw new SealtrailError('USAGE', 'give --data or --url, not both')
  return inProcess(ctx, options.create ?? false)
}

/** The answer's JSON. @throws SealtrailError with the code of its problem document. */
export async function askJson(client: Client, method: 'GET' | 'POST' | 'DELETE', path: string, ask?: Ask): Promise<JsonObject> {
  const { status, text } = await client.request(method, path, ask)
  if (status < 400) return text === '' ? {} : (JSON.parse(text) as JsonObject)
  throw problemOf(status, text)
}

/** As `askJson`, for an answer that is no JSON. @throws as `askJson` */
export async function askText(client: Client, path: string): Promise<string> {
  const { status, text } = await client.request('GET', path)
  if (status < 400) return text
  throw problemOf(status, text)
}

async function bodyOf(answer: Response): Promise<ReadableStream<Uint8Array>> {
  if (answer.status >= 400 || answer.body === null) throw problemOf(answer.status, await answer.text())
  return answer.body as ReadableStream<Uint8Array>
}

function problemOf(status: number, text: string): SealtrailError {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown }
    if (typeof code === 'string' && Object.hasOwn(ERRORS, code)) return new SealtrailError(code as ErrorCode, typeof detail === 'string' ? detail : undefined)
  } catch {
    // A proxy's page, not the server's answer.
  }
  return new SealtrailError('NOT_READY', `the address answers ${status}, and not as a Sealtrail server does`)
}

/** The server to ask, without a slash at the end. @throws SealtrailError USAGE */
export function serverAddress(ctx: Context): string {
  const given = ctx.text('url') ?? ctx.env['SEALTRAIL_URL'] ?? 'http://127.0.0.1:8787'
  if (!URL.canParse(given) || !/^https?:/.test(given)) throw new SealtrailError('USAGE', 'the address of the server is http://HOST:PORT or https://…')
  return given.replace(/\/+$/, '')
}

function remote(ctx: Context): Client {
  const base = serverAddress(ctx)
  const token = ctx.env['SEALTRAIL_TOKEN']
  return {
    place: base,
    flush: null,
    async request(method, path, ask = {}) {
      let answer: Response
      try {
        answer = await fetch(base + withQuery(path, ask.query), {
          method,
          headers: headersOf(ctx, ask, token),
          ...(ask.body === undefined ? {} : { body: ask.body as string }),
        })
      } catch (cause) {
        const code = (cause as { cause?: { code?: string } }).cause?.code
        throw new SealtrailError('NOT_READY', `no server answers at ${base}${code === undefined ? '' : ` (${code})`}`, { cause })
      }
      return { status: answer.status, text: await answer.text() }
    },
    async stream(path) {
      const answer = await fetch(base + path, { headers: headersOf(ctx, {}, token) }).catch((cause: unknown) => {
        throw new SealtrailError('NOT_READY', `no server answers at ${base}`, { cause })
      })
      return bodyOf(answer)
    },
    close: async () => {},
  }
}

async function inProcess(ctx: Context, create: boolean): Promise<Client> {
  const config = settings(ctx, { warn: true })
  if (!create && !existsSync(join(config.data, 'head.sqlite'))) throw new SealtrailError('USAGE', 'there is no data directory of Sealtrail at that place')
  const log = createLog({ now: ctx.now, level: 'warn', write: (line) => ctx.stderr(line) })
  const local = await openLocal(config, { log, now: ctx.now })
  // Who holds the files and the keyring holds every right anyway; what is done is still sealed under this name.
  const app = createApp({
    ...local.served.deps,
    tokens: {
      check: () => ({ name: 'command-line', role: 'admin' }),
      create: (...of) => local.served.deps.tokens.create(...of),
      revoke: (name) => local.served.deps.tokens.revoke(name),
      list: () => local.served.deps.tokens.list(),
    },
  })
  return {
    place: config.data,
    async flush() {
      await local.sealing.flush()
      await local.indexed()
    },
    async request(method, path, ask = {}) {
      const answer = await app.request(withQuery(path, ask.query), {
        method,
        headers: headersOf(ctx, ask, 'command-line'),
        ...(ask.body === undefined ? {} : { body: ask.body as string }),
      })
      return { status: answer.status, text: await answer.text() }
    },
    stream: async (path) => bodyOf(await app.request(path, { headers: headersOf(ctx, {}, 'command-line') })),
    close: () => local.close(),
  }
}

function headersOf(ctx: Context, ask: Ask, token: string | undefined): Record<string, string> {
  const purpose = ctx.text('purpose')
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(ask.type === undefined ? {} : { 'content-type': ask.type }),
    ...(purpose === undefined ? {} : { 'x-audit-purpose': purpose }),
  }
}

function withQuery(path: string, query: Ask['query'] = {}): string {
  const pairs = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`
}
