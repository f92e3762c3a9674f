import type { Viewer } from '../http/ports.ts'
import type { Opening, OpenTarget } from '../index/views.ts'

/** What is asked for: who may see which values, for what, and until when. */
export interface GrantAsked {
  /** Name of a token. */
  readonly to: string
  /** The purpose that every read under it has to give. */
  readonly purpose: string
  /** Dotted paths, each with what lies below it; `*`: every field. */
  readonly fields: readonly string[]
  readonly target: OpenTarget
  /** RFC 3339. */
  readonly until: string
}

export interface GrantAct {
  /** Name of a token. */
  readonly by: string
  /** RFC 3339. */
  readonly at: string
}

/** A grant as it was sealed. */
export interface Grant extends GrantAsked {
  /** 32 hex characters, random. */
  readonly id: string
  readonly given: GrantAct & { readonly approvedBy: string | null }
  readonly revoked: GrantAct | null
}

/** What waits for a second person. */
export interface GrantRequest extends GrantAsked, GrantAct {
  readonly id: string
  /** RFC 3339: not to be approved any more. */
  readonly expires: string
}

/** A grant as its users see it. */
export interface GrantView {
  readonly id: string
  /** `given`: it counts, for its token and purpose. `over`: its time has passed. */
  readonly state: 'requested' | 'given' | 'over' | 'revoked'
  readonly to: string
  readonly purpose: string
  readonly fields: readonly string[]
  readonly subject?: string
  readonly range?: string
  readonly trail?: string
  readonly until: string
  readonly given: Grant['given'] | null
  readonly revoked: GrantAct | null
  readonly request: (GrantAct & { readonly expires: string }) | null
}

/** The desk grants are asked for at. */
export interface GrantDesk {
  /** @throws SealtrailError BAD_REQUEST, UNKNOWN_TRAIL */
  give(asked: GrantAsked, by: { readonly name: string }): Promise<GrantView>
  /** At once, also where giving needs two people. @throws SealtrailError NOT_FOUND */
  revoke(id: string, by: { readonly name: string }): Promise<GrantView>
  /** @throws SealtrailError NOT_FOUND (nothing waits, or it has expired), SAME_APPROVER */
  approve(id: string, by: { readonly name: string }): Promise<GrantView>
  /** Newest first. */
  list(): Promise<GrantView[]>
}

/** What grants open to a reader, for the purpose given, now. */
export type Openings = (viewer: Pick<Viewer, 'name' | 'purpose'>) => Promise<readonly Opening[]>
