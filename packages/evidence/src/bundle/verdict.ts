import type { FieldState } from '../flatten.ts'
import type { Problem } from '../problem.ts'
import type { BundleManifest } from './format.ts'

/** Bytes that can be read anywhere. A short answer is an error of the source. */
export interface ByteSource {
  readonly size: number
  /** Bytes [from, to). */
  read(from: number, to: number): Promise<Uint8Array>
}

/** The part of `Blob` that is used; a `File` of a web page is one. */
export interface BlobSource {
  readonly size: number
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> }
}

/** What the examiner has from elsewhere than the bundle. Nothing of it is needed; without it nobody is established as signer. */
export interface BundleTrust {
  /** Keys of logs (type 0x01) and of witnesses (0x04), as vkey lines. */
  readonly vkeys?: readonly string[]
  /** Text of a tlog-policy. */
  readonly policy?: string
  /** Certificates of time-stamping authorities' roots, DER. */
  readonly tsaRoots?: readonly Uint8Array[]
  /** What the examiner asked for: a bundle that answers another question is a problem. */
  readonly asked?: {
    readonly range?: { readonly log: string; readonly from: number; readonly to: number }
    readonly subject?: string
  }
}

/** How far it is; `done` and `total` count bytes of files as unpacked. */
export interface BundleProgress {
  readonly file: string
  readonly done: number
  readonly total: number
}

/** `established` rests on a key, policy or root the examiner brought; `consistent` says that nothing contradicts, and no more. */
export type Conclusion = 'established' | 'consistent' | 'broken'

/** `asked`, `method` and `unreached` are of certificates. */
export type QuestionId = 'signer' | 'time' | 'records' | 'complete' | 'disclosed' | 'erased' | 'schemas' | 'asked' | 'method' | 'unreached'

/** One question an examiner has. */
export interface QuestionAnswer {
  readonly id: QuestionId
  /** In words, e.g. `Who signed?`. */
  readonly question: string
  /** `none`: it does not arise, e.g. nothing is erased. `unknown`: the file cannot say without something from elsewhere. */
  readonly answer: 'yes' | 'partly' | 'no' | 'unknown' | 'none'
  /** Whole sentences in plain words, the most important first; no value of a record is in them. */
  readonly says: readonly string[]
}

/** A time before which records were there, by somebody else's word. */
export interface ProvenTime {
  /** RFC 3339 in UTC: the latest that the word allows, a token's accuracy added. */
  readonly time: string
  readonly kind: 'tsa' | 'witness'
  /** Name of the authority or witness, as its certificate or key has it. */
  readonly by: string
  /** The trust rests on something the examiner brought. */
  readonly established: boolean
  /** Size of the checkpoint: records of smaller index are covered. */
  readonly size: number
}

export interface TimestampFinding extends Omit<ProvenTime, 'kind' | 'time'> {
  /** The token's own time, RFC 3339 in UTC. */
  readonly time: string
  /** Folder in the bundle. */
  readonly name: string
  readonly accuracyMs: number | null
  readonly revocation: 'good' | 'revoked' | 'unknown'
  /** For `good`: when the oldest of the lists it rests on was made, RFC 3339. */
  readonly revocationAsOf: string | null
  /** Token and consistency proof hold. */
  readonly ok: boolean
  /** How many of the bundle's records of this log it covers. */
  readonly covers: number
}

export interface LogVerdict {
  readonly log: string
  readonly origin: string
  readonly size: number
  /** Lower-case hex; empty when the checkpoint cannot be read. */
  readonly root: string
  readonly signer: {
    /** What established it; null: consistent at most, signer not established. */
    readonly by: 'vkey' | 'policy' | null
    /** Name and key id of the key that signed; null when not established. */
    readonly key: string | null
    /** Verified cosignatures of witnesses the examiner knows. */
    readonly cosignatures: ReadonlyArray<{ readonly name: string; readonly time: string }>
    /** Signature lines on the checkpoint of keys nobody gave. */
    readonly unknown: number
    /** `none`: the policy asks for no witness; `not-asked`: there is no policy. */
    readonly quorum: 'met' | 'not-met' | 'none' | 'not-asked'
  }
  /** The earliest established time by which all records of this log in the bundle existed; else the earliest consistent one; null: only the maker's clock. */
  readonly since: ProvenTime | null
  readonly timestamps: readonly TimestampFinding[]
  readonly records: {
    readonly count: number
    /** Those whose bytes lead to the checkpoint's root. */
    readonly proven: number
    /** Runs of consecutive indexes [from, to), at most 1,000 of them. */
    readonly runs: ReadonlyArray<{ readonly from: number; readonly to: number }>
    readonly moreRuns: boolean
    /**
     * Where the lines of `records.ndjson` stand, a member for each run of lines alike from `line` (the first is 0) on: `index`
     * of that line, ascending by one in a range, null where nothing says it; `proven` of them all. At most 1,001.
     */
    readonly places: ReadonlyArray<{ readonly line: number; readonly index: number | null; readonly proven: boolean }>
    /** Event times, the maker's or sender's word: earliest and latest, RFC 3339; null when no record has one. */
    readonly earliest: string | null
    readonly latest: string | null
  }
  /** Set for a range: whether every leaf of it is there and proven. */
  readonly range: { readonly from: number; readonly to: number; readonly complete: boolean } | null
  readonly subjects: {
    readonly count: number
    /** Of these, numbered 1..n without a gap within the bundle. */
    readonly gapless: number
    /** Of these, without a gap but beginning later than 1. */
    readonly fromLater: number
  }
  readonly fields: Readonly<Record<FieldState, number>>
  /** Certificate id → fields said to be erased under it; '' for none. */
  readonly erasedUnder: Readonly<Record<string, number>>
  readonly disclosures: { readonly matching: number; readonly wrong: number }
  /** `dataschema` → how many records name it, and whether the bundle holds it. */
  readonly schemas: ReadonlyArray<{ readonly schema: string; readonly records: number; readonly included: boolean }>
}

/** An erasure certificate of the bundle, and what its own check came to. */
export interface CertificateFinding {
  readonly id: string
  /** RFC 3339, as it says. */
  readonly completed: string
  readonly ground: string
  readonly conclusion: Conclusion
  /** Lower-case hex. */
  readonly sha256: string
  /** Key that signed; null when not established. */
  readonly signer: string | null
}

export interface BundleVerdict {
  /** No problem was found. Says nothing of who signed: see `conclusion`. */
  readonly ok: boolean
  readonly conclusion: Conclusion
  /** What the bundle says of itself; null when it has no readable manifest. */
  readonly manifest: BundleManifest | null
  /** SHA-256 of manifest.json, lower-case hex: names this bundle and every file in it; null as above. */
  readonly manifestSha256: string | null
  readonly logs: readonly LogVerdict[]
  /** Those that can be read. */
  readonly certificates: readonly CertificateFinding[]
  /** Every question once, in the order an examiner asks. */
  readonly questions: readonly QuestionAnswer[]
  /** The first 1,000. `object` is the path in the zip (`<path>:<line>` for a line), `index` the leaf's. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}
