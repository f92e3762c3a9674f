import { SealtrailError } from '../../errors.ts'
import { type Cold, coldDays, coldRuleId, type Lifecycle } from '../lifecycle.ts'
import type { Bucket } from './bucket.ts'

/** Each can be read at once; what it costs to read, and the least time it is paid for, grows. */
const CLASSES: readonly string[] = ['NEARLINE', 'COLDLINE', 'ARCHIVE']

interface Rule {
  readonly action: { readonly type: string; readonly storageClass?: string }
  readonly condition: Readonly<Record<string, unknown>>
}

/**
 * Rules have no ids here: ours is the one that does nothing but set a class for exactly our prefix. The bucket keeps all of them
 * in one list, so the others are written back as they were read, and only over that very state.
 * @throws SealtrailError CONFIG_INVALID for a class there is not, STORE_NOT_LOCKED while the bucket locks nothing, NOT_DURABLE
 */
export async function applyLifecycle(bucket: Bucket, prefix: string, cold: Cold, apply: boolean): Promise<Lifecycle> {
  if (!CLASSES.includes(cold.storageClass)) throw new SealtrailError('CONFIG_INVALID', `storage classes of Google that are colder: ${CLASSES.join(', ')}`)
  const wanted: Rule = {
    action: { type: 'SetStorageClass', storageClass: cold.storageClass },
    condition: { age: coldDays(cold), ...(prefix === '' ? {} : { matchesPrefix: [prefix] }) },
  }
  const answer = (standing: boolean): Lifecycle => ({ id: coldRuleId(prefix), rule: JSON.stringify(wanted), standing })
  const before = await read(bucket)
  const stands = (rules: readonly unknown[]): boolean => rules.some((each) => isOurs(each, prefix, cold) && same(each, wanted))
  if (stands(before.rules) || !apply) return answer(stands(before.rules))
  if (!before.locks) throw new SealtrailError('STORE_NOT_LOCKED', 'the bucket has no object retention: no rule before the lock')
  await bucket.setRules([...before.rules.filter((each) => !isOurs(each, prefix, cold)), wanted], before.metageneration)
  if (!stands((await read(bucket)).rules)) throw new SealtrailError('NOT_DURABLE', 'the store does not show the lifecycle rule it was given')
  return answer(true)
}

async function read(bucket: Bucket): Promise<{ rules: readonly unknown[]; metageneration: string; locks: boolean }> {
  const { lifecycle, metageneration, objectRetention } = await bucket.settings('lifecycle,metageneration,objectRetention')
  const { rule } = Object(lifecycle ?? {}) as { rule?: unknown }
  // attacker: rules that cannot be read are not written over.
  if ((rule !== undefined && !Array.isArray(rule)) || typeof metageneration !== 'string') throw new Error('the rules of the bucket cannot be read')
  return { rules: rule ?? [], metageneration, locks: (Object(objectRetention ?? {}) as { mode?: unknown }).mode === 'Enabled' }
}

/** A rule for the whole bucket may be somebody else's: it is ours only with our class. */
function isOurs(value: unknown, prefix: string, { storageClass }: Cold): boolean {
  const { action, condition, ...more } = Object(value) as Partial<Rule>
  if (action?.type !== 'SetStorageClass' || condition === undefined || Object.keys(more).length > 0) return false
  const { age: _, matchesPrefix, ...others } = condition
  if (Object.keys(others).length > 0) return false
  return prefix === '' ? matchesPrefix === undefined && action.storageClass === storageClass : JSON.stringify(matchesPrefix) === JSON.stringify([prefix])
}

function same(value: unknown, { action, condition }: Rule): boolean {
  const shown = value as Rule
  return shown.action.storageClass === action.storageClass && shown.condition['age'] === condition['age']
}
