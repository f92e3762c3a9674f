// The test-only POST /add: real socket, real sealer, its own log; and that nothing else of the server takes notice of it.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { leafHash, parseBundle, parseCheckpoint, parseNote, rootOf } from '@sealtrail/tlog'
import { openRawLog, type RawLog } from '../../src/config/open-raw-log.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import { openTiles } from '../../src/config/open-tiles.ts'
import { createApp } from '../../src/http/app.ts'
import { listen, type Listening } from '../../src/http/listen.ts'
import { testAdd } from '../../src/http/test-add.ts'
import { createLog } from '../../src/observe/log.ts'
import { World } from './harness.ts'

interface Answer {
  readonly status: number
  readonly type: string
  readonly retryAfter: string | undefined
  readonly text: string
}

describe('POST /add', () => {
  let world: World
  let raw: RawLog
  let listening: Listening
  let batches: number[] = []
  const sent = new Map<number, string>()
  let append = (entries: readonly Uint8Array[]): Promise<number> => raw.append(entries)
  const log = createLog({ level: 'debug', now: Date.now, write: () => {} })
  const open = (): Promise<RawLog> => openRawLog('bench', { ...world.local.sealing, note: () => {} }, { now: Date.now, log })

  before(async () => {
    world = await World.open('seal: { maxRecords: 7, maxDelay: 1ms }')
    raw = await open()
    const { deps } = world.local.served
    const before = testAdd({
      append(entries) {
        batches.push(entries.length)
        return append(entries)
      },
      tokens: deps.tokens,
    })
    listening = await listen(createApp(deps), { host: '127.0.0.1', port: 0, tls: null, before })
  })
  after(async () => {
    await listening.close(0)
    await world.end()
  })

  function add(body: Buffer | string, { role = 'admin', method = 'POST', headers = {} as Record<string, string> } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const authorization = { authorization: `Bearer ${world.tokens.get(role as 'admin')}` }
      const asking = request(`${listening.url}/add`, { method, headers: { ...authorization, ...headers } }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => (text += part))
        answer.on('end', () =>
          resolve({ status: answer.statusCode as number, type: answer.headers['content-type'] as string, retryAfter: answer.headers['retry-after'], text }),
        )
      })
      asking.on('error', reject)
      asking.end(body)
    })
  }

  it('answers the index in ASCII decimal once the entry is committed; the body is the leaf', async () => {
    const answer = await add('first')
    assert.deepEqual(answer, { status: 200, type: 'text/plain', retryAfter: undefined, text: '0' })
    assert.equal(world.local.sealing.heads.read('raw.bench')?.size, 1)
    sent.set(0, 'first')
  })

  it('many at once: every one gets the place it has in the log, over commits smaller than what came together', async () => {
    const texts = Array.from({ length: 480 }, (_, i) => `entry ${i} ${'grüße'.repeat(i % 5)}`)
    const answers = await Promise.all(texts.map((text) => add(text)))
    answers.forEach(({ status, text }, i) => {
      assert.equal(status, 200)
      assert.ok(!sent.has(Number(text)), text)
      sent.set(Number(text), texts[i] as string)
    })
    assert.deepEqual(
      [...sent.keys()].sort((a, b) => a - b),
      Array.from({ length: 481 }, (_, i) => i),
    )
  })

  it('what arrives in one turn is appended together, and still each gets its own place', async () => {
    batches = []
    const texts = Array.from({ length: 20 }, (_, i) => `together ${i}`)
    const head = `POST /add HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${world.tokens.get('ingest')}\r\n`
    const socket = connect(listening.port, '127.0.0.1')
    socket.write(texts.map((text) => `${head}Content-Length: ${text.length}\r\n\r\n${text}`).join(''))
    let answered = ''
    for await (const chunk of socket.setEncoding('latin1')) {
      answered += chunk as string
      if ((answered.match(/HTTP\/1\.1/g) ?? []).length === 20 && /\r\n\r\n500$/.test(answered)) break
    }
    texts.forEach((text, i) => sent.set(481 + i, text))
    assert.deepEqual(
      [...answered.matchAll(/\r\n\r\n(\d+)/g)].map(([, index]) => Number(index)),
      texts.map((_, i) => 481 + i),
    )
    assert.ok(batches.length <= 3, String(batches))
  })

  it('the log holds exactly that', async () => {
    const tiles = await openTiles(world.data, { witnessed: false })
    const { size, root } = parseCheckpoint(parseNote(tiles.checkpoint('raw.bench') as string).text)
    assert.equal(size, 501n)
    const leaves: Uint8Array[] = []
    for (const [index, width] of [
      [0n, 256],
      [1n, 245],
    ] as const)
      leaves.push(...parseBundle((await tiles.tile('raw.bench', { level: 'entries', index, width })) as Uint8Array, width))
    leaves.forEach((leaf, i) => assert.equal(Buffer.from(leaf).toString(), sent.get(i)))
    assert.deepEqual(rootOf(Buffer.concat(leaves.map((leaf) => leafHash(leaf)))), root)
    await tiles.close()
  })

  it('refuses what cannot be a leaf of a segment, who may not, and other methods; nothing of it is appended', async () => {
    batches = []
    for (const [body, status] of [
      ['', 400],
      ['two\nlines', 400],
      ['line\n', 400],
      [Buffer.alloc(65_536, 97), 413],
      [Buffer.alloc(1_000_000, 97), 413],
    ] as const) {
      const answer = await add(body)
      assert.equal(answer.status, status)
      assert.equal(answer.type, 'application/problem+json')
    }
    assert.equal((await add('x', { role: 'auditor' })).status, 403)
    assert.equal((await add('x', { headers: { authorization: 'Bearer nobody' } })).status, 401)
    assert.equal((await add('', { method: 'GET' })).status, 405)
    assert.deepEqual(batches, [])
    assert.equal((await add(Buffer.alloc(65_535, 97))).text, '501')
  })

  it('an aborted body is no entry', async () => {
    batches = []
    await new Promise<void>((resolve) => {
      const asking = request(`${listening.url}/add`, {
        method: 'POST',
        headers: { authorization: `Bearer ${world.tokens.get('admin')}`, 'content-length': '100' },
      })
      asking.on('error', () => resolve())
      asking.write('half', () => asking.destroy())
    })
    assert.equal((await add('after')).text, '502')
    assert.deepEqual(batches, [1])
  })

  it('pushback is 503 with Retry-After', async () => {
    const entries = Array.from({ length: 16_385 }, () => Buffer.from('x'))
    await assert.rejects(raw.append(entries), { code: 'OVERLOADED' })
    append = () => raw.append(entries)
    const answer = await add('x')
    assert.deepEqual([answer.status, answer.retryAfter, JSON.parse(answer.text).code], [503, '1', 'OVERLOADED'])
    append = (given) => raw.append(given)
    assert.equal((await add('and on')).text, '503')
  })

  it('nothing else of the server knows the log', async () => {
    assert.deepEqual([...world.local.sealing.sizes.logs].sort(), ['interactions', 'notifications', 'system'])
    assert.equal((await world.get('/api/v1/records?log=raw.bench', 'admin')).text.includes('entry'), false)
    assert.equal((await world.get('/openapi.json')).text.includes('/add'), false)
    // An app that was not asked for it does not have it.
    assert.equal((await world.send('/add', 'x')).status, 404)
  })

  it('it goes on after a restart', async () => {
    await raw.close()
    raw = await open()
    assert.equal((await add('again')).text, '504')
    await raw.close()
    await assert.rejects(raw.append([Buffer.from('x')]), { code: 'NOT_READY' })
    assert.equal((await add('x')).status, 503)
  })

  it('names of trails, and worse, are refused', async () => {
    for (const name of ['', '..', 'a/b', 'A', 'raw.x', 'x'.repeat(64)])
      await assert.rejects(openRawLog(name, { ...world.local.sealing, note: () => {} }, { now: Date.now, log }), { code: 'USAGE' })
  })

  it('an audit of the directory checks the log as a log, says what it is, and is not confused by it', async () => {
    assert.deepEqual(await world.closeAndAudit(), [])
    const verdict = (await auditDirectory(world.data, { key: null, vault: true, now: Date.now })).find((each) => each.log === 'raw.bench')
    assert.deepEqual([verdict?.ok, verdict?.size], [true, 505])
    assert.match(verdict?.notes[0]?.message ?? '', /not records/)
  })

  it('beyond 65,536 entries it has its hash packs, as an audit expects of every log', async () => {
    const large = await World.open()
    try {
      const log = await openRawLog('large', { ...large.local.sealing, note: () => {} }, { now: Date.now, log: createLog({ now: Date.now, write: () => {} }) })
      for (let at = 0; at < 66_000; at += 11_000) assert.equal(await log.append(Array.from({ length: 11_000 }, (_, i) => Buffer.from(`${at + i}`))), at)
      await log.close()
      assert.deepEqual(await large.closeAndAudit(), [])
    } finally {
      await large.end()
    }
  })
})
