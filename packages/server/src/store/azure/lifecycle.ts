import { SealtrailError } from '../../errors.ts'
import { type Cold, coldDays, coldRuleId, type Lifecycle } from '../lifecycle.ts'

/** Archived blobs are not listed: they have to be brought back for hours before anybody can read or verify them. */
const ACTIONS: Readonly<Record<string, string>> = { COOL: 'tierToCool', COLD: 'tierToCold' }

/**
 * The rule of a management policy that moves what is older to a cooler tier, current or not; for the operator to add. Only
 * the subscription may set it, and it replaces the account's whole policy: a server that writes evidence has no such right,
 * and cannot see whether it stands. Days count from creation and are at least one, long after the lock was read back.
 * @throws SealtrailError CONFIG_INVALID
 */
export function coldRule({ container, prefix }: { readonly container: string; readonly prefix: string }, cold: Cold): Lifecycle {
  const action = ACTIONS[cold.storageClass.toUpperCase()]
  if (action === undefined)
    throw new SealtrailError('CONFIG_INVALID', 'tiers of Azure that stay readable are COOL and COLD; archived evidence cannot be verified')
  const id = coldRuleId(prefix)
  const move = { [action]: { daysAfterCreationGreaterThan: coldDays(cold) } }
  const rule = {
    name: id,
    enabled: true,
    type: 'Lifecycle',
    definition: {
      filters: { blobTypes: ['blockBlob'], prefixMatch: [`${container}/${prefix}`] },
      actions: { baseBlob: move, version: move },
    },
  }
  return { id, rule: JSON.stringify(rule), standing: false }
}
