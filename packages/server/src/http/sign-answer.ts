import type { Context } from 'hono'
import { signText } from '../keys/answers.ts'
import type { AnswerKeys } from '../keys/answers.ts'
import type { Env } from './app-context.ts'
import { LABEL, contentDigest, questionOf, signatureBase, signatureParams } from './signature.ts'

export interface SignDeps {
  /** The keys of now; another object after a rotation. */
  answerKeys(): AnswerKeys
  readonly now: () => number
}

const NOTHING = new Uint8Array(0)

/**
 * The same answer, signed. A handler that streams sets `Content-Digest` itself, of content it knows to be whole; every other
 * answer is read here. An answer to a request whose target cannot be signed goes out as it is: without a signature it proves
 * nothing, and says so by that.
 */
export async function signAnswer(c: Context<Env>, answer: Response, deps: SignDeps): Promise<Response> {
  const question = questionOf(c.req.raw.method, targetOf(c), c.req.raw.headers.get('accept-signature'))
  if (question === null) return answer
  const headers = new Headers(answer.headers)
  const given = headers.get('content-digest')
  // The content of an answer to HEAD is empty, and so is what its Content-Digest covers (RFC 9530 appendix B.2).
  const empty = question.method === 'HEAD'
  if (empty) await answer.body?.cancel()
  const content = empty ? NOTHING : given === null ? new Uint8Array(await answer.arrayBuffer()) : null
  const digest = content === null ? (given as string) : contentDigest(content)
  // A covered field must be there to be read (RFC 9421 section 2.1).
  const contentType = headers.get('content-type') ?? 'application/octet-stream'
  const { secret, published } = deps.answerKeys()
  const params = signatureParams(deps.now(), published[0].keyid, question.nonce)
  const base = signatureBase(question, { status: answer.status, contentType, contentDigest: digest }, params)
  headers.set('content-type', contentType)
  headers.set('content-digest', digest)
  headers.set('signature-input', `${LABEL}=${params}`)
  headers.set('signature', `${LABEL}=:${signText(secret, base)}:`)
  // Content coded on its way is other content (RFC 9110 section 7.7).
  headers.append('cache-control', 'no-transform')
  return new Response(empty ? null : (content ?? answer.body), { status: answer.status, headers })
}

/** What stood in the request line; Hono's URL is parsed, and has its own idea of some paths. */
function targetOf(c: Context<Env>): string {
  return c.env?.incoming?.url ?? c.req.raw.url
}
