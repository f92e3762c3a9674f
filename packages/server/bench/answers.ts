// What a signature costs an answer: the same route with and without, through the app, without a socket; and the parts by themselves.
import { generateKeyPairSync, sign } from 'node:crypto'
import { contentDigest, questionOf, signatureBase, signatureParams } from '../src/http/signature.ts'
import { signAnswer } from '../src/http/sign-answer.ts'
import { json } from '../src/http/app-context.ts'
import { Hono } from 'hono'
import type { Env } from '../src/http/app-context.ts'
import { signText, thumbprint } from '../src/keys/answers.ts'

const { privateKey: secret, publicKey } = generateKeyPairSync('ed25519')
const x = String(publicKey.export({ format: 'jwk' }).x)
const keys = { secret, published: [{ keyid: thumbprint(x), x, notBeforeMs: 0, notAfterMs: null }] } as const
const ROUNDS = 5_000

async function measure(name: string, work: () => unknown): Promise<void> {
  for (let i = 0; i < 500; i++) await work()
  const started = performance.now()
  for (let i = 0; i < ROUNDS; i++) await work()
  console.log(`${name.padEnd(44)} ${(((performance.now() - started) * 1_000) / ROUNDS).toFixed(1).padStart(7)} µs`)
}

for (const bytes of [2_000, 100_000]) {
  const body = { text: 'x'.repeat(bytes) }
  const app = new Hono<Env>()
  app.get('/plain', () => json(body))
  app.get('/signed', (c) => signAnswer(c, json(body), { answerKeys: () => keys, now: Date.now }))
  for (const path of ['/plain', '/signed']) await measure(`${bytes} bytes, ${path}`, async () => (await app.request(path)).arrayBuffer())
  const content = Buffer.from(JSON.stringify(body))
  await measure(`${bytes} bytes, digest alone`, () => contentDigest(content))
}
const question = questionOf('GET', '/api/v1/audit/notifications?message_uuid=m', null)
if (question === null) throw new Error('unreachable')
const base = (): string =>
  signatureBase(
    question,
    { status: 200, contentType: 'application/json', contentDigest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:' },
    signatureParams(Date.now(), keys.published[0].keyid, null),
  )
await measure('signature base', base)
const text = base()
await measure('signature', () => signText(secret, text))
const bytes = Buffer.from(text)
await measure('Ed25519 by node:crypto alone', () => sign(null, bytes, secret))
