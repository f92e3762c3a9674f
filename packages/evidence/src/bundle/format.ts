import type { FieldState } from '../flatten.ts'

/**
 * An evidence bundle, `sealtrail.bundle/1`: a zip with these files (docs/format.md, section "Evidence bundle", byte by byte).
 *
 *   README.md                             how to check by hand
 *   CERTIFICATE-DRAFT.md                  draft of a certification under FRE 902(13)/(14)
 *   manifest.json                         BundleManifest; names every other file with size and SHA-256
 *   keys.json                             BundleKeys: hints, they prove nothing
 *   schemas/<pack>-<version>.json         schemas the records name
 *   certificates/<id>.json                CertificateFile: certificate of an erasure that fields name
 *   log/<log>/checkpoint                  signed note all records of this log are proved against
 *   log/<log>/records.ndjson              the leaves: a record a line, ascending by index
 *   log/<log>/proofs.ndjson               ProofLine: index and inclusion proof of each record; not for a range
 *   log/<log>/tile/<L>/<N>[.p/<W>]        C2SP tiles that prove a range whole; for a range only
 *   log/<log>/proof/<index>.tlog-proof    C2SP tlog-proof of each record, when they are 1,000 at most
 *   log/<log>/object/<hex>                data of a record that did not fit it, under the digest it is named by
 *   log/<log>/fields.ndjson               FieldsLine: what became of each commitment; records without any have no line
 *   log/<log>/timestamp/<name>/…          checkpoint.txt, token.tst, chain.pem, crls.pem, consistency
 *   disclosures/<log>.ndjson              DisclosuresLine: personal values; in no other folder
 *   disclosures/<log>.sd-jwt              the same records as SD-JWTs, one a line
 *
 * attacker: whoever hands the file over may have made all of it, keys included.
 */
export const BUNDLE_FORMAT = 'sealtrail.bundle/1'

/** Most records with a `.tlog-proof` file each. */
export const MAX_PROOF_FILES = 1_000

/** What was asked. A person's alias is never written down: only that a person was asked for. */
export type BundleAsked =
  | { readonly kind: 'subject'; readonly subject: string }
  | { readonly kind: 'person' }
  /** All that is held on one person, for that person. */
  | { readonly kind: 'subject-access' }
  /** Leaves [from, to) of one log, complete. */
  | { readonly kind: 'range'; readonly log: string; readonly from: number; readonly to: number }
  | { readonly kind: 'query'; readonly query: Readonly<Record<string, string>> }

/** `path` is relative, `/` between its parts; `sha256` lower-case hex over the file as unpacked. */
export interface BundleFile {
  readonly path: string
  readonly size: number
  readonly sha256: string
}

export interface BundleLog {
  /** Name of the log, and of its folder. */
  readonly log: string
  readonly origin: string
  /** Of the checkpoint. */
  readonly size: number
  /** Lower-case hex. */
  readonly root: string
  /** What the maker says: its witness policy was met for this checkpoint. */
  readonly published: boolean
  /** Lines of `records.ndjson`. */
  readonly records: number
  /** Index of the first and behind the last record; both 0 when there is none. */
  readonly first: number
  readonly end: number
  /** Set when the records are leaves [from, to), all of them. */
  readonly range: { readonly from: number; readonly to: number } | null
  /** Commitments of all records, by what became of them. */
  readonly fields: Readonly<Record<FieldState, number>>
  /** Folders below `timestamp/`. */
  readonly timestamps: readonly string[]
}

/** `manifest.json`, canonical JSON and a newline. */
export interface BundleManifest {
  readonly format: typeof BUNDLE_FORMAT
  /** RFC 3339, the maker's clock. */
  readonly created: string
  readonly tool: { readonly name: string; readonly version: string }
  readonly asked: BundleAsked
  /** Token name, role and purpose of whoever asked: what they may see is decided by the role. */
  readonly requester: { readonly name: string; readonly role: string; readonly purpose: string | null }
  /** By name; one for each log that holds records asked for, and the log of a range even when it is empty. */
  readonly logs: readonly BundleLog[]
  /** Every file but manifest.json, by path. */
  readonly files: readonly BundleFile[]
}

/** A line of `proofs.ndjson`; the n-th belongs to the n-th record. */
export interface ProofLine {
  readonly index: number
  /** RFC 6962 inclusion proof, base64, leaf's sibling first. */
  readonly proof: readonly string[]
}

/** A line of `fields.ndjson`: every commitment of one record, in document order. */
export interface FieldsLine {
  readonly index: number
  readonly fields: readonly BundleField[]
}

export interface BundleField {
  /** RFC 6901 pointer into the record's data, whole. */
  readonly path: string
  readonly digest: string
  readonly state: FieldState
  /** Of `erased`: id of the erasure, and of its certificate. */
  readonly certificate?: string
  /** Of `expired`: the retention class. */
  readonly class?: string
  /** Of `erased` and `expired`: since when, RFC 3339, by the maker's word. */
  readonly on?: string
}

/** A line of `disclosures/<log>.ndjson`: exactly the disclosures of the fields that are `disclosed`, in their order. */
export interface DisclosuresLine {
  readonly index: number
  /** As in the vault, base64url; the digest is over this text. */
  readonly disclosures: readonly string[]
}

/** `keys.json`. Hints: a key found beside what it signed says nothing about who signed. */
export interface BundleKeys {
  readonly note: string
  /** Origin of the log → its vkey. */
  readonly logs: Readonly<Record<string, string>>
  /** Signs the SD-JWTs: a public Ed25519 JWK with `kid`. */
  readonly wrapper: Readonly<Record<string, string>>
  /** Raw Ed25519 public keys of segments, base64. */
  readonly segments: readonly string[]
}
