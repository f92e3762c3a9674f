import type { Gone, Records } from '../../src/index/records.ts'

/** Logs in memory, for tests of what stands on the port. */
export class MemoryRecords implements Records {
  readonly logsByName = new Map<string, Uint8Array[]>()
  /** How often a record was read alone. */
  reads = 0

  add(log: string, ...records: Uint8Array[]): void {
    const known = this.logsByName.get(log)
    if (known === undefined) this.logsByName.set(log, records)
    else known.push(...records)
  }

  logs(): readonly string[] {
    return [...this.logsByName.keys()]
  }

  size(log: string): number {
    return this.logsByName.get(log)?.length ?? 0
  }

  async record(log: string, index: number): Promise<Uint8Array | null> {
    this.reads++
    return this.logsByName.get(log)?.[index] ?? null
  }

  async gone(): Promise<readonly Gone[]> {
    return []
  }

  async object(): Promise<Uint8Array | null> {
    return null
  }

  async *range(log: string, from: number, to: number): AsyncIterable<Uint8Array> {
    for (let i = from; i < to; i++) yield this.logsByName.get(log)?.[i] as Uint8Array
  }
}
