import { join, resolve } from 'node:path'
import { LOG_NAME } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import { CLIENT_OPTIONS } from '../client.ts'
import type { Command, Context, Exit } from '../command.ts'
import { count, size as bytesOf, some } from '../output.ts'
import { Progress } from '../progress.ts'
import { copyLog } from '../tiles/copy.ts'
import { TileFolder } from '../tiles/folder.ts'
import { openSource } from '../tiles/source.ts'

export const tiles: Command = {
  name: 'tiles',
  summary: 'logs as static files (C2SP tlog-tiles), for any web server or auditor',
  usage: ['export DIR [--log NAME] [--data DIR | --url URL --log NAME]'],
  options: {
    data: CLIENT_OPTIONS['data'] as (typeof CLIENT_OPTIONS)[string],
    config: CLIENT_OPTIONS['config'] as (typeof CLIENT_OPTIONS)[string],
    url: CLIENT_OPTIONS['url'] as (typeof CLIENT_OPTIONS)[string],
    log: { type: 'string', value: 'NAME', what: 'only this log; all logs of the data directory when left out' },
  },
  async run(ctx) {
    const [what, folder, ...more] = ctx.words
    if (what !== 'export' || folder === undefined || more.length > 0) throw new SealtrailError('USAGE', 'tiles export takes one folder to write to')
    return await exportTiles(ctx, resolve(ctx.cwd, folder))
  },
}

async function exportTiles(ctx: Context, target: string): Promise<Exit> {
  const source = await openSource(ctx)
  const done: object[] = []
  try {
    for (const log of source.logs) {
      // attacker: a name on the command line becomes a folder's.
      if (!LOG_NAME.test(log)) throw new SealtrailError('USAGE', '--log is the name of a log')
      const folder = new TileFolder(join(target, log))
      const progress = new Progress(ctx, log)
      try {
        let expired = 0
        const { size, root } = await copyLog(log, source, folder, {
          stopping: ctx.stopping,
          onExpired: (records) => void (expired += records),
          onProgress: (at, total) => progress.at(total === 0 ? null : at / total, `${count(at)} of ${some(total, 'record')}`),
        })
        progress.done()
        const { written, kept, bytes } = folder
        done.push({ log, size, root, written, kept, bytes })
        if (!ctx.json)
          ctx.stdout(
            `${log}: ${some(size, 'record')}, root ${root}\n  ${some(written, 'file')} written (${bytesOf(bytes)}), ${count(kept)} there already${expired === 0 ? '' : `, ${some(expired, 'record')} in bundles that are left out, as some of them have expired`}\n`,
          )
      } finally {
        progress.done()
      }
    }
  } finally {
    await source.close()
  }
  if (ctx.json) ctx.stdout(`${JSON.stringify({ folder: target, logs: done })}\n`)
  else ctx.stdout(`Each log is below ${target}: checkpoint and tile/… The copy leads to its checkpoint; who signed that, its key says (sealtrail key show).\n`)
  return 0
}
