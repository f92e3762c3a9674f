import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createVerify, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openAccount } from '../../../src/store/gcs/account.ts'

async function inFolder(run: (file: (name: string, content: string) => string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-gcs-'))
  try {
    await run((name, content) => {
      writeFileSync(join(folder, name), content)
      return join(folder, name)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('a service account’s key signs for a token, which is kept until it ends', () =>
  inFolder(async (file) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const path = file(
      'key.json',
      JSON.stringify({ type: 'service_account', client_email: 'robot@example.iam', private_key: key, token_uri: 'http://127.0.0.1:1/' }),
    )
    const asked: { url: string; assertion: string }[] = []
    const account = openAccount(
      { endpoint: null, credentialsFile: path },
      {
        transporterOptions: {
          adapter: async (options) => {
            asked.push({ url: String(options.url), assertion: new URLSearchParams(String(options.body ?? options.data)).get('assertion') ?? '' })
            const data = { access_token: `token-${asked.length}`, expires_in: 3_600, token_type: 'Bearer' }
            return Object.assign(Response.json(data), { config: options, data }) as never
          },
        },
      },
    )
    assert.equal(account.endpoint.href, 'https://storage.googleapis.com/')
    for (let i = 0; i < 3; i++) assert.equal((await account.headers())['authorization'], 'Bearer token-1')
    assert.equal(asked.length, 1)
    // Never where the file says, only where Google is.
    assert.equal(asked[0]!.url, 'https://oauth2.googleapis.com/token')
    const [head, body, signature] = asked[0]!.assertion.split('.')
    assert.ok(createVerify('sha256').update(`${head}.${body}`).verify(publicKey, signature!, 'base64url'))
    const claims = JSON.parse(Buffer.from(body!, 'base64url').toString()) as { iss: string; scope: string }
    assert.deepEqual([claims.iss, claims.scope], ['robot@example.iam', 'https://www.googleapis.com/auth/devstorage.full_control'])
  }))

test('a key that is none is refused at the start, in words that show nothing of it', () =>
  inFolder(async (file) => {
    for (const content of [
      '',
      'secret',
      '[]',
      'null',
      '7',
      '{}',
      '{"type":"service_account","client_email":"a"}',
      '{"type":"external_account","private_key":"secret","client_email":"b"}',
    ]) {
      const credentialsFile = file('key.json', content)
      assert.throws(
        () => openAccount({ endpoint: null, credentialsFile }),
        (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && !error.message.includes('secret'),
        content,
      )
    }
    assert.throws(() => openAccount({ endpoint: null, credentialsFile: '/nowhere/key.json' }), { code: 'CONFIG_INVALID', message: /ENOENT/ })
  }))

test('no token goes out in clear', () =>
  inFolder(async (file) => {
    const credentialsFile = file('key.json', JSON.stringify({ type: 'service_account', client_email: 'a', private_key: 'b' }))
    for (const endpoint of ['http://storage.example.com', 'http://10.0.0.7:9000', 'http://localhost.example.com', 'http://127.0.0.1.example.com'])
      assert.throws(() => openAccount({ endpoint, credentialsFile }), { code: 'CONFIG_INVALID', message: /in clear/ }, endpoint)
    for (const endpoint of ['http://127.0.0.1:1', 'http://[::1]:1', 'http://localhost:1', 'https://storage.example.com'])
      openAccount({ endpoint, credentialsFile })
    assert.deepEqual(await openAccount({ endpoint: 'http://storage.example.com', credentialsFile: null }).headers(), {})
  }))

test('without a key Google’s usual chain is asked, and the token goes over TLS', async (t) => {
  await inFolder(async (file) => {
    const [keyFile, certFile] = [file('tls.key', ''), file('tls.crt', '')]
    try {
      const wish = [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
      ]
      execFileSync('openssl', [...wish, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
    } catch {
      return t.skip('no openssl here to make a certificate with')
    }
    const seen: string[] = []
    const tokens = createServer((request, response) => {
      request.resume().once('end', () => {
        response.setHeader('content-type', 'application/json')
        response.end(
          '{"access_token":"token-of-the-chain","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}',
        )
      })
    }).listen(0, '127.0.0.1')
    const storage = createTlsServer({ key: readFileSync(keyFile), cert: readFileSync(certFile) }, (request, response) => {
      seen.push(request.headers.authorization ?? '')
      response.end('{"items":[]}')
    }).listen(0, '127.0.0.1')
    await Promise.all([once(tokens, 'listening'), once(storage, 'listening')])
    const port = (server: typeof tokens | typeof storage): number => (server.address() as AddressInfo).port
    const credentials = file(
      'chain.json',
      JSON.stringify({
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `http://127.0.0.1:${port(tokens)}/token`,
        credential_source: { file: file('subject', 'subject-token') },
      }),
    )
    const source = new URL('../../../src/store/gcs/store.ts', import.meta.url).href
    const script = `
      const { GcsStore } = await import(${JSON.stringify(source)})
      const store = await GcsStore.open({ bucket: 'bucket', prefix: '', endpoint: 'https://localhost:${port(storage)}', credentialsFile: null, timeoutMs: 20000, requireLock: true })
      for await (const each of store.list('')) console.log(each)
      await store.close()`
    const child = spawn(process.execPath, ['--conditions=@sealtrail/source', '--input-type=module', '-e', script], {
      env: { PATH: process.env['PATH'], HOME: tmpdir(), GOOGLE_APPLICATION_CREDENTIALS: credentials, GOOGLE_CLOUD_PROJECT: 'p', NODE_EXTRA_CA_CERTS: certFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const [code] = (await once(child, 'close')) as [number]
    for (const server of [tokens, storage]) {
      server.closeAllConnections()
      server.close()
    }
    assert.equal(code, 0, said)
    assert.deepEqual(seen, ['Bearer token-of-the-chain'])
    // Nothing to puzzle over on the console.
    assert.equal(said, '')
  })
})
