import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import type { ErasureView } from '../privacy/erasure.ts'
import { parseErasure, parsePlan, withdrawalOf } from '../privacy/erasure-request.ts'
import { json, type AppDeps, type Env, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'
import type { Operation } from './operation.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 4 }

type ErasureOperation = 'planErasure' | 'requestErasure' | 'listErasures' | 'readErasure' | 'approveErasure' | 'withdrawErasure'

/** Routes of erasures. Each use is noted in `system`, with the erasure's id where there is one and never with a name of the person. */
export const erasureRoutes: Record<ErasureOperation, Handler> = {
  async planErasure(c, app) {
    const asked = parsePlan(await objectBody(c, LIMITS))
    note(c, app, 'planErasure', null)
    return json(await app.erasures.plan(asked))
  },

  async requestErasure(c, app) {
    const asked = parseErasure(await objectBody(c, LIMITS))
    const erasure = await app.erasures.request(asked, { name: c.var.viewer.name })
    note(c, app, 'requestErasure', erasure.id)
    return json(erasure, statusOf(erasure), { location: `/api/v1/erasures/${erasure.id}` })
  },

  async listErasures(c, app) {
    note(c, app, 'listErasures', null)
    return json({ erasures: await app.erasures.list() })
  },

  async readErasure(c, app) {
    const id = idOf(c)
    const erasure = await app.erasures.get(id)
    note(c, app, 'readErasure', id)
    return json(erasure)
  },

  async approveErasure(c, app) {
    const erasure = await app.erasures.approve(idOf(c), { name: c.var.viewer.name })
    note(c, app, 'approveErasure', erasure.id)
    return json(erasure, statusOf(erasure))
  },

  async withdrawErasure(c, app) {
    const reason = withdrawalOf(await objectBody(c, LIMITS))
    const erasure = await app.erasures.withdraw(idOf(c), reason, { name: c.var.viewer.name })
    note(c, app, 'withdrawErasure', erasure.id)
    return json(erasure)
  },
}

/** What waits, is blocked or runs is accepted only. */
function statusOf({ state }: ErasureView): 200 | 202 {
  return state === 'requested' || state === 'deferred' || state === 'running' ? 202 : 200
}

function note(c: Context<Env>, app: AppDeps, operation: Operation, id: string | null): void {
  app.reads.note({ viewer: c.var.viewer, operation, parameters: id === null ? [] : [id], shown: [], atMs: app.now() })
}

/** attacker: any path. */
function idOf(c: Context<Env>): string {
  const id = c.req.param('id') ?? ''
  if (!/^[0-9a-f]{32}$/.test(id)) throw new SealtrailError('NOT_FOUND', 'there is no erasure of this id')
  return id
}
