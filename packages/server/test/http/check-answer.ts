import { createHash, createPublicKey, verify } from 'node:crypto'
import type { JsonWebKeyInput } from 'node:crypto'
import { httpbis } from 'http-message-signatures'

/** What was asked, as the one who asked knows it. */
export interface Asked {
  readonly method: string
  readonly url: string
}

export interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly content: Uint8Array
}

export type Jwk = JsonWebKeyInput['key'] & { readonly kid: string; readonly nbf: number; readonly exp?: number }

export async function gotOf(answer: Response): Promise<Got> {
  return { status: answer.status, headers: Object.fromEntries(answer.headers), content: new Uint8Array(await answer.arrayBuffer()) }
}

/** What an answer must cover to be bound to its question and to its own content. */
const REQUIRED = ['"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@path";req', '"@query";req']

const digestFits = ({ headers, content }: Got): boolean => headers['content-digest'] === `sha-256=:${createHash('sha256').update(content).digest('base64')}:`

/** By a library we have no part in; it leaves the digest to its caller. True: signed, by one of these keys, for this question. */
export async function checkByLibrary(asked: Asked, got: Got, keys: readonly Jwk[]): Promise<boolean> {
  if (!digestFits(got)) return false
  const found = await httpbis
    .verifyMessage(
      {
        requiredFields: ['@status', 'content-type', 'content-digest', '@method', '@path', '@query'],
        requiredParams: ['created', 'keyid', 'alg', 'tag'],
        async keyLookup({ keyid, tag }) {
          const jwk = keys.find(({ kid }) => kid === keyid)
          if (jwk === undefined || tag !== 'sealtrail-answer') return null
          const key = createPublicKey({ key: jwk, format: 'jwk' })
          return { algs: ['ed25519'], verify: async (base, signature) => verify(null, base, key, signature) }
        },
      },
      { status: got.status, headers: { ...got.headers } },
      { method: asked.method, url: asked.url, headers: {} },
    )
    .catch(() => null)
  return found === true
}

/** By nothing but node:crypto, along the text of RFC 9421 section 3.2. */
export function checkByHand(asked: Asked, got: Got, keys: readonly Jwk[], nonce: string | null = null): boolean {
  // 3.2.1: one label, in both fields.
  const input = /^sealtrail=(\((.*?)\)(;.*))$/.exec(got.headers['signature-input'] ?? '')
  const signature = /^sealtrail=:([A-Za-z0-9+/]{86}==):$/.exec(got.headers['signature'] ?? '')
  if (input === null || signature === null) return false
  const [, params, list, rest] = input as unknown as [string, string, string, string]
  const components = list.split(' ')
  if (REQUIRED.some((each) => !components.includes(each)) || new Set(components).size !== components.length) return false
  const parameter = (name: string): string | null => new RegExp(`;${name}=(?:"([^"]*)"|(\\d+))`).exec(rest)?.slice(1).find(Boolean) ?? null
  if (parameter('tag') !== 'sealtrail-answer' || parameter('alg') !== 'ed25519' || parameter('nonce') !== nonce) return false
  // 3.2.4 to 3.2.6: the key, and whether it may have signed then.
  const jwk = keys.find(({ kid }) => kid === parameter('keyid'))
  const created = Number(parameter('created'))
  if (jwk === undefined || created < jwk.nbf || created > (jwk.exp ?? Infinity)) return false
  // 2.5: the base, each line from the message at hand.
  const url = new URL(asked.url)
  const values: Record<string, string | undefined> = {
    '"@status"': String(got.status),
    '"content-type"': got.headers['content-type'],
    '"content-digest"': got.headers['content-digest'],
    '"@method";req': asked.method,
    '"@path";req': url.pathname,
    '"@query";req': url.search === '' ? '?' : url.search,
  }
  const lines: string[] = []
  for (const component of components) {
    const value = values[component]
    if (value === undefined) return false
    lines.push(`${component}: ${value}`)
  }
  const base = [...lines, `"@signature-params": ${params}`].join('\n')
  return digestFits(got) && verify(null, Buffer.from(base), createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(signature[1] as string, 'base64'))
}
