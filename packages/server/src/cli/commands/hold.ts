import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import type { HoldView } from '../../retain/hold.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Client } from '../client.ts'
import type { Command, Context } from '../command.ts'
import { table } from '../output.ts'
import { withClient } from '../with-client.ts'

export const hold: Command = {
  name: 'hold',
  summary: 'legal holds: what is held stays, whatever its retention, until it is released',
  usage: [
    'place (--subject ID | --range LOG:A..B) --reason TEXT [--scope record|content] [--data DIR | --url URL]',
    'release ID --reason TEXT [--data DIR | --url URL]',
    'approve ID [--data DIR | --url URL]     the second person, where auth.dualControl asks for one',
    'list [--data DIR | --url URL]',
  ],
  options: {
    ...CLIENT_OPTIONS,
    subject: { type: 'string', value: 'ID', what: 'conversation or message id: all its records, those to come too' },
    range: { type: 'string', value: 'LOG:A..B', what: 'leaves of one log, from A up to, and without, B; without B also all that follow' },
    scope: { type: 'string', value: 'SCOPE', what: 'record: records and objects stay (unless given); content: the disclosed values stay, too' },
    reason: { type: 'string', value: 'TEXT', what: 'the matter; sealed in clear, so no person’s name' },
  },
  async run(ctx) {
    const [what, ...rest] = ctx.words
    if (what === 'list' && rest.length === 0) return withClient(ctx, (client) => list(client, ctx))
    if (what === 'place' && rest.length === 0) {
      const [subject, range, scope] = [ctx.text('subject'), ctx.text('range'), ctx.text('scope')]
      if ((subject === undefined) === (range === undefined)) throw new SealtrailError('USAGE', 'hold place needs one of --subject and --range')
      const body = {
        ...(subject === undefined ? {} : { subject }),
        ...(range === undefined ? {} : { range }),
        ...(scope === undefined ? {} : { scope }),
        reason: reasonOf(ctx, 'place'),
      }
      return withClient(ctx, (client) => order(client, ctx, '/api/v1/holds', body))
    }
    const [id] = rest
    if ((what !== 'release' && what !== 'approve') || id === undefined || rest.length > 1)
      throw new SealtrailError('USAGE', 'hold: place, release ID, approve ID or list')
    const body: JsonObject = what === 'release' ? { reason: reasonOf(ctx, 'release') } : {}
    return withClient(ctx, (client) => order(client, ctx, `/api/v1/holds/${encodeURIComponent(id)}/${what}`, body))
  },
}

function reasonOf(ctx: Context, what: string): string {
  const reason = ctx.text('reason')
  if (reason === undefined) throw new SealtrailError('USAGE', `hold ${what} needs --reason`)
  return reason
}

async function order(client: Client, ctx: Context, path: string, body: JsonObject): Promise<0> {
  const view = (await askJson(client, 'POST', path, { body: JSON.stringify(body), type: 'application/json' })) as unknown as HoldView
  ctx.stdout(ctx.json ? `${JSON.stringify(view)}\n` : `${view.id}  ${told(view)}\n`)
  return 0
}

async function list(client: Client, ctx: Context): Promise<0> {
  const answer = await askJson(client, 'GET', '/api/v1/holds')
  const holds = answer['holds'] as unknown as HoldView[]
  if (ctx.json) ctx.stdout(`${JSON.stringify(answer)}\n`)
  else ctx.stdout(table(holds.map((view) => [view.id, view.subject ?? view.range ?? '', view.scope, told(view)])))
  return 0
}

function told({ state, placed, released, request, objects, erasing = [] }: HoldView): string {
  const by = (act: { by: string; approvedBy: string | null; at: string }): string =>
    `by ${act.by}${act.approvedBy === null ? '' : ` and ${act.approvedBy}`} on ${act.at}`
  const done = objects === null ? 'its objects follow' : `${objects} objects`
  const standing = released !== null ? `released ${by(released)}, ${done}` : placed !== null ? `placed ${by(placed)}, ${done}` : state
  const begun = erasing.length === 0 ? '' : `; what erasure ${erasing.join(', ')} destroys it does not keep, that had begun before`
  return request === null
    ? `${standing}${begun}`
    : `${standing === 'requested' ? '' : `${standing}; `}${request.op} asked for by ${request.by}, to be approved until ${request.expires}`
}
