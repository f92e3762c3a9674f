import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { AzureStore } from '../../../src/store/azure/store.ts'
import { keyOf, LOCK } from '../store.suite.ts'
import { optionsFor, withStore } from './place.ts'
import { AzureServer } from './server.ts'

function certificate(): { key: Buffer; cert: Buffer } | null {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-azure-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1'.split(' ')
  try {
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } catch {
    return null
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('without an account key the platform’s identity is asked for a token, which goes out over TLS alone', async (t) => {
  const tls = certificate()
  if (tls === null) return t.skip('no openssl here to make a certificate with')
  // Where a managed identity is, the platform says so in these two variables, and answers at that address.
  const token = randomBytes(16).toString('hex')
  const asked: string[] = []
  const platform = createServer((request, response) => {
    asked.push(`${new URL(request.url!, 'http://x').searchParams.get('resource')} ${request.headers['x-identity-header']}`)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: token, expires_on: String(Math.floor(Date.now() / 1000) + 3_600), resource: 'x', token_type: 'Bearer' }))
  })
  await new Promise<void>((resolve) => platform.listen(0, '127.0.0.1', resolve))
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, tls.cert.toString()])
  process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${(platform.address() as AddressInfo).port}/token`
  process.env['IDENTITY_HEADER'] = 'of the platform'
  const server = await AzureServer.start({ tls, token })
  try {
    const store = await AzureStore.open(optionsFor(server, { accountKey: null }))
    const bytes = randomBytes(300)
    const key = keyOf('calls', 'segment', 0, bytes)
    await store.put(key, bytes, LOCK)
    assert.deepEqual(Buffer.from((await store.get(key))!), bytes)
    assert.deepEqual([...new Set(asked)], ['https://storage.azure.com of the platform'])
    assert.equal(asked.length, 1)
    assert.ok(server.seen.every(({ headers }) => headers.authorization === `Bearer ${token}`))
  } finally {
    delete process.env['IDENTITY_ENDPOINT']
    delete process.env['IDENTITY_HEADER']
    setDefaultCACertificates(trusted)
    platform.closeAllConnections()
    platform.close()
    await server.stop()
  }
})

test('no token without TLS, and no key that is none', () =>
  withStore(async ({ open, server }) => {
    await assert.rejects(open({ accountKey: null }), { code: 'CONFIG_INVALID' })
    for (const accountKey of ['', 'not base64!', 'abc def']) await assert.rejects(open({ accountKey }), { code: 'CONFIG_INVALID' })
    assert.equal(server.seen.length, 0)
  }))

test('a request signed by another key is refused: the signature is checked here as the service checks it', () =>
  withStore(async ({ open, server }) => {
    const bytes = randomBytes(30)
    const other = await open({ accountKey: Buffer.from('another').toString('base64') })
    await assert.rejects(other.put(keyOf('calls', 'segment', 0, bytes), bytes, LOCK), { code: 'NOT_DURABLE' })
    await assert.rejects(other.get(keyOf('calls', 'segment', 0, bytes)), { code: 'STORE_UNREADABLE' })
    assert.equal(server.blobs.blobs.size, 0)
  }))
