import { CARD_KIND } from '../pack/field-rule.ts'
import type { FieldNode, Mask, PersonalRule } from '../pack/pack.ts'
import type { Viewer } from '../http/ports.ts'
import { READERS } from '../http/ports.ts'

/** Where a record stands. */
export interface RecordPlace {
  readonly log: string
  readonly trail: string
  readonly index: number
  readonly subject: string
}

/** What a grant opens for one reader and purpose, while it counts. */
export interface Opening {
  /** Dotted paths, each with what lies below it; `*`: every field. */
  readonly fields: readonly string[]
  readonly target: OpenTarget
}

/** Records of a subject, leaves [from, to) of a log (`to` null: and all that follow), or all of a trail. */
export type OpenTarget =
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'range'; readonly log: string; readonly from: number; readonly to: number | null }
  | { readonly kind: 'trail'; readonly trail: string }

/** Who sees which personal values, in answers and in bundles alike. */
export interface View {
  /** @param path dotted path of the field within the record's data, without places in lists */
  sees(record: RecordPlace, path: string): boolean
  /** Whether masks are for this reader. */
  readonly masks: boolean
}

/** A field by which an auditor knows that the record is the one asked for. */
const KNOWN_BY = 'customer_external_id'

/**
 * Officers and admins answer for the values and see them; auditors see what a grant opens to them, and `customer_external_id`;
 * `ingest` and `security` see none.
 * @param openings those of this reader, for the purpose given, that count now
 * @param purposeRequired without a purpose nobody sees any (`auth.purposeRequired`)
 */
export function viewOf({ role, purpose }: Pick<Viewer, 'role' | 'purpose'>, openings: readonly Opening[] = [], purposeRequired = false): View {
  const reads = READERS.includes(role)
  if (!reads || (purposeRequired && purpose === null)) return { sees: () => false, masks: reads }
  if (role !== 'auditor') return { sees: () => true, masks: true }
  return {
    sees: (record, path) =>
      path === KNOWN_BY || openings.some((opening) => covers(opening.target, record) && opening.fields.some((field) => within(path, field))),
    masks: true,
  }
}

function covers(target: OpenTarget, { log, trail, index, subject }: RecordPlace): boolean {
  if (target.kind === 'subject') return target.subject === subject
  if (target.kind === 'trail') return target.trail === trail
  return target.log === log && index >= target.from && (target.to === null || index < target.to)
}

function within(path: string, field: string): boolean {
  return field === '*' || path === field || path.startsWith(`${field}.`)
}

/** One record as a view sees it. */
export interface Sight {
  sees(path: string, digest: string): boolean
  /** @param pointer RFC 6901, of the commitment in the record's data */
  mask(pointer: string): Mask | null
  /** Whether a card number stands there that this reader sees masked. */
  isMaskedCard(pointer: string): boolean
}

/** @param fields of the pack that made the record; null: of a pack that is not there any more, whose masks nobody knows */
export function sightOf(view: View, record: RecordPlace, fields: FieldNode | null): Sight {
  const maskedRule = (pointer: string): PersonalRule | null => {
    const rule = view.masks && fields !== null ? ruleOf(fields, pointer) : null
    return rule?.class === 'personal' && rule.mask !== null ? rule : null
  }
  return {
    sees: (path) => view.sees(record, path),
    mask: (pointer) => maskedRule(pointer)?.mask ?? null,
    isMaskedCard: (pointer) => maskedRule(pointer)?.kind === CARD_KIND,
  }
}

/** The rule for a place of the data, null when nobody has classified it. A number may be a place in a list, or a name. */
export function ruleOf(root: FieldNode, pointer: string): FieldNode['rule'] {
  let node: FieldNode = root
  for (const part of pointer.split('/').slice(1)) {
    if (node.rule !== null && node.rule.class !== 'plain') return node.rule
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const next: FieldNode | null = node.keys.get(name) ?? (/^\d+$/.test(name) ? (node.items ?? node.any ?? node) : node.any)
    if (next === null) return null
    node = next
  }
  return node.rule
}

/** `urn:sealtrail:schema:<pack>:<version>` → the pack's name; '' of another text. */
export function packOf(dataschema: string): string {
  return /^urn:sealtrail:schema:([a-z0-9][a-z0-9.-]*):\d+(?:#newer)?$/.exec(dataschema)?.[1] ?? ''
}
