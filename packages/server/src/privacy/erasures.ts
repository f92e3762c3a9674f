import type { RecordFields } from '@sealtrail/evidence'
import type { JsonValue } from '../event/json.ts'
import type { FoldPart } from '../retain/fold.ts'
import type { ErasureAct, ErasureBlock, ErasureState } from './erasure.ts'

/** Types of the records an erasure leaves in `system`, behind `sealtrail.system.`. */
export const ERASURE_RECORDS = {
  requested: 'erasure-requested',
  approved: 'erasure-approved',
  deferred: 'erasure-deferred',
  withdrawn: 'erasure-withdrawn',
  started: 'erasure-started',
  completed: 'erasure',
} as const

/** An erasure as it was sealed. */
export interface Erasure {
  /** 32 hex characters. */
  readonly id: string
  readonly ground: string
  readonly reference: string | null
  readonly requested: ErasureAct
  /** RFC 3339: until then it can be approved; null when nobody need. */
  readonly expires: string | null
  readonly approved: ErasureAct | null
  /** What stood in its way when that was last sealed, and how often that was. */
  readonly deferred: { readonly times: number; readonly blocks: readonly ErasureBlock[] } | null
  readonly withdrawn: (ErasureAct & { readonly reason: string }) | null
  /** RFC 3339, of the intent and of the completion. */
  readonly started: string | null
  readonly completed: string | null
  readonly records: number | null
  readonly certificate: string | null
}

const PREFIX = 'sealtrail.system.'

/** The erasures, as the sealed records say. Where these cannot be read nothing is erased. */
export class Erasures implements FoldPart {
  readonly name = 'erasures'
  readonly version = 1
  readonly types: readonly string[] = Object.values(ERASURE_RECORDS).map((what) => PREFIX + what)
  readonly #erasures = new Map<string, Erasure>()

  get(id: string): Erasure | null {
    return this.#erasures.get(id) ?? null
  }

  /** All there ever were, in the order of their requests. */
  all(): readonly Erasure[] {
    return [...this.#erasures.values()]
  }

  /** Those whose end is not sealed; of them nothing may be lost. */
  open(nowMs: number): readonly Erasure[] {
    return this.all().filter((erasure) => isOpen(stateOf(erasure, nowMs)))
  }

  /** When and by which certificate an erasure was completed; null when it was not (yet). */
  certificateOf(id: string): { readonly completed: string; readonly certificate: string } | null {
    const erasure = this.get(id)
    return erasure === null || erasure.completed === null || erasure.certificate === null
      ? null
      : { completed: erasure.completed, certificate: erasure.certificate }
  }

  /** Those that had begun and were not completed at that time (RFC 3339). */
  runningAt(at: string): readonly string[] {
    const ms = Date.parse(at)
    const before = (time: string | null): boolean => time !== null && Date.parse(time) <= ms
    return this.all().flatMap(({ id, started, completed }) => (before(started) && !before(completed) ? [id] : []))
  }

  take({ type, time, data }: RecordFields): void {
    const id = data['erasure']
    if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id) || time === null) return
    const act: ErasureAct = { by: textOf(data['by']) ?? '', at: time }
    const what = type.slice(PREFIX.length)
    const known = this.#erasures.get(id)
    if (what === ERASURE_RECORDS.requested) {
      if (known === undefined) this.#erasures.set(id, requested(id, act, data))
      return
    }
    // What ended stays ended, whatever is sealed later.
    if (known === undefined || known.completed !== null || known.withdrawn !== null) return
    const change = changeOf(what, known, act, data)
    if (change !== null) this.#erasures.set(id, { ...known, ...change })
  }

  save(): JsonValue {
    return [...this.#erasures.values()] as unknown as JsonValue
  }

  load(saved: JsonValue | null): void {
    this.#erasures.clear()
    for (const erasure of (saved ?? []) as unknown as Erasure[]) this.#erasures.set(erasure.id, erasure)
  }
}

/** @param nowMs decides whether a request has expired */
export function stateOf({ approved, expires, withdrawn, started, completed }: Erasure, nowMs: number): ErasureState {
  if (completed !== null) return 'completed'
  if (withdrawn !== null) return 'withdrawn'
  if (started !== null) return 'running'
  if (approved !== null || expires === null) return 'deferred'
  return Date.parse(expires) <= nowMs ? 'expired' : 'requested'
}

export function isOpen(state: ErasureState): boolean {
  return state === 'requested' || state === 'deferred' || state === 'running'
}

function requested(id: string, act: ErasureAct, data: RecordFields['data']): Erasure {
  return {
    id,
    ground: textOf(data['ground']) ?? '',
    reference: textOf(data['reference']),
    requested: act,
    expires: textOf(data['expires']),
    approved: null,
    deferred: null,
    withdrawn: null,
    started: null,
    completed: null,
    records: null,
    certificate: null,
  }
}

function changeOf(what: string, known: Erasure, act: ErasureAct, data: RecordFields['data']): Partial<Erasure> | null {
  switch (what) {
    case ERASURE_RECORDS.approved:
      return known.approved === null ? { approved: act } : null
    case ERASURE_RECORDS.deferred:
      return { deferred: { times: (known.deferred?.times ?? 0) + 1, blocks: blocksIn(data['blocks']) } }
    case ERASURE_RECORDS.withdrawn:
      // It cannot be taken back once the intent is sealed.
      return known.started === null ? { withdrawn: { ...act, reason: textOf(data['reason']) ?? '' } } : null
    case ERASURE_RECORDS.started:
      return known.started === null ? { started: act.at } : null
    case ERASURE_RECORDS.completed:
      return {
        started: known.started ?? act.at,
        completed: act.at,
        records: typeof data['records'] === 'number' ? data['records'] : null,
        certificate: textOf(data['certificate']),
      }
    default:
      return null
  }
}

/** What a later version calls a block is none that this one can show. */
function blocksIn(value: unknown): ErasureBlock[] {
  if (!Array.isArray(value)) return []
  return (value as ErasureBlock[]).filter((block) => block !== null && typeof block === 'object' && (block.kind === 'hold' || block.kind === 'obligation'))
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
