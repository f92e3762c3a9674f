import type { Config } from '../config/config.ts'
import type { Sealing } from '../config/sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { AccessGround } from '../export/access.ts'
import { personAlias } from '../event/person-alias.ts'
import { auditidOf } from '../privacy/places.ts'
import { peopleOf } from './open-erasing.ts'

/**
 * Whom names lead to, by any of them, and the events that hold a value under one of their keys: the whole vault is read, so
 * that nothing depends on what was made searchable. @throws SealtrailError BAD_REQUEST, NOT_FOUND
 */
export async function accessGround(aliases: readonly string[], config: Config, sealing: Sealing): Promise<AccessGround> {
  const people = peopleOf(config, sealing)
  const { keyIds } = await people.personOf(people.tokensOf(aliases.map(personAlias)))
  if (keyIds.length === 0) throw new SealtrailError('NOT_FOUND', 'nobody is known by this name; nothing is held under it, or it was erased')
  const auditids = new Set<string>()
  for await (const { key, redacted } of sealing.vault.rowsUnder(new Set(keyIds))) if (!redacted) auditids.add(auditidOf(key))
  return { keyIds, auditids: [...auditids] }
}
