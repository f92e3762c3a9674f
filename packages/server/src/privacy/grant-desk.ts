import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { rangeText } from '../retain/hold.ts'
import type { Fold } from '../retain/fold.ts'
import type { GrantAsked, GrantDesk, GrantRequest, GrantView } from './grant.ts'
import { GRANT_RECORDS, grantData } from './grants.ts'
import type { Grants } from './grants.ts'

export interface GrantDeskDeps {
  readonly grants: Grants
  readonly fold: Pick<Fold, 'catchUp'>
  /** Seals in the system log; resolves when it is sealed. */
  seal(event: { readonly what: string; readonly subject: string; readonly id: string; readonly data: JsonObject }): Promise<void>
  isTrail(trail: string): boolean
  isLog(log: string): boolean
  /** Null: one person is enough; else how long a second one has. */
  readonly approveWithinMs: number | null
  readonly now: () => number
  /** 32 hex characters. */
  newId(): string
}

const LONGEST_MS = 366 * 86_400_000

/** Where grants are given, approved and revoked. Nothing counts before it is sealed: the record is the grant. */
export function grantDesk(deps: GrantDeskDeps): GrantDesk {
  const { grants, fold, now } = deps
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => {})
    return turn
  }
  const isOver = ({ expires }: Pick<GrantRequest, 'expires'>): boolean => Date.parse(expires) <= now()

  async function seal(id: string, what: keyof typeof GRANT_RECORDS, data: JsonObject): Promise<void> {
    await deps.seal({ what: GRANT_RECORDS[what], subject: `grant/${id}`, id: `grant/${id}/${what}`, data: { ...data, grant: id } })
    crashPoint('grant:sealed')
    // Dying here: sealed, so it counts. The next start reads it.
    await fold.catchUp()
  }

  function assertAsked({ target, until }: GrantAsked): void {
    if (target.kind === 'trail' && !deps.isTrail(target.trail)) throw new SealtrailError('UNKNOWN_TRAIL')
    if (target.kind === 'range' && !deps.isLog(target.log)) throw new SealtrailError('UNKNOWN_TRAIL', 'there is no log of this name')
    const ms = Date.parse(until) - now()
    if (ms <= 0) throw new SealtrailError('BAD_REQUEST', 'until lies in the past')
    if (ms > LONGEST_MS) throw new SealtrailError('BAD_REQUEST', 'a grant ends within a year; give it again then, if it is still needed')
  }

  function view(id: string): GrantView {
    const grant = grants.get(id)
    const request = grants.request(id)
    const asked = (grant ?? request) as GrantAsked
    const { target, fields, purpose, to, until } = asked
    const over = Date.parse(until) <= now()
    return {
      id,
      state: grant === null ? 'requested' : grant.revoked !== null ? 'revoked' : over ? 'over' : 'given',
      to,
      purpose,
      fields,
      ...(target.kind === 'subject' ? { subject: target.subject } : target.kind === 'trail' ? { trail: target.trail } : { range: rangeText(target) }),
      until,
      given: grant?.given ?? null,
      revoked: grant?.revoked ?? null,
      request: request === null || isOver(request) ? null : { at: request.at, by: request.by, expires: request.expires },
    }
  }

  return {
    async give(asked, by) {
      const id = deps.newId()
      return alone(async () => {
        await fold.catchUp()
        assertAsked(asked)
        if (deps.approveWithinMs === null) await seal(id, 'given', { approved_by: null, by: by.name, ...grantData(asked) })
        else await seal(id, 'requested', { by: by.name, expires: new Date(now() + deps.approveWithinMs).toISOString(), ...grantData(asked) })
        return view(id)
      })
    },

    async revoke(id, by) {
      return alone(async () => {
        await fold.catchUp()
        const grant = grants.get(id)
        if (grant === null && grants.request(id) === null) throw new SealtrailError('NOT_FOUND', 'there is no grant of this id')
        if (grant !== null && grant.revoked !== null) throw new SealtrailError('NOT_FOUND', `the grant was revoked on ${grant.revoked.at}`)
        const before = view(id)
        await seal(id, 'revoked', { by: by.name })
        // What was asked for and is taken back was never given: nothing of it is left to show.
        return grant === null ? { ...before, request: null, revoked: { at: new Date(now()).toISOString(), by: by.name }, state: 'revoked' } : view(id)
      })
    },

    async approve(id, by) {
      return alone(async () => {
        await fold.catchUp()
        const request = grants.request(id)
        if (request === null) throw new SealtrailError('NOT_FOUND', 'nothing of this id waits for a second person')
        if (isOver(request)) throw new SealtrailError('NOT_FOUND', `the request expired on ${request.expires}; ask again`)
        // Two approvers are two names, however they are written; whom it is for is neither.
        for (const [name, did] of [[request.by, 'asked for it'] as const, [request.to, 'is whom it is for'] as const])
          if (name.toLowerCase() === by.name.toLowerCase()) throw new SealtrailError('SAME_APPROVER', `${name} ${did}; somebody else must approve`)
        assertAsked(request)
        await seal(id, 'given', { approved_by: by.name, by: request.by, ...grantData(request) })
        return view(id)
      })
    },

    async list() {
      await fold.catchUp()
      const waiting = grants.requests().filter((request) => !isOver(request))
      return [...grants.all(), ...waiting].map(({ id }) => view(id)).reverse()
    },
  }
}
