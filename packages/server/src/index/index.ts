/** A keyed search token of a record: 16 bytes; the kind is part of what was hashed. */
export interface Token {
  readonly kind: string
  readonly token: Uint8Array
}

/** A record that carries tokens no more. */
export interface Forgotten {
  readonly index: number
  /** 16 bytes each. */
  readonly tokens: readonly Uint8Array[]
}

/** Consecutive records of one log, as committed. */
export interface Batch {
  readonly log: string
  /** Index of the first record. */
  readonly first: number
  /** Canonical record bytes, the leaves of the log. */
  readonly records: readonly Uint8Array[]
  /** One list per record. */
  readonly tokens: ReadonlyArray<readonly Token[]>
}

/** Where a record is. */
export interface Place {
  readonly log: string
  readonly index: number
}

/** A record of a subject. */
export interface SubjectPlace {
  readonly subjectsequence: number
  readonly index: number
}

/** A record on the time line of its log. */
export interface TimePlace {
  readonly timeMs: number
  readonly index: number
}

/** A record that may match. */
export interface TimeMatch extends TimePlace {
  /** The index kept apart all values asked for: then a record that does not have them is not the one that was indexed. */
  readonly exact: boolean
}

/** Exact values a record must have; '' asks for records without one. `schema` is compared by `schemaMatches`. */
export interface Facets {
  readonly type?: string
  readonly status?: string
  readonly tag?: string
  readonly schema?: string
}

/**
 * The search index: derived from the segments and the vault, and nothing but derived. It may be deleted at any time and
 * is then built again; it is never trusted: whoever reads a record through it checks that the record says what was asked for.
 * It knows exactly how far it is (`size`), so what it does not hold yet can be read from the segments.
 */
export interface Index {
  /** Number of records of the log it holds: all below, none at or above. 0 for an unknown log. */
  size(log: string): number
  /**
   * Takes in the records, all or none, in one write. Records it holds already are passed over, so a batch may be given twice.
   * @throws RangeError when the batch starts beyond `size`.
   */
  apply(batch: Batch): Promise<void>
  /**
   * Forgets how these records can be found but by their audit id: their segments are about to be removed. An empty record, or
   * one that is none, is passed over; what is forgotten already stays so.
   */
  forget(batch: Batch): Promise<void>
  /**
   * Forgets that these records carry these tokens: the person is erased whose values they stood for. Every other way to find
   * them stays; what is forgotten already stays so.
   */
  forgetTokens(log: string, records: readonly Forgotten[]): Promise<void>
  /** Rewrites every table that may still hold a token that was forgotten; what else names them goes when it is opened anew. @throws SealtrailError NOT_DURABLE: try again */
  scrub(): Promise<void>
  /** Records with this audit id, usually one; a copy in another log has the same id. */
  auditid(auditid: string): Promise<Place[]>
  /** Records of a subject with a sequence number > `after`, ascending, at most `limit`. */
  subject(log: string, subject: string, after: number, limit: number): Promise<SubjectPlace[]>
  /** Records that carry the token, ascending, those with index > `after` or, with `newest`, the last ones first, at most `limit`. */
  token(log: string, token: Uint8Array, options: { after: number; limit: number; newest?: boolean }): Promise<number[]>
  /**
   * Records by (time, index) ascending, after `after`, with from ≤ time ≤ to, that may match the facets: values that were
   * too many to keep apart are passed as matches, so the caller checks the record itself.
   */
  timeline(log: string, facets: Facets, range: { from: number; to: number; after: TimePlace | null }): AsyncIterableIterator<TimeMatch>
  close(): Promise<void>
}

/**
 * True when a record's `dataschema` (`urn:sealtrail:schema:<pack>:<version>`, perhaps with `#newer`) is the one asked for:
 * the whole URN, `<pack>:<version>`, or the version alone, with or without the guide's leading `v`.
 */
export function schemaMatches(schema: string, asked: string): boolean {
  if (schema === asked) return true
  if (schema === '' || asked === '') return false
  const plain = schema.endsWith('#newer') ? schema.slice(0, -6) : schema
  const name = plain.startsWith('urn:sealtrail:schema:') ? plain.slice(21) : plain
  const version = name.slice(name.lastIndexOf(':') + 1)
  return plain === asked || name === asked || version === asked || (/^v\d/.test(asked) && version === asked.slice(1))
}

/** Largest time and index the index tells apart: 48 bits. */
export const MAX_U48: number = 2 ** 48 - 1
