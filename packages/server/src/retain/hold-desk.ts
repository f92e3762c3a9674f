import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { Fold } from './fold.ts'
import { rangeText, targetData } from './hold.ts'
import type { Hold, HoldAsked, HoldDesk, HoldOfficer, HoldRequest, HoldTarget, HoldView } from './hold.ts'
import type { HoldKeeper } from './hold-keeper.ts'
import type { Holds } from './holds.ts'

export interface HoldDeskDeps {
  readonly holds: Holds
  readonly fold: Pick<Fold, 'catchUp'>
  readonly keeper: Pick<HoldKeeper, 'bring'>
  /** Erasures that had begun and were not completed at a time (RFC 3339). */
  erasing(at: string): readonly string[]
  /** Seals in the system log; resolves when it is sealed. */
  seal(event: { readonly what: string; readonly subject: string; readonly id: string; readonly data: JsonObject }): Promise<void>
  /** Whether anything of the subject is sealed. */
  isKnown(subject: string): Promise<boolean>
  /** Committed records of a log, null when there is none of this name. */
  size(log: string): number | null
  /** One after the other, and never beside a removal. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Null: one person is enough; else how long a second one has. */
  readonly approveWithinMs: number | null
  readonly answerWithinMs: number
  readonly now: () => number
  /** 32 hex characters. */
  newId(): string
}

/**
 * Where holds are placed, released and approved. Nothing counts before it is sealed: the record is the hold. The objects
 * follow; until the store shows all of them held, `objects` is null.
 */
