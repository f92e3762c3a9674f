import type { PersonAlias } from '../event/person-alias.ts'

/** What is asked for. Texts are sealed in clear, so they name the matter, not the person. */
export interface ErasureAsked {
  readonly person: readonly PersonAlias[]
  /** On what ground, e.g. `GDPR Art. 17(1)(b)`. */
  readonly ground: string
  /** The matter, e.g. a ticket number, or null. */
  readonly reference: string | null
}

/** Why values cannot be erased now. */
export type ErasureBlock =
  /** A legal hold in scope `content`; it ends when it is released. Where the holds cannot be read, everything counts as held: `hold` is '' then. */
  | { readonly kind: 'hold'; readonly hold: string; readonly reason: string; readonly records: number }
  /** A legal obligation to keep the content of what is in this log; `until`: RFC 3339, of the last record. */
  | { readonly kind: 'obligation'; readonly log: string; readonly basis: string; readonly until: string; readonly records: number }

/** Records of one log that hold values of the person. */
export interface AffectedLog {
  readonly log: string
  readonly trail: string
  readonly records: number
  /** Values that will be gone: those of the person, and those of nobody known in the same calls. */
  readonly fields: number
  /** Records among them that hold values of other people, which stay. */
  readonly withOthers: number
  /** RFC 3339, event time of the first and last. */
  readonly first: string | null
  readonly last: string | null
}

/** What would happen, and what stays. Says nothing that is not in the log already but counts. */
export interface ErasurePlan {
  readonly aliases: number
  readonly keys: number
  /** Keys of calls and messages whose ownerless values go along, since this person was a party. */
  readonly interactions: number
  readonly logs: readonly AffectedLog[]
  /** Accepted and not sealed yet; they are sealed first. */
  readonly waiting: number
  readonly blocks: readonly ErasureBlock[]
  /** Exports handed out that hold records of the person: they cannot be reached. */
  readonly exports: ReadonlyArray<{ readonly id: string; readonly at: string; readonly to: string; readonly purpose: string | null }>
  /** Plain sentences for whoever decides: what stays and still verifies, what cannot be reached. */
  readonly stays: readonly string[]
  readonly needsApproval: boolean
}

export type ErasureState =
  /** Waits for a second person. */
  | 'requested'
  /** Approved, and blocked: begins by itself when the last block ends. */
  | 'deferred'
  /** The intent is sealed; it will be completed, whatever happens. */
  | 'running'
  | 'completed'
  | 'withdrawn'
  | 'expired'

export const ERASURE_STATES: readonly ErasureState[] = ['requested', 'deferred', 'running', 'completed', 'withdrawn', 'expired']

export interface ErasureAct {
  /** Name of a token, or `sealtrail`. */
  readonly by: string
  /** RFC 3339. */
  readonly at: string
}

/** An erasure as its users see it. */
export interface ErasureView {
  /** 32 hex characters; the certificate's id, too. */
  readonly id: string
  readonly state: ErasureState
  readonly ground: string
  readonly reference: string | null
  readonly requested: ErasureAct
  readonly approved: ErasureAct | null
  readonly withdrawn: (ErasureAct & { readonly reason: string }) | null
  /** Until when it can be approved, RFC 3339; null when nobody need. */
  readonly expires: string | null
  readonly blocks: readonly ErasureBlock[]
  readonly started: string | null
  readonly completed: string | null
  readonly records: number | null
  /** `sha256:` hex of the certificate's body, once completed. */
  readonly certificate: string | null
  /** What the server is at, while it runs. */
  readonly progress: { readonly step: string; readonly done: number } | null
  /** Why it does not go on, or null; what can be tried again is. */
  readonly problem: string | null
}

/** Who asks for, or approves, something. */
export interface ErasureOfficer {
  readonly name: string
}

/** The desk erasures are asked for at. */
export interface ErasureDesk {
  /** @throws SealtrailError NOT_FOUND (nobody is known by it) */
  plan(asked: Pick<ErasureAsked, 'person'>): Promise<ErasurePlan>
  /** Without dual control it begins at once, or is deferred. @throws SealtrailError NOT_FOUND, ERASURE_EXISTS */
  request(asked: ErasureAsked, by: ErasureOfficer): Promise<ErasureView>
  /** @throws SealtrailError NOT_FOUND (nothing waits, or it has expired), SAME_APPROVER */
  approve(id: string, by: ErasureOfficer): Promise<ErasureView>
  /** Only before it runs. @throws SealtrailError NOT_FOUND, ERASURE_RUNNING */
  withdraw(id: string, reason: string, by: ErasureOfficer): Promise<ErasureView>
  /** Newest first. */
  list(): Promise<ErasureView[]>
  /** @throws SealtrailError NOT_FOUND */
  get(id: string): Promise<ErasureView>
}
