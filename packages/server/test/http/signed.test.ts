import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it, test } from 'node:test'
import fc from 'fast-check'
import { SealtrailError } from '../../src/errors.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { questionOf } from '../../src/http/signature.ts'
import { checkByHand, checkByLibrary, gotOf } from './check-answer.ts'
import type { Asked, Got, Jwk } from './check-answer.ts'
import { bodyFor } from './bodies.ts'
import { ANSWER_KEYS, AUDITID, bearer, NOW, recorder } from './double.ts'

const ORIGIN = 'https://audit.example'
const [{ keyid: kid, x }] = ANSWER_KEYS.published
const KEYS: readonly Jwk[] = [{ kty: 'OKP', crv: 'Ed25519', kid, x, nbf: Math.floor(NOW / 1000) }]
const QUESTION = '/api/v1/audit/notifications?message_uuid=m-1'

const ask = async (
  double: ReturnType<typeof recorder>,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
) => {
  const asked: Asked = { method, url: ORIGIN + path }
  const officers = /\/(?:holds|erasures|grants|people)/.test(path)
  const body = method === 'POST' ? { body: bodyFor(path) } : {}
  const init = { method, headers: { ...bearer(officers ? 'officer' : 'auditor'), 'content-type': 'application/json', ...headers }, ...body }
  return { asked, got: await gotOf(await double.app.request(asked.url, init)) }
}
const both = async (asked: Asked, got: Got, keys = KEYS): Promise<[boolean, boolean]> => [await checkByLibrary(asked, got, keys), checkByHand(asked, got, keys)]
const concrete = (path: string): string =>
  path
    .replace('{auditid}', AUDITID)
    .replace('/exports/{id}', `/exports/${'e'.repeat(32)}`)
    .replace('/certificates/{id}', `/certificates/${'d'.repeat(32)}`)
    .replace('/holds/{id}', `/holds/${'f'.repeat(32)}`)
    .replace('/erasures/{id}', `/erasures/${'d'.repeat(32)}`)
    .replace('/grants/{id}', `/grants/${'d'.repeat(32)}`)
    .replace('{id}', 'c%2F1%20%C3%A9')
    .replace(/audit\/notifications$/, '$&?message_uuid=m')

