import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command } from '../command.ts'
import { table } from '../output.ts'
import { withClient } from '../with-client.ts'

export const token: Command = {
  name: 'token',
  summary: 'create, list and revoke tokens (roles: ingest auditor officer security admin)',
  usage: ['create --name N --role R [--expires D] [--data DIR | --url URL]', 'list [--data DIR | --url URL]', 'revoke NAME [--data DIR | --url URL]'],
  options: {
    ...CLIENT_OPTIONS,
    name: { type: 'string', value: 'N', what: 'whose token it is; two approvers are two names' },
    role: { type: 'string', value: 'R', what: 'what it may do' },
    expires: { type: 'string', value: 'D', what: 'a date, or an RFC 3339 time' },
  },
  async run(ctx) {
    const [what, ...rest] = ctx.words
    switch (what) {
      case 'create': {
        const name = ctx.text('name')
        const role = ctx.text('role')
        if (name === undefined || role === undefined || rest.length > 0) throw new SealtrailError('USAGE', 'token create needs --name and --role')
        const expires = ctx.text('expires')
        return withClient(ctx, async (client) => {
          const made = await askJson(client, 'POST', '/api/v1/tokens', {
            body: JSON.stringify({ name, role, ...(expires === undefined ? {} : { expires }) }),
            type: 'application/json',
          })
          if (!ctx.json) ctx.stderr(`token of ${name}, role ${role}, shown this once:\n`)
          ctx.stdout(ctx.json ? `${JSON.stringify(made)}\n` : `${String(made['token'])}\n`)
          return 0
        })
      }
      case 'list':
        return withClient(ctx, async (client) => {
          const tokens = (await askJson(client, 'GET', '/api/v1/tokens'))['tokens'] as JsonObject[]
          if (ctx.json) ctx.stdout(`${JSON.stringify({ tokens })}\n`)
          else
            ctx.stdout(
              table(
                tokens.map(({ name, role, created, expires, revoked, valid }) => [
                  String(name),
                  String(role),
                  valid === true ? 'valid' : revoked === null ? 'expired' : 'revoked',
                  `made ${String(created)}`,
                  expires === null ? '' : `until ${String(expires)}`,
                ]),
              ),
            )
          return 0
        })
      case 'revoke': {
        const name = rest[0] ?? ctx.text('name')
        if (name === undefined || rest.length > 1) throw new SealtrailError('USAGE', 'token revoke needs the name of one token')
        return withClient(ctx, async (client) => {
          await askJson(client, 'DELETE', `/api/v1/tokens/${encodeURIComponent(name)}`)
          ctx.stdout(ctx.json ? `${JSON.stringify({ revoked: name })}\n` : 'revoked\n')
          return 0
        })
      }
      default:
        throw new SealtrailError('USAGE', 'token: one of create, list, revoke')
    }
  },
}
