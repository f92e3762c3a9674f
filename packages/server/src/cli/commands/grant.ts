import { SealtrailError } from '../../errors.ts'
import { instantOf } from '../../event/instant.ts'
import type { JsonObject } from '../../event/json.ts'
import { parseDuration } from '../../config/units.ts'
import type { GrantView } from '../../privacy/grant.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Client } from '../client.ts'
import type { Command, Context } from '../command.ts'
import { table } from '../output.ts'
import { withClient } from '../with-client.ts'

const PATH = '/api/v1/grants'

export const grant: Command = {
  name: 'grant',
  summary: 'open values to one reader, for one purpose, until a time',
  usage: [
    'give --to TOKEN --for REF --fields PATH,… (--subject ID | --range LOG:A..B | --trail T) --until TIME [--data DIR | --url URL]',
    'approve ID [--data DIR | --url URL]     the second person, where auth.dualControl asks for one',
    'revoke ID [--data DIR | --url URL]',
    'list [--data DIR | --url URL]',
  ],
  options: {
    ...CLIENT_OPTIONS,
    to: { type: 'string', value: 'TOKEN', what: 'name of the token that may read' },
    for: { type: 'string', value: 'REF', what: 'the purpose its reads have to give (--purpose): a case number' },
    fields: { type: 'string', value: 'PATH,…', what: 'fields as they stand in field_states, each with what lies below it; "*" for all' },
    subject: { type: 'string', value: 'ID', what: 'records of this conversation or message' },
    range: { type: 'string', value: 'LOG:A..B', what: 'leaves of one log; without B also all that follow' },
    trail: { type: 'string', value: 'T', what: 'all records of this trail' },
    until: { type: 'string', value: 'TIME', what: 'RFC 3339, or how long from now: 8h, 7d' },
  },
  async run(ctx) {
    const [what, ...rest] = ctx.words
    if (what === 'list' && rest.length === 0) return withClient(ctx, (client) => list(client, ctx))
    if (what === 'give' && rest.length === 0) {
      const body = asked(ctx)
      return withClient(ctx, (client) => tell(client, ctx, 'POST', PATH, body))
    }
    const [id] = rest
    if ((what !== 'revoke' && what !== 'approve') || id === undefined || rest.length > 1)
      throw new SealtrailError('USAGE', 'grant: give, approve ID, revoke ID or list')
    const path = `${PATH}/${encodeURIComponent(id)}`
    return withClient(ctx, (client) => (what === 'revoke' ? tell(client, ctx, 'DELETE', path) : tell(client, ctx, 'POST', `${path}/approve`, {})))
  },
}

function asked(ctx: Context): JsonObject {
  const needed = (name: string): string => {
    const value = ctx.text(name)
    if (value === undefined) throw new SealtrailError('USAGE', `grant give needs --${name}`)
    return value
  }
  const targets = ['subject', 'range', 'trail'].flatMap((name) => (ctx.text(name) === undefined ? [] : [[name, ctx.text(name) as string] as const]))
  if (targets.length !== 1) throw new SealtrailError('USAGE', 'grant give needs one of --subject, --range and --trail')
  return {
    to: needed('to'),
    purpose: needed('for'),
    fields: needed('fields').split(','),
    ...Object.fromEntries(targets),
    until: untilOf(needed('until'), ctx.now()),
  }
}

function untilOf(text: string, nowMs: number): string {
  const length = parseDuration(text)
  const ms = length === null ? instantOf(text) : nowMs + length
  if (ms === null) throw new SealtrailError('USAGE', '--until is a time such as 2031-01-31T12:00:00Z, or how long from now, such as 7d')
  return new Date(ms).toISOString()
}

async function tell(client: Client, ctx: Context, method: 'POST' | 'DELETE', path: string, body?: JsonObject): Promise<0> {
  const ask = body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' }
  const view = (await askJson(client, method, path, ask)) as unknown as GrantView
  ctx.stdout(ctx.json ? `${JSON.stringify(view)}\n` : `${view.id}  ${told(view)}\n`)
  return 0
}

async function list(client: Client, ctx: Context): Promise<0> {
  const answer = await askJson(client, 'GET', PATH)
  const grants = answer['grants'] as unknown as GrantView[]
  if (ctx.json) ctx.stdout(`${JSON.stringify(answer)}\n`)
  else
    ctx.stdout(
      table(
        grants.map((view) => [view.id, view.to, view.purpose, view.subject ?? view.range ?? `trail ${String(view.trail)}`, view.fields.join(','), told(view)]),
      ),
    )
  return 0
}

function told({ state, until, given, revoked, request }: GrantView): string {
  if (revoked !== null) return `revoked by ${revoked.by} on ${revoked.at}`
  if (request !== null) return `asked for by ${request.by}, to be approved until ${request.expires}`
  const by = given === null ? '' : ` by ${given.by}${given.approvedBy === null ? '' : ` and ${given.approvedBy}`}`
  return state === 'given' ? `given${by}, until ${until}` : `${state}${by}, until ${until}`
}
