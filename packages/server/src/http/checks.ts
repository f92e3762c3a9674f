import { isAuditId } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import { json, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 8 }

/** The route of "is it this one?". */
export const checkRoutes: Record<'checkValue', Handler> = {
  async checkValue(c, app) {
    const body = await objectBody(c, LIMITS)
    const { path, value } = body
    if (Object.keys(body).some((name) => name !== 'path' && name !== 'value') || typeof path !== 'string' || path === '' || value === undefined)
      throw new SealtrailError('BAD_REQUEST', 'a check has a path, as it stands in field_states, and a value')
    const auditid = c.req.param('auditid') ?? ''
    const answer = isAuditId(auditid) ? await app.checks.check({ auditid, path, value }, c.var.viewer) : null
    if (answer === null) throw new SealtrailError('NOT_FOUND')
    return json(answer)
  },
}
