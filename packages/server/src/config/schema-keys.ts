import type { Key } from './key.ts'

/** Keys of the keyring. */
export const KEYRING_KEYS: readonly Key[] = [
  {
    path: 'keys.type',
    type: { is: 'choice', of: ['files', 'pkcs11', 'aws-kms'], later: [] },
    default: 'files',
    what: 'Who keeps the keys; `keys: files` is short for it. `files`: in files that only their owner may read, in clear or under `keys.passphrase`. `pkcs11`, `aws-kms`: locked by a key in an HSM or in AWS KMS (docs/keys.md).',
  },
  {
    path: 'keys.folder',
    type: { is: 'text', pattern: /^\/[^\0]{1,1000}$/, form: 'an absolute path' },
    default: '',
    what: 'Folder of the keyring; `keys/` in the data directory when left out. On another volume it is backed up apart from the data.',
  },
  {
    path: 'keys.passphrase',
    type: { is: 'secret' },
    default: '',
    what: 'Of `files`, `env:NAME` or `file:PATH`, at least 12 characters: the keys are locked under it. For a ring that is there already, `sealtrail key lock`.',
  },
  {
    path: 'keys.module',
    type: { is: 'text', pattern: /^\/[^\0]{1,1000}$/, form: 'an absolute path' },
    default: '',
    what: 'Of `pkcs11`: the maker’s library, such as /usr/lib/softhsm/libsofthsm2.so.',
  },
  {
    path: 'keys.token',
    type: { is: 'text', pattern: /^[^\0]{1,32}$/, form: 'a label of at most 32 characters' },
    default: '',
    what: 'Of `pkcs11`: label of the token.',
  },
  {
    path: 'keys.label',
    type: { is: 'text', pattern: /^[A-Za-z0-9][A-Za-z0-9._/-]{0,60}$/, form: 'a name of letters, digits, dots, hyphens, underscores and slashes' },
    default: 'sealtrail',
    what: 'Of `pkcs11`: label of the AES key in the token that locks the others; made with a new keyring.',
  },
  {
    path: 'keys.pin',
    type: { is: 'secret' },
    default: '',
    what: 'Of `pkcs11`: the user’s PIN, `env:NAME` or `file:PATH`; else the variable SEALTRAIL_KEYS_PIN.',
  },
  {
    path: 'keys.keyId',
    type: { is: 'text', pattern: /^[A-Za-z0-9:/_-]{1,256}$/, form: 'a key id, ARN or alias/NAME' },
    default: '',
    what: 'Of `aws-kms`: id, ARN or alias of a symmetric key for encryption.',
  },
  { path: 'keys.region', type: { is: 'text', pattern: /^[a-z0-9-]{1,40}$/, form: 'a region such as eu-central-1' }, default: '', what: 'Region of `aws-kms`.' },
  {
    path: 'keys.endpoint',
    type: { is: 'text', pattern: /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/, form: 'an http or https address without user name, query and fragment' },
    default: '',
    what: 'Address of `aws-kms` where it is not Amazon’s own: an endpoint of your VPC, an emulator.',
  },
  {
    path: 'keys.accessKeyId',
    type: { is: 'secret' },
    default: '',
    what: 'Of `aws-kms`, `env:NAME` or `file:PATH`, with `secretAccessKey`; without both the usual chain of the AWS SDK.',
  },
  { path: 'keys.secretAccessKey', type: { is: 'secret' }, default: '', what: 'Of `aws-kms`, `env:NAME` or `file:PATH`.' },
  { path: 'keys.timeout', type: { is: 'duration' }, default: '5s', what: 'Of `aws-kms`: how long one call may take; it is tried three times.' },
  {
    path: 'keys.maxAge',
    type: { is: 'duration' },
    default: '',
    what: 'How old a current key may be before `doctor` names it, such as `P365D`, and only keys that can be rotated. Nothing rotates by itself.',
  },
]
