import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command } from '../command.ts'
import { printable, table } from '../output.ts'
import { withClient } from '../with-client.ts'

export const quarantine: Command = {
  name: 'quarantine',
  summary: 'list what could not be mapped, and why; send it through the flow again',
  usage: ['list [--trail T] [--code C]', 'replay [AUDITID…] [--trail T] [--code C]', '(each with --data DIR or --url URL)'],
  options: {
    ...CLIENT_OPTIONS,
    trail: { type: 'string', value: 'T', what: 'only of this trail' },
    code: { type: 'string', value: 'C', what: 'only with this reason' },
    limit: { type: 'string', value: 'N', what: '1 to 1000 records a page; 100 unless given' },
    cursor: { type: 'string', value: 'C', what: '`next` of the page before' },
  },
  async run(ctx) {
    const [what, ...auditids] = ctx.words
    const trail = ctx.text('trail')
    const code = ctx.text('code')
    if (what === 'list' && auditids.length === 0) {
      return withClient(ctx, async (client) => {
        const page = await askJson(client, 'GET', '/api/v1/quarantine', { query: { trail, code, limit: ctx.text('limit'), cursor: ctx.text('cursor') } })
        if (ctx.json) ctx.stdout(`${JSON.stringify(page)}\n`)
        else {
          ctx.stdout(
            table(
              (page['records'] as JsonObject[]).map((each) => [
                String(each['auditid']),
                `${String(each['log'])}:${String(each['index'])}`,
                String(each['recordedtime']),
                String(each['code']),
                each['replayed'] === true ? 'replayed' : '',
                printable(String(each['reason'])),
              ]),
            ),
          )
          if (typeof page['next'] === 'string') ctx.stderr(`more: --cursor ${page['next']}\n`)
        }
        return 0
      })
    }
    if (what === 'replay') {
      return withClient(ctx, async (client) => {
        const which = { ...(trail === undefined ? {} : { trail }), ...(code === undefined ? {} : { code }), ...(auditids.length === 0 ? {} : { auditids }) }
        const totals = await askJson(client, 'POST', '/api/v1/quarantine/replay', { body: JSON.stringify(which), type: 'application/json' })
        ctx.stdout(`${JSON.stringify(totals)}\n`)
        return 0
      })
    }
    throw new SealtrailError('USAGE', 'quarantine: list or replay')
  },
}
