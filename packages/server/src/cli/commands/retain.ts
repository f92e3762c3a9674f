import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command } from '../command.ts'
import { count, printable, some, table } from '../output.ts'
import { withClient } from '../with-client.ts'

export const retain: Command = {
  name: 'retain',
  summary: 'sum up and let expire what has had its time; keep a subject in full',
  usage: ['status', 'run [--clock-is-right]', 'flag SUBJECT --reason TEXT [--trail T]', 'flags', '(each with --data DIR or --url URL)'],
  options: {
    ...CLIENT_OPTIONS,
    trail: { type: 'string', value: 'T', what: 'of flag: the trail the subject is in; any with tiers unless given' },
    reason: { type: 'string', value: 'TEXT', what: 'of flag: why; sealed with it, so no personal value' },
    'clock-is-right': {
      type: 'boolean',
      what: 'of run: the server stood still for more than two days and its clock is right; sealed under the name of the token',
    },
  },
  async run(ctx) {
    const [what, ...words] = ctx.words
    if (what === 'flag' && words.length === 1) {
      const reason = ctx.text('reason')
      if (reason === undefined) throw new SealtrailError('USAGE', 'retain flag needs --reason')
      const trail = ctx.text('trail')
      const body = JSON.stringify({ subject: words[0], reason, ...(trail === undefined ? {} : { trail }) })
      return withClient(ctx, async (client) => {
        const made = await askJson(client, 'POST', '/api/v1/retention/flags', { body, type: 'application/json' })
        ctx.stdout(ctx.json ? `${JSON.stringify(made)}\n` : `flagged in ${String(made['log'])}: its records stay in full (flag ${String(made['flag'])})\n`)
        return 0
      })
    }
    if (words.length > 0) throw new SealtrailError('USAGE', 'retain: status, run, flag SUBJECT or flags')
    if (what === 'flags') {
      return withClient(ctx, async (client) => {
        const { items } = await askJson(client, 'GET', '/api/v1/retention/flags', {})
        if (ctx.json) ctx.stdout(`${JSON.stringify({ items })}\n`)
        else
          ctx.stdout(
            table(
              (items as JsonObject[]).map((flag) => [
                String(flag['log']),
                printable(String(flag['subject'])),
                `until ${String(flag['until'])}`,
                printable(String(flag['reason'])),
              ]),
            ),
          )
        return 0
      })
    }
    if (what === 'run') {
      return withClient(ctx, async (client) => {
        const body = JSON.stringify({ clock_is_right: ctx.flag('clock-is-right') })
        const { items } = await askJson(client, 'POST', '/api/v1/retention/run', { body, type: 'application/json' })
        if (ctx.json) ctx.stdout(`${JSON.stringify({ items })}\n`)
        else for (const each of items as JsonObject[]) ctx.stdout(`${lineOf(each)}\n`)
        return 0
      })
    }
    if (what === 'status' || what === undefined) {
      return withClient(ctx, async (client) => {
        const status = await askJson(client, 'GET', '/api/v1/retention', {})
        if (ctx.json) ctx.stdout(`${JSON.stringify(status)}\n`)
        else tell(ctx.stdout, status)
        return 0
      })
    }
    throw new SealtrailError('USAGE', 'retain: status, run, flag SUBJECT or flags')
  },
}

function lineOf(run: JsonObject): string {
  const of = (name: string): number => Number(run[name])
  return `${String(run['log'])}: ${some(of('summaries'), 'summary', 'summaries')} sealed, ${some(of('flagged'), 'interaction')} flagged, ${some(of('records'), 'record')} expired in ${some(of('segments'), 'segment')}, ${count(of('kept'))} of them kept`
}

function tell(stdout: (text: string) => void, status: JsonObject): void {
  if (status['tiers'] !== true) return stdout('no trail has retain.detail: nothing expires\n')
  stdout(`last run ${String(status['lastRun'] ?? 'never')}, ${some(Number(status['flags']), 'subject')} flagged\n`)
  if (typeof status['problem'] === 'string') stdout(`PROBLEM  ${printable(status['problem'])}\n`)
  for (const log of status['logs'] as JsonObject[]) {
    const expired = Number(log['expired'])
    stdout(
      `${String(log['log'])}: in full for ${String(log['detailDays'])} days, what is left for ${String(log['periodDays'])}; summed up below record ${count(Number(log['summarisedBelow']))}${expired === 0 ? '' : `; ${count(expired)} records expired, last on ${String(log['expiredLast'])}`}\n`,
    )
  }
}
