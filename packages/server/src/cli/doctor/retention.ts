import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { retentionChanges, toldChange } from '../../config/retention-change.ts'
import { snapshotPart } from '../../retain/fold.ts'
import type { Finding } from './finding.ts'

/** What the configuration would change of the retention that a start sealed, as far as the data directory has it at hand. Reads only. */
export function checkRetention(config: Config): Finding[] {
  const changes = retentionChanges(snapshotPart(join(config.data, 'retain', 'state.json'), 'periods'), config)
  return changes.map((change): Finding => {
    const text = toldChange(change)
    if (change.longer) return { area: 'retention', level: 'ok', text }
    return { area: 'retention', level: 'warn', text, todo: 'nothing, if it is meant; retention is never shortened for what is stored' }
  })
}
