import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { parseTilePath, TlogError, type Tile } from '@sealtrail/tlog'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { logsOf } from '../config/logs.ts'
import type { AppDeps, Env, Handler } from './app-context.ts'
import type { Route } from './routes.ts'

const compress = promisify(gzip)
/** A tile never changes once it can be had (c2sp.org/tlog-tiles: immutable resources). */
const FOREVER = 'max-age=31536000, immutable'

/** The logs as C2SP tlog-tiles. Reading them is not noted in the system trail: who audits reads everything, again and again. */
export const tileRoutes: Record<'readTile', Handler> = {
  async readTile(c, app) {
    const log = c.req.param('log') ?? ''
    const open = isPublic(log, app)
    if (!open && c.var.viewer.role === 'security' && log !== 'system')
      throw new SealtrailError('FORBIDDEN', 'the role security reads the log system only; this needs one of auditor, officer, admin')
    const tile = tileOf(c, log)
    const bytes = tile === null ? null : await app.tiles.read(log, tile)
    // 404, not 403: clients fall back from a partial tile to the full one on this status only.
    if (tile === null || bytes === null) throw new SealtrailError('NOT_FOUND', 'the log has no such tile, or not yet')
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      'cache-control': `${open ? 'public' : 'private'}, ${FOREVER}`,
    }
    // Hashes do not compress.
    if (tile.level !== 'entries') return new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
    headers['vary'] = 'Accept-Encoding'
    if (!takesGzip(c.req.header('accept-encoding'))) return new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
    const packed = await compress(bytes, { level: 1, chunkSize: 65_536 })
    return new Response(packed, { headers: { ...headers, 'content-encoding': 'gzip' } })
  },
}

/** Whether the route answers this request to everybody. */
export function isOpen(route: Route, c: Context<Env>, app: Pick<AppDeps, 'config'>): boolean {
  return route.open !== undefined && isPublic(c.req.param('log') ?? '', app)
}

/** Logs of a class are as public as their trail. `system` is no trail of the configuration, so it is never public. */
function isPublic(log: string, { config }: Pick<AppDeps, 'config'>): boolean {
  const plan = logsOf(config).find((each) => each.log === log)
  return plan !== undefined && plan.kind !== 'system' && config.trails[plan.trail]?.public === true
}

/** attacker: any path. Read as it was sent, without decoding, so that each tile has one URL; null when it is not that of a tile. */
function tileOf(c: Context<Env>, log: string): Tile | null {
  const { pathname } = new URL(c.req.raw.url)
  const prefix = `/log/${log}/`
  if (!pathname.startsWith(prefix)) return null
  try {
    return parseTilePath(pathname.slice(prefix.length))
  } catch (error) {
    if (error instanceof TlogError) return null
    throw error
  }
}

/** Whether `gzip` is named and not refused with q=0 (RFC 9110 §12.5.3). */
function takesGzip(accepted: string | undefined): boolean {
  for (const each of (accepted ?? '').split(',')) {
    const [coding, ...parameters] = each.split(';').map((part) => part.trim().toLowerCase())
    if (coding === 'gzip') return !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter))
  }
  return false
}
