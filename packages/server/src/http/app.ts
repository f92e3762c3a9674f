import { Hono } from 'hono'
import type { Context } from 'hono'
import { ERRORS, SealtrailError } from '../errors.ts'
import { errorFields } from '../observe/log.ts'
import { admit } from './access.ts'
import type { AppDeps, Env, Handler } from './app-context.ts'
import { auditRoutes } from './audit.ts'
import { BodyBudget } from './body.ts'
import { certificateRoutes } from './certificates.ts'
import { eventRoutes } from './events.ts'
import { answerKeyRoutes } from './answer-keys.ts'
import { erasureRoutes } from './erasures.ts'
import { exportRoutes } from './exports.ts'
import { fallback } from './fallback.ts'
import { checkRoutes } from './checks.ts'
import { grantRoutes } from './grants.ts'
import { holdRoutes } from './holds.ts'
import { publicRoutes } from './health.ts'
import { personRoutes } from './people.ts'
import { operateRoutes } from './operate.ts'
import { problemOf } from './problem.ts'
import { signAnswer } from './sign-answer.ts'
import { retentionRoutes } from './retention.ts'
import type { Operation } from './operation.ts'
import { ROUTES, routerPath, type Route } from './routes.ts'
import { isOpen, tileRoutes } from './tiles.ts'

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ...eventRoutes,
  ...auditRoutes,
  ...operateRoutes,
  ...publicRoutes,
  ...tileRoutes,
  ...answerKeyRoutes,
  ...exportRoutes,
  ...certificateRoutes,
  ...holdRoutes,
  ...erasureRoutes,
  ...personRoutes,
  ...retentionRoutes,
  ...grantRoutes,
  ...checkRoutes,
}
/** Bodies of the greatest size under way at once in a thread; with the default limit 128 MiB. */
const BODIES_AT_ONCE = 8

/** The HTTP interface as a value: `app.fetch(request)` for a listener, `app.request(path)` without one. */
export function createApp(deps: AppDeps): Hono<Env> {
  const app = new Hono<Env>()
  const context = { ...deps, budget: new BodyBudget(deps.config.limits.maxBodyBytes * BODIES_AT_ONCE) }
  const count = deps.metrics.counter('sealtrail_http_requests_total', 'Requests by route and status', ['operation', 'status'])
  const seconds = deps.metrics.histogram('sealtrail_http_seconds', 'Time from headers to answer', ['operation'])

  for (const route of ROUTES) {
    const handle = HANDLERS[route.operation]
    const run = async (c: Context<Env>): Promise<Response> => {
      try {
        if (route.roles !== null && !isOpen(route, c, deps))
          c.set('viewer', admit(route, route.operation === 'postEventBridge' ? 'platform' : 'bearer', c.req.raw.headers, deps.tokens))
        return await handle(c, context)
      } catch (error) {
        return failure(route, error, deps)
      }
    }
    app.on(route.method, routerPath(route), async (c) => {
      const started = performance.now()
      const found = await run(c)
      const answer = route.signed === true ? await signAnswer(c, found, deps) : found
      // On errors too, or a page learns of a 404 only that something failed.
      if (route.anyOrigin === true) answer.headers.set('access-control-allow-origin', '*')
      seconds.observe((performance.now() - started) / 1000, route.operation)
      count.add(1, route.operation, String(answer.status))
      return answer
    })
  }
  app.notFound((c) => {
    const answer = fallback(c)
    count.add(1, 'none', String(answer.status))
    return answer
  })
  app.onError((error) => {
    deps.log.error('request failed outside its route', errorFields(error))
    return problemOf(error)
  })
  return app
}

function failure(route: Route, error: unknown, deps: AppDeps): Response {
  const code = error instanceof SealtrailError ? error.code : 'INTERNAL'
  const where = { operation: route.operation, route: route.path, code }
  if (!(error instanceof SealtrailError)) deps.log.error('request failed', { ...errorFields(error), ...where })
  else if (ERRORS[code].status >= 500) deps.log.warn('request not served', where)
  else if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN') deps.log.warn('request not admitted', where)
  const platform = route.operation === 'postEventBridge'
  const challenge: Record<string, string> =
    code === 'UNAUTHENTICATED' ? { 'www-authenticate': platform ? 'Bearer realm="sealtrail", Basic realm="sealtrail"' : 'Bearer realm="sealtrail"' } : {}
  // A platform gives an event up on any 4xx but 401: whoever may not send gets 401, everything else 503.
  if (platform) return problemOf(error, { status: code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' ? 401 : 503, headers: challenge })
  return problemOf(error, { headers: challenge })
}