describe('signed answers', () => {
  for (const route of ROUTES.filter(({ signed }) => signed === true)) {
    it(`${route.operation}: two verifiers that are not ours agree, to its problems too`, async () => {
      const path = concrete(route.path)
      const double = recorder()
      const { method } = route
      const good = await ask(double, path, { method })
      assert.equal(good.got.status, method === 'POST' && !/\/(?:holds|grants)\/|\/check$|\/(?:erasures|people)/.test(path) ? 201 : 200)
      assert.deepEqual(await both(good.asked, good.got), [true, true])

      const stranger = await ask(double, path, { method, headers: { authorization: 'Bearer nobody' } })
      if (route.roles !== null) assert.deepEqual([stranger.got.status, ...(await both(stranger.asked, stranger.got))], [401, true, true])
      if (route.roles === null) return
      for (const [fail, status] of [
        [new SealtrailError('INDEX_BEHIND'), 503],
        [new Error('a defect'), 500],
      ] as const) {
        double.fail = fail
        const failed = await ask(double, path, { method })
        assert.deepEqual([failed.got.status, ...(await both(failed.asked, failed.got))], [status, true, true])
      }
    })
  }

  it('signs what is not there, and what was asked wrongly', async () => {
    const double = recorder()
    double.reading = null
    for (const [path, status] of [
      [QUESTION, 404],
      ['/api/v1/audit/notifications', 400],
      [`/api/v1/events/01HXXBHG2800000000000000ZZ`, 404],
      ['/api/v1/records/no-id', 404],
    ] as const) {
      const { asked, got } = await ask(double, path)
      assert.deepEqual([got.status, ...(await both(asked, got))], [status, true, true], path)
    }
  })

  it('signs nothing that takes events in, and no other route', async () => {
    for (const path of ['/api/v1/quarantine', '/healthz', '/openapi.json', '/log/notifications/checkpoint']) {
      assert.equal((await ask(recorder(), path)).got.headers['signature'], undefined, path)
    }
  })

  it('binds method, path and query as they were sent, whatever they are', async () => {
    const double = recorder()
    const segment = fc
      .stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@%-]{1,20}$/)
      .filter((text) => !/^\.{1,2}$/.test(text) && !/%(?![0-9A-Fa-f]{2})/.test(text) && !/%2e/i.test(text))
    const search = fc.stringMatching(/^[A-Za-z0-9._~!$&()*+,;=:@/?-]{0,30}$/)
    await fc.assert(
      fc.asyncProperty(segment, fc.option(search), fc.constantFrom('GET', 'HEAD'), async (id, query, method) => {
        const { asked, got } = await ask(double, `/api/v1/audit/interactions/${id}${query === null ? '' : `?${query}`}`, { method })
        assert.deepEqual(await both(asked, got), [true, true])
      }),
      { numRuns: 200 },
    )
  })

  it('answers HEAD with a digest of nothing, which is what it sends', async () => {
    const { asked, got } = await ask(recorder(), QUESTION, { method: 'HEAD' })
    assert.equal(got.content.length, 0)
    // RFC 9530 appendix B.2 has this value.
    assert.equal(got.headers['content-digest'], 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:')
    assert.deepEqual(await both(asked, got), [true, true])
    assert.deepEqual(await both({ ...asked, method: 'GET' }, got), [false, false])
  })

  it('signs a bundle by the digest its maker computed, without holding it', async () => {
    const path = `/api/v1/exports/${'e'.repeat(32)}/bundle`
    const { asked, got } = await ask(recorder(), path)
    assert.equal(got.headers['content-type'], 'application/zip')
    assert.deepEqual(await both(asked, got), [true, true])
    assert.deepEqual(await both(asked, { ...got, content: got.content.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) }), [false, false])
    const head = await ask(recorder(), path, { method: 'HEAD' })
    assert.deepEqual([head.got.content.length, ...(await both(head.asked, head.got))], [0, true, true])
  })

  it('repeats a nonce, so that who asked knows that the answer is of now', async () => {
    const nonce = 'b3q_2.x=/'
    for (const [header, found] of [
      [`sealtrail=("@status");nonce="${nonce}"`, nonce],
      [`other=("date");nonce="no", sealtrail=("@status" "@method";req);created;nonce="${nonce}";tag="sealtrail-answer"`, nonce],
      [`sealtrail=();nonce="${nonce}", other=("date");nonce="no"`, nonce],
      ['other=("date");nonce="no"', null],
      ['sealtrail=("@status")', null],
      ['sealtrail=();nonce="a\\"b"', null],
      [`sealtrail=();nonce="${'a'.repeat(129)}"`, null],
      ['sealtrail=();nonce="";tag="x"', null],
      [`${'sealtrail=('.repeat(1_000)}`, null],
      [`${'a,'.repeat(8_000)}`, null],
    ] as const) {
      const { asked, got } = await ask(recorder(), QUESTION, { headers: { 'accept-signature': header } })
      assert.equal(await checkByLibrary(asked, got, KEYS), true)
      assert.equal(checkByHand(asked, got, KEYS, found), true, header.slice(0, 80))
      assert.equal(checkByHand(asked, got, KEYS, 'another'), false)
    }
  })

  it('says of itself that no proxy may code it anew', async () => {
    assert.equal((await ask(recorder(), QUESTION, { headers: { 'accept-encoding': 'gzip, br' } })).got.headers['content-encoding'], undefined)
    assert.equal((await ask(recorder(), QUESTION)).got.headers['cache-control'], 'no-store, no-transform')
  })
})

