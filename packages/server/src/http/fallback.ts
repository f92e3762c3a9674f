import type { Context } from 'hono'
import type { Env } from './app-context.ts'
import { problem } from './problem.ts'
import { matchesPath, ROUTES } from './routes.ts'

/** The answer to a request no route took: the first guide's S3 call gets its corrections, a wrong method its `Allow`. */
export function fallback(c: Context<Env>): Response {
  const wrong = lockCorrections(c.req.raw.headers)
  if (wrong !== null) return wrong
  const routes = ROUTES.filter((route) => matchesPath(route, c.req.path))
  const allowed = new Set(routes.map((route) => route.method as string))
  if (c.req.method === 'OPTIONS' && routes.some(({ anyOrigin }) => anyOrigin)) return preflight()
  if (allowed.size === 0) return problem('NOT_FOUND', { detail: 'there is no such route; see /openapi.json' })
  if (allowed.has('GET')) allowed.add('HEAD')
  return problem('METHOD_NOT_ALLOWED', { headers: { allow: [...allowed].join(', ') }, detail: `this route takes ${[...allowed].join(', ')}` })
}

/** A browser's question before a request with a token (Fetch standard, CORS-preflight): `*` does not cover Authorization, so it is named. */
function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'Authorization, X-Audit-Purpose',
      'access-control-max-age': '86400',
    },
  })
}

const RIGHT_NAMES: Readonly<Record<string, string>> = {
  'x-amz-bucket-object-lock-mode': 'x-amz-object-lock-mode',
  'x-amz-bucket-object-lock-retention-date': 'x-amz-object-lock-retain-until-date',
  'x-amz-bucket-object-lock-retain-until-date': 'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-retention-date': 'x-amz-object-lock-retain-until-date',
}

/**
 * An S3 write with object lock headers as the first guide spells them. Sealtrail writes to S3 itself, so the answer only
 * names what is wrong: header names, and the mode, of which S3 knows COMPLIANCE and GOVERNANCE.
 */
function lockCorrections(headers: Headers): Response | null {
  const fixes: string[] = []
  for (const [wrong, right] of Object.entries(RIGHT_NAMES)) if (headers.has(wrong)) fixes.push(`${wrong} is ${right}`)
  const mode = headers.get('x-amz-bucket-object-lock-mode') ?? headers.get('x-amz-object-lock-mode')
  const badMode = mode !== null && mode !== 'COMPLIANCE' && mode !== 'GOVERNANCE'
  if (fixes.length === 0 && !badMode) return null
  const code = fixes.length > 0 ? 'WRONG_LOCK_HEADER' : 'WRONG_LOCK_MODE'
  // attacker: the mode's value is not repeated, but for the guide's own.
  if (badMode) fixes.push(`${mode === 'COMPLY' ? 'the mode COMPLY is COMPLIANCE' : 'the mode is COMPLIANCE or GOVERNANCE'}`)
  return problem(code, { detail: `${fixes.join('; ')}. Sealtrail is no S3 server: send events to POST /api/v1/events, it writes and locks the objects itself` })
}
