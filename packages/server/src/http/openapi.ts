import { ERRORS } from '../errors.ts'
import { AUDIT_RECORD } from '../event/audit-record.ts'
import { ERASURE_STATES } from '../privacy/erasure.ts'
import { HOLD_SCOPES } from '../retain/hold.ts'
import { documentPath, ROUTES, type Route } from './routes.ts'

type Schema = Readonly<Record<string, unknown>>

const text: Schema = { type: 'string' }
const object: Schema = { type: 'object' }
const nullable = (type: string): Schema => ({ type: [type, 'null'] })
const list = (items: Schema): Schema => ({ type: 'array', items })
const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })
const of = (properties: Record<string, Schema>, required: readonly string[] = Object.keys(properties)): Schema => ({ type: 'object', properties, required })

const receipt = of(
  { auditid: text, log: text, index: { type: 'integer' }, integrity_hash: text, checkpoint: text, proof: list(text), published: { type: 'boolean' } },
  ['auditid', 'log', 'index'],
)
const resultFields = {
  outcome: { enum: ['sealed', 'held', 'duplicate', 'filtered', 'quarantined', 'refused'] },
  auditid: text,
  superseded: { type: 'boolean' },
  code: { enum: Object.keys(ERRORS) },
  receipt: ref('Receipt'),
}
const SCHEMAS: Readonly<Record<string, Schema>> = {
  Receipt: receipt,
  Result: of({ ...resultFields, message: text, records: list(of(resultFields, ['outcome'])) }, ['outcome']),
  ResultOrResults: { oneOf: [ref('Result'), list(ref('Result'))] },
  Problem: of({ type: { type: 'string', format: 'uri' }, title: text, status: { type: 'integer' }, detail: text, code: { enum: Object.keys(ERRORS) } }),
  AuditAnswer: of(
    {
      status: { enum: ['verified', 'tampered'] },
      audit_record: of(Object.fromEntries(AUDIT_RECORD.map((name) => [name, nullable('string')]))),
      verification_timestamp: { type: 'string', format: 'date-time' },
      problems: list(object),
      history: list(object),
      proof: object,
      field_masks: { type: 'object', additionalProperties: text },
      field_states: { type: 'object', additionalProperties: { enum: ['disclosed', 'sealed', 'erased', 'expired', 'missing'] } },
      field_reasons: {
        type: 'object',
        additionalProperties: {
          type: 'object',
          properties: { state: { enum: ['erased', 'expired'] }, on: { type: 'string' }, certificate: { type: 'string' }, class: { type: 'string' } },
        },
      },
      more: list(text),
    },
    ['status', 'audit_record', 'verification_timestamp'],
  ),
  Interaction: of({ id: text, closed: { type: 'boolean' }, records: list(object), gaps: list(object), next: nullable('string') }),
  InteractionState: of({
    id: text,
    at: { type: 'string', format: 'date-time' },
    state: nullable('string'),
    participants: list(object),
    subjectsequence: { type: 'integer' },
  }),
  Records: of({ records: list(object), next: nullable('string'), lag: { type: 'number' } }, ['records', 'next']),
  Record: object,
  Counts: of(Object.fromEntries(['total', 'sealed', 'held', 'duplicate', 'filtered', 'quarantined', 'refused'].map((name) => [name, { type: 'integer' }]))),
  Tokens: of({
    tokens: list(of({ name: text, role: text, created: text, expires: nullable('string'), revoked: nullable('string'), valid: { type: 'boolean' } })),
  }),
  NewToken: of({ token: text, name: text, role: text, expires: nullable('string') }),
  Export: of(
    {
      id: text,
      state: { enum: ['queued', 'running', 'ready', 'failed'] },
      kind: { enum: ['subject', 'person', 'subject-access', 'range', 'query'] },
      created: { type: 'string', format: 'date-time' },
      requester: of({ name: text, role: text, purpose: nullable('string') }),
      records: { type: 'integer' },
      expires: nullable('string'),
      size: { type: 'integer' },
      sha256: text,
      manifest: text,
      error: of({ code: { enum: Object.keys(ERRORS) }, message: text }),
    },
    ['id', 'state', 'kind', 'created', 'requester', 'records', 'expires'],
  ),
  Certificate: of({ certificate: object, started: of({ record: text, proof: text }), completed: of({ record: text, proof: text }) }),
  Exports: of({ exports: list(ref('Export')) }),
  Hold: of(
    {
      id: text,
      subject: text,
      range: text,
      scope: { enum: HOLD_SCOPES },
      state: { enum: ['requested', 'placed', 'released'] },
      placed: nullable('object'),
      released: nullable('object'),
      request: nullable('object'),
      objects: nullable('integer'),
      erasing: list(text),
    },
    ['id', 'scope', 'state', 'placed', 'released', 'request', 'objects'],
  ),
  Holds: of({ holds: list(ref('Hold')) }),
  ErasurePlan: of({
    aliases: { type: 'integer' },
    keys: { type: 'integer' },
    interactions: { type: 'integer' },
    logs: list(object),
    waiting: { type: 'integer' },
    blocks: list(object),
    exports: list(object),
    stays: list(text),
    needsApproval: { type: 'boolean' },
  }),
  Erasure: of({
    id: text,
    state: { enum: ERASURE_STATES },
    ground: text,
    reference: nullable('string'),
    requested: object,
    approved: nullable('object'),
    withdrawn: nullable('object'),
    expires: nullable('string'),
    blocks: list(object),
    started: nullable('string'),
    completed: nullable('string'),
    records: nullable('integer'),
    certificate: nullable('string'),
    progress: nullable('object'),
    problem: nullable('string'),
  }),
  Person: of({
    people: { type: 'integer' },
    keys: { type: 'integer' },
    aliases: { type: 'integer' },
    records: { type: 'integer' },
    together: { type: 'integer' },
    interactions: { type: 'integer' },
    seenWith: list(object),
    others: { type: 'integer' },
  }),
  Erasures: of({ erasures: list(ref('Erasure')) }),
  Check: of({ log: text, auditid: text, path: text, state: { enum: ['sealed', 'erased', 'expired', 'missing'] }, matches: nullable('boolean') }),
  Grant: of(
    {
      id: text,
      state: { enum: ['requested', 'given', 'over', 'revoked'] },
      to: text,
      purpose: text,
      fields: list(text),
      subject: text,
      range: text,
      trail: text,
      until: { type: 'string', format: 'date-time' },
      given: nullable('object'),
      revoked: nullable('object'),
      request: nullable('object'),
    },
    ['id', 'state', 'to', 'purpose', 'fields', 'until', 'given', 'revoked', 'request'],
  ),
  Grants: of({ grants: list(ref('Grant')) }),
  Items: of({ items: list(object) }),
  Item: object,
}

