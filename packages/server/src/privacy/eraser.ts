import type { CertificateBody, CertificateRecord } from '@sealtrail/evidence'
import type { PersonKeys } from '../vault/erasable.ts'

/** A sealed record that holds values under the keys; of several copies each is one. */
export interface AffectedRecord extends CertificateRecord {
  readonly subject: string
  /** RFC 3339, when it was received. */
  readonly recordedtime: string
  /** Whether values of other people are in it, too. */
  readonly withOthers: boolean
}

/** Everything the keys open. */
export interface Found {
  readonly records: readonly AffectedRecord[]
  /** Keys (16 bytes, latin1) of the interactions that the person was a party of. */
  readonly interactions: readonly string[]
  /** Rows whose event is accepted and not sealed yet. */
  readonly waiting: number
  /** Quarantined inputs: `named` hold one of the aliases and go along, of `others` nobody can tell whom they name. */
  readonly quarantined: { readonly named: number; readonly others: number }
}

/** An erasure that is to be done: what the work file keeps until it is completed. */
export interface EraseOrder {
  readonly id: string
  readonly person: PersonKeys
  readonly requested: CertificateBody['requested']
  readonly approved: CertificateBody['approved']
  /** RFC 3339, of the sealed intent. */
  readonly started: string
}

/** Does it. No step before the intent is sealed, no completion before every step is done. */
export interface Eraser {
  /** @param onProgress told of rows read */
  find(person: PersonKeys, onProgress?: (rows: number) => void): Promise<Found>
  /**
   * Everything between the sealed intent and the sealed completion; called again after a crash it goes on. Resolves to what the
   * certificate says, stored as an object of `system`; the desk seals the completion. @throws SealtrailError NOT_DURABLE, KEY_UNAVAILABLE: try again later, nothing is undone
   */
  execute(order: EraseOrder, onProgress?: (step: string, done: number) => void): Promise<CertificateBody>
}
