import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { askJson, askText, CLIENT_OPTIONS } from '../client.ts'
import type { Command } from '../command.ts'
import { printable } from '../output.ts'
import { withClient } from '../with-client.ts'

export const show: Command = {
  name: 'show',
  summary: 'one record with its proof',
  usage: ['ID [--proof] [--data DIR | --url URL]'],
  options: { ...CLIENT_OPTIONS, proof: { type: 'boolean', what: 'only the proof, as a C2SP tlog-proof that other programs check' } },
  async run(ctx) {
    const [id, ...more] = ctx.words
    if (id === undefined || more.length > 0) throw new SealtrailError('USAGE', 'show takes one audit id')
    const path = `/api/v1/records/${encodeURIComponent(id)}`
    return withClient(ctx, async (client) => {
      if (ctx.flag('proof')) {
        ctx.stdout(await askText(client, `${path}/proof`))
        return 0
      }
      const record = await askJson(client, 'GET', path)
      const tampered = Array.isArray(record['problems']) && record['problems'].length > 0
      ctx.stdout(ctx.json ? `${JSON.stringify(record)}\n` : readable(record, tampered))
      return tampered ? 1 : 0
    })
  },
}

function readable(record: JsonObject, tampered: boolean): string {
  const { leaf, receipt, ...rest } = record as JsonObject & { leaf?: string; receipt?: JsonObject }
  const lines = [tampered ? 'TAMPERED: the stored bytes do not lead to the signed root' : 'verified: the stored bytes lead to the signed root']
  lines.push(printable(JSON.stringify(rest, null, 2), true))
  if (leaf !== undefined) lines.push('', 'sealed bytes (the leaf):', printable(leaf))
  if (receipt !== undefined) lines.push('', 'receipt:', printable(JSON.stringify(receipt, null, 2), true))
  return `${lines.join('\n')}\n`
}
