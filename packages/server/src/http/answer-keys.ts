import type { AnswerKey } from '../keys/answers.ts'
import type { Handler } from './app-context.ts'

/**
 * Where whoever holds a signed answer finds its key: a JWKS as draft-meunier-webbotauth-httpsig-directory has it. It is
 * signed like every answer, which only proves who holds the current key. That these are the log's keys says the log: records
 * of the subject named here, in the `system` log.
 */
export const answerKeyRoutes: Record<'listAnswerKeys', Handler> = {
  listAnswerKeys(_, app) {
    const { origin } = app.config
    const body = { keys: app.answerKeys().published.map(jwk), sealed: { log: `${origin}/system`, subject: 'key/answers' } }
    return new Response(JSON.stringify(body), {
      headers: { 'content-type': 'application/http-message-signatures-directory+json', 'cache-control': 'public, max-age=60' },
    })
  },
}

/** RFC 8037 section 2; `nbf` and `exp` in seconds. An answer is a key's when its `created` lies between them. */
function jwk({ keyid, x, notBeforeMs, notAfterMs }: AnswerKey): object {
  const exp = notAfterMs === null ? {} : { exp: Math.ceil(notAfterMs / 1000) }
  return { kty: 'OKP', crv: 'Ed25519', kid: keyid, x, use: 'sig', nbf: Math.floor(notBeforeMs / 1000), ...exp }
}
