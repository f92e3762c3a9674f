import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { instantOf } from '../event/instant.ts'
import type { Env } from './app-context.ts'

/** The named parameters that were given and are not empty. @throws SealtrailError BAD_REQUEST for one over 512 characters. */
export function query<const Name extends string>(c: Context<Env>, names: readonly Name[]): { [K in Name]?: string } {
  const found: { [K in Name]?: string } = {}
  for (const name of names) {
    const value = c.req.query(name)
    if (value === undefined || value === '') continue
    if (value.length > 512) throw new SealtrailError('BAD_REQUEST', `${name} is too long`)
    found[name] = value
  }
  return found
}

/** The time parameter in ms since the epoch. A `+` that a form decoder turned into a space is put back. @throws SealtrailError BAD_REQUEST */
export function time(c: Context<Env>, name: string): number | undefined {
  const value = c.req.query(name)?.replace(/ (?=\d{2}:\d{2}$)/, '+')
  if (value === undefined) return undefined
  const ms = instantOf(value)
  if (ms === null) throw new SealtrailError('BAD_REQUEST', `${name} is an RFC 3339 time such as 2024-05-10T14:32:01Z`)
  return ms
}

/** `limit` (1..1000, default 100) and `cursor`. @throws SealtrailError BAD_REQUEST */
export function page(c: Context<Env>): { limit: number; cursor?: string } {
  const given = c.req.query('limit')
  const limit = given === undefined ? 100 : /^\d{1,4}$/.test(given) ? Number(given) : 0
  if (limit < 1 || limit > 1000) throw new SealtrailError('BAD_REQUEST', 'limit is 1 to 1000')
  return { limit, ...query(c, ['cursor']) }
}