export function holdDesk(deps: HoldDeskDeps): HoldDesk {
  const { holds, fold, keeper, seal, alone, now } = deps

  async function current(): Promise<void> {
    await fold.catchUp()
    if (holds.unknown !== null) throw new SealtrailError('DATA_CORRUPT', `the legal holds are not known: ${holds.unknown}`)
  }

  async function assertTarget(target: HoldTarget): Promise<void> {
    if (target.kind === 'subject') {
      if (!(await deps.isKnown(target.subject))) throw new SealtrailError('NOT_FOUND', 'no record of this subject is sealed')
      return
    }
    const size = deps.size(target.log)
    if (size === null) throw new SealtrailError('UNKNOWN_TRAIL', 'there is no log of this name')
    if (target.from > size || (target.to !== null && target.to > size))
      throw new SealtrailError('BAD_REQUEST', `the log has ${size} records; LOG:A.. also holds what follows`)
  }

  /** Different matters may hold the same; the same matter holds it once. */
  function assertNew({ target, scope, reason }: HoldAsked): void {
    const same = (other: { target: HoldTarget; scope: string; reason: string }): boolean =>
      JSON.stringify(targetData(other.target)) === JSON.stringify(targetData(target)) && other.scope === scope && other.reason === reason
    const standing = holds.all().find((hold) => hold.released === null && same({ ...hold, reason: hold.placed.reason }))
    if (standing !== undefined) throw new SealtrailError('HOLD_EXISTS', `held for this reason since ${standing.placed.at}: ${standing.id}`)
    const asked = holds.requests().find((request) => request.op === 'place' && !isOver(request) && same(request))
    if (asked !== undefined) throw new SealtrailError('HOLD_EXISTS', `asked for by ${asked.by}, and waits for a second person: ${asked.id}`)
  }

  const isOver = ({ expires }: Pick<HoldRequest, 'expires'>): boolean => Date.parse(expires) <= now()

  function standing(id: string): Hold {
    const hold = holds.get(id)
    if (hold === null) throw new SealtrailError('NOT_FOUND', 'there is no hold of this id')
    if (hold.released !== null) throw new SealtrailError('NOT_FOUND', `the hold was released on ${hold.released.at}`)
    return hold
  }

  async function ask(op: 'place' | 'release', id: string, by: HoldOfficer, reason: string, more: JsonObject): Promise<void> {
    const at = now()
    const expires = new Date(at + (deps.approveWithinMs as number)).toISOString()
    await seal({
      what: 'hold-requested',
      subject: `hold/${id}`,
      id: `hold/${id}/requested/${op}/${at}`,
      data: { by: by.name, expires, hold: id, op, reason, ...more },
    })
    await fold.catchUp()
  }

  async function execute(
    op: 'place' | 'release',
    id: string,
    asked: Pick<HoldRequest, 'by' | 'reason' | 'target' | 'scope'>,
    approvedBy: string | null,
  ): Promise<void> {
    const who = { approved_by: approvedBy, by: asked.by, hold: id, reason: asked.reason }
    if (op === 'place')
      await seal({ what: 'hold', subject: `hold/${id}`, id: `hold/${id}/placed`, data: { ...who, scope: asked.scope, ...targetData(asked.target) } })
    else await seal({ what: 'hold-released', subject: `hold/${id}`, id: `hold/${id}/released`, data: who })
    crashPoint('hold:sealed')
    // Dying here: sealed, so it counts. The next start reads it and goes on with the objects.
    await fold.catchUp()
  }

  /** Objects may take longer than anybody waits: then they follow by themselves. */
  async function brought(id: string): Promise<HoldView> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, deps.answerWithinMs)))
    await Promise.race([keeper.bring(id), late])
    clearTimeout(timer)
    return view(id)
  }

  function view(id: string): HoldView {
    const hold = holds.get(id)
    const request = holds.request(id)
    const open = request === null || isOver(request) ? null : request
    const { target, scope } = hold ?? (request as HoldRequest)
    const begun = hold !== null && scope === 'content' ? deps.erasing(hold.placed.at) : []
    const what = target.kind === 'subject' ? { subject: target.subject } : { range: rangeText(target) }
    return {
      id,
      ...what,
      scope,
      state: hold === null ? 'requested' : hold.released === null ? 'placed' : 'released',
      placed: hold?.placed ?? null,
      released: hold?.released ?? null,
      request: open === null ? null : { op: open.op, by: open.by, at: open.at, expires: open.expires, reason: open.reason },
      objects: hold === null ? null : hold.released === null ? hold.held : hold.let,
      ...(begun.length === 0 ? {} : { erasing: begun }),
    }
  }

  return {
    async place(asked, by) {
      const id = deps.newId()
      const done = await alone(async () => {
        await current()
        await assertTarget(asked.target)
        assertNew(asked)
        if (deps.approveWithinMs !== null) await ask('place', id, by, asked.reason, { scope: asked.scope, ...targetData(asked.target) })
        else await execute('place', id, { ...asked, by: by.name }, null)
        return deps.approveWithinMs === null
      })
      return done ? brought(id) : view(id)
    },

    async release(id, reason, by) {
      const done = await alone(async () => {
        await current()
        const hold = standing(id)
        const request = holds.request(id)
        if (request !== null && !isOver(request))
          throw new SealtrailError('HOLD_EXISTS', `its release was asked for by ${request.by}, and waits for a second person`)
        if (deps.approveWithinMs !== null) await ask('release', id, by, reason, {})
        else await execute('release', id, { ...hold, by: by.name, reason }, null)
        return deps.approveWithinMs === null
      })
      return done ? brought(id) : view(id)
    },

    async approve(id, by) {
      await alone(async () => {
        await current()
        const request = holds.request(id)
        if (request === null) throw new SealtrailError('NOT_FOUND', 'nothing of this id waits for a second person')
        if (isOver(request)) throw new SealtrailError('NOT_FOUND', `the request expired on ${request.expires}; ask again`)
        // Two approvers are two names, however they are written.
        if (request.by.toLowerCase() === by.name.toLowerCase())
          throw new SealtrailError('SAME_APPROVER', `${request.by} asked for it; somebody else must approve`)
        if (request.op === 'release') standing(id)
        await execute(request.op, id, request, by.name)
      })
      return brought(id)
    },

    async list() {
      await current()
      const ids = new Set([
        ...holds.all().map(({ id }) => id),
        ...holds
          .requests()
          .filter((request) => !isOver(request))
          .map(({ id }) => id),
      ])
      return [...ids].map(view).reverse()
    },
  }
}
