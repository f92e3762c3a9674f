/**
 * The closed list of what can go wrong, as an outsider sees it: a stable code, the HTTP status it answers with, a title
 * and what to do about it. `docs/errors.md` is written from this table (`node scripts/errors-doc.ts`), a test holds them together.
 */
export const ERRORS = {
  BAD_REQUEST: { status: 400, title: 'The request cannot be understood', todo: 'Read the detail; nothing was stored.' },
  NOT_JSON: { status: 400, title: 'The body is not JSON', todo: 'Send JSON, a JSON array, NDJSON or a CloudEvent in UTF-8.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'The content type is not understood',
    todo: 'Send application/json, application/x-ndjson or application/cloudevents(-batch)+json in UTF-8.',
  },
  UNSUPPORTED_ENCODING: { status: 415, title: 'The content encoding is not understood', todo: 'Send gzip, zstd, br, deflate or no Content-Encoding.' },
  TOO_LARGE: { status: 413, title: 'The body or one event is too large', todo: 'Send smaller batches; see `limits` in the configuration.' },
  UNAUTHENTICATED: { status: 401, title: 'No valid token', todo: 'Send `Authorization: Bearer TOKEN`; create one with `sealtrail token create`.' },
  FORBIDDEN: { status: 403, title: 'The token has not the role for this', todo: 'Use a token with one of the roles named in the detail.' },
  NOT_FOUND: { status: 404, title: 'There is no such thing', todo: 'Check the identifier; filtered events leave no record.' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The route does not take this method', todo: 'See /openapi.json.' },
  UNKNOWN_TRAIL: { status: 404, title: 'There is no such trail', todo: 'Name a trail of the configuration.' },
  NO_IDENTIFIER: {
    status: 400,
    title: 'The query names no identifier',
    todo: 'Give message_uuid, customer_external_id or carrier_message_id; a time alone is never enough.',
  },
  NOT_I_JSON: {
    status: 201,
    title: 'The event is not I-JSON (duplicate key, lone surrogate, or a number a double cannot hold)',
    todo: 'It is quarantined; correct the sender.',
  },
  TOO_DEEP: {
    status: 201,
    title: 'The event is nested deeper than `limits` allow',
    todo: 'It is quarantined; flatten it at the sender or raise `limits.maxDepth`, then replay.',
  },
  UNMATCHED: { status: 201, title: 'No pack matches the event', todo: 'It is quarantined; add a pack or name the trail, then `sealtrail quarantine replay`.' },
  UNMAPPABLE: { status: 201, title: 'The pack cannot map the event', todo: 'It is quarantined; correct the pack or the sender, then replay.' },
  EXPRESSION_FAILED: { status: 201, title: 'An expression of the pack failed on the event', todo: 'It is quarantined; correct the expression, then replay.' },
  SCHEMA_BROKEN: {
    status: 201,
    title: 'The event breaks the schema of its pack',
    todo: 'It is quarantined; correct the sender or add a schema version, then replay.',
  },
  RESERVED_KEY: {
    status: 201,
    title: 'The event uses a key that commitments reserve (`_sd`, `_sd_alg`, `...`)',
    todo: 'It is quarantined; rename the key at the sender.',
  },
  SENSITIVE_AUTHENTICATION_DATA: {
    status: 422,
    title: 'The event carries a card security code, track data or a PIN',
    todo: 'It is refused and nothing of it is kept; stop sending the fields named in the refusal (PCI DSS 3.3.1).',
  },
  IDENTITY_CONFLICT: {
    status: 422,
    title: 'The same identity was sealed with another content',
    todo: 'The first record stands; the conflict is sealed in the system trail.',
  },
  SUPERSEDED: {
    status: 409,
    title: 'A status of higher precedence is already sealed for this message',
    todo: 'Nothing: the receipt is sealed, the current status stays.',
  },
  PERSON_ERASED: {
    status: 503,
    title: 'The key of this person was destroyed while the event was under way',
    todo: 'Send it again after Retry-After: it gets a new key that nothing links to the old one.',
  },
  ERASURE_EXISTS: {
    status: 409,
    title: 'An erasure of this person is under way or waits already',
    todo: 'See the erasures that are listed; the same person is not erased twice at once.',
  },
  ERASURE_RUNNING: { status: 409, title: 'The erasure has begun', todo: 'It cannot be withdrawn any more; it is completed, whatever happens.' },
  NOT_DURABLE: { status: 503, title: 'The event could not be made durable', todo: 'Send it again after Retry-After; nothing was acknowledged.' },
  OVERLOADED: { status: 503, title: 'Too much is under way', todo: 'Send it again after Retry-After.' },
  INDEX_BEHIND: { status: 503, title: 'The index is too far behind to answer', todo: 'Ask again after Retry-After, or run `sealtrail rebuild-index`.' },
  NOT_READY: { status: 503, title: 'The server is not ready', todo: 'See /readyz for the reasons.' },
  LOG_STOPPED: { status: 503, title: 'The log has stopped sealing', todo: 'Run `sealtrail doctor` and `sealtrail verify`; the reason is in /readyz.' },
  WRONG_LOCK_MODE: { status: 400, title: 'There is no such retention mode', todo: 'Use COMPLIANCE or GOVERNANCE (COMPLY does not exist).' },
  WRONG_LOCK_HEADER: { status: 400, title: 'There is no such object lock header', todo: 'Use x-amz-object-lock-mode and x-amz-object-lock-retain-until-date.' },
  WRONG_DESTINATION: {
    status: 400,
    title: 'The destination is not an ARN of that service',
    todo: 'A Firehose ARN is arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME; Sealtrail ignores the destination.',
  },
  CONFIG_INVALID: { status: 500, title: 'The configuration is not valid', todo: 'Correct the line and column named.' },
  PACK_INVALID: { status: 500, title: 'A pack is not valid', todo: 'Run `sealtrail pack test DIR` and correct what it names.' },
  DATA_IN_USE: { status: 503, title: 'Another process holds the data directory', todo: 'Stop it, or call its HTTP address with --url.' },
  DATA_UNWRITABLE: { status: 503, title: 'The data directory cannot be written', todo: 'Free space or correct the permissions; see `sealtrail doctor`.' },
  ALREADY_WRITTEN: {
    status: 500,
    title: 'Other bytes are stored under this key of the write-once store',
    todo: 'Run `sealtrail verify`; nothing was overwritten.',
  },
  DATA_CORRUPT: { status: 500, title: 'A stored file is damaged', todo: 'Run `sealtrail verify`; derived files are rebuilt with `sealtrail rebuild-index`.' },
  STORE_UNREADABLE: {
    status: 503,
    title: 'The write-once store does not answer',
    todo: 'Ask again after Retry-After; see the address, the credentials and the rights of the store (`sealtrail doctor`).',
  },
  STORE_NOT_LOCKED: {
    status: 503,
    title: 'The write-once store does not lock what it is given',
    todo: 'Nothing was acknowledged. Run `sealtrail doctor`; turn the lock of the bucket on, or say `store.unlocked: go-on` in the configuration.',
  },
  OBJECT_LOCKED: {
    status: 409,
    title: 'The object is locked or under a legal hold',
    todo: 'Wait until its retention has ended and its holds are released; neither can be shortened.',
  },
  HOLD_EXISTS: {
    status: 409,
    title: 'The same hold stands already, or waits for a second person',
    todo: 'See `sealtrail hold list`; another matter is held under a reason of its own.',
  },
  SAME_APPROVER: {
    status: 403,
    title: 'One person cannot be both who asks and who approves',
    todo: 'Have somebody else approve, with a token of their own name.',
  },
  TOO_MANY_CHECKS: {
    status: 429,
    title: 'Too many values were checked with this token',
    todo: 'Ask again after Retry-After. `limits.checksPerHour` bounds what can be found out by trying values.',
  },
  HEAD_LOST: { status: 500, title: 'The head of the log was swapped by another writer', todo: 'Only one server may write a log; this one stopped.' },
  HEAD_MISSING: {
    status: 500,
    title: 'The head is empty but the store is not',
    todo: 'Put back a copy of head.sqlite, however old: it is rolled forward over the segments. Without one run `sealtrail recover`: it makes head and hash files again from the store (docs/recovery.md). The log is never restarted at size 0.',
  },
  FORKED: {
    status: 503,
    title: 'The log has two histories, or a witness says so',
    todo: 'Delete nothing. `sealtrail witness alarms` shows what was seen, docs/witness.md says what to do. Two segments that continue one head (the detail names them): put back a newer copy of head.sqlite, the segment it went on to stands; without one `sealtrail recover --checkpoint FILE` or `--receipt FILE` goes on with the one that was promised.',
  },
  KEY_UNKNOWN: { status: 500, title: 'A key is not in the keyring', todo: 'Restore the keyring; an unknown key is an error, never an erasure.' },
  KEY_UNAVAILABLE: {
    status: 503,
    title: 'The key service does not answer',
    todo: 'Ask again after Retry-After; see `keys` in the configuration and `sealtrail doctor`. Nothing was acknowledged, and nothing counts as erased.',
  },
  KEY_PERMISSIONS: { status: 500, title: 'The keyring is readable by others', todo: 'chmod 600 the keyring and 700 its folder.' },
  CLOCK_BACKWARDS: {
    status: 503,
    title: 'The clock is behind the last sealed record',
    todo: 'Correct the clock; if the sealed times are the wrong ones, set `clock.accept`.',
  },
  RECORDS_EXPIRED: {
    status: 410,
    title: 'The records have expired',
    todo: 'Their time was over (docs/retention.md): ask for the summary instead, `sealtrail query --log TENANT.TRAIL.summary`, or for records that were kept.',
  },
  CLOCK_LEAPT: {
    status: 503,
    title: 'The clock is far ahead of all that is known to have passed, so nothing expires',
    todo: 'Correct the clock. If it is right and the server stood still for so long, an officer says so: `sealtrail retain run --clock-is-right`.',
  },
  FILE_UNREADABLE: {
    status: 500,
    title: 'A file named on the command line cannot be read',
    todo: 'Check that it is a file and may be read; nothing was said about what is in it.',
  },
  USAGE: { status: 400, title: 'The command was called wrongly', todo: 'See `sealtrail COMMAND --help`.' },
  INTERNAL: { status: 500, title: 'A defect in Sealtrail', todo: 'Report it with the log line of the same time; nothing was acknowledged falsely.' },
} as const

export type ErrorCode = keyof typeof ERRORS

/** An error an outsider may see: a code of the list, a detail that never holds a personal value, and whether the log must stop. */
export class SealtrailError extends Error {
  readonly code: ErrorCode
  /** True when going on would risk the log: the writer stops and says so in /readyz. */
  readonly stopsLog: boolean
  constructor(code: ErrorCode, detail?: string, options: { cause?: unknown; stopsLog?: boolean } = {}) {
    super(detail ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SealtrailError'
    this.code = code
    this.stopsLog = options.stopsLog ?? false
  }
}
