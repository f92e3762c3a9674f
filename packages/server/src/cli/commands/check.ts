import { SealtrailError } from '../../errors.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command, Context } from '../command.ts'
import { withClient } from '../with-client.ts'

const MOST_BYTES = 64 * 1024

export const check: Command = {
  name: 'check',
  summary: 'is it this one? whether a value is the one a record commits to, without showing it',
  usage: ['ID --path PATH [--value V] [--data DIR | --url URL]     the value else from stdin, where no list of processes shows it'],
  options: {
    ...CLIENT_OPTIONS,
    path: { type: 'string', value: 'PATH', what: 'the field, as it stands in field_states' },
    value: { type: 'string', value: 'V', what: 'the value to compare; else all of stdin but its last newline' },
  },
  async run(ctx) {
    const [id, ...more] = ctx.words
    const path = ctx.text('path')
    if (id === undefined || more.length > 0 || path === undefined) throw new SealtrailError('USAGE', 'check takes one audit id and --path')
    const value = ctx.text('value') ?? (await fromStdin(ctx))
    return withClient(ctx, async (client) => {
      const answer = await askJson(client, 'POST', `/api/v1/records/${encodeURIComponent(id)}/check`, {
        body: JSON.stringify({ path, value }),
        type: 'application/json',
      })
      const { matches, state } = answer
      const told = matches === true ? 'yes: it is this value' : matches === false ? 'no: it is another value' : `nobody can say: the value is ${String(state)}`
      ctx.stdout(ctx.json ? `${JSON.stringify(answer)}\n` : `${told}\n`)
      return matches === true ? 0 : 1
    })
  },
}

async function fromStdin(ctx: Context): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of ctx.stdin) {
    size += part.length
    if (size > MOST_BYTES) throw new SealtrailError('TOO_LARGE', 'a value has at most 64 KiB')
    parts.push(part)
  }
  return Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}
