import type { RecordFields } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '../event/json.ts'
import type { Opening, OpenTarget } from '../index/views.ts'
import { targetOf } from '../retain/hold.ts'
import type { FoldPart } from '../retain/fold.ts'
import type { Grant, GrantAsked, GrantRequest } from './grant.ts'

/** Types of the records grants leave in `system`, behind `sealtrail.system.`. */
export const GRANT_RECORDS = { requested: 'grant-requested', given: 'grant', revoked: 'grant-revoked' } as const

const PREFIX = 'sealtrail.system.'

/** The grants, as the sealed records say. Where these cannot be read, none counts. */
export class Grants implements FoldPart {
  readonly name = 'grants'
  readonly version = 1
  readonly types: readonly string[] = Object.values(GRANT_RECORDS).map((what) => PREFIX + what)
  readonly #grants = new Map<string, Grant>()
  readonly #requests = new Map<string, GrantRequest>()

  get(id: string): Grant | null {
    return this.#grants.get(id) ?? null
  }

  request(id: string): GrantRequest | null {
    return this.#requests.get(id) ?? null
  }

  /** All there ever were, in the order of their records. */
  all(): readonly Grant[] {
    return [...this.#grants.values()]
  }

  requests(): readonly GrantRequest[] {
    return [...this.#requests.values()]
  }

  /** What counts for a token's name and a purpose at a time. Nothing counts without a purpose. */
  openings({ name, purpose }: { readonly name: string; readonly purpose: string | null }, nowMs: number): Opening[] {
    if (purpose === null) return []
    return this.all()
      .filter((grant) => grant.revoked === null && grant.to === name && grant.purpose === purpose && nowMs < Date.parse(grant.until))
      .map(({ fields, target }) => ({ fields, target }))
  }

  take({ type, time, data }: RecordFields): void {
    const id = data['grant']
    if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id) || time === null) return
    const by = textOf(data['by'])
    const known = this.#grants.get(id)
    const what = type.slice(PREFIX.length)
    if (what === GRANT_RECORDS.revoked) {
      this.#requests.delete(id)
      if (known !== undefined && known.revoked === null) this.#grants.set(id, { ...known, revoked: { at: time, by } })
      return
    }
    const asked = askedIn(data)
    if (asked === null || known !== undefined) return
    if (what === GRANT_RECORDS.requested) this.#requests.set(id, { ...asked, at: time, by, expires: textOf(data['expires']), id })
    else {
      this.#requests.delete(id)
      const approvedBy = data['approved_by']
      this.#grants.set(id, { ...asked, given: { approvedBy: typeof approvedBy === 'string' ? approvedBy : null, at: time, by }, id, revoked: null })
    }
  }

  save(): JsonValue {
    return { grants: [...this.#grants.values()], requests: [...this.#requests.values()] } as unknown as JsonValue
  }

  load(saved: JsonValue | null): void {
    this.#grants.clear()
    this.#requests.clear()
    const { grants, requests } = (saved ?? { grants: [], requests: [] }) as unknown as { grants: Grant[]; requests: GrantRequest[] }
    for (const grant of grants) this.#grants.set(grant.id, grant)
    for (const request of requests) this.#requests.set(request.id, request)
  }
}

/** A grant as it stands in records. */
export function grantData({ to, purpose, fields, target, until }: GrantAsked): JsonObject {
  const { kind } = target
  const at: JsonObject =
    kind === 'subject'
      ? { subject: target.subject }
      : kind === 'trail'
        ? { trail: target.trail }
        : { range: { from: target.from, log: target.log, to: target.to } }
  return { fields: [...fields], purpose, to, until, ...at }
}

/** What a record says is granted, or null when this version cannot read it: then it opens nothing. */
function askedIn(data: RecordFields['data']): GrantAsked | null {
  const { fields, purpose, to, until } = data
  const target: OpenTarget | null = typeof data['trail'] === 'string' ? { kind: 'trail', trail: data['trail'] } : targetOf(data)
  if (target === null || !Array.isArray(fields) || fields.length === 0 || !fields.every((field) => typeof field === 'string')) return null
  if (typeof purpose !== 'string' || typeof to !== 'string' || typeof until !== 'string' || Number.isNaN(Date.parse(until))) return null
  return { fields, purpose, target, to, until }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
