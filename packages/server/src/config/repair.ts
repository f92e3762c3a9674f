import type { SealtrailError } from '../errors.ts'
import type { Log } from '../observe/log.ts'

/** A store that refuses writes after a failed one until it has made sure that nothing written later can be lost. */
export interface Repairable {
  readonly failed: SealtrailError | null
  /** True when writes are taken again. */
  again(): Promise<boolean>
}

const EVERY_MS = 1_000

/** Tries every second to bring failed stores back, as a disk that was full may have room again. Returns what ends it. */
export function keepRepairing(stores: Readonly<Record<string, () => Repairable>>, log: Log): () => void {
  let busy = false
  const tryAgain = async (): Promise<void> => {
    if (busy) return
    busy = true
    for (const [what, store] of Object.entries(stores)) {
      const { failed, again } = store()
      if (failed === null) continue
      if (await again()) log.warn(`the ${what} takes events again`)
      else log.error(`the ${what} cannot be written`, { code: failed.code, detail: store().failed?.message })
    }
    busy = false
  }
  const timer = setInterval(() => void tryAgain(), EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
