import { PROBLEMS, type ProblemCode } from '@sealtrail/evidence'

/**
 * What an audit of stored data finds beyond the evidence package's own list, which knows nothing of head files, vaults and
 * derived data. Codes starting with `DERIVED_` concern files that are made again from the evidence: the evidence stands.
 */
export const STORED_PROBLEMS = {
  HEAD_UNREADABLE: 'the head file is damaged; put back a copy, however old: it is rolled forward',
  HEAD_MISSING:
    'there is no head over a store that is not empty; put back a copy of head.sqlite, however old: it is rolled forward; without one run `sealtrail recover`',
  FORKED: 'two segments continue the log from the same head; a newer head, or a checkpoint or receipt kept elsewhere, must decide',
  SEGMENT_STRAY: 'the segment begins where no commit began: it was put there from outside',
  LOCK_MISSING: 'nothing locks the object: it can be deleted or written over',
  LOCK_SHORT: 'the lock ends earlier than the retention asks',
  LOCK_WEAK: 'the lock can be lifted (GOVERNANCE), and the retention asks for one that cannot (COMPLIANCE)',
  LOCK_UNREADABLE: 'what holds the object cannot be read',
  OBJECT_OVERWRITTEN: 'somebody deleted the object or wrote over it: other versions or a deletion mark stand beside it',
  OBJECT_VERSION: 'another version carries the object than the one the log names',
  OBJECT_HEADER: 'the store’s own description of an object is damaged (key, size or retention)',
  POLICY_UNMET: 'no published checkpoint meets the policy: too few of its witnesses vouch for this log',
  VAULT_ROW_MISSING: 'the record’s commitments have no disclosure in the vault',
  VAULT_ROW_DAMAGED: 'the vault’s row does not open, or holds other disclosures than the record commits to',
  VAULT_UNREADABLE: 'a file of the vault is damaged',
  ERASURE_UNSEALED: 'the key of a value was destroyed, and no sealed erasure says so',
  ERASURE_UNDONE: 'a certificate says that a value of the record is erased, and it still opens',
  ERASURE_PART_LIVE: 'the vault’s row was emptied and its key lives: values are gone without an erasure',
  CERTIFICATE_MISSING: 'the certificate that a completed erasure names is not in the store',
  CERTIFICATE_UNFIT: 'the certificate of a completed erasure is not the one that was sealed, or does not fit what was sealed',
  TIMESTAMP_DAMAGED: 'the stored time stamp is not the one its key names',
  TIMESTAMP_LIST_MISSING: 'a revocation list kept with a time stamp is missing or damaged',
  DERIVED_TIMESTAMPS: 'the copy of a time stamp for readers is missing or differs; it is made again at the next start',
  DERIVED_CHECKPOINT: 'the committed checkpoint is missing; it is signed again at the next start',
  DERIVED_TILES: 'the level files are not those of the log; they are rebuilt at the next start',
  DERIVED_LEDGER: 'the ledger state is damaged; it is rebuilt at the next start',
  DERIVED_INDEX: 'the index is damaged; run `sealtrail rebuild-index`',
} as const

export type StoredProblemCode = keyof typeof STORED_PROBLEMS

export interface FoundProblem {
  /** Index of the leaf concerned, or the first one; null when it concerns none. */
  readonly index: number | null
  /** Store key, or path within the data directory. */
  readonly object: string
  readonly code: ProblemCode | StoredProblemCode
  /** Never holds a value of the data. */
  readonly message: string
}

/** Something worth knowing that is no fault: a loser's segment, a write that a crash cut off. */
export interface Note {
  readonly object: string
  readonly message: string
}

/** What was found of the commitments in a log's records. */
export interface Commitments {
  /** Records with commitments whose every disclosure is there, opens and fits. */
  disclosed: number
  /** Records with a commitment whose key was destroyed by an erasure: as it should be. */
  erased: number
  /** Of these by certificate; a record of several people may be among several. */
  readonly erasedUnder: Map<string, number>
  /** Records that expired with all their values. Left out: none has. */
  expired?: number
  /** Records with problems. */
  missing: number
}

/** What the time stamps of a log establish. */
export interface TimestampSummary {
  readonly count: number
  /** The one over the most records whose token has no problem and whose checkpoint is of the log. */
  readonly newest: {
    readonly size: number
    /** RFC 3339: the authority's time and its accuracy, where the token says one. The records under the checkpoint are not younger. */
    readonly latest: string
    /** Printable; means nothing unless `established`. */
    readonly tsa: string
    readonly established: boolean
    /** According to the lists kept with it or in it. */
    readonly revocation: 'good' | 'revoked' | 'unknown'
    /** RFC 3339, for `good`: when the oldest of these lists was made. */
    readonly revocationAsOf: string | null
  } | null
}

/** What holds the objects of a log. */
export interface LockSummary {
  readonly objects: number
  readonly modes: readonly ('COMPLIANCE' | 'GOVERNANCE')[]
  /** RFC 3339: when the first of the locks ends; null when there is none. */
  readonly earliest: string | null
  /** Objects under a legal hold. */
  readonly holds: number
}

/** The verdict on one log: one line of `sealtrail verify --json`. */
export interface LogVerdict {
  readonly ok: boolean
  /** `*`: what concerns the whole data directory. */
  readonly log: string
  /** Leaves in the stored segments. */
  readonly size: number
  /** Root recomputed from the records, lower-case hex; null when damage made that impossible. */
  readonly root: string | null
  /** `given`: a checkpoint of it was opened with a key from elsewhere. `none`: the log agrees with itself, whoever wrote it, or emptied it. */
  readonly trust: 'given' | 'none'
  readonly problems: readonly FoundProblem[]
  /** Problems beyond those listed. */
  readonly more: number
  readonly notes: readonly Note[]
  /** Null: no vault was given, commitments were not looked up. */
  readonly commitments: Commitments | null
  /** Left out or null: there are no time stamps of it. */
  readonly timestamps?: TimestampSummary | null
  /** Left out: locks were not asked about. */
  readonly locks?: LockSummary
}

/** A problem with its code's own meaning, and more if there is more to say. */
export function problem(code: StoredProblemCode, object: string, index: number | null, detail?: string): FoundProblem {
  return { index, object, code, message: detail === undefined ? STORED_PROBLEMS[code] : `${STORED_PROBLEMS[code]} (${detail})` }
}

/** Every code a verdict may carry, with its meaning. */
export const ALL_PROBLEMS: Readonly<Record<ProblemCode | StoredProblemCode, string>> = { ...PROBLEMS, ...STORED_PROBLEMS }
