/** Of the JSON that says it; docs/format.md has it byte by byte. */
export const CERTIFICATE_FORMAT = 'sealtrail.certificate/1'

/** A record whose values were erased. It stays, and still verifies. */
export interface CertificateRecord {
  readonly log: string
  readonly index: number
  readonly auditid: string
  /** `sha256:` hex over the record's bytes. */
  readonly hash: string
  readonly type: string
  /** RFC 3339 event time, or null. */
  readonly time: string | null
  /** Delivery status, or null when the record has none. */
  readonly status: string | null
  /** RFC 6901 pointer and digest of every commitment whose value is gone. */
  readonly fields: ReadonlyArray<{ readonly path: string; readonly digest: string }>
}

/**
 * A redaction certificate: what was erased, by whom, on what ground, how, and what could not be reached. It holds no personal
 * value, no token and no key. Its canonical JSON (RFC 8785) is what the completion record of `system` has the SHA-256 of.
 */
export interface CertificateBody {
  readonly format: typeof CERTIFICATE_FORMAT
  /** 32 hex characters; that of the erasure. */
  readonly id: string
  /** Origin of the `system` log that seals intent and completion. */
  readonly origin: string
  readonly tenant: string
  readonly requested: { readonly by: string; readonly at: string; readonly ground: string; readonly reference: string | null }
  readonly approved: { readonly by: string; readonly at: string } | null
  /** RFC 3339: `time` of the sealed intent. */
  readonly started: string
  /** RFC 3339, when all was done; the completion is sealed after it. */
  readonly completed: string
  readonly method: {
    readonly name: 'cryptographic erase'
    readonly reference: 'NIST SP 800-88 Rev. 2'
    /** Where the key-encryption key is: `files`, `pkcs11`, `aws-kms`. */
    readonly keys: string
    /** Keys destroyed: of the person, and of interactions the person was a party of. */
    readonly destroyed: { readonly person: number; readonly interactions: number }
    /** Taken out beside them. */
    readonly removed: { readonly aliases: number; readonly rows: number; readonly tokens: number; readonly exports: number }
  }
  /** Files below the data directory searched afterwards for what was destroyed, byte by byte. */
  readonly searched: {
    readonly files: number
    readonly bytes: number
    readonly patterns: number
    readonly found: ReadonlyArray<{ readonly file: string; readonly what: string }>
  }
  /** By log (UTF-16 code units), then index; each once. */
  readonly records: readonly CertificateRecord[]
  /** What this erasure could not reach, each with its date where it has one. */
  readonly notReached: ReadonlyArray<{
    readonly what: 'export' | 'backup' | 'forwarder' | 'quarantine' | 'memory' | 'media' | 'file'
    readonly at: string | null
    readonly detail: string
  }>
}

/** One record of `system` with its proof: the record's bytes as text, and a C2SP tlog-proof of it. */
export interface SealedStatement {
  readonly record: string
  readonly proof: string
}

/** A certificate as it is handed out: checked offline with nothing but the log's key. */
export interface CertificateFile {
  readonly certificate: CertificateBody
  readonly started: SealedStatement
  readonly completed: SealedStatement
}
