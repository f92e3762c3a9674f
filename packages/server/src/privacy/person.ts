import type { PersonAlias } from '../event/person-alias.ts'

/** What is known of whom some names lead to: counts, never a value. */
export interface PersonView {
  /** How many different people they lead to; more than one: they can be merged. */
  readonly people: number
  readonly keys: number
  readonly aliases: number
  /** Vault rows, one for each event with values of theirs. */
  readonly records: number
  /** Of these, events with values of more than one of the people the names lead to. */
  readonly together: number
  /** Keys of calls and messages they were a party of. */
  readonly interactions: number
  /** Other people in the same events, in how many each, most first; the first 20. */
  readonly seenWith: ReadonlyArray<{ readonly records: number }>
  /** All of them. */
  readonly others: number
}

/** Who orders it: the name of a token. */
export interface PersonOfficer {
  readonly name: string
}

/** Where names are brought together and taken apart. */
export interface PersonDesk {
  /** @throws SealtrailError NOT_FOUND (nobody is known by one of the names), DATA_CORRUPT */
  show(person: readonly PersonAlias[]): Promise<PersonView>
  /** From here on the names are one person's. @throws SealtrailError NOT_FOUND, BAD_REQUEST (they are one already), TOO_LARGE */
  merge(order: { readonly person: readonly PersonAlias[]; readonly reason: string }, by: PersonOfficer): Promise<PersonView>
  /** From here on the name is somebody else's; what was written stays where it is. @throws SealtrailError NOT_FOUND, BAD_REQUEST (it is the only name of its key) */
  split(order: { readonly alias: PersonAlias; readonly reason: string }, by: PersonOfficer): Promise<PersonView>
}
