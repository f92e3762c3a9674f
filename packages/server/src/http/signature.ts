import { hash } from 'node:crypto'

/**
 * HTTP message signatures of answers (RFC 9421 over the Content-Digest of RFC 9530): the texts, without a key or a clock.
 * The request is bound by method, path and query (`;req`, section 2.4), not by authority or scheme: a proxy in front may
 * change these two, and the server would sign what nobody asked. Whose answer it is says the key.
 */
export const LABEL = 'sealtrail'
export const TAG = 'sealtrail-answer'
const COMPONENTS = '("@status" "content-type" "content-digest" "@method";req "@path";req "@query";req)'

/** The parts of a request that its answer is bound to, as they stood on the wire. */
export interface Question {
  readonly method: string
  /** Absolute path, not decoded (section 2.2.6). */
  readonly path: string
  /** From the question mark on; `?` alone when there is no query (section 2.2.7). */
  readonly query: string
  /** Asked for in `Accept-Signature`, or null. */
  readonly nonce: string | null
}

export interface Signed {
  readonly status: number
  readonly contentType: string
  /** `sha-256=:…:` */
  readonly contentDigest: string
}

/** Value of `Content-Digest` (RFC 9530 section 2) for the content as sent. */
export function contentDigest(content: Uint8Array): string {
  return digestField(hash('sha256', content, 'base64'))
}

/** The same of a digest that is known. @param sha256 base64 */
export function digestField(sha256: string): string {
  return `sha-256=:${sha256}:`
}

/** Signature parameters (section 2.3), which are also the value of the `Signature-Input` member. */
export function signatureParams(nowMs: number, keyid: string, nonce: string | null): string {
  const fresh = nonce === null ? '' : `;nonce="${nonce}"`
  return `${COMPONENTS};created=${Math.floor(nowMs / 1000)};keyid="${keyid}";alg="ed25519"${fresh};tag="${TAG}"`
}

/** The signature base (section 2.5), which is what is signed. */
export function signatureBase(question: Question, answer: Signed, params: string): string {
  return [
    `"@status": ${answer.status}`,
    `"content-type": ${answer.contentType}`,
    `"content-digest": ${answer.contentDigest}`,
    `"@method";req: ${question.method}`,
    `"@path";req: ${question.path}`,
    `"@query";req: ${question.query}`,
    `"@signature-params": ${params}`,
  ].join('\n')
}

/**
 * Method, path and query of a request, or null when they hold anything but visible ASCII: a signature base has no form
 * for that (section 2.5), and two programs would each read something else into it.
 * @param target attacker: the request target as received, in origin form or absolute form (RFC 9112 section 3.2).
 */
export function questionOf(method: string, target: string, acceptSignature: string | null): Question | null {
  const local = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  if (!/^[\x21-\x7e]*$/.test(local)) return null
  const mark = local.indexOf('?')
  const path = mark < 0 ? local : local.slice(0, mark)
  return { method, path: path === '' ? '/' : path, query: mark < 0 ? '?' : local.slice(mark), nonce: nonceOf(acceptSignature) }
}

/**
 * The nonce asked for by `Accept-Signature: sealtrail=(…);…;nonce="…"` (section 5.1), by which who asks knows that the answer was made for
 * this very request. Which components are covered is not the client's choice. attacker: any header; whatever does not fit is not there.
 */
function nonceOf(header: string | null): string | null {
  if (header === null) return null
  const member = /^(?:.*,)?[ \t]*sealtrail=\([^()]*\)((?:;[^;,()]*)*)/.exec(header)
  return /;nonce="([A-Za-z0-9+/=_.-]{1,128})"/.exec(member?.[1] ?? '')?.[1] ?? null
}
