import { flatten, wrapRecord } from '@sealtrail/evidence'
import type { BundleField, FieldState, JsonObject } from '@sealtrail/evidence'
import { fieldName, vaultValues } from '../index/disclose.ts'
import { reasonsOf } from '../index/gone.ts'
import type { ErasedUnder } from '../index/gone.ts'
import type { Sight } from '../index/views.ts'
import type { Vault } from '../vault/vault.ts'

/** What became of a record's commitments for one reader: the same states the read API gives, one for each commitment. */
export interface RecordValues {
  readonly fields: readonly BundleField[]
  /** Exactly those of the fields that are `disclosed`, in their order. */
  readonly disclosures: readonly string[]
}

const NONE: RecordValues = { fields: [], disclosures: [] }

/** A value is disclosed only if the reader may see its field, the vault opens it, and its digest is in the record. No mask: nobody could check one. */
export async function valuesOf(
  auditid: string,
  data: JsonObject,
  sight: Pick<Sight, 'sees'>,
  vault: Pick<Vault, 'rows' | 'open'>,
  erasedUnder: ErasedUnder,
): Promise<RecordValues> {
  const committed = flatten(data, []).fields
  if (committed.length === 0) return NONE
  const { known, kept, gone, erasures } = await vaultValues(auditid, vault)
  const reasonOf = await reasonsOf(auditid, erasures, erasedUnder)
  const disclosures: string[] = []
  const fields = committed.map(({ path, digest }): BundleField => {
    const disclosure = known.get(digest)
    if (disclosure === undefined) return { path, digest, ...(kept.has(digest) ? { state: 'sealed' } : (reasonOf(digest) ?? { state: gone })) }
    if (!sight.sees(fieldName(path), digest)) return { path, digest, state: 'sealed' }
    disclosures.push(disclosure)
    return { path, digest, state: 'disclosed' }
  })
  return { fields, disclosures }
}

/** Signs the SD-JWTs of a bundle. */
export interface WrapperKey {
  readonly kid: string
  /** Raw Ed25519 public key, base64url. */
  readonly x: string
  /** 64 bytes over ASCII. */
  sign(text: string): Uint8Array
}

/** The record as an SD-JWT (RFC 9901): its payload is the record with `_sd_alg` in front, its disclosures those given. */
export function sdJwt(record: Uint8Array, disclosures: readonly string[], { kid, sign }: WrapperKey): string {
  const header = Buffer.from(`{"alg":"EdDSA","kid":"${kid}","typ":"sealtrail-record+sd-jwt"}`).toString('base64url')
  const input = `${header}.${Buffer.from(wrapRecord(record)).toString('base64url')}`
  return `${input}.${Buffer.from(sign(input)).toString('base64url')}~${disclosures.map((each) => `${each}~`).join('')}`
}

export function noFields(): Record<FieldState, number> {
  return { disclosed: 0, sealed: 0, erased: 0, expired: 0, missing: 0 }
}
