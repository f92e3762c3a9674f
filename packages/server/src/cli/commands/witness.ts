import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import { createLog } from '../../observe/log.ts'
import { clearAlarm, readAlarms } from '../../publish/alarm.ts'
import type { ForkAlarm } from '../../publish/alarm.ts'
import { listenWitness } from '../../witness/listen.ts'
import { openWitness } from '../../witness/open.ts'
import type { OpenWitness } from '../../witness/open.ts'
import type { Command, Context, Exit } from '../command.ts'
import { printable } from '../output.ts'
import { holdDirectory } from '../../config/hold-directory.ts'
import { stopped } from './serve.ts'

export const witness: Command = {
  name: 'witness',
  summary: 'cosign the checkpoints of other people’s logs; look at and clear fork alarms of one’s own',
  usage: [
    'serve --data DIR --name NAME --log VKEY [VKEY…] [--logs FILE] [--listen HOST:PORT] [--url URL]',
    'alarms --data DIR',
    'clear LOG --reason TEXT --data DIR',
  ],
  options: {
    data: { type: 'string', value: 'DIR', what: 'serve: the witness’s own directory (key, state, evidence); alarms, clear: the data directory of the server' },
    name: {
      type: 'string',
      value: 'NAME',
      what: 'what the witness is called, a URL without scheme such as witness.example.org/audit; needed at the first start',
    },
    log: { type: 'string', value: 'VKEY', what: 'verification key of a log to cosign; more of them may follow' },
    logs: { type: 'string', value: 'FILE', what: 'a file of verification keys, one on each line; # begins a comment' },
    listen: { type: 'string', value: 'HOST:PORT', what: 'where to listen; 127.0.0.1:8797 when left out, port 0 takes any that is free' },
    'tls-cert': { type: 'string', value: 'FILE', what: 'certificate chain in PEM; with --tls-key the witness speaks https itself' },
    'tls-key': { type: 'string', value: 'FILE', what: 'private key in PEM' },
    url: { type: 'string', value: 'URL', what: 'how logs reach this witness, for the policy line; the address listened on when left out' },
    reason: { type: 'string', value: 'TEXT', what: 'clear: what was found out; it is sealed in the system trail at the next start' },
  },
  async run(ctx) {
    const [what, ...words] = ctx.words
    switch (what) {
      case 'serve':
        return serveWitness(ctx, words)
      case 'alarms':
        if (words.length > 0) throw new SealtrailError('USAGE', 'witness alarms takes options only')
        return listAlarms(ctx)
      case 'clear':
        return clear(ctx, words)
      default:
        throw new SealtrailError('USAGE', 'witness: one of serve, alarms, clear')
    }
  },
}

async function serveWitness(ctx: Context, more: readonly string[]): Promise<Exit> {
  const { host, port } = addressOf(ctx.text('listen') ?? '127.0.0.1:8797')
  const certFile = ctx.text('tls-cert')
  const keyFile = ctx.text('tls-key')
  if ((certFile === undefined) !== (keyFile === undefined)) throw new SealtrailError('USAGE', '--tls-cert and --tls-key belong together')
  const given = ctx.text('log')
  const file = ctx.text('logs')
  const logs = [...(given === undefined ? [] : [given]), ...more, ...(file === undefined ? [] : vkeysIn(resolve(ctx.cwd, file)))]
  const log = createLog({ now: ctx.now, write: (line) => ctx.stderr(line) })
  const opened = openWitness({ data: dataOf(ctx), name: ctx.text('name') ?? null, logs, now: ctx.now, random: randomBytes, log })
  try {
    const listening = await listenWitness(opened.service, {
      host,
      port,
      tls: certFile === undefined || keyFile === undefined ? null : { certFile: resolve(ctx.cwd, certFile), keyFile: resolve(ctx.cwd, keyFile) },
      page: () => page(opened, url),
      log,
    })
    const url = (ctx.text('url') ?? listening.url).replace(/\/$/, '')
    if (ctx.json) ctx.stdout(`${JSON.stringify({ listening: listening.url, vkey: opened.vkey, policy: policyLine(opened, url), logs: opened.origins })}\n`)
    else ctx.stdout(`listening ${listening.url}\nvkey ${opened.vkey}\npolicy line: ${policyLine(opened, url)}\n`)
    await stopped(ctx.stopping)
    await listening.close()
  } finally {
    opened.close()
  }
  return 0
}

