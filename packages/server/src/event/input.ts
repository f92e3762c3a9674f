import type { ErrorCode } from '../errors.ts'
import type { JsonObject } from './json.ts'

/** How a record reached us: a CloudEvents extension attribute of every record. */
export type Provenance = 'pushed' | 'polled' | 'backfilled' | 'imported'

/** One event as a source hands it on: authenticated, decoded, with the receive time fixed. */
export interface Input {
  /** The event's own JSON bytes as received (quarantine commits to them); never logged. */
  readonly bytes: Uint8Array
  /** The parsed event, or null with `problem` when the bytes are not I-JSON. */
  readonly value: JsonObject | null
  readonly problem: { code: ErrorCode; message: string } | null
  /** CloudEvents context attributes when the event came as one (binary mode takes them from headers). */
  readonly context: Readonly<Record<string, string>> | null
  /** The trail named by the sender, or null: the first trail whose pack matches. */
  readonly trail: string | null
  /** Milliseconds since the epoch when the request was received. */
  readonly receivedMs: number
  readonly provenance: Provenance
}

export type Outcome = 'sealed' | 'held' | 'duplicate' | 'filtered' | 'quarantined' | 'refused'

/** C2SP-provable acknowledgement. Lean (no checkpoint, no proof) in answers to many events unless asked for. */
export interface Receipt {
  auditid: string
  log: string
  index: number
  integrity_hash?: string
  /** The signed note, whole. */
  checkpoint?: string
  /** Inclusion proof, base64 hashes, leaf's sibling first. */
  proof?: string[]
  published?: boolean
}

/** What became of one mapped event. */
export interface RecordResult {
  outcome: Outcome
  auditid?: string
  superseded?: boolean
  code?: ErrorCode
  receipt?: Receipt
}

/** What became of one input. An input that fanned out to several events lists them in `records` and counts once. */
export interface InputResult extends RecordResult {
  /** Never holds a personal value. */
  message?: string
  records?: RecordResult[]
}
