import { createHash } from 'node:crypto'
import { readTimestampAnswer, timestampRequest, verifyTimestamp } from '@sealtrail/evidence'
import type { TimestampTrust, TimestampVerdict } from '@sealtrail/evidence'
import type { Answer, Connections } from '../post.ts'

/** A time-stamp authority, ready to be asked. */
export interface Authority {
  readonly name: string
  readonly url: string
  /** Trusted roots, DER. */
  readonly roots: readonly Uint8Array[]
  readonly policy: string | null
  /** `Authorization` header, opened at each request, or null. @throws Error when the secret cannot be had */
  authorization(): string | null
}

/** A token that passed every check. */
export interface Stamped {
  readonly token: Uint8Array
  readonly nonce: Uint8Array
  readonly verdict: TimestampVerdict
  /** By the clock here, ms since the epoch. */
  readonly requestedMs: number
  readonly answeredMs: number
}

/** Why an authority did not stamp: a short code for metrics and events, and words for people. */
export interface Refusal {
  readonly code: string
  readonly detail: string
}

export interface AskEnv {
  readonly connections: Connections
  readonly timeoutMs: number
  readonly now: () => number
  /** Unpredictable bytes. */
  readonly random: (bytes: number) => Uint8Array
}

const MAX_ANSWER_BYTES = 65_536
/** What every authority takes; longer ones some refuse. */
const NONCE_BYTES = 8

/** Asks once for a token over the text and checks it in full. attacker: whoever answers at the address. Never rejects. */
export async function askAuthority(authority: Authority, text: Uint8Array, env: AskEnv): Promise<Stamped | Refusal> {
  const nonce = Uint8Array.from(env.random(NONCE_BYTES))
  nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40
  const requestedMs = env.now()
  const digest = createHash('sha256').update(text).digest()
  let authorization: string | null
  let question: Uint8Array
  try {
    authorization = authority.authorization()
    question = timestampRequest(digest, nonce, authority.policy ?? undefined)
  } catch {
    return { code: 'FAILED', detail: 'it cannot be asked' }
  }
  let answer: Answer
  try {
    answer = await env.connections.ask(authority.url, {
      method: 'POST',
      body: question,
      // RFC 3161 section 3.4.
      headers: { 'content-type': 'application/timestamp-query', accept: 'application/timestamp-reply', ...(authorization === null ? {} : { authorization }) },
      timeoutMs: env.timeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
    })
  } catch (error) {
    return { code: (error as Error).message, detail: 'it does not answer' }
  }
  if (answer.status !== 200) return { code: `STATUS_${answer.status}`, detail: `it answers ${answer.status}` }
  if (answer.type !== 'application/timestamp-reply') return { code: 'ANSWER_TYPE', detail: 'the answer is not of type application/timestamp-reply' }
  const read = readTimestampAnswer(answer.body)
  if (!read.granted) return { code: 'NOT_GRANTED', detail: read.text === '' ? read.failure : `${read.failure}; it says: ${read.text}` }
  const verdict = await verifyTimestamp(read.token, text, trustIn(authority, nonce))
  return refusalOf(verdict) ?? { token: read.token, nonce, verdict, requestedMs, answeredMs: env.now() }
}

/** Checks a token again, now with the revocation lists of its chain. Null: they do not speak against it. @param crls DER */
export async function checkRevocation(authority: Authority, text: Uint8Array, stamped: Stamped, crls: readonly Uint8Array[]): Promise<Refusal | null> {
  const { token, nonce, verdict } = stamped
  return refusalOf(await verifyTimestamp(token, text, { ...trustIn(authority, nonce), intermediates: verdict.chain, crls }))
}

function trustIn({ roots, policy }: Authority, nonce: Uint8Array): TimestampTrust {
  return { roots, nonce, ...(policy === null ? {} : { policies: [policy] }) }
}

function refusalOf({ problems: [problem] }: TimestampVerdict): Refusal | null {
  return problem === undefined ? null : { code: problem.code, detail: problem.message }
}

/** Attempts after these waits (docs/timestamps.md), each with up to a quarter more so that servers do not come together. */
const RETRY_MS = [2_000, 4_000, 8_000]
/** Asked again at once these would say the same. */
const FINAL = /^(?:NOT_GRANTED|TIMESTAMP_|STATUS_4(?!08|25|29))/

/** As `askAuthority`, tried again where that may help. `wait` resolves to false when there is no time left. */
export async function askPatiently(authority: Authority, text: Uint8Array, env: AskEnv, wait: (ms: number) => Promise<boolean>): Promise<Stamped | Refusal> {
  for (const retry of [...RETRY_MS, null]) {
    const answer = await askAuthority(authority, text, env)
    if ('token' in answer || retry === null || FINAL.test(answer.code)) return answer
    if (!(await wait(Math.round(retry * (1 + (env.random(1)[0] ?? 0) / 1024))))) return answer
  }
  throw new Error('unreachable')
}
