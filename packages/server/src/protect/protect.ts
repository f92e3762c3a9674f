import type { JsonObject } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import type { FieldNode } from '../pack/pack.ts'
import type { ProtectEnv } from './env.ts'
import { sensitiveFields } from './sensitive.ts'
import { Walk } from './walk.ts'
import type { Hit, OwnerDisclosures, SearchToken } from './walk.ts'

export type { ProtectEnv } from './env.ts'

export type ProtectResult =
  | {
      readonly kind: 'protected'
      /** The event's data with a commitment in place of every personal value. */
      readonly data: JsonObject
      /** What the vault keeps: personal values in clear, in memory only. */
      readonly owners: readonly OwnerDisclosures[]
      readonly tokens: readonly SearchToken[]
      /** Digest (base64url) of the first disclosure, or null when there is none. */
      readonly firstDigest: string | null
      /** What detection found in fields nobody calls personal, to be counted; the values are committed. */
      readonly hits: readonly Hit[]
    }
  /** A field holds a personal value and is part of the record's id, subject, source, type or tag: it cannot be sealed like that. */
  | { readonly kind: 'exposed'; readonly hit: Hit }
  /** The event carries sensitive authentication data in these fields: nothing of its data may be kept. */
  | { readonly kind: 'refused'; readonly fields: readonly string[] }

/**
 * Takes every personal value out of an event: commitments stay in its place, disclosures go to their owners. Pure but for
 * the randomness `env` holds. The event is left as it was.
 *
 * - what the pack calls personal is committed under the key of whose it is, or of the interaction;
 * - of what is verify-only its salt is put aside, not its value;
 * - what nobody has classified is committed under the interaction's key, except booleans and null (default-deny);
 * - a member nobody has named and whose name is no word, or is personal itself, is committed with its name, under `*`;
 * - what is plain stays, unless detection finds a card number, IBAN, e-mail address, phone or social security number in it, also in pieces;
 * - a card security code, track data or a PIN anywhere refuses the event.
 * @param refusedInRaw `sensitiveFields` of the input the event was mapped from, made once for all its events.
 */
export function protect(event: MappedEvent, fields: FieldNode, env: ProtectEnv, refusedInRaw: readonly string[] = []): ProtectResult {
  const sensitive = refusedInRaw.length > 0 ? refusedInRaw : sensitiveFields(event.data)
  if (sensitive.length > 0) return { kind: 'refused', fields: sensitive }
  const walk = new Walk(event, env)
  const data = walk.object(event.data, fields, '', 0)
  if (walk.refused.length > 0) return { kind: 'refused', fields: walk.refused }
  if (walk.exposed !== null) return { kind: 'exposed', hit: walk.exposed }
  return { kind: 'protected', data, owners: walk.owners, tokens: walk.tokens, firstDigest: walk.firstDigest, hits: walk.hits }
}
