import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { PersonAlias } from '../event/person-alias.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { ErasableVault, PersonKeys } from '../vault/erasable.ts'
import type { Eraser } from './eraser.ts'
import type { People } from './people.ts'
import type { PersonDesk, PersonView } from './person.ts'

export interface PersonDeskDeps {
  readonly people: Pick<People, 'tokensOf'>
  readonly vault: Pick<ErasableVault, 'personOf' | 'rowsUnder'> & {
    /** Each list is one person's tokens; the first one's key is current. @throws SealtrailError TOO_LARGE */
    merge(people: ReadonlyArray<readonly string[]>): Promise<void>
    /** The tokens of one name get a key of their own; resolves to how many keys they left. @throws SealtrailError BAD_REQUEST */
    split(tokens: readonly string[]): Promise<number>
    /** @throws SealtrailError BAD_REQUEST as `split` would */
    assertSplit(tokens: readonly string[]): Promise<void>
  }
  readonly eraser: Pick<Eraser, 'find'>
  /** Seals something in `system`. @throws SealtrailError NOT_DURABLE, LOG_STOPPED */
  seal(event: { readonly what: string; readonly subject: string; readonly id: string; readonly data: JsonObject }): Promise<void>
  /** Nothing else changes who is who meanwhile, and no erasure begins. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** 32 hex characters. */
  newId(): string
}

const SHOWN = 20
/** So many a key's row can name. */
const MOST_ALIASES = 255

/** People as their names lead to them. What is sealed of an order holds no name, no token and no id of a key: only who, why and how many. */
export function personDesk(deps: PersonDeskDeps): PersonDesk {
  const { vault } = deps

  /** Whom each name leads to, each person once. */
  async function meant(person: readonly PersonAlias[]): Promise<PersonKeys[]> {
    const found: PersonKeys[] = []
    for (const alias of person) {
      const each = await vault.personOf(deps.people.tokensOf([alias]))
      if (each.keyIds.length === 0) throw new SealtrailError('NOT_FOUND', 'nobody is known by one of these names')
      if (!found.some(({ keyIds }) => keyIds.includes(each.keyIds[0] as string))) found.push(each)
    }
    return found
  }

  async function view(people: readonly PersonKeys[]): Promise<PersonView> {
    const owner = new Map(people.flatMap(({ keyIds }, i) => keyIds.map((id): [string, number] => [id, i])))
    const all = { keyIds: [...owner.keys()], tokens: [...new Set(people.flatMap(({ tokens }) => tokens))] }
    const interactions = new Set((await deps.eraser.find(all)).interactions)
    const seen = new Map<string, number>()
    let [records, together] = [0, 0]
    for await (const { keyIds, otherKeyIds } of vault.rowsUnder(new Set(owner.keys()))) {
      records++
      if (new Set(keyIds.map((id) => owner.get(id))).size > 1) together++
      for (const id of new Set(otherKeyIds)) if (!interactions.has(id)) seen.set(id, (seen.get(id) ?? 0) + 1)
    }
    const seenWith = [...seen.values()].sort((a, b) => b - a).map((count) => ({ records: count }))
    return {
      people: people.length,
      keys: all.keyIds.length,
      aliases: all.tokens.length,
      records,
      together,
      interactions: interactions.size,
      seenWith: seenWith.slice(0, SHOWN),
      others: seenWith.length,
    }
  }

  return {
    async show(person) {
      return view(await meant(person))
    },

    async merge({ person, reason }, { name }) {
      await deps.alone(async () => {
        const people = await meant(person)
        if (people.length < 2) throw new SealtrailError('BAD_REQUEST', 'these names are one person’s already')
        const id = deps.newId()
        const [keys, aliases] = [people.flatMap(({ keyIds }) => keyIds).length, people.flatMap(({ tokens }) => tokens).length]
        if (aliases > MOST_ALIASES) throw new SealtrailError('TOO_LARGE', `a person has ${MOST_ALIASES} aliases at most; these have ${aliases} together`)
        await deps.seal({
          what: 'people-merged',
          subject: `people/${id}`,
          id: `people/${id}`,
          data: { aliases, by: name, keys, people: people.length, reason },
        })
        // Dying here: it is sealed that it was ordered, and nobody has an answer. Asked again it is done, and sealed once more.
        crashPoint('people:sealed')
        await vault.merge(people.map(({ tokens }) => tokens))
      })
      return view(await meant(person))
    },

    async split({ alias, reason }, { name }) {
      await deps.alone(async () => {
        const tokens = deps.people.tokensOf([alias])
        const id = deps.newId()
        if (!(await vault.personOf(tokens).then(({ keyIds }) => keyIds.length > 0, isCorrupt)))
          throw new SealtrailError('NOT_FOUND', 'nobody is known by this name')
        // What cannot be done is not sealed as ordered.
        await vault.assertSplit(tokens)
        await deps.seal({ what: 'alias-split', subject: `people/${id}`, id: `people/${id}`, data: { by: name, reason } })
        // As above.
        crashPoint('people:sealed')
        await vault.split(tokens)
      })
      return view(await meant([alias]))
    },
  }
}

/** A name whose row was put in another's place is what `split` mends. */
function isCorrupt(error: unknown): true {
  if (error instanceof SealtrailError && error.code === 'DATA_CORRUPT') return true
  throw error
}
