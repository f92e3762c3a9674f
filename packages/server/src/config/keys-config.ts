/** Keys in files, in clear or under a passphrase: a reference, `env:NAME` or `file:PATH`, or null. */
export interface FilesKeeping {
  readonly type: 'files'
  readonly passphrase: string | null
}

/** A token that is reached by PKCS#11: an HSM, or SoftHSM2. */
export interface Pkcs11Keeping {
  readonly type: 'pkcs11'
  /** Path of the maker's library. */
  readonly module: string
  /** Label of the token, and of the AES key in it that locks the others. */
  readonly token: string
  readonly label: string
  /** Reference to the user's PIN; null: the variable SEALTRAIL_KEYS_PIN. */
  readonly pin: string | null
}

export interface AwsKeeping {
  readonly type: 'aws-kms'
  /** Id, ARN or alias of a symmetric key. */
  readonly keyId: string
  readonly region: string
  /** Address of another service than Amazon's, or null. */
  readonly endpoint: string | null
  /** References; null: the ordinary chain of the AWS SDK (environment, profile, instance role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
  /** How long one call may take. */
  readonly timeoutMs: number
}

export type KeyKeeping = FilesKeeping | Pkcs11Keeping | AwsKeeping

/** Where the keyring is, and who opens it. */
export interface KeysConfig {
  /** Absolute path; null: `keys/` in the data directory. */
  readonly folder: string | null
  readonly keeping: KeyKeeping
  /** A key older than this is named by `doctor`; null: none is. */
  readonly maxAgeMs: number | null
}
