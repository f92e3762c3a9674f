import { join } from 'node:path'
import type { KeptRecord } from '@sealtrail/evidence'
import type { Gone } from '../index/records.ts'
import { Fold } from '../retain/fold.ts'
import { Expiries } from '../retain/standing.ts'
import { KeptRecords } from '../store/kept.ts'
import type { Expired, SegmentReader } from '../store/segments.ts'
import type { Store } from '../store/store.ts'
import { SYSTEM_LOG } from '../threads/system-entry.ts'

export interface ExpiredGround {
  readonly records: Pick<SegmentReader, 'range'>
  /** Committed size of a log. */
  size(log: string): number
  /** Root of the log `system` at a size, hex. */
  rootAt(size: number): string
  /** `DIR/retain/expired.json`. */
  readonly file: string
  /** Logs of which something may expire: of others nothing is looked up. Null: any. */
  readonly tiered: ReadonlySet<string> | null
}

/**
 * What has expired, as the log `system` says; that log itself never does, or nothing would say so of the others. Any thread
 * has one of its own, and it follows what is sealed. Until it is opened nothing has expired: recovery at start goes by hashes.
 */
export class ExpiredView implements Expired {
  readonly #kept: KeptRecords
  readonly #expiries = new Expiries()
  #ground: ExpiredGround | null = null
  #fold: Fold | null = null

  constructor(kept: KeptRecords) {
    this.#kept = kept
  }

  /** From here on holes are looked up; nothing is read before the first. */
  open(ground: ExpiredGround): void {
    this.#ground = ground
  }

  /** @throws SealtrailError DATA_CORRUPT when the log `system` cannot be read */
  async gone(log: string): Promise<readonly Gone[]> {
    const ground = this.#ground
    if (ground === null || log === SYSTEM_LOG || ground.tiered?.has(log) === false) return []
    const { records, size, file, rootAt } = ground
    this.#fold ??= new Fold({ records: { size, range: (of, from, to) => records.range(of, from, to) }, parts: [this.#expiries], file, rootAt })
    if (this.#fold.size < size(SYSTEM_LOG)) await this.#fold.catchUp()
    return this.#expiries.of(log)
  }

  /** The same without a configuration: from the logs alone. */
  static over(
    store: Pick<Store, 'get' | 'list'>,
    data: string,
    size: (log: string) => number,
  ): { view: ExpiredView; open(records: Pick<SegmentReader, 'range'>): void } {
    const view = new ExpiredView(new KeptRecords(store))
    // No root, so that no snapshot is believed.
    return { view, open: (records) => view.open({ records, size, rootAt: () => '', file: join(data, 'retain', 'expired.json'), tiered: null }) }
  }

  async end(log: string, index: number): Promise<number | null> {
    return (await this.gone(log)).find(({ from, to }) => index >= from && index < to)?.to ?? null
  }

  async kept(log: string, index: number): Promise<Uint8Array | null> {
    return (await this.end(log, index)) === null ? null : this.#kept.record(log, index)
  }

  async keptWithin(log: string, from: number, to: number): Promise<readonly KeptRecord[]> {
    return (await this.gone(log)).length === 0 ? [] : this.#kept.within(log, from, to)
  }

  /** Writes what saves reading the log again at the next start; only where it is written to. @throws SealtrailError DATA_UNWRITABLE */
  save(): void {
    this.#fold?.save()
  }
}
