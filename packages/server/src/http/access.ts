import { SealtrailError } from '../errors.ts'
import type { Viewer } from './ports.ts'
import type { Route } from './routes.ts'
import type { Principal } from './tokens.ts'

/** How a route's token may be presented: `platform` adds what an EventBridge connection can send. */
export type Schemes = 'bearer' | 'platform'

interface HeaderReader {
  get(name: string): string | null
}

/**
 * The viewer behind the request.
 * @throws SealtrailError UNAUTHENTICATED, FORBIDDEN (naming the roles that may), BAD_REQUEST (purpose).
 */
export function admit(route: Pick<Route, 'roles'>, schemes: Schemes, headers: HeaderReader, tokens: { check(token: string): Principal | null }): Viewer {
  const token = tokenOf(headers, schemes)
  const principal = token === null ? null : tokens.check(token)
  if (principal === null) throw new SealtrailError('UNAUTHENTICATED', token === null ? 'no token was sent' : 'the token is unknown, revoked or expired')
  if (!(route.roles ?? []).includes(principal.role)) {
    throw new SealtrailError('FORBIDDEN', `this needs one of the roles ${(route.roles ?? []).join(', ')}; the token has ${principal.role}`)
  }
  return { ...principal, purpose: purposeOf(headers) }
}

function tokenOf(headers: HeaderReader, schemes: Schemes): string | null {
  const authorization = headers.get('authorization')
  // attacker: any header. Schemes are case-insensitive (RFC 9110 section 11.1).
  const bearer = authorization === null ? null : /^bearer +([\x21-\x7e]+)$/i.exec(authorization)
  if (bearer !== null) return bearer[1] as string
  if (schemes === 'bearer') return null
  const basic = authorization === null ? null : /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization)
  if (basic !== null) {
    const pair = Buffer.from(basic[1] as string, 'base64').toString('latin1')
    const colon = pair.indexOf(':')
    return colon < 0 ? null : pair.slice(colon + 1)
  }
  return headers.get('x-api-key')
}

/** The purpose is sealed in clear, so it is a reference (a case number), not a sentence that could hold a name. */
function purposeOf(headers: HeaderReader): string | null {
  const purpose = headers.get('x-audit-purpose')
  if (purpose === null || /^[A-Za-z0-9._:/#-]{1,64}$/.test(purpose)) return purpose
  throw new SealtrailError('BAD_REQUEST', 'X-Audit-Purpose is a reference of 1 to 64 of A-Z a-z 0-9 . _ : / # -')
}
