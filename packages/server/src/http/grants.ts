import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { parseGrant } from '../privacy/grant-request.ts'
import { json, type Env, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'
import { READERS } from './ports.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 8 }

/** Routes of grants. */
export const grantRoutes: Record<'giveGrant' | 'listGrants' | 'revokeGrant' | 'approveGrant', Handler> = {
  async giveGrant(c, app) {
    const asked = parseGrant(await objectBody(c, LIMITS))
    // A slip of the pen would open nothing, and later perhaps to somebody else.
    if (!app.tokens.list().some(({ name, role, valid }) => valid && name === asked.to && READERS.includes(role)))
      throw new SealtrailError('NOT_FOUND', 'no valid token of this name may read records')
    const grant = await app.grants.give(asked, { name: c.var.viewer.name })
    return json(grant, grant.state === 'requested' ? 202 : 201, { location: '/api/v1/grants' })
  },

  async listGrants(_, app) {
    return json({ grants: await app.grants.list() })
  },

  async revokeGrant(c, app) {
    return json(await app.grants.revoke(idOf(c), { name: c.var.viewer.name }))
  },

  async approveGrant(c, app) {
    return json(await app.grants.approve(idOf(c), { name: c.var.viewer.name }))
  },
}

/** attacker: any path. */
function idOf(c: Context<Env>): string {
  const id = c.req.param('id') ?? ''
  if (!/^[0-9a-f]{32}$/.test(id)) throw new SealtrailError('NOT_FOUND', 'there is no grant of this id')
  return id
}
