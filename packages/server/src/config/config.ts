import type { JsonValue } from '../event/json.ts'
import type { KeysConfig } from './keys-config.ts'
import type { StoreConfig } from './store-config.ts'

/** The whole configuration with every default filled in; `load.ts` makes it from YAML. Durations in ms, sizes in bytes. */
export interface Config {
  /** Schema-less URL the logs' origins start with: `<origin>/<log>`. */
  readonly origin: string
  /** Absolute path of the data directory. */
  readonly data: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null
  readonly tenant: string
  /** Times sealed up to this one (ms since the epoch) are known to be wrong; null: none. */
  readonly clock: { readonly acceptMs: number | null }
  readonly store: StoreConfig
  readonly keys: KeysConfig
  readonly seal: { readonly maxDelayMs: number; readonly maxRecords: number; readonly maxBytes: number }
  /** Null: nobody cosigns, and what is committed is published. */
  readonly witnesses: WitnessConfig | null
  /** Null: no time-stamp authority is configured, and the only time is this server's own. */
  readonly timestamps: TimestampConfig | null
  readonly trails: Readonly<Record<string, TrailConfig>>
  readonly auth: {
    /** Duties that need two people. */
    readonly dualControl: readonly string[]
    /** How long a request waits for the second one. */
    readonly approveWithinMs: number
    /** Personal values are shown only to who gives a purpose. */
    readonly purposeRequired: boolean
  }
  readonly limits: {
    readonly maxBodyBytes: number
    readonly maxEventBytes: number
    readonly maxDepth: number
    readonly maxEvents: number
    /** How long a request waits for its commit before it answers `held`. */
    readonly answerWithinMs: number
    /** How long a finished export can be fetched. */
    readonly exportKeepMs: number
    /** Most records of one export. */
    readonly exportRecords: number
    /** Values one token may check in an hour. */
    readonly checksPerHour: number
  }
  /** Ingest threads; 0 runs ingest on the calling thread (commands, tests). */
  readonly ingestThreads: number
}

export interface WitnessConfig {
  /** The tlog-policy's text, without comments. */
  readonly policy: string
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Publish although the quorum is not there. */
  readonly failOpen: boolean
}

export interface TimestampConfig {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly authorities: readonly AuthorityConfig[]
}

export interface AuthorityConfig {
  readonly name: string
  readonly url: string
  /** PEM file of the roots, and `sha256:` with the hex digest it had when the configuration was read. */
  readonly rootsFile: string
  readonly rootsDigest: string
  readonly policy: string | null
  /** `password` is a reference, `env:NAME` or `file:PATH`. */
  readonly basic: { readonly user: string; readonly password: string } | null
}

export interface TrailConfig {
  readonly name: string
  /** Folder of each pack, in order of matching. */
  readonly packs: readonly string[]
  /** CEL expression of the operator that must also hold (`subscription.filterExpression`, `filter`), or null. */
  readonly filter: string | null
  /** Replaces the pack's map for the guide's shape (the Transform block), or null. */
  readonly map: Readonly<Record<string, unknown>> | null
  /** Event types asked for by a subscription block, or null for all. */
  readonly subscription: { readonly eventTypes: readonly string[] } | null
  readonly sequence: { readonly settleMs: number; readonly quietMs: number; readonly holdMs: number }
  /** Path of the data → what becomes of it, over what the packs say; as it was written. */
  readonly protect: Readonly<Record<string, JsonValue>>
  readonly retain: RetainConfig
  readonly public: boolean
}

export interface RetainConfig {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE'
  readonly periodMs: number
  readonly classes: readonly ClassConfig[]
  /** How long the trail's own log is kept in full before only its summaries are; null: for the whole period. */
  readonly detailMs: number | null
  /** CEL over `event`: an interaction with such an event is kept in full; null: none is by itself. */
  readonly keep: string | null
  /** The legal obligation to keep the content of what is in the log; null: there is none, and values are erased on request. */
  readonly content: ContentDuty | null
}

/** For how long what clause obliges to keep values, from the receipt of each record on. */
export interface ContentDuty {
  readonly basis: string
  readonly periodMs: number
}

/** A retention class of a trail: a log of its own, for the subjects whose first event has one of the tags. */
export interface ClassConfig extends Omit<RetainConfig, 'classes' | 'detailMs' | 'keep'> {
  readonly name: string
  /** Regulatory tags, compared without regard to case. */
  readonly tags: readonly string[]
}