describe('forgeries', () => {
  const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const flip = (text: string, at: number): string => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  const digestOf = async (text: string): Promise<string> => {
    const double = recorder()
    double.reading = { body: JSON.parse(text) as never, shown: [] }
    return (await ask(double, QUESTION)).got.headers['content-digest'] as string
  }
  const cases: ReadonlyArray<readonly [string, (asked: Asked, got: Got) => readonly [Asked, Got, (readonly Jwk[])?] | Promise<readonly [Asked, Got]>]> = [
    ['one byte of the body changed', (a, g) => [a, { ...g, content: g.content.map((byte, i) => (i === 5 ? byte ^ 1 : byte)) }]],
    ['the body cut short', (a, g) => [a, { ...g, content: g.content.subarray(0, -1) }]],
    [
      'body and digest changed together',
      async (a, g) => [a, { ...g, content: Buffer.from('{"any":"lie"}'), headers: { ...g.headers, 'content-digest': await digestOf('{"any":"lie"}') } }],
    ],
    ['a status changed', (a, g) => [a, { ...g, status: 404 }]],
    ['a content type changed', (a, g) => [a, { ...g, headers: { ...g.headers, 'content-type': 'text/html' } }]],
    ['the answer to another message', (a, g) => [{ ...a, url: a.url.replace('m-1', 'm-2') }, g]],
    ['the answer to a longer query', (a, g) => [{ ...a, url: `${a.url}&customer_external_id=c` }, g]],
    ['the answer to the same query of another route', (a, g) => [{ ...a, url: a.url.replace('/audit/notifications', '/records') }, g]],
    ['the answer to another method', (a, g) => [{ ...a, method: 'HEAD' }, g]],
    [
      'a time moved',
      (a, g) => [a, { ...g, headers: { ...g.headers, 'signature-input': (g.headers['signature-input'] as string).replace(/created=\d+/, 'created=1') } }],
    ],
    ['a key nobody knows', (a, g) => [a, g, []]],
    ['another key under the same name', (a, g) => [a, g, [{ ...KEYS[0], x: other.x } as Jwk]]],
    ['signed before the key was made', (a, g) => [a, g, [{ ...KEYS[0], nbf: NOW / 1000 + 1 } as Jwk]]],
    ['signed after the key was given up', (a, g) => [a, g, [{ ...KEYS[0], exp: NOW / 1000 - 1 } as Jwk]]],
  ]
  for (const [name, forge] of cases) {
    it(name, async () => {
      const { asked, got } = await ask(recorder(), QUESTION)
      assert.deepEqual(await both(asked, got), [true, true])
      const [a, g, keys = KEYS] = await forge(asked, got)
      assert.equal(checkByHand(a, g, keys), false)
      // Validity of keys is nothing a signature library knows of.
      if (!name.startsWith('signed ')) assert.equal(await checkByLibrary(a, g, keys), false)
    })
  }

  it('any header of the four taken away', async () => {
    const { asked, got } = await ask(recorder(), QUESTION)
    for (const name of ['content-type', 'content-digest', 'signature-input', 'signature']) {
      const { [name]: _, ...headers } = got.headers
      assert.deepEqual(await both(asked, { ...got, headers }), [false, false], name)
    }
  })

  it('any covered component left out, so that it could be changed', async () => {
    const { asked, got } = await ask(recorder(), QUESTION)
    const input = got.headers['signature-input'] as string
    for (const component of ['"@status" ', '"content-type" ', '"content-digest" ', '"@method";req ', '"@path";req ', ' "@query";req']) {
      assert.ok(input.includes(component))
      const changed = { ...got, headers: { ...got.headers, 'signature-input': input.replace(component, '') } }
      assert.deepEqual(await both(asked, changed), [false, false], component)
    }
  })

  it('any character of the signature or of its parameters', async () => {
    const { asked, got } = await ask(recorder(), QUESTION)
    for (const name of ['signature', 'signature-input']) {
      const text = got.headers[name] as string
      for (let at = 0; at < text.length; at++) {
        // The last character before the padding has two bits that stand for nothing.
        if (name === 'signature' && at === text.length - 4) continue
        const changed = { ...got, headers: { ...got.headers, [name]: flip(text, at) } }
        assert.equal(checkByHand(asked, changed, KEYS), false, `${name} ${at}`)
      }
    }
  })
})

test('a request target is taken as it stood on the wire, or not at all', () => {
  const of = (target: string): unknown => {
    const found = questionOf('GET', target, null)
    return found === null ? null : [found.path, found.query]
  }
  assert.deepEqual(of('/a%2Fb/../c?x=%20&x'), ['/a%2Fb/../c', '?x=%20&x'])
  assert.deepEqual(of('/a?'), ['/a', '?'])
  assert.deepEqual(of('/a??b?c'), ['/a', '??b?c'])
  assert.deepEqual(of('https://h:1?x'), ['/', '?x'])
  assert.deepEqual(of('HTTP://h:1/p/http://q'), ['/p/http://q', '?'])
  assert.deepEqual(of('//h/p'), ['//h/p', '?'])
  for (const target of ['/a b', '/\u00ff', '/a\n"@status": 200', '/a\tb', '/\u007f']) assert.equal(of(target), null)
})

test('the key directory is a JWKS with the validity of each key, and says where the log vouches for them', async () => {
  const { asked, got } = await ask(recorder(), '/.well-known/http-message-signatures-directory', { headers: { authorization: '' } })
  assert.equal(got.headers['content-type'], 'application/http-message-signatures-directory+json')
  const body = JSON.parse(Buffer.from(got.content).toString()) as { keys: Jwk[] }
  assert.deepEqual(body, {
    keys: [{ kty: 'OKP', crv: 'Ed25519', kid, x, use: 'sig', nbf: NOW / 1000 }],
    sealed: { log: 'audit.example/system', subject: 'key/answers' },
  })
  assert.deepEqual(await both(asked, got, body.keys), [true, true])
})
