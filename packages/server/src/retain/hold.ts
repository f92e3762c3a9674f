import type { JsonObject } from '../event/json.ts'

/** `record`: records and objects stay, values may still be erased. `content`: the disclosed values stay, too. */
export type HoldScope = 'record' | 'content'
export const HOLD_SCOPES: readonly HoldScope[] = ['record', 'content']

/** What is held: all records of a subject, in every log, or leaves [from, to) of one log; `to` null: also all that follow. Those sealed later are held as well. */
export type HoldTarget =
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'range'; readonly log: string; readonly from: number; readonly to: number | null }

/** Who did something when, and why. */
export interface HoldAct {
  /** Names of tokens. */
  readonly by: string
  readonly approvedBy: string | null
  /** RFC 3339. */
  readonly at: string
  readonly reason: string
}

/** A legal hold as it was sealed. */
export interface Hold {
  /** 32 hex characters, random. */
  readonly id: string
  readonly target: HoldTarget
  readonly scope: HoldScope
  readonly placed: HoldAct
  readonly released: HoldAct | null
  /** Objects of the store found held, and released again, when that was last done and sealed; null: not done yet. */
  readonly held: number | null
  readonly let: number | null
}

/** What waits for a second person. */
export interface HoldRequest {
  readonly op: 'place' | 'release'
  readonly id: string
  readonly by: string
  readonly at: string
  /** RFC 3339: not to be approved any more. */
  readonly expires: string
  readonly reason: string
  /** Of a release those of the hold. */
  readonly target: HoldTarget
  readonly scope: HoldScope
}

/** A hold as its users see it. */
export interface HoldView {
  readonly id: string
  readonly subject?: string
  readonly range?: string
  readonly scope: HoldScope
  readonly state: 'requested' | 'placed' | 'released'
  readonly placed: HoldAct | null
  readonly released: HoldAct | null
  /** What waits for a second person, or null. */
  readonly request: Pick<HoldRequest, 'op' | 'by' | 'at' | 'expires' | 'reason'> | null
  /** Objects of the store that carry it, read back; null while that is under way. */
  readonly objects: number | null
  /** Of scope `content`: erasures that had begun before it was placed. What they destroy it does not keep; their certificates say which records. */
  readonly erasing?: readonly string[]
}

/** Who asks for, or approves, something. */
export interface HoldOfficer {
  readonly name: string
}

/** What is asked for. */
export interface HoldAsked {
  readonly target: HoldTarget
  readonly scope: HoldScope
  readonly reason: string
}

/** The desk holds are asked for at. */
export interface HoldDesk {
  /** @throws SealtrailError NOT_FOUND (no record of it), HOLD_EXISTS, UNKNOWN_TRAIL, BAD_REQUEST, LOG_STOPPED, NOT_READY */
  place(asked: HoldAsked, by: HoldOfficer): Promise<HoldView>
  /** @throws SealtrailError NOT_FOUND (no such hold, or released already), HOLD_EXISTS (asked for already) */
  release(id: string, reason: string, by: HoldOfficer): Promise<HoldView>
  /** @throws SealtrailError NOT_FOUND (nothing waits, or it has expired), SAME_APPROVER */
  approve(id: string, by: HoldOfficer): Promise<HoldView>
  /** Newest first. @throws SealtrailError DATA_CORRUPT when the system log cannot be read */
  list(): Promise<HoldView[]>
}

/** `LOG:A..B`, `LOG:A..` */
export function rangeText({ log, from, to }: Extract<HoldTarget, { kind: 'range' }>): string {
  return `${log}:${from}..${to ?? ''}`
}

/** As it stands in records. */
export function targetData(target: HoldTarget): JsonObject {
  return target.kind === 'subject' ? { subject: target.subject } : { range: { from: target.from, log: target.log, to: target.to } }
}

/** The target a record names, or null when it is none: what is sealed may have been written by a later version. */
export function targetOf(data: unknown): HoldTarget | null {
  if (typeof data !== 'object' || data === null) return null
  const { subject, range } = data as { subject?: unknown; range?: unknown }
  if (typeof subject === 'string' && subject !== '') return { kind: 'subject', subject }
  if (typeof range !== 'object' || range === null) return null
  const { log, from, to } = range as { log?: unknown; from?: unknown; to?: unknown }
  const whole = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  return typeof log === 'string' && whole(from) && (to === null || whole(to)) ? { kind: 'range', log, from, to } : null
}
