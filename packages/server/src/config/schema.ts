import { anyText, later } from './key.ts'
import type { Key } from './key.ts'
import { KEYRING_KEYS } from './schema-keys.ts'
import { STORE_KEYS } from './schema-store.ts'
import { TRAIL_KEYS } from './schema-trails.ts'

// Names of tenants in the wild have underscores; they never name a file.
const tenantName = {
  is: 'text',
  pattern: /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/,
  form: 'lower-case letters, digits, hyphens and underscores, at most 63',
} as const
const DUAL = ['hold', 'erase', 'disclose'] as const

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
  ...STORE_KEYS,
  { path: 'database', type: { is: 'choice', of: ['sqlite'], later: ['postgres'] }, default: 'sqlite', what: 'Where the heads of the logs are kept.' },
  { path: 'journal', type: { is: 'choice', of: ['files'], later: ['kafka'] }, default: 'files', what: 'Where accepted events wait until they are sealed.' },
  ...KEYRING_KEYS,
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
  ...TRAIL_KEYS,
  {
    path: 'auth.dualControl',
    type: { is: 'duties', of: DUAL, later: [] },
    default: 'false',
    what: 'Duties that need two people, `true` for all of them, or a list of: `hold` (legal holds placed and released), `erase` (a person’s values erased), `disclose` (values opened to a token by a grant). Who asks cannot approve: two approvers are two names of tokens. (Tokens need no entry here: `sealtrail token create`.)',
  },
  {
    path: 'auth.approveWithin',
    type: { is: 'duration' },
    default: '72h',
    what: 'How long a request waits for its second person; then it has to be made again.',
  },
  {
    path: 'auth.purposeRequired',
    type: { is: 'boolean' },
    default: 'false',
    what: 'Shows personal values only to who gives a purpose (`X-Audit-Purpose`, `--purpose`), officers and admins too; without one they are `sealed`. Otherwise a read without a purpose is sealed as one without.',
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
    path: 'limits.checksPerHour',
    type: { is: 'integer', from: 0, to: 100_000 },
    default: '60',
    what: 'How many values one token may check in an hour (`sealtrail check`); who may try often enough finds any short value.',
  },
  {
    path: 'limits.ingestThreads',
    type: { is: 'integer', from: 0, to: 64 },
    default: '',
    what: 'Threads that take events in; the number of cores, at most 8, when left out. 0: the sealing thread does it.',
  },
]

/** Trails that are there without being written, each with its pack. `trails.<name>: false` leaves one out. */
export const BUILT_IN_TRAILS: Readonly<Record<string, string>> = { interactions: 'genesys-interactions', notifications: 'genesys-notifications' }
