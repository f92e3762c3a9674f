import type { Fields } from './fields.ts'
import type { Facets } from './index.ts'
import { schemaMatches } from './index.ts'

/** The values a group of records has in common; `null` where they were too many to keep apart. */
export interface Group {
  readonly type: string | null
  readonly status: string | null
  readonly tag: string | null
  readonly schema: string | null
}

/** Whether records of the group may have these values. */
export function groupMatches(group: Group, facets: Facets): boolean {
  return (
    (facets.type === undefined || group.type === null || group.type === facets.type) &&
    (facets.status === undefined || group.status === null || group.status === facets.status) &&
    (facets.tag === undefined || group.tag === null || group.tag === facets.tag) &&
    (facets.schema === undefined || group.schema === null || schemaMatches(group.schema, facets.schema))
  )
}

/** Whether a record has these values. */
export function fieldsMatch(fields: Fields, facets: Facets): boolean {
  return groupMatches(fields, facets)
}
