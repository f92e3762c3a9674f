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

// Names of tenants in the wild have underscores; they never name a file.
const tenantName = {
  is: 'text',
  pattern: /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/,
  form: 'lower-case letters, digits, hyphens and underscores, at most 63',
} as const
const anyText = { is: 'text', pattern: /^[^\0]*$/u, form: 'a text' } as const
const later = { is: 'later' } as const
const DUAL = ['hold'] as const
const bucketName = { is: 'text', pattern: /^[a-z0-9][a-z0-9._-]{1,220}$/, form: 'a name of lower-case letters, digits, dots, hyphens and underscores' } as const

/** Every key there is. `docs/configuration.md` is written from this table, a test holds the two together. */
export const KEYS: readonly Key[] = [
  {
    path: 'origin',
    type: { is: 'text', pattern: /^[a-z0-9.-]+(?::\d+)?(?:\/[A-Za-z0-9._~-]+)*$/, form: 'a URL without scheme and final slash, such as audit.example.com/cc' },
    default: 'sealtrail.localhost',
    what: 'Names the logs: the origin line of each checkpoint is `<origin>/<log>`. Choose it before the first record is sealed; it cannot be changed later.',
  },
  {
    path: 'data',
    type: { is: 'path' },
    default: './sealtrail-data',
    what: 'The data directory. A relative path starts at the folder of the configuration file.',
  },
  { path: 'listen', type: { is: 'address' }, default: '127.0.0.1:8787', what: 'Address and port, `HOST:PORT` or `PORT`; port 0 takes any that is free.' },
  {
    path: 'tls.cert',
    type: { is: 'file' },
    default: '',
    what: 'Certificate chain in PEM, `file:PATH`. With `tls.key` the server speaks TLS 1.2 or 1.3 itself; without both it speaks plain HTTP, for a proxy on the same machine.',
  },
  { path: 'tls.key', type: { is: 'file' }, default: '', what: 'Private key in PEM, `file:PATH`.' },
  { path: 'tenant', type: tenantName, default: 'default', what: 'Whose records these are: part of every identity and token. It cannot be changed later.' },
  {
    path: 'store.type',
    type: { is: 'choice', of: ['files', 's3', 'azure', 'gcs'], later: [] },
    default: 'files',
    what: 'The write-once store; `store: files` is short for it. `files` keeps segments in the data directory and promises no lock; of the others the lock is probed (docs/assurance.md).',
  },
  { path: 'store.bucket', type: bucketName, default: '', what: 'Bucket of `s3` and `gcs`; its lock is turned on by you (docs/stores.md).' },
  { path: 'store.account', type: bucketName, default: '', what: 'Storage account of `azure`.' },
  { path: 'store.container', type: bucketName, default: '', what: 'Container of `azure`.' },
  {
    path: 'store.prefix',
    type: { is: 'text', pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/, form: 'a prefix such as audit/eu' },
    default: '',
    what: 'Put before every key; one bucket may hold several servers, each under its own.',
  },
  { path: 'store.region', type: { is: 'text', pattern: /^[a-z0-9-]{1,40}$/, form: 'a region such as eu-central-1' }, default: '', what: 'Region of `s3`.' },
  {
    path: 'store.endpoint',
    type: { is: 'text', pattern: /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, form: 'an http or https address without user name, query and fragment' },
    default: '',
    what: 'Address of the service where it is not the platform’s own: Ceph, a gateway, an emulator.',
  },
  {
    path: 'store.accessKeyId',
    type: { is: 'secret' },
    default: '',
    what: 'Of `s3`, `env:NAME` or `file:PATH`, with `secretAccessKey`; without both the usual chain of the AWS SDK.',
  },
  { path: 'store.secretAccessKey', type: { is: 'secret' }, default: '', what: 'Of `s3`, `env:NAME` or `file:PATH`.' },
  {
    path: 'store.accountKey',
    type: { is: 'secret' },
    default: '',
    what: 'Of `azure`, `env:NAME` or `file:PATH`; without it the usual chain of the Azure SDK.',
  },
  {
    path: 'store.credentials',
    type: { is: 'file' },
    default: '',
    what: 'Of `gcs`: a service account’s JSON, `file:PATH`; without it the usual chain of Google.',
  },
  {
    path: 'store.replica.type',
    type: { is: 'choice', of: ['files', 's3', 'azure', 'gcs'], later: [] },
    default: 'files',
    what: 'A second store that has everything too (docs/recovery.md); without any `store.replica` there is none.',
  },
  {
    path: 'store.replica.mode',
    type: { is: 'choice', of: ['sync', 'follow'], later: [] },
    default: 'sync',
    what: '`sync`: nothing counts as stored before both have it, read back; a replica that is gone stops sealing (`NOT_DURABLE`). `follow`: the replica is filled behind the main store, and how far is told at `/readyz` and in metrics.',
  },
  {
    path: 'store.replica.path',
    type: { is: 'text', pattern: /^\/[^\0]{1,1000}$/, form: 'an absolute path' },
    default: '',
    what: 'Folder of a replica of type `files`: on another disk, or mounted.',
  },
  { path: 'store.replica.bucket', type: bucketName, default: '', what: 'As the key of the same name above, of the replica.' },
  { path: 'store.replica.account', type: bucketName, default: '', what: 'As the key of the same name above, of the replica.' },
  { path: 'store.replica.container', type: bucketName, default: '', what: 'As the key of the same name above, of the replica.' },
  {
    path: 'store.replica.prefix',
    type: { is: 'text', pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/, form: 'a prefix such as audit/eu' },
    default: '',
    what: 'As the key of the same name above, of the replica.',
  },
  {
    path: 'store.replica.region',
    type: { is: 'text', pattern: /^[a-z0-9-]{1,40}$/, form: 'a region such as eu-central-1' },
    default: '',
    what: 'As the key of the same name above, of the replica.',
  },
  {
    path: 'store.replica.endpoint',
    type: { is: 'text', pattern: /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, form: 'an http or https address without user name, query and fragment' },
    default: '',
    what: 'As the key of the same name above, of the replica.',
  },
  {
    path: 'store.replica.accessKeyId',
    type: { is: 'secret' },
    default: '',
    what: 'As the key of the same name above, of the replica.',
  },
  { path: 'store.replica.secretAccessKey', type: { is: 'secret' }, default: '', what: 'As the key of the same name above, of the replica.' },
  {
    path: 'store.replica.accountKey',
    type: { is: 'secret' },
    default: '',
    what: 'As the key of the same name above, of the replica.',
  },
  {
    path: 'store.replica.credentials',
    type: { is: 'file' },
    default: '',
    what: 'As the key of the same name above, of the replica.',
  },
  { path: 'store.timeout', type: { is: 'duration' }, default: '30s', what: 'How long one request to the store may take.' },
  {
    path: 'store.probe',
    type: { is: 'duration' },
    default: '24h',
    what: 'How often the lock is probed: the server tries to delete, shorten and overwrite objects of its own, and seals what it saw. Also at start.',
  },
  {
    path: 'store.unlocked',
    type: { is: 'choice', of: ['stop', 'go-on'], later: [] },
    default: 'stop',
    what: 'What to do when the store does not enforce its lock: `stop` accepts nothing more, `go-on` goes on and says so everywhere. Files promise no lock and always go on.',
  },
  {
    path: 'store.cold.after',
    type: { is: 'duration' },
    default: '',
    what: 'How long after they are written objects move to a colder class of storage, whole days such as `P90D`. With `store.cold.class` the server writes the platform’s lifecycle rule for its own prefix, once a probe has seen the lock enforced; it moves objects, it never lets any expire.',
  },
  {
    path: 'store.cold.class',
    type: { is: 'text', pattern: /^[A-Za-z0-9_-]{1,40}$/, form: 'a class of the platform such as GLACIER_IR, Cool or NEARLINE' },
    default: '',
    what: 'The colder class, by the platform’s own name. Choose one that is read at once: audits and proofs read old objects.',
  },
  { path: 'database', type: { is: 'choice', of: ['sqlite'], later: ['postgres'] }, default: 'sqlite', what: 'Where the heads of the logs are kept.' },
  { path: 'journal', type: { is: 'choice', of: ['files'], later: ['kafka'] }, default: 'files', what: 'Where accepted events wait until they are sealed.' },
  {
    path: 'keys',
    type: { is: 'choice', of: ['files'], later: ['pkcs11', 'aws-kms'] },
    default: 'files',
    what: 'The keyring. `files` keeps it in the data directory, in clear, readable by its owner only.',
  },
  {
    path: 'seal.maxDelay',
    type: { is: 'duration' },
    default: '',
    what: 'How long a commit waits for further records: 2ms for `files`, 100ms for `s3`, `azure` and `gcs`, where each commit is a put that is billed (docs/cost.md).',
  },
  { path: 'seal.maxRecords', type: { is: 'integer', from: 1, to: 65_536 }, default: '4000', what: 'Most records of one commit.' },
  { path: 'seal.maxBytes', type: { is: 'size' }, default: '8MiB', what: 'A commit that holds as many bytes takes no further record.' },
  {
    path: 'clock.accept',
    type: { is: 'text', pattern: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/, form: 'a time such as 2027-01-31T12:00:00Z' },
    default: '',
    what: 'Times sealed up to this one are known to be wrong (the clock was ahead), so that a clock behind them does not hold events back. Without it events are refused with CLOCK_BACKWARDS while the clock is more than 5 minutes behind the newest commit.',
  },
  { path: 'sources', type: later, default: '', what: 'Sources that are polled or subscribed to. (Platforms that push need no entry here.)' },
  {
    path: 'witnesses.policy',
    type: { is: 'file' },
    default: '',
    what: 'Witnesses and their quorum, for every log of this server: a C2SP tlog-policy with a URL on each witness line, `file:PATH`. A `log` line may be left out; one that is there must name a log of this server with its key. Without a policy every committed checkpoint counts as published.',
  },
  {
    path: 'witnesses.interval',
    type: { is: 'duration' },
    default: '10s',
    what: 'How often the newest checkpoint of each log that grew is taken to the witnesses.',
  },
  { path: 'witnesses.timeout', type: { is: 'duration' }, default: '5s', what: 'How long one witness may take to answer.' },
  {
    path: 'witnesses.failOpen',
    type: { is: 'boolean' },
    default: 'false',
    what: 'Lets checkpoints out even while too few witnesses answer. They do not count as published: receipts, answers and bundles say `published: false`, metrics and log that the policy is not met.',
  },
  {
    path: 'timestamps.interval',
    type: { is: 'duration' },
    default: '1h',
    what: 'How often the newest checkpoint of each log that grew is time-stamped by every authority; also at start and at the end. It is the published one, or the committed one where the published one did not grow.',
  },
  { path: 'timestamps.timeout', type: { is: 'duration' }, default: '10s', what: 'How long an authority may take to answer.' },
  {
    path: 'timestamps.authorities.*.url',
    type: { is: 'text', pattern: /^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/, form: 'an http or https address without user name and fragment' },
    default: '',
    what: 'Address of an RFC 3161 time-stamp authority. The name before it is yours: it stands in metrics, findings and file names.',
  },
  {
    path: 'timestamps.authorities.*.roots',
    type: { is: 'file' },
    default: '',
    what: 'Root certificates its tokens must lead to, PEM, `file:PATH`. A token that does not is not kept.',
  },
  {
    path: 'timestamps.authorities.*.policy',
    type: { is: 'text', pattern: /^[0-2](?:\.(?:0|[1-9]\d{0,17}))+$/, form: 'a dotted object identifier such as 1.3.6.1.4.1.99999.1' },
    default: '',
    what: 'Policy asked for, and the only one accepted; any when left out.',
  },
  { path: 'timestamps.authorities.*.user', type: anyText, default: '', what: 'User name for HTTP Basic, with `password`.' },
  { path: 'timestamps.authorities.*.password', type: { is: 'secret' }, default: '', what: 'Password for HTTP Basic, `env:NAME` or `file:PATH`.' },
  {
    path: 'trails.*.pack',
    type: { is: 'texts' },
    default: '',
    what: 'Packs of the trail, in order of matching: names of built-in packs, or folders. `interactions` and `notifications` have theirs; every other trail needs one.',
  },
  {
    path: 'trails.*.filter',
    type: anyText,
    default: '',
    what: 'CEL over `event`, `raw`, `event_type`, `tenant`: an event is kept when it holds, besides the filter of the pack.',
  },
  { path: 'trails.*.map', type: { is: 'map' }, default: '', what: 'A transform block, `"field": "{{event.path}}"`: takes the place of the map of the pack.' },
  { path: 'trails.*.subscription.name', type: anyText, default: '', what: 'Ignored; so that a subscription can be pasted in whole.' },
  { path: 'trails.*.subscription.eventTypes', type: { is: 'texts' }, default: '', what: 'Event types kept, such as `call.stateChange`; all when left out.' },
  { path: 'trails.*.subscription.filterExpression', type: anyText, default: '', what: 'As `filter`; where both are given, both must hold.' },
  { path: 'trails.*.subscription.destinationType', type: anyText, default: '', what: 'Ignored, with a warning: events are sealed here.' },
  { path: 'trails.*.subscription.destinationId', type: anyText, default: '', what: 'Ignored, with a warning.' },
  {
    path: 'trails.*.sequence.settle',
    type: { is: 'duration' },
    default: '5s',
    what: 'Held events of one subject are released this long after its final state (every session that started has ended).',
  },
  { path: 'trails.*.sequence.quiet', type: { is: 'duration' }, default: '30s', what: 'Without a final state: released this long after the last event.' },
  { path: 'trails.*.sequence.hold', type: { is: 'duration' }, default: '5m', what: 'Released at the latest this long after the first event held.' },
  { path: 'trails.*.protect', type: later, default: '', what: 'Classifications of fields beyond those of the pack.' },
  {
    path: 'trails.*.retain.mode',
    type: { is: 'choice', of: ['COMPLIANCE', 'GOVERNANCE'], later: [] },
    default: 'COMPLIANCE',
    what: 'Lock of the segments: `COMPLIANCE` lets nobody shorten it, `GOVERNANCE` lets whoever has the right to.',
  },
  {
    path: 'trails.*.retain.period',
    type: { is: 'duration' },
    default: 'P1Y',
    what: 'How long segments are locked, from their commit on. Made longer, what is stored is locked longer, too, in the background after the start; made shorter, it is for what is sealed from then on.',
  },
  {
    path: 'trails.*.retain.detail',
    type: { is: 'duration' },
    default: '',
    what: 'Keeps the records of the trail’s own log in full for so long, at least 7 days and less than `period`; then they expire, and their daily summaries, leaf hashes and kept records stay for `period` (docs/retention.md). Nothing expires without it.',
  },
  {
    path: 'trails.*.retain.keep',
    type: anyText,
    default: '',
    what: 'CEL over `event`, the data of a sealed record: an interaction with such a record is kept in full for `period`. Personal values are not among them, nor is `raw`. Only with `detail`.',
  },
  {
    path: 'trails.*.retain.classes.*.tags',
    type: { is: 'texts' },
    default: '',
    what: 'Regulatory tags whose subjects go to the log of this class, `<tenant>.<trail>.<class>`; its own name when left out. Upper and lower case are the same. A tag of no class goes to the longest of them, an event without a tag to the log of the trail.',
  },
  {
    path: 'trails.*.retain.classes.*.mode',
    type: { is: 'choice', of: ['COMPLIANCE', 'GOVERNANCE'], later: [] },
    default: 'COMPLIANCE',
    what: 'Lock of the segments of this class.',
  },
  {
    path: 'trails.*.retain.classes.*.period',
    type: { is: 'duration' },
    default: '',
    what: 'How long segments of this class are locked; every class needs one.',
  },
  { path: 'trails.*.forward', type: later, default: '', what: 'Destinations records are delivered to.' },
  { path: 'trails.*.public', type: { is: 'boolean' }, default: 'false', what: 'Tiles and entries of the log are served to everybody, without a token.' },
  {
    path: 'auth.dualControl',
    type: { is: 'duties', of: DUAL, later: ['erase'] },
    default: 'false',
    what: 'Duties that need two people, `true` for all of them, or a list of: `hold` (legal holds placed and released). Who asks cannot approve: two approvers are two names of tokens. (Tokens need no entry here: `sealtrail token create`.)',
  },
  {
    path: 'auth.approveWithin',
    type: { is: 'duration' },
    default: '72h',
    what: 'How long a request waits for its second person; then it has to be made again.',
  },
  { path: 'limits.maxBody', type: { is: 'size' }, default: '16MiB', what: 'Longest request body.' },
  { path: 'limits.maxEvent', type: { is: 'size' }, default: '1MiB', what: 'Longest event.' },
  { path: 'limits.maxDepth', type: { is: 'integer', from: 1, to: 1_000 }, default: '64', what: 'Deepest nesting of an event.' },
  { path: 'limits.maxEvents', type: { is: 'integer', from: 1, to: 1_000_000 }, default: '10000', what: 'Most events of one request.' },
  { path: 'limits.answerWithin', type: { is: 'duration' }, default: '10s', what: 'How long a request waits for its commit before it is answered `held`.' },
  {
    path: 'limits.exportKeep',
    type: { is: 'duration' },
    default: '7d',
    what: 'How long a finished export can be fetched; then its file, which may hold personal values, is removed.',
  },
  { path: 'limits.exportRecords', type: { is: 'integer', from: 1, to: 10_000_000 }, default: '1000000', what: 'Most records of one export.' },
  {
    path: 'limits.ingestThreads',
    type: { is: 'integer', from: 0, to: 64 },
    default: '',
    what: 'Threads that take events in; the number of cores, at most 8, when left out. 0: the sealing thread does it.',
  },
]

/** Trails that are there without being written, each with its pack. `trails.<name>: false` leaves one out. */
export const BUILT_IN_TRAILS: Readonly<Record<string, string>> = { interactions: 'genesys-interactions', notifications: 'genesys-notifications' }
