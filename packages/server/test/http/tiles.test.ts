import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { bearer, recorder } from './double.ts'

const get = (path: string, headers: Record<string, string> = bearer('auditor'), method = 'GET') => recorder().app.request(path, { headers, method })

test('each tile has one URL: canonical paths are served, every other form is not found', async () => {
  for (const [path, level, index, width] of [
    ['0/000', 0, 0n, 256],
    ['0/000.p/1', 0, 0n, 1],
    ['0/000.p/255', 0, 0n, 255],
    ['63/000', 63, 0n, 256],
    ['entries/000', 'entries', 0n, 256],
    ['entries/000.p/17', 'entries', 0n, 17],
    ['0/x001/234', 0, 1234n, 256],
    ['1/x001/x234/067.p/9', 1, 1_234_067n, 9],
  ] as const) {
    const { app, asked } = recorder()
    const answer = await app.request(`/log/notifications/tile/${path}`, { headers: bearer('auditor') })
    assert.equal(answer.status, index === 0n ? 200 : 404, path)
    assert.deepEqual(asked, [['tile', 'notifications', { level, index, width }]], path)
  }
  for (const path of [
    '0/0',
    '0/00',
    '0/0000',
    '00/000',
    '01/000',
    '64/000',
    '-1/000',
    '0/x000/000',
    '0/x000/005',
    '0/001/002',
    '0/x1/000',
    '0/x001/2',
    '0/000.p',
    '0/000.p/',
    '0/000.p/0',
    '0/000.p/07',
    '0/000.p/256',
    '0/000.p/1/',
    '0/000/',
    '0/000.P/1',
    '0/000%2ep/1',
    '0%2f000',
    '0/%30%30%30',
    '0/x001%2f000',
    'entries/0',
    'Entries/000',
    'entries',
    '0',
    '0//000',
    '0/999999',
    '0/x999/x999/x999/x999/x999/x999/x999/999',
    '0/٠٠٠',
    'data/000',
  ]) {
    const { app, asked } = recorder()
    const answer = await app.request(`/log/notifications/tile/${path}`, { headers: bearer('auditor') })
    assert.equal(answer.status, 404, path)
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    assert.deepEqual(asked, [], path)
  }
  assert.equal((await get('/log/notific%61tions/tile/0/000')).status, 404)
  assert.equal((await get('/log/notifications/tile/')).status, 404)
})

test('missing is 404, never 403, whatever is asked for by who may read', async () => {
  for (const path of ['/log/notifications/tile/0/001', '/log/nobody/tile/0/000', '/log/__proto__/tile/0/000', '/log/notifications/tile/nonsense'])
    for (const role of ['auditor', 'officer', 'admin']) {
      const answer = await get(path, bearer(role))
      assert.equal(answer.status, 404, `${role} ${path}`)
      assert.equal(answer.headers.get('cache-control'), 'no-store')
    }
})

test('a tile lasts for ever in caches, of its reader alone where a token was needed', async () => {
  const tile = await get('/log/notifications/tile/0/000')
  assert.equal(tile.headers.get('cache-control'), 'private, max-age=31536000, immutable')
  assert.equal(tile.headers.get('content-type'), 'application/octet-stream')
  assert.equal(tile.headers.get('content-encoding'), null)
  assert.equal((await tile.arrayBuffer()).byteLength, 8192)
  const checkpoint = await get('/log/notifications/checkpoint', {})
  assert.equal(checkpoint.headers.get('cache-control'), 'no-cache')
  assert.equal(checkpoint.headers.get('content-type'), 'text/plain; charset=utf-8')
})

test('a public trail needs no token, and its tiles are public in caches; system never is', async () => {
  const open = recorder()
  const retain = { mode: 'COMPLIANCE', periodMs: 1, classes: [] }
  Object.assign(open.deps.config.trails, { notifications: { public: true, retain }, interactions: { public: false, retain } })
  for (const headers of [{}, bearer('auditor'), bearer('ingest'), { authorization: 'Bearer nobody' }] as Array<Record<string, string>>) {
    const answer = await open.app.request('/log/notifications/tile/entries/000.p/3', { headers })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable')
  }
  assert.equal((await open.app.request('/log/notifications/tile/0/001')).status, 404)
  for (const log of ['interactions', 'system', 'nobody', 'constructor', '__proto__']) {
    const answer = await open.app.request(`/log/${log}/tile/0/000`)
    assert.equal(answer.status, 401, log)
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="sealtrail"')
  }
})

