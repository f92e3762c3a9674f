import type { Key } from './key.ts'

const bucketName = { is: 'text', pattern: /^[a-z0-9][a-z0-9._-]{1,220}$/, form: 'a name of lower-case letters, digits, dots, hyphens and underscores' } as const

/** Keys of the write-once store. */
export const STORE_KEYS: readonly Key[] = [
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
]
