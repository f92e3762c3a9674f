import { SealtrailError } from './errors.ts'
import { decodeEntry } from './event/entry.ts'
import type { Journalled } from './event/entry.ts'
import type { Flow } from './flow.ts'
import { crashPoint } from './observe/crash-point.ts'
import type { Journal } from './journal/journal.ts'
import type { Vault } from './vault/vault.ts'

const STEP = 2_000

export interface ReplayOptions {
  /** A missing row then says nothing of whether its entry was acknowledged: it is sealed without it rather than lost. */
  readonly vaultDamaged: boolean
  report(text: string): void
}

/**
 * Puts what the journal still holds back on its way. What is sealed already is known to the ledger and passed over. An
 * entry whose vault row is missing was never acknowledged (journal and vault are written side by side) and is dropped.
 */
export async function replayJournal(journal: Journal, vault: Vault, flow: Flow, options: ReplayOptions): Promise<void> {
  const { report, vaultDamaged } = options
  let step: Journalled[] = []
  let replayed = 0
  let rowless = 0
  const put = async (): Promise<void> => {
    const withRow = step.filter(({ entry }) => entry.vaultKey !== null)
    const stored = await vault.has(withRow.map(({ entry }) => entry.vaultKey as Uint8Array))
    const lost = new Set(withRow.filter((_, i) => stored[i] !== true))
    rowless += lost.size
    replayed += await flow.replay(vaultDamaged ? step : step.filter((item) => !lost.has(item)))
    step = []
    crashPoint('replay:placed')
  }
  for await (const { position, entry } of journal.replay()) {
    try {
      step.push({ entry: decodeEntry(Buffer.from(entry)), position })
    } catch (cause) {
      throw new SealtrailError('DATA_CORRUPT', `journal file ${position.file} at offset ${position.offset} holds no entry`, { cause })
    }
    if (step.length >= STEP) await put()
  }
  if (step.length > 0) await put()
  flow.replayed()
  if (replayed > 0) report(`${replayed} events taken up again from the journal`)
  if (rowless === 0) return
  if (vaultDamaged) report(`${rowless} journal entries have lost their vault row; those not sealed yet are sealed without their personal values`)
  else report(`${rowless} journal entries without their vault row dropped: they were never acknowledged`)
}
