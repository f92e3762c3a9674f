import { isAuditId } from '@sealtrail/evidence'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { json, type AppDeps, type Env, type Handler } from './app-context.ts'
import type { NotificationQuery, Reading, RecordQuery } from './ports.ts'
import { page, query, time } from './query.ts'

const FILTERS = ['log', 'subject', 'type', 'status', 'tag', 'schema_version'] as const
const IDENTIFIERS = ['message_uuid', 'customer_external_id', 'carrier_message_id'] as const

/** Routes that show records. Every record shown is noted, to be sealed in the system trail. */
export const auditRoutes: Record<'auditNotifications' | 'readInteraction' | 'readInteractionState' | 'listRecords' | 'readRecord' | 'readProof', Handler> = {
  async auditNotifications(c, app) {
    const asked: NotificationQuery = query(c, IDENTIFIERS)
    // A query by time alone finds somebody's message by accident of clocks; the guide names this trap.
    if (Object.keys(asked).length === 0) throw new SealtrailError('NO_IDENTIFIER')
    return shown(c, app, 'auditNotifications', await app.reader.auditNotifications(asked, c.var.viewer))
  },

  async readInteraction(c, app) {
    return shown(c, app, 'readInteraction', await app.reader.interaction(c.req.param('id') ?? '', page(c), c.var.viewer))
  },

  async readInteractionState(c, app) {
    const at = time(c, 'at') ?? app.now()
    return shown(c, app, 'readInteractionState', await app.reader.interactionState(c.req.param('id') ?? '', at, c.var.viewer))
  },

  async listRecords(c, app) {
    const fromMs = time(c, 'from')
    const toMs = time(c, 'to')
    const filters = query(c, FILTERS)
    if (filters.log !== 'system') mayReadOnlySystem(c)
    const asked: RecordQuery = { ...filters, ...page(c), ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) }
    return shown(c, app, 'listRecords', await app.reader.records(asked, c.var.viewer))
  },

  async readRecord(c, app) {
    const auditid = c.req.param('auditid') ?? ''
    const reading = isAuditId(auditid) ? await app.reader.record(auditid, c.var.viewer) : null
    if (reading?.shown.some((each) => each.log !== 'system') !== false) mayReadOnlySystem(c)
    return shown(c, app, 'readRecord', reading)
  },

  async readProof(c, app) {
    const auditid = c.req.param('auditid') ?? ''
    const proof = isAuditId(auditid) ? await app.reader.proof(auditid) : null
    if (proof?.log !== 'system') mayReadOnlySystem(c)
    if (proof === null) throw new SealtrailError('NOT_FOUND')
    return new Response(proof.text, { headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } })
  },
}

function shown(c: Context<Env>, app: AppDeps, operation: string, reading: Reading | null): Response {
  if (reading === null) throw new SealtrailError('NOT_FOUND')
  // Reads of the system trail are not noted there, or each look at it would lengthen it.
  const outside = reading.shown.filter((each) => each.log !== 'system')
  if (outside.length > 0)
    app.reads.note({ viewer: c.var.viewer, operation, parameters: Object.keys(c.req.query()).filter(isName), shown: outside, atMs: app.now() })
  return json(reading.body)
}

/** Role `security` reads who looked at what, not what they saw; it learns neither whether another record exists. */
function mayReadOnlySystem(c: Context<Env>): void {
  if (c.var.viewer.role === 'security')
    throw new SealtrailError('FORBIDDEN', 'the role security reads the log system only; this needs one of auditor, officer, admin')
}

const isName = (name: string): boolean => /^[a-z_]{1,32}$/.test(name)
