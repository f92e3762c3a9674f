import { classLog } from './classes.ts'
import type { Config, ContentDuty } from './config.ts'

/** Obligations of a server, by where a record is: its log's own, and that of a class which a later event of its subject asked for. */
export interface ContentDuties {
  /** Log → obligation. */
  readonly byLog: ReadonlyMap<string, ContentDuty>
  /** Of a log's trail that of a class; null: of the trail itself. */
  ofClass(log: string, name: string | null): ContentDuty | null
}

export function contentDuties({ trails, tenant }: Pick<Config, 'trails' | 'tenant'>): ContentDuties {
  const byLog = new Map<string, ContentDuty>()
  const trailOf = new Map<string, string>()
  for (const [trail, { retain }] of Object.entries(trails)) {
    trailOf.set(trail, trail)
    if (retain.content !== null) byLog.set(trail, retain.content)
    for (const { name, content } of retain.classes) {
      const log = classLog(tenant, trail, name)
      trailOf.set(log, trail)
      if (content !== null) byLog.set(log, content)
    }
  }
  return {
    byLog,
    ofClass(log, name) {
      const trail = trailOf.get(log)
      if (trail === undefined) return null
      return byLog.get(name === null ? trail : classLog(tenant, trail, name)) ?? null
    },
  }
}
