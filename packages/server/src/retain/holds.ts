import type { RecordFields } from '@sealtrail/evidence'
import type { JsonValue } from '../event/json.ts'
import type { FoldPart } from './fold.ts'
import { targetOf } from './hold.ts'
import type { Hold, HoldAct, HoldRequest, HoldScope, HoldTarget } from './hold.ts'

const SYSTEM_LOG = 'system'

/**
 * The legal holds, as the sealed records say: which stand, which were released, what waits for a second person. Asked of
 * every record before anything of it may be removed.
 */
export class Holds implements FoldPart {
  readonly name = 'holds'
  readonly version = 1
  readonly types: readonly string[] = [
    'sealtrail.system.hold',
    'sealtrail.system.hold-applied',
    'sealtrail.system.hold-released',
    'sealtrail.system.hold-requested',
  ]
  readonly #holds = new Map<string, Hold>()
  readonly #requests = new Map<string, HoldRequest>()
  /** Subject → the strongest scope it is held in. */
  #subjects = new Map<string, HoldScope>()
  #ranges: Array<{ readonly target: Extract<HoldTarget, { kind: 'range' }>; readonly scope: HoldScope }> = []
  #unknown: string | null = null

  /** The holds cannot be known, since the records that say them cannot be read: until they can, everything counts as held. */
  lose(reason: string): void {
    this.#unknown = reason
  }

  /** Why they are not known, or null. */
  get unknown(): string | null {
    return this.#unknown
  }

  /** Whether any hold is known to stand. */
  get any(): boolean {
    return this.#unknown === null && (this.#subjects.size > 0 || this.#ranges.length > 0)
  }

  /** The strongest scope in which a record is held, null when it is not. The server's own records are held by range only. */
  covers(log: string, index: number, subject: string): HoldScope | null {
    if (this.#unknown !== null) return 'content'
    let scope: HoldScope | null = log === SYSTEM_LOG ? null : (this.#subjects.get(subject) ?? null)
    for (const { target, scope: also } of this.#ranges)
      if (scope !== 'content' && target.log === log && index >= target.from && (target.to === null || index < target.to))
        scope = also === 'content' ? also : (scope ?? also)
    return scope
  }

  /** Whether a record of the subject that is about to be sealed in this log, nobody knows at which index, is held. */
  coversNext(log: string, size: number, subject: string): boolean {
    return (
      this.#unknown === null &&
      (this.#subjects.has(subject) || this.#ranges.some(({ target }) => target.log === log && (target.to === null || target.to > size)))
    )
  }

  get(id: string): Hold | null {
    return this.#holds.get(id) ?? null
  }

  request(id: string): HoldRequest | null {
    return this.#requests.get(id) ?? null
  }

  /** All there ever were, in the order of their records. */
  all(): readonly Hold[] {
    return [...this.#holds.values()]
  }

  requests(): readonly HoldRequest[] {
    return [...this.#requests.values()]
  }

  take({ type, time, data }: RecordFields): void {
    const id = data['hold']
    if (typeof id !== 'string' || time === null) return
    const at = time
    if (type === 'sealtrail.system.hold-applied') return this.#applied(id, data['op'], data['objects'])
    if (type === 'sealtrail.system.hold-requested') return this.#requested(id, at, data)
    const act: HoldAct = { approvedBy: textOf(data['approved_by']), at, by: textOf(data['by']) ?? '', reason: textOf(data['reason']) ?? '' }
    this.#requests.delete(id)
    const known = this.#holds.get(id)
    if (type === 'sealtrail.system.hold') {
      const target = targetOf(data)
      if (known !== undefined || target === null) return
      this.#holds.set(id, { held: null, id, let: null, placed: act, released: null, scope: scopeOf(data['scope']), target })
    } else if (known !== undefined && known.released === null) this.#holds.set(id, { ...known, released: act })
    this.#settle()
  }

  save(): JsonValue {
    return { holds: [...this.#holds.values()], requests: [...this.#requests.values()] } as unknown as JsonValue
  }

  load(saved: JsonValue | null): void {
    this.#holds.clear()
    this.#requests.clear()
    const { holds, requests } = (saved ?? { holds: [], requests: [] }) as unknown as { holds: Hold[]; requests: HoldRequest[] }
    for (const hold of holds) this.#holds.set(hold.id, hold)
    for (const request of requests) this.#requests.set(request.id, request)
    this.#settle()
  }

  #requested(id: string, at: string, data: RecordFields['data']): void {
    const known = this.#holds.get(id)
    const op = data['op'] === 'release' ? 'release' : 'place'
    const target = op === 'release' ? (known?.target ?? null) : targetOf(data)
    if (target === null) return
    const scope = op === 'release' ? (known as Hold).scope : scopeOf(data['scope'])
    this.#requests.set(id, {
      at,
      by: textOf(data['by']) ?? '',
      expires: textOf(data['expires']) ?? at,
      id,
      op,
      reason: textOf(data['reason']) ?? '',
      scope,
      target,
    })
  }

  #applied(id: string, op: unknown, objects: unknown): void {
    const known = this.#holds.get(id)
    if (known === undefined || typeof objects !== 'number') return
    this.#holds.set(id, op === 'release' ? { ...known, let: objects } : { ...known, held: objects })
  }

  #settle(): void {
    this.#subjects = new Map()
    this.#ranges = []
    for (const { target, scope, released } of this.#holds.values()) {
      if (released !== null) continue
      if (target.kind === 'range') this.#ranges.push({ scope, target })
      else if (this.#subjects.get(target.subject) !== 'content') this.#subjects.set(target.subject, scope)
    }
  }
}

/** Of a scope that this version does not know the stronger is meant. */
function scopeOf(value: unknown): HoldScope {
  return value === 'record' ? 'record' : 'content'
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
