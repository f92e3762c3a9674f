import { CERTIFICATE_ROUTES } from './certificate-routes.ts'
import { ERASURE_ROUTES } from './erasure-routes.ts'
import { PERSON_ROUTES } from './person-routes.ts'
import { EXPORT_ROUTES } from './export-routes.ts'
import { GRANT_ROUTES } from './grant-routes.ts'
import { HOLD_ROUTES } from './hold-routes.ts'
import type { Operation } from './operation.ts'
import { RETENTION_ROUTES } from './retention-routes.ts'
import { READERS } from './ports.ts'
import type { Role } from './ports.ts'

/** One parameter of the query string. */
export interface QueryParameter {
  readonly name: string
  readonly about: string
  readonly format?: 'date-time' | 'integer'
}

/** One route: who may call it, and what the OpenAPI document says of it. Roles null: no token needed. */
export interface Route {
  readonly operation: Operation
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** OpenAPI form, `{name}` for a path parameter; `{name+}`, at the end, for one or more segments. */
  readonly path: string
  readonly roles: readonly Role[] | null
  /** What no token is needed for nevertheless: logs of trails with `public: true`. */
  readonly open?: 'public logs'
  /** Any web page may call it (CORS): verifiers run in browsers. */
  readonly anyOrigin?: true
  readonly summary: string
  /** True when every answer of the route, problems too, carries a signature (`sign-answer.ts`). */
  readonly signed?: boolean
  readonly query?: readonly QueryParameter[]
  /** Content types of the request's body. */
  readonly takes?: readonly string[]
  /** Status → what it means; schema names are those of `openapi.ts`. */
  readonly answers: Readonly<Record<number, { readonly about: string; readonly schema?: string; readonly type?: string }>>
}

const SENDERS: readonly Role[] = ['ingest', 'admin']
const EVENTS = ['application/json', 'application/x-ndjson', 'application/cloudevents+json', 'application/cloudevents-batch+json']
const page: readonly QueryParameter[] = [
  { name: 'limit', about: '1 to 1000, 100 unless given', format: 'integer' },
  { name: 'cursor', about: '`next` of the page before' },
]

