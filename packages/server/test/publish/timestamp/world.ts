import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../../../src/observe/log.ts'
import { Metrics, renderPrometheus } from '../../../src/observe/metrics.ts'
import type { Authority } from '../../../src/publish/timestamp/authority.ts'
import type { AuthorityEvent } from '../../../src/publish/timestamp/health.ts'
import { Stamper } from '../../../src/publish/timestamp/stamper.ts'
import type { StamperDeps } from '../../../src/publish/timestamp/stamper.ts'
import { FileStore } from '../../../src/store/files/store.ts'
import type { OddAuthority } from './odd-authority.ts'

/** A data directory with checkpoints that grow when told to, and a real file store. */
export class Place {
  readonly data: string = mkdtempSync(join(tmpdir(), 'sealtrail-stamps-'))
  readonly sizes = new Map<string, number>()
  readonly lines: string[] = []
  readonly events: AuthorityEvent[] = []
  readonly told: string[][] = []
  readonly metrics = new Metrics()
  store!: FileStore
  /** Thrown instead of storing. */
  full: Error | null = null

  static async make(): Promise<Place> {
    const place = new Place()
    place.store = await FileStore.open(join(place.data, 'store'))
    return place
  }

  note(log: string): string {
    return `audit.example/${log}\n${this.sizes.get(log)}\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— audit.example/${log} AAAA\n`
  }

  stamper(authorities: readonly Authority[], more: Partial<StamperDeps> = {}): Stamper {
    return new Stamper({
      data: this.data,
      intervalMs: 3_600_000,
      timeoutMs: 2_000,
      authorities,
      logs: ['calls', 'system'],
      checkpoint: (log, beyond) => ((this.sizes.get(log) ?? 0) > beyond ? { note: this.note(log), size: this.sizes.get(log) as number } : null),
      put: async (_, { key, bytes }) => {
        if (this.full !== null) throw this.full
        await this.store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: Date.now() + 1_000 })
      },
      tell: (event) => void this.events.push(event),
      onNotes: (notes) => void this.told.push([...notes]),
      now: Date.now,
      random: randomBytes,
      log: createLog({ now: Date.now, write: (line) => void this.lines.push(line) }),
      metrics: this.metrics,
      sleep: () => Promise.resolve(),
      ...more,
    })
  }

  async keys(): Promise<string[]> {
    const keys: string[] = []
    for await (const { key } of this.store.list('')) keys.push(key)
    return keys
  }

  metric(start: string): string[] {
    return renderPrometheus(this.metrics.snapshot())
      .split('\n')
      .filter((line) => line.startsWith(start))
  }

  async end(): Promise<void> {
    await this.store.close()
    rmSync(this.data, { recursive: true })
  }
}

export function authorityOf(odd: OddAuthority, more: Partial<Authority> = {}): Authority {
  return { name: 'odd', url: odd.url, roots: [odd.root.der], policy: null, authorization: () => null, ...more }
}
