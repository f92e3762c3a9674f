import type { MappedEvent } from '../event/mapped.ts'
import type { SampleProtected } from '../pack/check.ts'
import type { FieldNode } from '../pack/pack.ts'
import { protect } from '../protect/protect.ts'

const TOKEN = ['\0'.repeat(16)]

/** Protect with salts and tokens of no meaning: only what it finds and refuses in a pack's sample is looked at. */
export function protectSample(event: MappedEvent, fields: FieldNode): SampleProtected {
  const result = protect(event, fields, { salt: () => 'A'.repeat(22), alias: () => TOKEN, interaction: () => TOKEN, forget: () => undefined })
  if (result.kind === 'protected') return { hits: result.hits, refused: null }
  if (result.kind === 'exposed') return { hits: [result.hit], refused: `${result.hit.path} holds a personal value and is part of a name of the record` }
  return { hits: [], refused: `${result.fields.join(', ')} may not be kept in any form` }
}
