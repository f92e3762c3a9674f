import { SealtrailError } from '../errors.ts'
import { json, type Handler } from './app-context.ts'
import { openapi } from './openapi.ts'
import { problem } from './problem.ts'

let document: string | undefined

/** Routes without a token: liveness, readiness, metrics, checkpoints (C2SP tlog-tiles), the description of the API. */
export const publicRoutes: Record<'health' | 'readiness' | 'metrics' | 'openapi' | 'readCheckpoint', Handler> = {
  health: () => json({ status: 'ok' }),

  readiness(_, app) {
    const { ok, reasons, stores } = app.flow.ready()
    if (ok) return json({ ready: true, reasons, stores })
    return problem('NOT_READY', {
      detail: reasons.join('; '),
      more: { ready: false, reasons: [...reasons], stores: stores.map((each) => ({ ...each, broken: [...each.broken] })) },
    })
  },

  async metrics(_, app) {
    return new Response(await app.metricsText(), { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' } })
  },

  openapi() {
    document ??= JSON.stringify(openapi())
    return new Response(document, { headers: { 'content-type': 'application/json' } })
  },

  async readCheckpoint(c, app) {
    const note = await app.reader.checkpoint(c.req.param('log') ?? '')
    if (note === null) throw new SealtrailError('NOT_FOUND', 'there is no such log')
    // C2SP tlog-tiles: no cache may keep it longer than a few seconds; this one is asked about each time.
    return new Response(note, { headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' } })
  },
}
