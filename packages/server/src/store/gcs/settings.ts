import type { ProbeCheck } from '../store.ts'
import type { Bucket } from './bucket.ts'
import { isPassing, Refused } from './failure.ts'

/**
 * What the bucket says of itself: told, and never decisive, since only what a probe tries shows what holds. Takes
 * `storage.buckets.get`; without it nothing is lost but these lines.
 * @throws NoAnswer, Refused when the store does not answer
 */
export async function settingsChecks(bucket: Bucket): Promise<ProbeCheck[]> {
  let settings: Record<string, unknown>
  try {
    settings = await bucket.settings('objectRetention,versioning,defaultEventBasedHold,lifecycle')
  } catch (error) {
    if (!(error instanceof Refused) || isPassing(error)) throw error
    return ['object-retention', 'versioning', 'lifecycle-deletes'].map((name) => ({ name, result: 'skipped', seen: error.message, decisive: false }))
  }
  const { objectRetention, versioning, lifecycle } = settings as {
    objectRetention?: { mode?: unknown }
    versioning?: { enabled?: unknown }
    lifecycle?: { rule?: unknown }
  }
  const rules = Array.isArray(lifecycle?.rule) ? (lifecycle.rule as { action?: { type?: unknown } }[]) : []
  const deletes = rules.filter((rule) => rule?.action?.type === 'Delete').length
  return [
    told(
      'object-retention',
      objectRetention?.mode === 'Enabled',
      'enabled',
      'not enabled: objects cannot be locked; it is turned on with the bucket, or in Google’s console',
    ),
    told(
      'versioning',
      versioning?.enabled === true,
      'enabled',
      'not enabled: what somebody writes over an object, or deletes after its date, leaves no older generation',
    ),
    told(
      'lifecycle-deletes',
      deletes === 0,
      'no rule deletes objects',
      `${deletes} rules delete objects: none may concern evidence, which is removed by Sealtrail alone`,
    ),
  ]
}

function told(name: string, good: boolean, seen: string, otherwise: string): ProbeCheck {
  return { name, result: good ? 'held' : 'broken', seen: good ? seen : otherwise, decisive: false }
}
