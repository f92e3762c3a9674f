import { SealtrailError } from '../errors.ts'
import type { PersonAlias } from '../event/person-alias.ts'
import type { PersonKeys } from '../vault/erasable.ts'
import type { ErasureFile } from './work-file.ts'

/** Where people are looked up by their names. */
export interface People {
  /** Every token a name may be known by. @throws SealtrailError BAD_REQUEST */
  tokensOf(person: readonly PersonAlias[]): readonly string[]
  /** Whom the tokens lead to; nobody: both lists are empty. */
  personOf(tokens: readonly string[]): Promise<PersonKeys>
  /** Per key the erasure (32 hex characters) that destroyed it, or null. @throws SealtrailError KEY_UNKNOWN, KEY_UNAVAILABLE */
  destroyedBy(keyIds: readonly string[]): Promise<ReadonlyArray<string | null>>
}

/** What a request's file says of the names that were given. */
export type Asked = NonNullable<ErasureFile['asked']>

/** Whom each of the tokens leads to, and who that is altogether; nobody: `person` has no keys. */
export async function lookUp(tokens: readonly string[], people: Pick<People, 'personOf'>): Promise<{ asked: Asked; person: PersonKeys }> {
  const asked: Array<Asked[number]> = []
  for (const token of tokens) asked.push({ token, keyIds: (await people.personOf([token])).keyIds })
  return { asked, person: await people.personOf(tokens) }
}

/**
 * Whom a request means by now: people get further keys and names while it waits. Null when every key is destroyed already,
 * with the erasures that did it.
 * @throws SealtrailError NOT_FOUND when a name leads elsewhere than it did: then nobody can tell whom the request meant. DATA_CORRUPT
 */
export async function meantNow(before: Asked, people: People): Promise<{ person: PersonKeys } | { person: null; erasures: readonly string[] }> {
  // Of nobody every key would be destroyed.
  if (before.length === 0) throw new SealtrailError('DATA_CORRUPT', 'the file of the erasure does not say who was asked for; withdraw it, and ask again')
  const { asked, person } = await lookUp(
    before.map(({ token }) => token),
    people,
  )
  // Keys that a name led to and does not lead to any more: destroyed, or it was taken apart.
  const elsewhere = before.flatMap(({ keyIds }, i) => keyIds.filter((id) => asked[i]?.keyIds.includes(id) !== true))
  const destroyed = await people.destroyedBy(elsewhere)
  if (destroyed.every((by) => by !== null)) return person.keyIds.length > 0 ? { person } : { person: null, erasures: [...new Set(destroyed)] }
  if (person.keyIds.length === 0)
    throw new SealtrailError('DATA_CORRUPT', 'the names of the person lead to no key any more, and the keys are not destroyed; see `sealtrail verify`')
  throw new SealtrailError('NOT_FOUND', 'a name of the person leads elsewhere than when it was asked for: withdraw it, see whom each name means, and ask again')
}
