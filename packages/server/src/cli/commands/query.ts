import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Option } from '../command.ts'
import type { Command } from '../command.ts'
import { printable, table } from '../output.ts'
import { withClient } from '../with-client.ts'

const FILTERS: Readonly<Record<string, Option>> = {
  log: { type: 'string', value: 'NAME', what: 'only this log; without it all but system' },
  subject: { type: 'string', value: 'ID', what: 'conversation or message id' },
  type: { type: 'string', value: 'TYPE', what: 'record type' },
  status: { type: 'string', value: 'STATUS', what: 'delivery status' },
  tag: { type: 'string', value: 'TAG', what: 'regulatory tag' },
  'schema-version': { type: 'string', value: 'V', what: 'schema version' },
  from: { type: 'string', value: 'TIME', what: 'RFC 3339, inclusive' },
  to: { type: 'string', value: 'TIME', what: 'RFC 3339, exclusive' },
  limit: { type: 'string', value: 'N', what: '1 to 1000 records a page; 100 unless given' },
  cursor: { type: 'string', value: 'C', what: '`next` of the page before' },
}

export const query: Command = {
  name: 'query',
  summary: 'search records',
  usage: ['[--log L] [--subject ID] [--type T] [--status S] [--from TIME] [--to TIME] [--all] [--data DIR | --url URL]'],
  options: { ...CLIENT_OPTIONS, ...FILTERS, all: { type: 'boolean', what: 'every page, one after the other' } },
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'query takes options only')
    const asked = Object.fromEntries(Object.keys(FILTERS).map((name) => [name.replace('-', '_'), ctx.text(name)]))
    return withClient(ctx, async (client) => {
      let tampered = false
      for (let cursor = asked['cursor']; ;) {
        const page = await askJson(client, 'GET', '/api/v1/records', { query: { ...asked, cursor } })
        const records = (page['records'] ?? []) as JsonObject[]
        tampered ||= Array.isArray(page['problems']) && page['problems'].length > 0
        const next = typeof page['next'] === 'string' ? page['next'] : undefined
        if (ctx.json) ctx.stdout(`${JSON.stringify(page)}\n`)
        else ctx.stdout(table(records.map(rowOf)))
        if (next !== undefined && !ctx.flag('all') && !ctx.json) ctx.stderr(`more: --cursor ${next}\n`)
        if (next === undefined || !ctx.flag('all') || ctx.stopping.aborted) break
        cursor = next
      }
      if (tampered && !ctx.json) ctx.stderr('TAMPERED: stored bytes do not lead to the signed root; --json names them, sealtrail verify finds all\n')
      return tampered ? 1 : 0
    })
  },
}

function rowOf({ auditid, log, index, type, time, recordedtime, subject }: JsonObject): string[] {
  return [auditid, `${String(log)}:${String(index)}`, time ?? recordedtime, type, subject].map((cell) => printable(String(cell)))
}
