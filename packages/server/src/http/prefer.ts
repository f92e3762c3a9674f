import type { Context } from 'hono'
import type { Env } from './app-context.ts'

/** Whether the client would rather have an answer before the work is done (RFC 7240 section 4.1), and the header that says it is so (section 3). */
export function prefersAsync(c: Context<Env>): { readonly detached: boolean; readonly applied: Readonly<Record<string, string>> } {
  const items = (c.req.header('prefer') ?? '').split(',')
  const detached = items.some((item) => item.split(';')[0]?.trim().toLowerCase() === 'respond-async')
  return { detached, applied: detached ? { 'preference-applied': 'respond-async' } : {} }
}