/** Ready to be pasted into a tlog-policy; a policy's names hold no white space, and a key's name has none. */
function policyLine({ name, vkey }: OpenWitness, url: string): string {
  return `witness ${name} ${vkey} ${url}`
}

function page(opened: OpenWitness, url: string): string {
  const logs = opened.origins.map((origin) => `  ${printable(origin)}\n`).join('')
  return `This is a transparency log witness (c2sp.org/tlog-witness).

vkey
  ${opened.vkey}

line of a tlog-policy
  ${policyLine(opened, url)}

logs
${logs}`
}

function listAlarms(ctx: Context): Exit {
  const alarms = readAlarms(dataOf(ctx))
  if (ctx.json) ctx.stdout(`${JSON.stringify({ alarms })}\n`)
  else if (alarms.length === 0) ctx.stdout('no fork alarm stands\n')
  else for (const alarm of alarms) tell(ctx, alarm)
  return alarms.length === 0 ? 0 : 1
}

function tell(ctx: Context, { log, at, kind, witness: who, detail, checkpoint, evidence }: ForkAlarm): void {
  ctx.stdout(`log ${log} has stopped sealing: ${kind}, ${at}\n  ${who === null ? '' : `witness ${printable(who)}: `}${printable(detail)}\n`)
  ctx.stdout(`\nour checkpoint:\n${indent(checkpoint)}\n`)
  if (evidence === null) ctx.stdout('no checkpoint that contradicts it was to be had: so far this is what the witness says, not proof\n')
  else ctx.stdout(`signed by the key of this log, and contradicting it:\n${indent(evidence)}\n`)
  ctx.stdout(
    `\nFind out whether a second server wrote this log, or the data was set back to a backup (docs/witness.md). Then:\n  sealtrail witness clear ${log} --reason TEXT --data DIR\n`,
  )
}

async function clear(ctx: Context, [log, ...more]: readonly string[]): Promise<Exit> {
  const reason = ctx.text('reason')
  if (log === undefined || more.length > 0 || reason === undefined || reason.trim() === '')
    throw new SealtrailError('USAGE', 'witness clear needs a log and --reason TEXT')
  const data = dataOf(ctx)
  return holdDirectory(data, () => {
    const alarm = clearAlarm(data, log, { at: new Date(ctx.now()).toISOString(), reason })
    if (alarm === null) throw new SealtrailError('NOT_FOUND', 'no fork alarm stands for a log of this name')
    if (ctx.json) ctx.stdout(`${JSON.stringify({ cleared: alarm })}\n`)
    else ctx.stdout(`cleared; ${log} seals again at the next start. If the contradiction is real, it will be found again\n`)
    return 0
  })
}

function dataOf(ctx: Context): string {
  const data = ctx.text('data')
  if (data === undefined) throw new SealtrailError('USAGE', 'witness needs --data DIR')
  return resolve(ctx.cwd, data)
}

/** One vkey a line, with `log` or `vkey` before it as in other programs' lists. @throws SealtrailError USAGE */
function vkeysIn(path: string): string[] {
  if (!existsSync(path)) throw new SealtrailError('USAGE', 'the file of --logs is not there')
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(/^(?:log|vkey)\s+/, '').split(/\s/, 1)[0] as string)
}

function addressOf(text: string): { host: string; port: number } {
  const parts = /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):)?(\d{1,5})$/.exec(text)
  if (parts === null || Number(parts[2]) > 65_535) throw new SealtrailError('USAGE', '--listen is HOST:PORT or PORT')
  return { host: (parts[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(parts[2]) }
}

function indent(text: string): string {
  return printable(text, true).replace(/^(?=.)/gm, '  ')
}
