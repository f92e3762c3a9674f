import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openSealing } from '../../config/open-sealing.ts'
import { SealtrailError } from '../../errors.ts'
import { rebuildIndex } from '../../index/level/rebuild.ts'
import { createLog } from '../../observe/log.ts'
import { openReadSide } from '../../threads/read-side.ts'
import type { Command } from '../command.ts'
import { count, some } from '../output.ts'
import { Progress } from '../progress.ts'
import { DATA_OPTIONS, settings } from '../settings.ts'

export const rebuild: Command = {
  name: 'rebuild-index',
  summary: 'erase the index and build it again from the sealed records',
  usage: ['[--data DIR] [--config FILE]'],
  options: DATA_OPTIONS,
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'rebuild-index takes options only')
    const config = settings(ctx, { warn: false })
    if (!existsSync(join(config.data, 'head.sqlite'))) throw new SealtrailError('USAGE', 'there is no data directory of Sealtrail at that place')
    const log = createLog({ now: ctx.now, level: 'warn', write: (line) => ctx.stderr(line) })
    // Opening for sealing takes the lock that keeps a server out, and recovers the logs first.
    const sealing = await openSealing(config, { now: ctx.now, log, onCommit: () => {} })
    try {
      await sealing.drained()
      const side = await openReadSide(config, sealing.sizes, (ids) => sealing.vault.keysById(ids))
      const progress = new Progress(ctx, 'index')
      const records = await rebuildIndex(join(config.data, 'index'), {
        records: side.records,
        tokens: (auditids) => Promise.all(auditids.map((auditid) => side.tokens(auditid))),
        onProgress: (done, total) => progress.at(total === 0 ? null : done / total, `${count(done)} of ${count(total)} records`),
      })
      progress.done()
      await side.close()
      ctx.stdout(ctx.json ? `${JSON.stringify({ records })}\n` : `the index holds ${some(records, 'record')} again\n`)
      return 0
    } finally {
      await sealing.close()
    }
  },
}
