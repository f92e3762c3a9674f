import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { listen, type Listening } from '../../src/http/listen.ts'
import { bearer, recorder, type Recorder } from './double.ts'

async function up(t: TestContext, double: Recorder): Promise<Listening> {
  const listening = await listen(double.app, { host: '127.0.0.1', port: 0, tls: null })
  t.after(() => listening.close(0))
  return listening
}

/** Sends raw bytes and returns all that comes back until the server closes or answers whole. */
async function raw(port: number, ...parts: Array<string | Buffer>): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => void chunks.push(chunk)).on('error', () => {})
  await once(socket, 'connect')
  for (const part of parts) socket.write(part)
  socket.end()
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}
const head = (path: string, ...lines: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: x', 'Authorization: Bearer st_ingest', 'Content-Type: application/json', ...lines, '', ''].join('\r\n')
const problemIn = (answer: string): Record<string, unknown> => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>

test('the body is read from the socket: whole, in pieces, compressed, empty', async (t) => {
  const double = recorder()
  const { url, port } = await up(t, double)
  const headers = { ...bearer('ingest'), 'content-type': 'application/json' }
  assert.equal((await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body: '{"a":1}' })).status, 201)
  const pieces = new ReadableStream({
    start(c) {
      for (const p of ['[{"a"', ':1},', '{"b":2}]']) c.enqueue(Buffer.from(p))
      c.close()
    },
  })
  assert.equal((await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body: pieces, duplex: 'half' } as RequestInit)).status, 200)
  assert.equal(
    (await fetch(`${url}/api/v1/events`, { method: 'POST', headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync('{"c":3}') })).status,
    201,
  )
  assert.deepEqual(
    double.submitted.map((s) => s.inputs.map((i) => i.value)),
    [[{ a: 1 }], [{ a: 1 }, { b: 2 }], [{ c: 3 }]],
  )
  assert.match(await raw(port, head('/api/v1/events', 'Content-Length: 0', 'Connection: close')), /^HTTP\/1\.1 400 [^]*NOT_JSON/)
})

test('a body over the limit is cut while it is read, announced or not', async (t) => {
  const double = recorder({ maxBodyBytes: 1000 })
  const { port } = await up(t, double)
  assert.match(await raw(port, head('/api/v1/events', 'Content-Length: 5000000', 'Connection: close'), '{'), /^HTTP\/1\.1 413 /)
  const chunk = `3e8\r\n${'x'.repeat(1000)}\r\n`
  const answer = await raw(port, head('/api/v1/events', 'Transfer-Encoding: chunked', 'Connection: close'), chunk, chunk, chunk)
  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.equal(problemIn(answer.replace(/\r\n0\r\n\r\n$/, ''))['code'], 'TOO_LARGE')
  assert.equal(double.submitted.length, 0)
})

test('a body that ends early stores nothing', async (t) => {
  const double = recorder()
  const { port } = await up(t, double)
  await raw(port, head('/api/v1/events', 'Content-Length: 100'), '{"a":1}')
  await raw(port, head('/api/v1/events', 'Transfer-Encoding: chunked'), '7\r\n{"a":1}\r\n')
  assert.equal(double.submitted.length, 0)
})

test('what is no HTTP, too many headers, two lengths: a problem document and the end of the connection', async (t) => {
  const { port } = await up(t, recorder())
  const tries: Array<[string, number]> = [
    ['\x16\x03\x01 hello\r\n\r\n', 400],
    ['GET\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    [head('/api/v1/events', 'Content-Length: 2', 'Content-Length: 3') + '{}x', 400],
    [head('/api/v1/events', 'Content-Length: 2', 'Transfer-Encoding: chunked') + '0\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nBad\x01Name: y\r\n\r\n', 400],
  ]
  for (const [bytes, status] of tries) {
    const answer = await raw(port, bytes)
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(bytes.slice(0, 60)))
    assert.equal(problemIn(answer)['status'], status)
  }
})

test('odd targets and hosts are answered', async (t) => {
  const { port } = await up(t, recorder())
  for (const start of [
    'GET /a//b HTTP/1.1\r\nHost: x',
    'GET /%zz HTTP/1.1\r\nHost: x',
    'GET http://other/ HTTP/1.1\r\nHost: x',
    'GET / HTTP/1.1\r\nHost: [',
    'GET / HTTP/1.1\r\nHost: a b',
    'OPTIONS * HTTP/1.1\r\nHost: x',
    'GET / HTTP/1.0',
  ]) {
    const answer = await raw(port, `${start}\r\nConnection: close\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 4\d\d [^]*application\/problem\+json/, start)
  }
})

test('closing lets a request under way finish and takes no new one', async (t) => {
  const double = recorder()
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => (open = resolve))
  let began = (): void => {}
  const submitted = new Promise<void>((resolve) => (began = resolve))
  Object.assign(double.deps.flow, {
    submit: async () => {
      began()
      await gate
      return [{ outcome: 'filtered' }]
    },
  })
  const listening = await up(t, double)
  const answer = fetch(`${listening.url}/api/v1/events`, { method: 'POST', headers: bearer('ingest'), body: '{}' })
  await submitted
  const closed = listening.close()
  await assert.rejects(fetch(`${listening.url}/healthz`))
  open()
  assert.equal((await answer).status, 200)
  await closed
})

test('two listeners share a port when asked to, not otherwise', async (t) => {
  const first = await listen(recorder().app, { host: '127.0.0.1', port: 0, tls: null, reusePort: true })
  t.after(() => first.close(0))
  const second = await listen(recorder().app, { host: '127.0.0.1', port: first.port, tls: null, reusePort: true })
  t.after(() => second.close(0))
  await assert.rejects(listen(recorder().app, { host: '127.0.0.1', port: first.port, tls: null }), { code: 'EADDRINUSE' })
})

test('TLS: 1.2 at least', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sealtrail-tls-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        keyFile,
        '-out',
        certFile,
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
      ],
      { stdio: 'ignore' },
    )
  } catch {
    t.skip('no openssl here to make a certificate with')
    return
  }
  const listening = await listen(recorder().app, { host: '127.0.0.1', port: 0, tls: { certFile, keyFile } })
  t.after(() => listening.close(0))
  assert.match(listening.url, /^https:/)
  const get = (options: object): Promise<number | undefined> =>
    new Promise((resolve, reject) =>
      httpsRequest(`${listening.url}/healthz`, { rejectUnauthorized: false, ...options }, (r) => resolve(r.resume().statusCode))
        .on('error', reject)
        .end(),
    )
  assert.equal(await get({}), 200)
  assert.equal(await get({ maxVersion: 'TLSv1.2' }), 200)
  await assert.rejects(get({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }))
})