/** Every route of the server. The app binds exactly these, the role table and `/openapi.json` are made of them. */
export const ROUTES: readonly Route[] = [
  {
    operation: 'postEvents',
    method: 'POST',
    path: '/api/v1/events',
    roles: SENDERS,
    summary: 'Take in one event or many',
    query: [
      { name: 'trail', about: 'The trail to put them in; else the first whose pack matches' },
      { name: 'receipts', about: '`full`: receipts of many events carry checkpoint and proof' },
    ],
    takes: EVENTS,
    answers: {
      200: { about: 'One: duplicate (`Idempotent-Replayed: true`) or filtered. Many: a result per input, in order', schema: 'ResultOrResults' },
      201: { about: 'One: sealed, or sealed as quarantined', schema: 'Result' },
      202: { about: 'One: durable, its record follows; `Location` reports it', schema: 'Result' },
      422: { about: 'One: refused, or in conflict with a sealed record', schema: 'Problem' },
      503: { about: 'Not durable: send again after `Retry-After`', schema: 'Problem' },
    },
  },
  {
    operation: 'readEventResult',
    method: 'GET',
    path: '/api/v1/events/{auditid}',
    signed: true,
    roles: ['ingest', ...READERS],
    summary: 'The result of an event so far',
    answers: { 200: { about: 'Its result', schema: 'Result' } },
  },
  {
    operation: 'postEventBridge',
    method: 'POST',
    path: '/api/v1/sources/eventbridge',
    roles: SENDERS,
    summary: 'Take in an Amazon EventBridge event from an API destination (Basic, `X-Api-Key` or Bearer)',
    query: [{ name: 'trail', about: 'The trail to put it in' }],
    takes: ['application/json'],
    answers: {
      200: { about: 'Durable, whatever its outcome', schema: 'Result' },
      401: { about: 'No valid token, or without the role (never 403: EventBridge would drop the event)', schema: 'Problem' },
      503: { about: 'Anything else: EventBridge sends again', schema: 'Problem' },
    },
  },
  {
    operation: 'postNotification',
    method: 'POST',
    path: '/api/v1/compliance/notifications',
    roles: SENDERS,
    summary: 'Take in one flat delivery receipt; answered after its commit to the store',
    takes: ['application/json'],
    answers: {
      200: { about: 'Duplicate (`Idempotent-Replayed: true`) or filtered', schema: 'Result' },
      201: { about: 'Sealed', schema: 'Result' },
      202: { about: 'Durable, the commit takes longer than `limits.answerWithin`; `Location` reports it', schema: 'Result' },
      409: { about: 'Superseded: sealed, but a status of higher precedence stands', schema: 'Problem' },
      422: { about: 'Refused, or in conflict with a sealed record', schema: 'Problem' },
      503: { about: 'Not durable: send again after `Retry-After`', schema: 'Problem' },
    },
  },
  {
    operation: 'auditNotifications',
    method: 'GET',
    path: '/api/v1/audit/notifications',
    signed: true,
    roles: READERS,
    summary: 'The audit record of a message, verified while it is read',
    query: [
      { name: 'message_uuid', about: 'At least one of the three; several must agree' },
      { name: 'customer_external_id', about: 'The customer' },
      { name: 'carrier_message_id', about: "The carrier's id" },
    ],
    answers: { 200: { about: '`verified` or `tampered`', schema: 'AuditAnswer' } },
  },
  {
    operation: 'readInteraction',
    method: 'GET',
    path: '/api/v1/audit/interactions/{id}',
    signed: true,
    roles: READERS,
    summary: 'The records of an interaction in logical order',
    query: page,
    answers: { 200: { about: 'Its records', schema: 'Interaction' } },
  },
  {
    operation: 'readInteractionState',
    method: 'GET',
    path: '/api/v1/audit/interactions/{id}/state',
    signed: true,
    roles: READERS,
    summary: 'The state of an interaction at an instant, by replay',
    query: [{ name: 'at', about: 'RFC 3339; now unless given', format: 'date-time' }],
    answers: { 200: { about: 'Its state', schema: 'InteractionState' } },
  },
  {
    operation: 'listRecords',
    method: 'GET',
    path: '/api/v1/records',
    signed: true,
    roles: [...READERS, 'security'],
    summary: 'Search records (role `security`: only `log=system`)',
    query: [
      { name: 'log', about: 'Name of a log' },
      { name: 'subject', about: 'Conversation or message id' },
      { name: 'type', about: 'Record type' },
      { name: 'status', about: 'Delivery status' },
      { name: 'tag', about: 'Regulatory tag' },
      { name: 'schema_version', about: 'Schema version' },
      { name: 'from', about: 'RFC 3339, inclusive', format: 'date-time' },
      { name: 'to', about: 'RFC 3339, exclusive', format: 'date-time' },
      ...page,
    ],
    answers: { 200: { about: 'Records', schema: 'Records' } },
  },
  {
    operation: 'readRecord',
    method: 'GET',
    path: '/api/v1/records/{auditid}',
    signed: true,
    roles: [...READERS, 'security'],
    summary: 'One record with its receipt (role `security`: only of `system`)',
    answers: { 200: { about: 'The record', schema: 'Record' } },
  },
  {
    operation: 'readProof',
    method: 'GET',
    path: '/api/v1/records/{auditid}/proof',
    signed: true,
    roles: [...READERS, 'security'],
    summary: 'C2SP tlog-proof of a record',
    answers: { 200: { about: 'The proof', type: 'text/plain; charset=utf-8' } },
  },
  {
    operation: 'readCheckpoint',
    method: 'GET',
    path: '/log/{log}/checkpoint',
    roles: null,
    anyOrigin: true,
    summary: 'C2SP checkpoint of a log, a signed note',
    answers: { 200: { about: 'The note', type: 'text/plain; charset=utf-8' } },
  },
  {
    operation: 'readTile',
    method: 'GET',
    path: '/log/{log}/tile/{tile+}',
    roles: [...READERS, 'security'],
    open: 'public logs',
    anyOrigin: true,
    summary: 'C2SP tlog-tiles: `tile` is `<level>/<index>` or `entries/<index>`, `.p/<width>` behind it when partial (role `security`: only of `system`)',
    answers: { 200: { about: 'Hashes, 32 bytes each, or an entry bundle', type: 'application/octet-stream' } },
  },
  {
    operation: 'listAnswerKeys',
    method: 'GET',
    path: '/.well-known/http-message-signatures-directory',
    signed: true,
    roles: null,
    summary: 'The keys that sign answers, those of the past too (JWKS)',
    answers: { 200: { about: 'The keys, the current one first', type: 'application/http-message-signatures-directory+json' } },
  },
  ...EXPORT_ROUTES,
  ...CERTIFICATE_ROUTES,
  ...HOLD_ROUTES,
  ...ERASURE_ROUTES,
  ...GRANT_ROUTES,
  ...PERSON_ROUTES,
  ...RETENTION_ROUTES,
  {
    operation: 'listQuarantine',
    method: 'GET',
    path: '/api/v1/quarantine',
    roles: READERS,
    summary: 'What is in quarantine, and why',
    query: [{ name: 'trail', about: 'Only of this trail' }, { name: 'code', about: 'Only with this reason' }, ...page],
    answers: { 200: { about: 'Quarantine records', schema: 'Records' } },
  },
  {
    operation: 'replayQuarantine',
    method: 'POST',
    path: '/api/v1/quarantine/replay',
    roles: ['officer', 'admin'],
    summary: 'Send quarantined events through the flow again: `{trail?, code?, auditids?}`',
    takes: ['application/json'],
    answers: { 200: { about: 'Counts by outcome', schema: 'Counts' } },
  },
  {
    operation: 'listTokens',
    method: 'GET',
    path: '/api/v1/tokens',
    roles: ['security', 'admin'],
    summary: 'Tokens, without their secrets',
    answers: { 200: { about: 'Tokens', schema: 'Tokens' } },
  },
  {
    operation: 'createToken',
    method: 'POST',
    path: '/api/v1/tokens',
    roles: ['admin'],
    summary: 'Create a token: `{name, role, expires?}`',
    takes: ['application/json'],
    answers: { 201: { about: 'The token, shown this once', schema: 'NewToken' } },
  },
  {
    operation: 'revokeToken',
    method: 'DELETE',
    path: '/api/v1/tokens/{name}',
    roles: ['security', 'admin'],
    summary: 'Revoke the valid token of this name',
    answers: { 204: { about: 'Revoked' } },
  },
  {
    operation: 'listKeys',
    method: 'GET',
    path: '/api/v1/keys',
    roles: ['auditor', 'security', 'admin'],
    summary: 'Names, states and public halves of the keys',
    query: [{ name: 'uses', about: '`true`: also how many keys of people are wrapped under each wrapping key, counted anew' }],
    answers: { 200: { about: 'Keys', schema: 'Items' } },
  },
  {
    operation: 'rotateKey',
    method: 'POST',
    path: '/api/v1/keys/{name}/rotate',
    roles: ['security', 'admin'],
    summary: 'Rotate a key',
    answers: { 200: { about: 'The new key', schema: 'Item' } },
  },
  {
    operation: 'rewrapKeys',
    method: 'POST',
    path: '/api/v1/keys/wrapping/rewrap',
    roles: ['security', 'admin'],
    summary: 'Wrap the keys of people under the current wrapping key',
    answers: { 200: { about: 'How many, and how many are left', schema: 'Item' } },
  },
  {
    operation: 'endKey',
    method: 'POST',
    path: '/api/v1/keys/{id}/end',
    roles: ['security', 'admin'],
    summary: 'Retire an older log key, or destroy a wrapping key that nothing is wrapped under any more',
    answers: { 200: { about: 'The key as it is now', schema: 'Item' } },
  },
  {
    operation: 'listPacks',
    method: 'GET',
    path: '/api/v1/packs',
    roles: [...READERS, 'security'],
    summary: 'Packs in use',
    answers: { 200: { about: 'Packs', schema: 'Items' } },
  },
  {
    operation: 'listSchemas',
    method: 'GET',
    path: '/api/v1/schemas',
    roles: [...READERS, 'security'],
    summary: 'Schemas by pack and version',
    answers: { 200: { about: 'Schemas', schema: 'Items' } },
  },
  {
    operation: 'addSchema',
    method: 'POST',
    path: '/api/v1/schemas',
    roles: ['admin'],
    summary: 'Add a schema version: `{pack, version, schema}`',
    takes: ['application/json'],
    answers: { 201: { about: 'Added', schema: 'Item' } },
  },
  {
    operation: 'health',
    method: 'GET',
    path: '/healthz',
    roles: null,
    summary: 'Whether the process lives',
    answers: { 200: { about: 'It does', schema: 'Item' } },
  },
  {
    operation: 'readiness',
    method: 'GET',
    path: '/readyz',
    roles: null,
    summary: 'Whether events can be taken in',
    answers: { 200: { about: 'They can', schema: 'Item' }, 503: { about: 'They cannot; `reasons` says why', schema: 'Problem' } },
  },
  {
    operation: 'metrics',
    method: 'GET',
    path: '/metrics',
    roles: null,
    summary: 'Prometheus text',
    answers: { 200: { about: 'Metrics', type: 'text/plain; version=0.0.4; charset=utf-8' } },
  },
  {
    operation: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    roles: null,
    summary: 'This document',
    answers: { 200: { about: 'OpenAPI 3.1', schema: 'Item' } },
  },
]

/** Whether the request path is of this route. */
export function matchesPath(route: Route, path: string): boolean {
  const want = route.path.split('/')
  const have = path.split('/')
  const rest = (want.at(-1) as string).endsWith('+}')
  if (rest ? have.length < want.length : have.length !== want.length) return false
  return want.every((part, i) => part === have[i] || (part.startsWith('{') && have[i] !== ''))
}

/** The path as the router takes it. */
export function routerPath(route: Route): string {
  return route.path.replace(/\{(\w+)(\+?)\}/g, (_, name: string, rest: string) => `:${name}${rest === '' ? '' : '{.+}'}`)
}

/** The path as OpenAPI writes it, which has no sign for a parameter of several segments. */
export function documentPath(route: Route): string {
  return route.path.replace('+}', '}')
}
