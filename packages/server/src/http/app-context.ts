import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import type { Config } from '../config/config.ts'
import type { AnswerKeys } from '../keys/answers.ts'
import type { ErasureDesk } from '../privacy/erasure.ts'
import type { PersonDesk } from '../privacy/person.ts'
import type { HoldDesk } from '../retain/hold.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { CertificateDesk } from './certificates.ts'
import type { BodyBudget } from './body.ts'
import type { GrantDesk } from '../privacy/grant.ts'
import type { Admin, Checks, ExportDesk, Flow, Quarantine, Reader, ReadLog, Tiles, Viewer } from './ports.ts'
import type { RetentionDesk } from './retention.ts'
import type { Tokens } from './tokens.ts'

/** Everything the app stands on; one value for each thread that serves HTTP. */
export interface AppDeps {
  readonly flow: Flow
  readonly reader: Reader
  readonly tiles: Tiles
  readonly reads: ReadLog
  readonly quarantine: Quarantine
  readonly admin: Admin
  readonly tokens: Pick<Tokens, 'check' | 'create' | 'revoke' | 'list'>
  readonly config: Pick<Config, 'limits' | 'origin' | 'tenant' | 'trails' | 'auth'>
  readonly exports: ExportDesk
  readonly certificates: CertificateDesk
  readonly holds: HoldDesk
  readonly erasures: ErasureDesk
  readonly grants: GrantDesk
  readonly checks: Checks
  readonly people: PersonDesk
  readonly retention: RetentionDesk
  /** What answers are signed with; asked each time, as keys rotate. */
  answerKeys(): AnswerKeys
  readonly now: () => number
  readonly log: Log
  /** This thread's registry; requests are counted in it. */
  readonly metrics: Metrics
  /** Prometheus text of all threads. */
  metricsText(): Promise<string>
}

export interface Env {
  /** Set when a socket is behind the request (`@hono/node-server`), absent under `app.request()`. */
  Bindings: { readonly incoming?: IncomingMessage }
  Variables: { viewer: Viewer }
}

/** A route's work; thrown errors become problem documents. */
export type Handler = (c: Context<Env>, app: AppDeps & { readonly budget: BodyBudget }) => Promise<Response> | Response

/** A JSON answer that no cache keeps. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers } })
}
