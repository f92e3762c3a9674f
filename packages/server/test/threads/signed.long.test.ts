// Signed answers of a whole server: real threads, real sockets, proxies that change what proxies change, a key rotated under way.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { parseReceipt, verifyReceipt } from '@sealtrail/evidence'
import { makeAdmin } from '../../src/cli/commands/serve.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import type { Server } from '../../src/threads/server.ts'
import { checkByHand, checkByLibrary, gotOf } from '../http/check-answer.ts'
import type { Got, Jwk } from '../http/check-answer.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-signed-'))
const WELL_KNOWN = '/.well-known/http-message-signatures-directory'
const QUESTION = '/api/v1/audit/notifications?message_uuid=signed-1'
let server: Server
let token = ''
const proxies: HttpServer[] = []

before(async () => {
  const { config } = parseConfig('limits:\n  ingestThreads: 3\n', 'sealtrail.yaml', folder, { cwd: folder, env: {}, data: join(folder, 'data'), port: 0 })
  makeAdmin(config.data, Date.now)
  server = await startServer({ ...config, listen: { ...config.listen, port: 0 } }, { log: createLog({ now: Date.now, write: () => {} }) })
  token = readFileSync(join(folder, 'data', 'admin.token'), 'utf8').trim()
  const event = { message_uuid: 'signed-1', delivery_status: 'READ', customer_external_id: 'CUST_5' }
  const sent = await fetch(`${server.url}/api/v1/events`, {
    method: 'POST',
    headers: { ...authorization(), 'content-type': 'application/json' },
    body: JSON.stringify(event),
  })
  assert.equal(sent.status, 201)
})
after(async () => {
  for (const proxy of proxies) proxy.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const authorization = (): Record<string, string> => ({ authorization: `Bearer ${token}` })
const ask = async (path: string, base = server.url, init: RequestInit = {}): Promise<Got> =>
  gotOf(await fetch(base + path, { ...init, headers: { ...authorization(), connection: 'close' } }))
const json = <T>(got: Got): T => JSON.parse(Buffer.from(got.content).toString()) as T
const keys = async (): Promise<Jwk[]> => json<{ keys: Jwk[] }>(await ask(WELL_KNOWN)).keys
/** The verifier knows the question as it sent it, to the address it sent it to. */
const valid = async (path: string, got: Got, known: readonly Jwk[], base = server.url): Promise<boolean> => {
  const asked = { method: 'GET', url: base + path }
  const [library, hand] = [await checkByLibrary(asked, got, known), checkByHand(asked, got, known)]
  assert.equal(library, hand)
  return hand
}

/** In front of the server, under another name; `change` sees what goes back. */
async function proxy(change: (answer: { headers: Record<string, string>; body: Buffer }) => Buffer): Promise<string> {
  const listening = createServer((incoming, outgoing) => {
    const { host: _, ...headers } = incoming.headers
    const onwards = request(
      server.url + incoming.url,
      { method: incoming.method ?? 'GET', headers: { ...headers, host: 'inner.example:81', via: '1.1 p' } },
      (back) => {
        const chunks: Buffer[] = []
        back.on('data', (chunk: Buffer) => chunks.push(chunk))
        back.on('end', () => {
          const { 'content-length': __, 'transfer-encoding': ___, ...rest } = back.headers as Record<string, string>
          const answer = { headers: rest, body: Buffer.concat(chunks) }
          const body = change(answer)
          outgoing.writeHead(back.statusCode ?? 0, answer.headers)
          outgoing.end(body)
        })
      },
    )
    onwards.end()
  })
  proxies.push(listening)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

test('every thread signs, with the key of the directory', async () => {
  const known = await keys()
  assert.equal(known.length, 1)
  for (let i = 0; i < 12; i++) {
    const got = await ask(QUESTION)
    assert.equal(json<{ status: string }>(got).status, 'verified')
    assert.equal(await valid(QUESTION, got, known), true)
  }
  const unknown = await ask('/api/v1/records/none?a=%C3%A9&a')
  assert.deepEqual([unknown.status, await valid('/api/v1/records/none?a=%C3%A9&a', unknown, known)], [404, true])
  const head = await ask(QUESTION, server.url, { method: 'HEAD' })
  assert.equal(checkByHand({ method: 'HEAD', url: server.url + QUESTION }, head, known), true)
  assert.equal(await valid(WELL_KNOWN, await ask(WELL_KNOWN), known), true)
})

test('a proxy may give the server another name; one that compresses against the rules breaks nothing a client decodes', async () => {
  const known = await keys()
  const renamed = await proxy(({ body }) => body)
  assert.equal(await valid(QUESTION, await ask(QUESTION, renamed), known, renamed), true)
  const gzips = await proxy((answer) => {
    answer.headers['content-encoding'] = 'gzip'
    return gzipSync(answer.body)
  })
  assert.equal(await valid(QUESTION, await ask(QUESTION, gzips), known, gzips), true)
  const lies = await proxy(({ body }) => Buffer.from(body.toString().replace('"READ"', '"SENT"')))
  const lie = await ask(QUESTION, lies)
  assert.equal(json<{ audit_record: { delivery_status: string } }>(lie).audit_record.delivery_status, 'SENT')
  assert.equal(await valid(QUESTION, lie, known, lies), false)
})

test('rotated under way: what either key signed verifies, and threads sign with no third', async () => {
  const [old] = await keys()
  const earlier = await ask(QUESTION)
  const rotated = await fetch(`${server.url}/api/v1/keys/answers/rotate`, { method: 'POST', headers: { ...authorization(), connection: 'close' } })
  const { keyid } = (await rotated.json()) as { keyid: string }
  // Each connection may come to another thread; every one of them learns of the key within its second.
  const keyOf = (got: Got): string => /keyid="([^"]+)"/.exec(got.headers['signature-input'] as string)?.[1] as string
  let newOnes = 0
  let last: Got = earlier
  while (newOnes < 20) {
    last = await ask(QUESTION)
    newOnes = keyOf(last) === keyid ? newOnes + 1 : 0
    assert.ok([keyid, old?.kid].includes(keyOf(last)))
  }
  const known = await keys()
  assert.deepEqual(
    known.map(({ kid }) => kid),
    [keyid, old?.kid],
  )
  assert.ok((known[1]?.exp ?? 0) >= (known[0]?.nbf ?? Infinity))
  assert.equal(await valid(QUESTION, earlier, known), true)
  assert.equal(await valid(QUESTION, last, known), true)
  // The old key's holder cannot sign for now.
  assert.equal(checkByHand({ method: 'GET', url: server.url + QUESTION }, last, [{ ...(known[0] as Jwk), nbf: 9e9 }]), false)
})

test('the log vouches for each key of the directory, under a key from elsewhere', async () => {
  const known = await keys()
  const vkey = server.sealing.vkey('system')
  let sealed: Array<{ auditid: string; data: { key: { keyid: string; publicKey: string } } }> = []
  while (sealed.length < known.length) sealed = json<{ records: typeof sealed }>(await ask('/api/v1/records?log=system&subject=key/answers')).records
  assert.deepEqual(sealed.map(({ data }) => data.key.keyid).sort(), known.map(({ kid }) => kid).sort())
  for (const { auditid, data } of sealed) {
    const { leaf, receipt } = json<{ leaf: string; receipt: never }>(await ask(`/api/v1/records/${auditid}`))
    assert.deepEqual(verifyReceipt(parseReceipt(receipt), { record: Buffer.from(leaf) }, vkey).problems, [])
    assert.equal(JSON.parse(leaf).data.key.publicKey, data.key.publicKey)
    assert.equal(Buffer.from(data.key.publicKey, 'base64').toString('base64url'), known.find(({ kid }) => kid === data.key.keyid)?.x)
  }
})

test('by hand with curl and openssl, as docs/http.md says', async (t) => {
  const missing = ['curl', 'jq', 'xxd', 'openssl'].filter((name) => spawnSync(name, ['--help']).error !== undefined)
  if (missing.length > 0) return t.skip(`not installed: ${missing.join(' ')}`)
  const page = readFileSync(new URL('../../../../docs/http.md', import.meta.url), 'utf8')
  const script = /\*\*By hand\*\*[^`]*(?:`[^`]*`[^`]*)*?```bash\n([^]*?)```/.exec(page)?.[1] as string
  const run = async (base: string, path: string, change = ''): Promise<string> => {
    const env = { ...process.env, U: base, Q: path, SEALTRAIL_TOKEN: token }
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script.replace('\n\n', `\n${change}\n\n`)], { cwd: folder, env }).catch(
      (error: unknown) => error as { stdout: string; stderr: string },
    )
    return (stdout + stderr).trim().split('\n')[0] as string
  }
  for (const path of [QUESTION, '/api/v1/records', '/api/v1/records/none?']) assert.equal(await run(server.url, path), 'Signature Verified Successfully', path)
  assert.equal(await run(server.url, QUESTION, 'sed -i s/READ/SENT/ body'), 'CONTENT CHANGED')
  assert.equal(await run(server.url, QUESTION, 'Q=/api/v1/records'), 'Signature Verification Failure')
  assert.equal(await run(server.url, QUESTION, "sed -i 's/ 200/ 404/' head"), 'Signature Verification Failure')
})
