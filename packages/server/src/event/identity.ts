import { auditId } from '@sealtrail/evidence'
import type { KeyedHashes } from '../keys/keys.ts'

/** Who an event is, for ever: nothing in it is random, so a resend is the same event. */
export interface Identity {
  /** 32 bytes, latin1: HMAC-SHA-256 with the naming key over tenant, trail and id. Duplicates are decided on all of them. */
  readonly identity: string
  /** 26 characters: event time and the first 10 bytes of the identity. */
  readonly auditid: string
}

/**
 * The identity of an event by its pack's id. Tenant and trail names hold no newline, so no two triples make the same text.
 * @param timeMs event time in ms since the epoch, NaN when it has none.
 */
export function identify(keys: Pick<KeyedHashes, 'name'>, tenant: string, trail: string, id: string, timeMs: number): Identity {
  const identity = keys.name(tenant + '\n' + trail + '\n' + id)
  return { identity, auditid: auditId(timeMs, identity) }
}
