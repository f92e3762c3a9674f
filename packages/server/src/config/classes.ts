import { LOG_NAME } from '@sealtrail/evidence'
import type { ClassConfig, Config, RetainConfig } from './config.ts'
import type { StoreReading } from './store-keys.ts'
import { readContentDuty } from './content-duty.ts'
import { SUMMARY } from './tiers.ts'

type Kept = Pick<RetainConfig, 'mode' | 'periodMs'>

/** Name of the log of a class. */
export function classLog(tenant: string, trail: string, name: string): string {
  return `${tenant}.${trail}.${name}`
}

/** Whether `a` keeps longer than `b`, or as long and harder. */
export function isStricter(a: Kept, b: Kept): boolean {
  return a.periodMs !== b.periodMs ? a.periodMs > b.periodMs : a.mode === 'COMPLIANCE' && b.mode === 'GOVERNANCE'
}

/** The classes written for a trail. @param names as written below `trails.<trail>.retain.classes`; false switches one off */
export function readClasses(trail: string, tenant: string, names: ReadonlyMap<string, boolean>, reading: StoreReading): ClassConfig[] {
  const classes: ClassConfig[] = []
  const taken = new Map<string, string>()
  for (const [name, on] of names) {
    if (!on) continue
    const path = `trails.${trail}.retain.classes.${name}`
    const periodMs = reading.find<number>(`${path}.period`)
    if (periodMs === null) reading.mistake(path, `${path}.period is missing: a class is a period`)
    else if (periodMs <= 0) reading.mistake(`${path}.period`, `${path}.period: must be longer than nothing`)
    if (name === SUMMARY) reading.mistake(path, `${path}: the name is taken, for the log of summaries`)
    if (!LOG_NAME.test(classLog(tenant, trail, name)))
      reading.mistake(path, `${path}: the name of its log, tenant, trail and class with a dot between them, is longer than 128 characters`)
    const tags = reading.find<string[]>(`${path}.tags`) ?? [name]
    for (const tag of tags) {
      const other = taken.get(tag.toLowerCase())
      if (other !== undefined)
        reading.mistake(`${path}.tags`, `${path}.tags: ${other === name ? 'a tag is written twice' : `the class ${other} has one of these tags`}`)
      taken.set(tag.toLowerCase(), name)
    }
    const content = readContentDuty(`${path}.content`, periodMs ?? 0, periodMs ?? 0, reading)
    classes.push({ name, tags, mode: reading.get(`${path}.mode`), periodMs: periodMs ?? 0, content })
  }
  return classes
}

/**
 * The log for a subject whose first event has this tag: that of the class that names it. Of a tag nobody named nothing is
 * known but that somebody regulates it, so it goes where it stays longest; without a tag it goes to the log of the trail.
 */
export function routing(config: Pick<Config, 'trails' | 'tenant'>): (trail: string, tag: string | null) => string {
  const byTrail = new Map<string, { readonly byTag: ReadonlyMap<string, string>; readonly longest: string }>()
  for (const [trail, { retain }] of Object.entries(config.trails)) {
    if (retain.classes.length === 0) continue
    let longest: Kept & { readonly log: string } = { log: trail, ...retain }
    const byTag = new Map<string, string>()
    for (const { name, tags, mode, periodMs } of retain.classes) {
      const log = classLog(config.tenant, trail, name)
      for (const tag of tags) byTag.set(tag.toLowerCase(), log)
      if (isStricter({ mode, periodMs }, longest)) longest = { log, mode, periodMs }
    }
    byTrail.set(trail, { byTag, longest: longest.log })
  }
  return (trail, tag) => {
    const classes = byTrail.get(trail)
    if (classes === undefined || tag === null || tag === '') return trail
    return classes.byTag.get(tag.toLowerCase()) ?? classes.longest
  }
}