/** What signed answers carry besides. */
const SIGNED_HEADERS: Readonly<Record<string, Schema>> = {
  'Content-Digest': { description: 'SHA-256 of the content (RFC 9530)', schema: text },
  'Signature-Input': { description: 'What the signature `sealtrail` covers (RFC 9421): the answer, and method, path and query of its request', schema: text },
  Signature: { description: 'The signature `sealtrail`, by a key of `/.well-known/http-message-signatures-directory`', schema: text },
}
const header = (name: string): Schema => ({ $ref: `#/components/headers/${name}` })

/** The OpenAPI 3.1 document of `ROUTES`, as a value. */
export function openapi(): Schema {
  const paths: Record<string, Record<string, Schema>> = {}
  for (const route of ROUTES) (paths[documentPath(route)] ??= {})[route.method.toLowerCase()] = describe(route)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sealtrail',
      version: '1',
      description: 'Contact-centre events and delivery receipts as evidence.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas: SCHEMAS,
      headers: SIGNED_HEADERS,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic', description: 'The token is the password' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
      },
    },
  }
}

function describe(route: Route): Schema {
  const parameters = [
    ...[...route.path.matchAll(/\{(\w+)(\+?)\}/g)].map(([, name, rest]) => ({
      name,
      in: 'path',
      required: true,
      ...(rest === '' ? {} : { description: 'One or more segments; its slashes stand as they are' }),
      schema: text,
    })),
    ...(route.query ?? []).map((q) => ({ name: q.name, in: 'query', description: q.about, schema: schemaOf(q.format) })),
  ]
  const headers = route.signed === true ? { headers: Object.fromEntries(Object.keys(SIGNED_HEADERS).map((name) => [name, header(name)])) } : {}
  const answers = Object.entries(route.answers).map(([status, { about, schema, type }]) => [
    status,
    { ...content(about, schema, type, Number(status)), ...headers },
  ])
  const body =
    route.takes === undefined ? {} : { requestBody: { required: true, content: Object.fromEntries(route.takes.map((type) => [type, { schema: {} }])) } }
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...body,
    security: security(route),
    responses: { ...Object.fromEntries(answers), default: { ...content('A problem document (RFC 9457)', 'Problem', undefined, 500), ...headers } },
    ...(route.roles === null ? {} : { 'x-roles': route.roles }),
  }
}

function security(route: Route): Schema[] {
  if (route.roles === null) return []
  // An empty requirement beside another makes it optional (OpenAPI 3.1, Security Requirement Object).
  if (route.open !== undefined) return [{ bearer: [] }, {}]
  return route.operation === 'postEventBridge' ? [{ bearer: [] }, { basic: [] }, { apiKey: [] }] : [{ bearer: [] }]
}

function content(about: string, schema: string | undefined, type: string | undefined, status: number): Schema {
  if (schema === undefined && type === undefined) return { description: about }
  return {
    description: about,
    content: { [type ?? (status >= 400 ? 'application/problem+json' : 'application/json')]: { schema: schema === undefined ? text : ref(schema) } },
  }
}

function schemaOf(format: 'date-time' | 'integer' | undefined): Schema {
  return format === 'integer' ? { type: 'integer' } : format === undefined ? text : { type: 'string', format }
}
