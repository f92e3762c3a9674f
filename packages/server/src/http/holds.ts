import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { parseHold, reasonOf } from '../retain/hold-request.ts'
import { json, type Env, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 8 }

/** Routes of legal holds. */
export const holdRoutes: Record<'placeHold' | 'listHolds' | 'releaseHold' | 'approveHold', Handler> = {
  async placeHold(c, app) {
    const hold = await app.holds.place(parseHold(await objectBody(c, LIMITS)), { name: c.var.viewer.name })
    return json(hold, hold.state === 'requested' ? 202 : 201, { location: '/api/v1/holds' })
  },

  async listHolds(_, app) {
    return json({ holds: await app.holds.list() })
  },

  async releaseHold(c, app) {
    const body = await objectBody(c, LIMITS)
    const hold = await app.holds.release(idOf(c), reasonOf(body), { name: c.var.viewer.name })
    return json(hold, hold.request === null ? 200 : 202)
  },

  async approveHold(c, app) {
    return json(await app.holds.approve(idOf(c), { name: c.var.viewer.name }))
  },
}

/** attacker: any path. */
function idOf(c: Context<Env>): string {
  const id = c.req.param('id') ?? ''
  if (!/^[0-9a-f]{32}$/.test(id)) throw new SealtrailError('NOT_FOUND', 'there is no hold of this id')
  return id
}
