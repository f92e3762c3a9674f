import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { certificatePem, verifyTimestamp } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import { eachTimestamp, timestampLogs } from '../../publish/timestamp/stored.ts'
import type { ListOptions, StoredTimestamp } from '../../publish/timestamp/stored.ts'
import type { Command, Context, Exit } from '../command.ts'
import { count, printable, some, table } from '../output.ts'
import { DATA_OPTIONS, settings } from '../settings.ts'

export const timestamps: Command = {
  name: 'timestamps',
  summary: 'RFC 3161 time stamps kept of the logs: list them, or write them as files other programs check',
  usage: ['list [--log NAME] [--data DIR]', 'export OUT_DIR [--log NAME] [--all] [--data DIR]'],
  options: {
    ...DATA_OPTIONS,
    log: { type: 'string', value: 'NAME', what: 'only this log' },
    all: { type: 'boolean', what: 'export every stamp, not only the newest of each log and authority' },
  },
  async run(ctx) {
    const [what, ...words] = ctx.words
    if (what === 'list' && words.length === 0) return list(ctx)
    if (what === 'export' && words.length === 1) return exportStamps(ctx, resolve(ctx.cwd, words[0] as string))
    throw new SealtrailError('USAGE', 'timestamps: list, or export OUT_DIR')
  },
}

/** What a token says of itself; who signed is not asked here. */
async function list(ctx: Context): Promise<Exit> {
  const rows: string[][] = [['log', 'records', 'time', 'accuracy', 'authority', 'says it is']]
  let listed = 0
  for (const stamp of stampsOf(ctx)) {
    const { genTime, accuracyMs, tsa, serial, policy } = await verifyTimestamp(stamp.token, stamp.text, { roots: [] })
    const { log, size, authority, key } = stamp
    listed++
    if (ctx.json) ctx.stdout(`${JSON.stringify({ log, size, authority, time: genTime, accuracy_ms: accuracyMs, tsa, serial, policy, key })}\n`)
    else rows.push([log, count(size), genTime ?? 'unreadable', accuracyMs === null ? '' : `${accuracyMs} ms`, authority, printable(tsa ?? '')])
  }
  if (ctx.json) return 0
  if (listed === 0) ctx.stdout('No time stamps are kept.\n')
  else ctx.stdout(`${table(rows)}\nWho gave them is not checked here: sealtrail verify DATA_DIR --tsa-roots FILE.\n`)
  return 0
}

async function exportStamps(ctx: Context, folder: string): Promise<Exit> {
  const stamps = ctx.flag('all') ? stampsOf(ctx) : newestOf(stampsOf(ctx, { newest: true }))
  const written: { name: string; log: string; size: number; intermediates: boolean }[] = []
  for (const { log, size, authority, text, token, chain, crls, checkpoint } of stamps) {
    const name = `${log}-${size}-${authority}`
    const intermediates = chain.slice(1, -1)
    const files: ReadonlyArray<readonly [string, Uint8Array | string]> = [
      ['checkpoint', checkpoint],
      ['txt', text],
      ['tst', token],
      // The token encloses the signer's certificate; whoever checks brings the root.
      ...(intermediates.length === 0 ? [] : [['chain.pem', intermediates.map(certificatePem).join('')] as const]),
      ...crls.map((crl, i) => [`${i + 1}.crl`, crl] as const),
    ]
    mkdirSync(folder, { recursive: true })
    for (const [ending, content] of files) writeFileSync(join(folder, `${name}.${ending}`), content)
    written.push({ name, log, size, intermediates: intermediates.length > 0 })
  }
  if (written.length === 0) throw new SealtrailError('NOT_FOUND', 'no time stamps are kept (of this log)')
  if (ctx.json) ctx.stdout(`${JSON.stringify({ folder, stamps: written.map(({ name, log, size }) => ({ name, log, size })) })}\n`)
  else {
    ctx.stdout(`${some(written.length, 'time stamp')} written to ${folder}. Check one with OpenSSL, with the root you got from the authority itself:\n`)
    for (const { name, intermediates } of written.slice(0, 20))
      ctx.stdout(`  openssl ts -verify -token_in -in ${name}.tst -data ${name}.txt${intermediates ? ` -untrusted ${name}.chain.pem` : ''} -CAfile ROOT.pem\n`)
  }
  return 0
}

function* stampsOf(ctx: Context, options: ListOptions = {}): Generator<StoredTimestamp> {
  const { data } = settings(ctx, { warn: false })
  if (!existsSync(data)) throw new SealtrailError('NOT_FOUND', 'there is no such data directory')
  const only = ctx.text('log')
  for (const log of timestampLogs(data)) if (only === undefined || log === only) yield* eachTimestamp(data, log, options)
}

/** The first of each log and authority, which is the newest where they come newest first. */
function* newestOf(stamps: Iterable<StoredTimestamp>): Generator<StoredTimestamp> {
  const seen = new Set<string>()
  for (const stamp of stamps) {
    const of = `${stamp.log} ${stamp.authority}`
    if (!seen.has(of)) yield stamp
    seen.add(of)
  }
}
