import type { JsonObject, JsonValue } from './json.ts'

/**
 * The two records of the log `system` that a certificate rests on, both of the subject `erasure/<id>`: the intent, sealed
 * before anything is destroyed, and the completion, sealed when all is done. Further members are free; these are relied on.
 */
export const ERASURE_STARTED_TYPE = 'sealtrail.system.erasure-started'
export const ERASURE_TYPE = 'sealtrail.system.erasure'

/** What the intent says. */
export interface SealedIntent {
  /** 32 hex characters. */
  readonly erasure: string
  /** Names of tokens. */
  readonly by: string
  readonly approvedBy: string | null
  readonly ground: string
  readonly reference: string | null
}

/** What the completion says. */
export interface SealedCompletion {
  readonly erasure: string
  /** `sha256:` hex over the canonical JSON of the certificate's body; the object of this digest in `system` is that JSON. */
  readonly certificate: string
  /** Those the certificate names. */
  readonly records: number
}

interface RecordSaid {
  readonly type: string
  readonly subject: string
  readonly data: JsonValue
}

export const ERASURE_ID: RegExp = /^[0-9a-f]{32}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/** The subject of every record about an erasure. */
export function erasureSubject(id: string): string {
  return `erasure/${id}`
}

/** Members of the intent's data. */
export function intentData({ erasure, by, approvedBy, ground, reference }: SealedIntent): JsonObject {
  return { approved_by: approvedBy, by, erasure, ground, reference }
}

/** Members of the completion's data. */
export function completionData({ erasure, certificate, records }: SealedCompletion): JsonObject {
  return { certificate, erasure, records }
}

/** What such a record says, or null when it is none. attacker: whoever can write to the log `system`; checked here is the form only. */
export function readIntent({ type, subject, data }: RecordSaid): SealedIntent | null {
  if (type !== ERASURE_STARTED_TYPE || typeof data !== 'object' || data === null || Array.isArray(data)) return null
  const { approved_by: approvedBy, by, erasure, ground, reference } = data
  if (!isErasure(erasure, subject) || typeof by !== 'string' || typeof ground !== 'string') return null
  if (!isTextOrNull(approvedBy) || !isTextOrNull(reference)) return null
  return { erasure, by, approvedBy, ground, reference }
}

/** As `readIntent`, of a completion. */
export function readCompletion({ type, subject, data }: RecordSaid): SealedCompletion | null {
  if (type !== ERASURE_TYPE || typeof data !== 'object' || data === null || Array.isArray(data)) return null
  const { certificate, erasure, records } = data
  if (!isErasure(erasure, subject) || typeof certificate !== 'string' || !DIGEST.test(certificate)) return null
  if (typeof records !== 'number' || !Number.isSafeInteger(records) || records < 0) return null
  return { erasure, certificate, records }
}

function isErasure(value: JsonValue | undefined, subject: string): value is string {
  return typeof value === 'string' && ERASURE_ID.test(value) && subject === erasureSubject(value)
}

function isTextOrNull(value: JsonValue | undefined): value is string | null {
  return value === null || typeof value === 'string'
}
