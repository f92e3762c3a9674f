import { SealtrailError } from '../../errors.ts'
import type { JsonObject, JsonValue } from '../../event/json.ts'
import { askJson, askText, CLIENT_OPTIONS } from '../client.ts'
import type { Command } from '../command.ts'
import { printable, table } from '../output.ts'
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
  const lines = [
    tampered ? 'TAMPERED: the stored bytes do not lead to the signed root' : (expiredText(record) ?? 'verified: the stored bytes lead to the signed root'),
  ]
  lines.push(printable(JSON.stringify(rest, null, 2), true))
  const values = valueLines(record)
  if (values.length > 0) lines.push('', 'personal values:', table(values).trimEnd())
  if (leaf !== undefined) lines.push('', 'sealed bytes (the leaf):', printable(leaf))
  if (receipt !== undefined) lines.push('', 'receipt:', printable(JSON.stringify(receipt, null, 2), true))
  return `${lines.join('\n')}\n`
}

function expiredText({ state, expired }: JsonObject): string | null {
  if (state !== 'expired') return null
  const { class: name, on } = objectOf(expired)
  return `expired under ${printable(String(name))} on ${String(on)}: nothing of it can be shown any more`
}

/** Each committed field with what became of it. */
function valueLines(record: JsonObject): string[][] {
  const [states, reasons] = [objectOf(record['field_states']), objectOf(record['field_reasons'])]
  return Object.entries(states).map(([path, state]) => [`  ${printable(path)}`, printable(stateText(String(state), objectOf(reasons[path])))])
}

function stateText(state: string, { on, certificate }: JsonObject): string {
  if (state === 'erased') return certificate === undefined ? 'erased' : `erased on ${String(on)} under the certificate ${String(certificate)}`
  return { sealed: 'sealed: it is there, and not shown to you', missing: 'MISSING without a reason: run `sealtrail verify`' }[state] ?? state
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
