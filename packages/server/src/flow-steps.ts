import type { SealtrailError } from './errors.ts'
import type { Batch } from './event/batch.ts'
import type { Draft, StoredObject } from './event/draft.ts'
import type { Journalled } from './event/entry.ts'
import type { Input } from './event/input.ts'
import type { MappedEvent } from './event/mapped.ts'
import type { Journal } from './journal/journal.ts'
import type { PackResult } from './pack/pack.ts'
import type { Ledger } from './sequence/ledger.ts'
import type { SubjectLogs } from './sequence/subject-logs.ts'
import type { DataKey, OwnerTokens, Vault } from './vault/vault.ts'

/** The ingest half of the flow as ports; `threads/ingest.ts` fills them in. All pure but `keysFor`. */
export interface TakeSteps {
  /** filter and map: the first pack of the input's trail, or of any trail, that matches. */
  apply(input: Input): PackResult
  /** protect: the draft of a record without personal values, or the draft of its refusal. */
  protect(event: MappedEvent, input: Input, position: number): Draft
  /** The draft of a quarantine record: everything committed but the reason. */
  quarantine(input: Input, position: number, reason: QuarantineReason): Draft
  /** vault: the data keys of people and interactions, made when unknown. */
  keysFor(owners: readonly OwnerTokens[]): Promise<readonly DataKey[]>
  encode(drafts: readonly Draft[], keys: readonly DataKey[]): Omit<Batch, 'wait'>
  /** Drops every key that is remembered here, and all that is kept in memory of personal values. */
  forget(): void
}

/** `trail`: of the pack that knows the input, else it is the sender's or the first. */
export interface QuarantineReason {
  readonly code: string
  readonly message: string
  readonly trail?: string
}

export interface Taken {
  readonly batch: Omit<Batch, 'wait'>
  readonly drafts: readonly Draft[]
  /** Per input: how many of its events a filter dropped. */
  readonly dropped: Uint32Array
  /** Per input: the trail of the pack that knows it, the one the sender named when none does, '' when there is neither. */
  readonly trails: string[]
}

/** The sealing half as ports. */
export interface KeepSteps {
  readonly ledger: Ledger
  readonly vault: Vault
  readonly journal: Journal
  /** Makes what does not fit a record durable in the write-once store, read back. @throws SealtrailError NOT_DURABLE */
  storeObject(log: string, subject: string, object: StoredObject): Promise<void>
  /** sequence → seal → index of one log; takes only durable entries. */
  place(log: string, entries: readonly Journalled[]): void
  /** Why nothing can be accepted for the log, or null. */
  refusal(log: string): SealtrailError | null
  /** The newest signed checkpoint of the log. */
  checkpoint(log: string): string
  /** Which log of its trail a subject is in; null when no trail has more than one. */
  readonly homes: SubjectLogs | null
  /** A subject that stands in `log` is to be kept as long as `asked` keeps; durable when it resolves. @throws SealtrailError */
  keepLonger(subject: string, log: string, asked: string): Promise<void>
  /** Two contents under one identity: sealed in the system trail, once per fingerprint. */
  conflict(log: string, standing: { identity: string; fingerprint: string; timeMs: number }, offered: { fingerprint: string }): void
  readonly answerWithinMs: number
}
