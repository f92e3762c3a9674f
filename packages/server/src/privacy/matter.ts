import { SealtrailError } from '../errors.ts'
import type { JsonValue } from '../event/json.ts'
import type { PersonAlias } from '../event/person-alias.ts'
import { detect } from '../protect/detect.ts'

/** A text that is sealed in clear, for ever. @throws SealtrailError BAD_REQUEST when it holds what looks personal */
export function matterOf(name: string, value: JsonValue | undefined): string {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 500)
    throw new SealtrailError('BAD_REQUEST', `${name} is a text of at most 500 characters`)
  const found = detect(value, name)
  if (found !== null) throw new SealtrailError('BAD_REQUEST', `${name} holds a personal value (${found}); name the matter, not the person`)
  return value
}

/** Of names nothing tells what they look like: `CUST-4711` is found by having been given. @throws SealtrailError BAD_REQUEST */
export function assertNameless(name: string, text: string, person: readonly PersonAlias[]): void {
  if (person.some(({ value }) => text.toLowerCase().includes(value.trim().toLowerCase())))
    throw new SealtrailError('BAD_REQUEST', `${name} names the person; name the matter, it is sealed in clear`)
}