test('security reads tiles of system only', async () => {
  assert.equal((await get('/log/notifications/tile/0/000', bearer('security'))).status, 403)
  assert.equal((await get('/log/nobody/tile/0/000', bearer('security'))).status, 403)
  const { app, asked } = recorder()
  assert.equal((await app.request('/log/system/tile/0/000', { headers: bearer('security') })).status, 404)
  assert.equal(asked.length, 1)
})

test('browsers of any origin may ask, with a token too, and see errors', async () => {
  for (const path of ['/log/notifications/tile/0/000', '/log/notifications/tile/0/001', '/log/notifications/checkpoint', '/log/nobody/checkpoint'])
    assert.equal((await get(path)).headers.get('access-control-allow-origin'), '*', path)
  assert.equal((await get('/log/notifications/tile/0/000', {})).headers.get('access-control-allow-origin'), '*')
  for (const path of ['/log/notifications/tile/0/000', '/log/notifications/checkpoint']) {
    const preflight = await get(path, { origin: 'https://auditor.example', 'access-control-request-method': 'GET' }, 'OPTIONS')
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*')
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /\bAuthorization\b/)
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /\bGET\b/)
    // A token is sent by a script on purpose; cookies have no meaning here.
    assert.equal(preflight.headers.get('access-control-allow-credentials'), null)
  }
  // Nothing else is opened with it.
  assert.equal((await get('/api/v1/records', {}, 'OPTIONS')).status, 405)
  assert.equal((await get('/api/v1/records')).headers.get('access-control-allow-origin'), null)
  assert.equal((await get('/log/notifications/tile/0/000', bearer('admin'), 'POST')).status, 405)
})

test('entries are compressed for who asks, hashes never', async () => {
  for (const accept of ['gzip', 'identity, gzip', 'GZIP;q=0.5', 'br;q=1.0, gzip;q=0.001', 'deflate,gzip ']) {
    const answer = await get('/log/notifications/tile/entries/000', { ...bearer('auditor'), 'accept-encoding': accept })
    assert.equal(answer.headers.get('content-encoding'), 'gzip', accept)
    assert.equal(answer.headers.get('vary'), 'Accept-Encoding')
    assert.deepEqual(gunzipSync(await answer.arrayBuffer()), Buffer.alloc(8192, 7))
  }
  for (const accept of ['', 'identity', 'br', '*', 'gzip;q=0', 'gzip; q=0.000', 'xgzip', 'deflate']) {
    const answer = await get('/log/notifications/tile/entries/000', { ...bearer('auditor'), 'accept-encoding': accept })
    assert.equal(answer.headers.get('content-encoding'), null, accept)
    assert.equal(answer.headers.get('vary'), 'Accept-Encoding')
    assert.equal((await answer.arrayBuffer()).byteLength, 8192)
  }
  assert.equal((await get('/log/notifications/tile/0/000', { ...bearer('auditor'), 'accept-encoding': 'gzip' })).headers.get('content-encoding'), null)
})

test('HEAD answers as GET does, without the bytes', async () => {
  const answer = await get('/log/notifications/tile/0/000', bearer('auditor'), 'HEAD')
  assert.equal(answer.status, 200)
  assert.equal((await answer.arrayBuffer()).byteLength, 0)
  assert.equal((await get('/log/notifications/tile/0/001', bearer('auditor'), 'HEAD')).status, 404)
})

test('reads of tiles are noted nowhere', async () => {
  const { app, notes } = recorder()
  await app.request('/log/notifications/tile/0/000', { headers: bearer('auditor') })
  await app.request('/log/notifications/tile/entries/000', { headers: bearer('auditor') })
  assert.equal(notes.length, 0)
})
