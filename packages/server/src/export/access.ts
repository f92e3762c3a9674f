import { auditIdBytes } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import { vaultValues } from '../index/disclose.ts'
import type { Records } from '../index/records.ts'
import type { Sight } from '../index/views.ts'
import { latin1, decodeRow } from '../vault/row.ts'
import type { PersonKeys } from '../vault/erasable.ts'
import type { Vault } from '../vault/vault.ts'

/** Whom a subject access is about, as the vault knows them; in memory only. */
export interface AccessGround {
  /** Keys of the person, 16 bytes latin1. */
  readonly keyIds: readonly string[]
  /** Audit ids of the events that hold a value under one of them. */
  readonly auditids: readonly string[]
}

export interface AccessDeps {
  readonly vault: Pick<Vault, 'rows' | 'open'>
  readonly records: Pick<Records, 'record'>
  /** Tokens of an interaction's own key. */
  interactionTokens(subject: string): readonly string[]
  personOf(tokens: readonly string[]): Promise<PersonKeys>
}

/** Keys of an interaction's own, and whether somebody else has values in it. */
interface Interaction {
  readonly keyIds: ReadonlySet<string>
  withOthers: boolean
}

/**
 * What a person is shown of themselves: the values under their own keys, and those that belong to nobody known in
 * interactions in which nobody else has any. What is under another person's key stays sealed, and so does what belongs to
 * nobody known where others take part: it may be about them (GDPR Art. 15(4)).
 */
export class AccessSight {
  readonly #own: ReadonlySet<string>
  readonly #deps: AccessDeps
  readonly #interactions = new Map<string, Interaction>()

  constructor({ keyIds }: AccessGround, deps: AccessDeps) {
    this.#own = new Set(keyIds)
    this.#deps = deps
  }

  /** Looks at all records that will be shown, before the first is: who takes part in an interaction is said by all of it. */
  async learn(selection: ReadonlyMap<string, readonly number[]>): Promise<void> {
    for (const [log, indexes] of selection)
      for (const index of indexes) {
        const bytes = await this.#deps.records.record(log, index)
        if (bytes === null) continue
        const { auditid, subject } = JSON.parse(Buffer.from(bytes).toString()) as RecordFields
        const interaction = await this.#interaction(subject)
        for (const keyId of await this.#keysOf(auditid)) if (!this.#own.has(keyId) && !interaction.keyIds.has(keyId)) interaction.withOthers = true
      }
  }

  async of({ auditid, subject }: Pick<RecordFields, 'auditid' | 'subject'>): Promise<Pick<Sight, 'sees'>> {
    const { keyIds, withOthers } = await this.#interaction(subject)
    const mine = (keyId: string): boolean => this.#own.has(keyId) || (!withOthers && keyIds.has(keyId))
    const { vault } = this.#deps
    const { known } = await vaultValues(auditid, {
      rows: (id) => vault.rows(id),
      async open(row, id) {
        const parts = decodeRow(row.key, row.value)?.parts ?? []
        return (await vault.open(row, id)).filter((_, i) => parts[i] !== undefined && mine(latin1(parts[i].keyId)))
      },
    })
    return { sees: (_, digest) => known.has(digest) }
  }

  async #interaction(subject: string): Promise<Interaction> {
    let known = this.#interactions.get(subject)
    if (known === undefined) {
      const { keyIds } = await this.#deps.personOf(this.#deps.interactionTokens(subject))
      this.#interactions.set(subject, (known = { keyIds: new Set(keyIds), withOthers: false }))
    }
    return known
  }

  async #keysOf(auditid: string): Promise<string[]> {
    const rows = await this.#deps.vault.rows(auditIdBytes(auditid))
    return rows.flatMap((row) => (decodeRow(row.key, row.value)?.parts ?? []).map(({ keyId }) => latin1(keyId)))
  }
}
