import type { BundleLog } from '@sealtrail/evidence'
import type { ErrorCode } from '../errors.ts'
import type { AccessGround } from './access.ts'
import type { Opening } from '../index/views.ts'

/** What may be asked for. Ranges are leaves [from, to) of one log; `to` null: up to the newest. */
export type ExportAsked =
  | { readonly kind: 'subject'; readonly subject: string }
  /** All that is held on one person, known by any of these names (`KIND:VALUE`, or a value alone). Kept in memory as the alias of `person` is. */
  | { readonly kind: 'subject-access'; readonly aliases: readonly string[] }
  /** attacker and privacy: the alias is kept in memory while the export is made, and written nowhere. */
  | { readonly kind: 'person'; readonly alias: string }
  | { readonly kind: 'range'; readonly log: string; readonly from: number; readonly to: number | null }
  | { readonly kind: 'query'; readonly query: Readonly<Record<string, string>> }

/** Who asks: the role decides which personal values the bundle holds. */
export interface Requester {
  readonly name: string
  readonly role: 'auditor' | 'officer' | 'admin'
  readonly purpose: string | null
}

/** One export to be made. */
export interface ExportOrder {
  /** 32 hex characters, random. */
  readonly id: string
  readonly asked: ExportAsked
  readonly requester: Requester
  /** What grants open to the requester, when it is made. */
  readonly openings: readonly Opening[]
  /** Of a subject access whom it is about; else null. */
  readonly access: AccessGround | null
  readonly createdMs: number
}

/** An export as its requester sees it, and as `exports/<id>.json` keeps it. */
export interface ExportJob {
  readonly id: string
  readonly state: 'queued' | 'running' | 'ready' | 'failed'
  readonly kind: ExportAsked['kind']
  readonly created: string
  readonly requester: Requester
  /** Records written so far; all of them once it is ready. */
  readonly records: number
  /** When the file is removed; null until it is ready. */
  readonly expires: string | null
  /** Of the zip, once it is ready. */
  readonly size?: number
  readonly sha256?: string
  /** SHA-256 of its manifest, as sealed in the system log. */
  readonly manifest?: string
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

/** A bundle that was written. */
export interface ExportMade {
  readonly size: number
  /** Lower-case hex. */
  readonly sha256: string
  readonly manifest: string
  readonly records: number
  readonly logs: readonly BundleLog[]
  /** Log → runs of consecutive indexes [from, to) it holds. */
  readonly runs: Readonly<Record<string, ReadonlyArray<readonly [number, number]>>>
  /** Log → dotted paths of the fields of which a value is in it. */
  readonly disclosed: Readonly<Record<string, readonly string[]>>
  /** Codes of time stamps that do not verify and were left out. */
  readonly unfitStamps: readonly string[]
}

/** Makes the bundle at `path`. @throws SealtrailError; the file is then not there */
export type MakeExport = (order: ExportOrder, path: string, onProgress: (records: number) => void) => Promise<ExportMade>
