/** What may be written under a key. */
export type KeyType =
  | { readonly is: 'text'; readonly pattern: RegExp; readonly form: string }
  | { readonly is: 'duration' | 'size' | 'boolean' | 'path' | 'address' }
  | { readonly is: 'integer'; readonly from: number; readonly to: number }
  /** `later`: names that will be understood one day, so that they are refused in other words than a slip of the pen. */
  | { readonly is: 'choice'; readonly of: readonly string[]; readonly later: readonly string[] }
  /** `file:PATH`: the file itself, never its content. */
  | { readonly is: 'file' }
  /** `env:NAME` or `file:PATH`: kept as the reference, opened (`openSecret`) where it is needed and never before. */
  | { readonly is: 'secret' }
  /** One text or a list of texts. */
  | { readonly is: 'texts' }
  /** `true`, `false`, or a list of some of these. */
  | { readonly is: 'duties'; readonly of: readonly string[]; readonly later: readonly string[] }
  /** Any map, taken as it is. */
  | { readonly is: 'map' }
  /** A map, taken as it is, of which each entry knows its place. */
  | { readonly is: 'methods' }
  /** Known, and not available in this version: only nothing may be written. */
  | { readonly is: 'later' }

export interface Key {
  /** Keys from the top, joined by dots; `*` stands for a name the operator chooses. */
  readonly path: string
  readonly type: KeyType
  /** As one would write it; '' for nothing. */
  readonly default: string
  readonly what: string
}

export const anyText: KeyType = { is: 'text', pattern: /^[^\0]*$/u, form: 'a text' }
/** Known, and not in this version. */
export const later: KeyType = { is: 'later' }
