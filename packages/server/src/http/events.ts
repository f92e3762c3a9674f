import { isAuditId } from '@sealtrail/evidence'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import type { InputResult } from '../event/input.ts'
import { decode, decodeAll, type SourceRequest } from '../source/decode.ts'
import { checkIdempotencyKey } from '../source/idempotency-key.ts'
import { answerNotification, answerOne } from './answer.ts'
import { json, type AppDeps, type Env, type Handler } from './app-context.ts'
import { announcedBytes, readBody, type BodyBudget } from './body.ts'
import { prefersAsync } from './prefer.ts'

type App = AppDeps & { readonly budget: BodyBudget }

/** Routes by which events come in, and the one by which a sender learns what became of one. */
export const eventRoutes: Record<'postEvents' | 'readEventResult' | 'postEventBridge' | 'postNotification', Handler> = {
  async postEvents(c, app) {
    const trail = namedTrail(c, app)
    const receipts = c.req.query('receipts')
    if (receipts !== undefined && receipts !== 'full' && receipts !== 'lean') throw new SealtrailError('BAD_REQUEST', 'receipts is full or lean')
    checkIdempotencyKey(c.req.raw.headers)
    const { detached, applied } = prefersAsync(c)
    return within(c, app, async (body, receivedMs) => {
      const { many, inputs } = decode(sourceRequest(c, app, body, receivedMs, trail))
      const results = await app.flow.submit(inputs, { wait: detached ? 'durable' : 'sealed', receipts: receipts ?? (many ? 'lean' : 'full') })
      return many ? json(results, 200, applied) : answerOne(results[0] as InputResult, applied)
    })
  },

  async readEventResult(c, app) {
    const auditid = c.req.param('auditid') ?? ''
    // First what is under way: an event sealed between the two look-ups is then found by the second.
    const result = isAuditId(auditid) ? ((await app.flow.underWay(auditid)) ?? (await app.reader.eventResult(auditid))) : null
    if (result === null) throw new SealtrailError('NOT_FOUND', 'no event has this audit id (a filtered one leaves none)')
    return json(result)
  },

  /** AWS keeps an event on 401, 429 and 5xx and drops it on any other 4xx: nothing else is answered here. */
  async postEventBridge(c, app) {
    const trail = namedTrail(c, app)
    return within(c, app, async (body, receivedMs) => {
      const inputs = decodeAll(sourceRequest(c, app, body, receivedMs, trail))
      const results = await app.flow.submit(inputs, { wait: 'durable', receipts: 'lean' })
      return json(results.length === 1 ? results[0] : results)
    })
  },

  async postNotification(c, app) {
    checkIdempotencyKey(c.req.raw.headers)
    return within(c, app, async (body, receivedMs) => {
      const trail = Object.hasOwn(app.config.trails, 'notifications') ? 'notifications' : null
      const { many, inputs } = decode(sourceRequest(c, app, body, receivedMs, trail))
      if (many) throw new SealtrailError('BAD_REQUEST', 'this endpoint takes one flat receipt; send many to /api/v1/events')
      const [result] = await app.flow.submit(inputs, { wait: 'sealed', receipts: 'full' })
      return answerNotification(result as InputResult)
    })
  },
}

/** Sets the announced bytes aside, fixes the receive time, reads the body and works on it. */
function within(c: Context<Env>, app: App, work: (body: Buffer, receivedMs: number) => Promise<Response>): Promise<Response> {
  const { maxBodyBytes } = app.config.limits
  return app.budget.hold(announcedBytes(c, maxBodyBytes), async (share) => {
    const body = await readBody(c, maxBodyBytes, share)
    return work(body, app.now())
  })
}

function sourceRequest(c: Context<Env>, app: App, body: Buffer, receivedMs: number, trail: string | null): SourceRequest {
  return { headers: c.req.raw.headers, body, limits: app.config.limits, trail, receivedMs, provenance: 'pushed' }
}

function namedTrail(c: Context<Env>, app: App): string | null {
  const trail = c.req.query('trail')
  if (trail === undefined) return null
  // attacker: `?trail=constructor`. Only own names count.
  if (!Object.hasOwn(app.config.trails, trail)) throw new SealtrailError('UNKNOWN_TRAIL', `the trails are ${Object.keys(app.config.trails).join(', ')}`)
  return trail
}
