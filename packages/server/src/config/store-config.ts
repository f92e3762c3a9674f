import type { Cold } from '../store/lifecycle.ts'

/** Files in the data directory. */
export interface FilesPlace {
  readonly type: 'files'
  /** Of a replica: the folder. Else `store/` in the data directory. */
  readonly path?: string
}

/** A bucket of Amazon S3 or of a server that speaks its language. Secrets are references (`env:NAME`, `file:PATH`). */
export interface S3Place {
  readonly type: 's3'
  readonly bucket: string
  /** '' or ends with `/`. */
  readonly prefix: string
  readonly region: string
  /** Address of another server than Amazon's, or null. */
  readonly endpoint: string | null
  /** Null: the ordinary chain of the AWS SDK (environment, profile, instance role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
}

export interface AzurePlace {
  readonly type: 'azure'
  readonly account: string
  readonly container: string
  readonly prefix: string
  /** Address of the blob service where it is not `https://<account>.blob.core.windows.net`, or null. */
  readonly endpoint: string | null
  /** Reference to the account's key; null: the ordinary chain of the Azure SDK. */
  readonly accountKey: string | null
}

export interface GcsPlace {
  readonly type: 'gcs'
  readonly bucket: string
  readonly prefix: string
  readonly endpoint: string | null
  /** Service account key, JSON; null: the ordinary chain of Google's libraries. */
  readonly credentialsFile: string | null
}

export type StorePlace = FilesPlace | S3Place | AzurePlace | GcsPlace

export interface ReplicaConfig {
  readonly place: StorePlace
  /** `sync`: nothing counts as stored before both have it. `follow`: the replica is filled behind the main store. */
  readonly mode: 'sync' | 'follow'
}

/** Where evidence is kept, and what is promised of it. */
export interface StoreConfig {
  readonly place: StorePlace
  /** A second store that has everything too; null: none. */
  readonly replica: ReplicaConfig | null
  /** How long one request may take. */
  readonly timeoutMs: number
  /** How often the lock is probed. */
  readonly probeMs: number
  /** What to do when a probe finds that the store does not enforce its lock; files, which promise nothing, always go on. */
  readonly unlocked: 'stop' | 'go-on'
  /** When objects move to a colder class, and to which; null: never by us. */
  readonly cold: Cold | null
}
