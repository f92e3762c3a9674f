import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'
import { json, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'
import { page, query } from './query.ts'

const LIMITS = { maxBytes: 256 * 1024, maxDepth: 64 }

/** Routes by which a running server is operated: quarantine, tokens, keys, packs, schemas. */
export const operateRoutes: Record<
  | 'listQuarantine'
  | 'replayQuarantine'
  | 'listTokens'
  | 'createToken'
  | 'revokeToken'
  | 'listKeys'
  | 'rotateKey'
  | 'rewrapKeys'
  | 'endKey'
  | 'listPacks'
  | 'listSchemas'
  | 'addSchema',
  Handler
> = {
  async listQuarantine(c, app) {
    const body = await app.quarantine.list({ ...query(c, ['trail', 'code']), ...page(c) })
    const shown = (body['records'] as JsonObject[]).map((record) => ({ log: String(record['log']), auditid: String(record['auditid']) }))
    if (shown.length > 0)
      app.reads.note({
        viewer: c.var.viewer,
        operation: 'listQuarantine',
        parameters: Object.keys(c.req.query()).filter((name) => /^[a-z]{1,16}$/.test(name)),
        shown,
        atMs: app.now(),
      })
    return json(body)
  },

  async replayQuarantine(c, app) {
    const body = await objectBody(c, { ...LIMITS, mayBeEmpty: true })
    const trail = optionalText(body, 'trail')
    const code = optionalText(body, 'code')
    const auditids = body['auditids']
    if (auditids !== undefined && !isTexts(auditids)) throw new SealtrailError('BAD_REQUEST', 'auditids is a list of audit ids')
    const which = { ...(trail === undefined ? {} : { trail }), ...(code === undefined ? {} : { code }), ...(auditids === undefined ? {} : { auditids }) }
    return json(await app.quarantine.replay(which, c.var.viewer))
  },

  listTokens: (_, app) => json({ tokens: app.tokens.list() }),

  async createToken(c, app) {
    const body = await objectBody(c, LIMITS)
    const expires = optionalText(body, 'expires')
    const expiresMs = expires === undefined ? null : Date.parse(expires)
    if (Number.isNaN(expiresMs)) throw new SealtrailError('BAD_REQUEST', 'expires is a date or an RFC 3339 time')
    const { token, info } = app.tokens.create(requiredText(body, 'name'), requiredText(body, 'role'), expiresMs)
    app.reads.note({
      viewer: c.var.viewer,
      operation: 'createToken',
      parameters: Object.keys(body).filter((k) => /^[a-z]{1,16}$/.test(k)),
      shown: [],
      atMs: app.now(),
    })
    return json({ token, ...info }, 201)
  },

  revokeToken(c, app) {
    if (!app.tokens.revoke(c.req.param('name') ?? '')) throw new SealtrailError('NOT_FOUND', 'no valid token has this name')
    app.reads.note({ viewer: c.var.viewer, operation: 'revokeToken', parameters: [], shown: [], atMs: app.now() })
    return new Response(null, { status: 204 })
  },

  async listKeys(c, app) {
    return json({ items: await app.admin.keys(c.req.query('uses') === 'true') })
  },

  async rotateKey(c, app) {
    return json(await app.admin.rotateKey(c.req.param('name') ?? '', c.var.viewer))
  },

  async rewrapKeys(c, app) {
    return json(await app.admin.rewrapKeys(c.var.viewer))
  },

  async endKey(c, app) {
    return json(await app.admin.endKey(c.req.param('id') ?? '', c.var.viewer))
  },

  async listPacks(_, app) {
    return json({ items: await app.admin.packs() })
  },

  async listSchemas(_, app) {
    return json({ items: await app.admin.schemas() })
  },

  async addSchema(c, app) {
    const body = await objectBody(c, LIMITS)
    const version = body['version']
    const schema = body['schema']
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) throw new SealtrailError('BAD_REQUEST', 'version is an integer from 1')
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw new SealtrailError('BAD_REQUEST', 'schema is a JSON Schema object')
    return json(await app.admin.addSchema({ pack: requiredText(body, 'pack'), version, schema }, c.var.viewer), 201)
  },
}

function optionalText(body: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new SealtrailError('BAD_REQUEST', `${name} is a string`)
  return value
}

function requiredText(body: JsonObject, name: string): string {
  const value = optionalText(body, name)
  if (value === undefined) throw new SealtrailError('BAD_REQUEST', `${name} is missing`)
  return value
}

const isTexts = (value: JsonValue): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string')
