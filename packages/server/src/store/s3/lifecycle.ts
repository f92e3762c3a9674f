import {
  GetBucketLifecycleConfigurationCommand,
  type GetBucketLifecycleConfigurationCommandOutput,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  type TransitionStorageClass,
} from '@aws-sdk/client-s3'
import { SealtrailError } from '../../errors.ts'
import { type Cold, coldDays, coldRuleId, type Lifecycle } from '../lifecycle.ts'
import type { Client } from './client.ts'
import { failureOf, tell } from './failure.ts'

/** S3 keeps all rules of a bucket in one document: the others are written back as they were read. */
export async function applyLifecycle(client: Client, prefix: string, cold: Cold, apply: boolean): Promise<Lifecycle> {
  const id = coldRuleId(prefix)
  const rule: LifecycleRule = {
    ID: id,
    Status: 'Enabled',
    Filter: { Prefix: prefix },
    Transitions: [{ Days: coldDays(cold), StorageClass: cold.storageClass as TransitionStorageClass }],
  }
  const text = JSON.stringify(rule)
  const stands = ({ Rules }: { Rules?: LifecycleRule[] | undefined }): boolean => (Rules ?? []).some((each) => each.ID === id && same(each, rule))
  const before = await read(client)
  if (stands(before) || !apply) return { id, rule: text, standing: stands(before) }
  const { TransitionDefaultMinimumObjectSize: least } = before
  const command = new PutBucketLifecycleConfigurationCommand({
    Bucket: client.bucket,
    LifecycleConfiguration: { Rules: [...(before.Rules ?? []).filter((each) => each.ID !== id), rule] },
    ...(least === undefined ? {} : { TransitionDefaultMinimumObjectSize: least }),
  })
  try {
    await client.ask((s3, options) => s3.send(command, options))
  } catch (error) {
    throw new SealtrailError('NOT_DURABLE', `the lifecycle rule was not taken: ${tell(error)}`, { cause: error })
  }
  if (!stands(await read(client))) throw new SealtrailError('NOT_DURABLE', 'the store does not show the lifecycle rule it was given')
  return { id, rule: text, standing: true }
}

async function read(client: Client): Promise<Pick<GetBucketLifecycleConfigurationCommandOutput, 'Rules' | 'TransitionDefaultMinimumObjectSize'>> {
  try {
    return await client.ask((s3, options) => s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: client.bucket }), options))
  } catch (error) {
    if (failureOf(error).code === 'NoSuchLifecycleConfiguration') return {}
    throw error
  }
}

/** Whether the store's rule does what ours does, and nothing else: no expiry, the same prefix, days and class. */
function same(shown: LifecycleRule, { Filter, Transitions }: LifecycleRule): boolean {
  const { ID: _, Status, Filter: filter, Prefix, Transitions: transitions = [], ...more } = shown
  const [wanted, found] = [Transitions![0]!, transitions[0]]
  return (
    Status === 'Enabled' &&
    (filter?.Prefix ?? Prefix ?? '') === Filter!.Prefix &&
    transitions.length === 1 &&
    found?.Days === wanted.Days &&
    found?.StorageClass === wanted.StorageClass &&
    Object.values(more).every((value) => value === undefined || (Array.isArray(value) && value.length === 0))
  )
}
