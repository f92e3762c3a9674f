import assert from 'node:assert/strict'
import { cpSync, existsSync, globSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { formatTilePath, leafHash, parseBundle, parseCheckpoint, parseNote, parseTilePath, rootOf, tileWidth, type Tile } from '@sealtrail/tlog'
import { auditDirectory } from '../../src/config/open-audit.ts'
import { copyFolder } from '../copy-folder.ts'
import { receipt, scratch, sealtrail, type Ran } from './io.ts'

const place = scratch()
const data = place.at('data')
const RECORDS = 1100

async function ingest(from: number, to: number): Promise<void> {
  writeFileSync(place.at('receipts.ndjson'), Array.from({ length: to - from }, (_, i) => JSON.stringify(receipt(from + i))).join('\n'))
  const ran = await sealtrail(['ingest', place.at('receipts.ndjson'), '--data', data])
  assert.equal(ran.exit, 0, ran.err)
}
const exported = (to: string, ...more: string[]): Promise<Ran> => sealtrail(['tiles', 'export', to, '--data', data, ...more])
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1))
    .sort()

/** What the folder holds leads to its checkpoint: read here with nothing but the formats. */
function check(folder: string): { size: number } {
  const { size, root } = parseCheckpoint(parseNote(readFileSync(join(folder, 'checkpoint'), 'utf8')).text)
  const read = (tile: Tile): Buffer => readFileSync(join(folder, formatTilePath(tile)))
  const hashes: Uint8Array[] = []
  for (let index = 0n; index * 256n < size; index++) {
    const width = tileWidth(0, index, size)
    const bundle = parseBundle(read({ level: 'entries', index, width }), width)
    assert.deepEqual(Buffer.concat(bundle.map((entry) => leafHash(entry))), read({ level: 0, index, width }))
    hashes.push(...bundle.map((entry) => leafHash(entry)))
  }
  assert.deepEqual(rootOf(Buffer.concat(hashes)), root)
  for (const path of filesIn(join(folder, 'tile'))) {
    const { level, index, width } = parseTilePath(`tile/${path}`)
    if (level === 'entries' || level === 0) continue
    const span = 256 ** level
    const want = Array.from({ length: width }, (_, i) =>
      rootOf(Buffer.concat(hashes.slice((Number(index) * 256 + i) * span, (Number(index) * 256 + i + 1) * span))),
    )
    assert.deepEqual(read({ level, index, width }), Buffer.concat(want), path)
  }
  return { size: Number(size) }
}

describe('tiles export', () => {
  before(() => ingest(0, RECORDS))

  test('writes every log of the directory, each leading to its checkpoint, and nothing in the directory changes', async () => {
    const was = globSync('**', { cwd: data }).map((path) => `${path} ${statSync(join(data, path)).mtimeMs}`)
    const ran = await exported(place.at('all'))
    assert.equal(ran.exit, 0, ran.err)
    assert.match(ran.out, /notifications: 1,100 records, root [0-9a-f]{64}\n {2}11 files written/)
    assert.deepEqual(readdirSync(place.at('all')).sort(), ['interactions', 'notifications', 'system'])
    assert.equal(check(place.at('all', 'notifications')).size, RECORDS)
    assert.ok(check(place.at('all', 'system')).size > 0)
    assert.deepEqual(filesIn(place.at('all', 'interactions')), ['checkpoint'])
    assert.deepEqual(filesIn(place.at('all', 'notifications', 'tile')), [
      '0/000',
      '0/001',
      '0/002',
      '0/003',
      '0/004.p/76',
      '1/000.p/4',
      'entries/000',
      'entries/001',
      'entries/002',
      'entries/003',
      'entries/004.p/76',
    ])
    const shm = /head\.sqlite-(shm|wal) /
    assert.deepEqual(
      globSync('**', { cwd: data })
        .map((path) => `${path} ${statSync(join(data, path)).mtimeMs}`)
        .filter((line) => !shm.test(line)),
      was.filter((line) => !shm.test(line)),
    )
  })

  test('again: nothing is written twice; one log, as JSON', async () => {
    const ran = await exported(place.at('all'), '--log', 'notifications', '--json')
    assert.equal(ran.exit, 0, ran.err)
    const { logs } = JSON.parse(ran.out) as { logs: Array<Record<string, unknown>> }
    assert.equal(logs.length, 1)
    assert.deepEqual({ ...logs[0], root: '' }, { log: 'notifications', size: RECORDS, root: '', written: 0, kept: 11, bytes: 0 })
  })

  test('stopped in the middle it has no checkpoint; run again it goes on', async () => {
    const stop = new AbortController()
    let ticks = 0
    const ran = await sealtrail(['tiles', 'export', place.at('stopped'), '--log', 'notifications', '--data', data], {
      stopping: stop.signal,
      terminal: true,
      now: () => {
        // The progress bar asks for the time after each bundle.
        if (++ticks === 4) stop.abort()
        return ticks
      },
    })
    assert.equal(ran.exit, 3)
    assert.match(ran.err, /stopped before the end; the same command goes on from here/)
    const folder = place.at('stopped', 'notifications')
    assert.ok(!existsSync(join(folder, 'checkpoint')))
    const before = filesIn(folder).length
    assert.ok(before > 0 && before < 11, String(before))
    // What a power loss may leave: a name without bytes.
    writeFileSync(join(folder, 'tile/0/002'), '')
    assert.equal((await exported(place.at('stopped'), '--log', 'notifications')).exit, 0)
    assert.equal(check(folder).size, RECORDS)
    assert.equal(filesIn(folder).filter((path) => path.endsWith('.next')).length, 0)
  })

  test('a file in the folder that differs is evidence: it is not written over', async () => {
    cpSync(place.at('all'), place.at('changed'), { recursive: true })
    for (const path of ['tile/entries/001', 'tile/0/003', 'tile/1/000.p/4', 'tile/entries/004.p/76']) {
      const file = place.at('changed', 'notifications', path)
      const right = readFileSync(file)
      const wrong = Buffer.from(right)
      wrong[wrong.length >> 1]! ^= 1
      writeFileSync(file, wrong)
      const ran = await exported(place.at('changed'), '--log', 'notifications')
      assert.equal(ran.exit, 3, path)
      assert.match(ran.err, /ALREADY_WRITTEN/)
      assert.ok(ran.err.includes(path))
      assert.deepEqual(readFileSync(file), wrong)
      writeFileSync(file, right)
    }
  })

  test('a data directory that is damaged gives no checkpoint, and no wrong file', async () => {
    for (const [file, at] of [
      ['tiles/notifications/level-0', 32 * 700],
      ['store/notifications/segment', 3000],
      ['checkpoint/notifications', -100],
    ] as const) {
      copyFolder(data, place.at('damaged'))
      let path = place.at('damaged', file)
      if (statSync(path).isDirectory()) path = join(path, readdirSync(path)[0] as string)
      const bytes = readFileSync(path)
      if (at >= 0) bytes[at]! ^= 1
      // A signed note whose root is another.
      else bytes.set(Buffer.from(bytes.toString().split('\n')[2]![0] === 'A' ? 'B' : 'A'), bytes.indexOf('\n', bytes.indexOf('\n') + 1) + 1)
      writeFileSync(path, bytes)
      const ran = await sealtrail(['tiles', 'export', place.at('from-damaged'), '--log', 'notifications', '--data', place.at('damaged')])
      assert.equal(ran.exit, 3, file)
      assert.match(ran.err, /DATA_CORRUPT/)
      const folder = place.at('from-damaged', 'notifications')
      assert.ok(!existsSync(join(folder, 'checkpoint')))
      for (const each of existsSync(folder) ? filesIn(folder) : [])
        assert.deepEqual(readFileSync(join(folder, each)), readFileSync(place.at('all', 'notifications', each)), each)
      for (const each of ['damaged', 'from-damaged']) rmSync(place.at(each), { recursive: true, force: true })
    }
  })

  test('the log grows: full tiles take the place of partial ones, and the folder holds to its earlier checkpoint', async () => {
    copyFolder(data, place.at('earlier'))
    await ingest(RECORDS, RECORDS + 300)
    const ran = await exported(place.at('all'), '--log', 'notifications', '--json')
    assert.equal(ran.exit, 0, ran.err)
    assert.equal(check(place.at('all', 'notifications')).size, RECORDS + 300)
    assert.ok(!existsSync(place.at('all', 'notifications', 'tile/0/004.p')))
    assert.ok(existsSync(place.at('all', 'notifications', 'tile/1/000.p/4')), 'a tile that is partial still keeps the widths of earlier checkpoints')
    // An older state is no growth.
    const back = await sealtrail(['tiles', 'export', place.at('all'), '--log', 'notifications', '--data', place.at('earlier')])
    assert.equal(back.exit, 3)
    assert.match(back.err, /FORKED/)
    assert.equal(check(place.at('all', 'notifications')).size, RECORDS + 300)
  })

  test('a log that did not grow from the checkpoint in the folder is refused', async () => {
    // The folder has only a checkpoint of an earlier size, of another history.
    const note = readFileSync(place.at('all', 'notifications', 'checkpoint'), 'utf8').split('\n')
    const folder = place.at('rewritten', 'notifications')
    cpSync(place.at('all', 'notifications'), folder, { recursive: true })
    for (const size of [1, 255, 256, 257, RECORDS]) {
      writeFileSync(join(folder, 'checkpoint'), [note[0], String(size), Buffer.alloc(32, 1).toString('base64'), ...note.slice(3)].join('\n'))
      const ran = await exported(place.at('rewritten'), '--log', 'notifications')
      assert.equal(ran.exit, 3, String(size))
      assert.match(ran.err, /FORKED/)
    }
    writeFileSync(join(folder, 'checkpoint'), [`other.example/notifications`, ...note.slice(1)].join('\n'))
    assert.equal((await exported(place.at('rewritten'), '--log', 'notifications')).exit, 2)
  })

  test('with witnesses configured only what they cosigned is exported', async () => {
    const published = place.at('earlier', 'published')
    rmSync(published, { recursive: true, force: true })
    const args = ['tiles', 'export', place.at('witnessed'), '--log', 'notifications', '--data', place.at('earlier')]
    // The older of two checkpoints stands for the published one here; whose signatures it has is for its reader to check.
    cpSync(place.at('earlier', 'checkpoint'), published, { recursive: true })
    cpSync(place.at('all', 'notifications', 'checkpoint'), place.at('earlier', 'checkpoint', 'notifications'))
    assert.equal((await sealtrail(args)).exit, 0)
    assert.equal(check(place.at('witnessed', 'notifications')).size, RECORDS)
  })

  test('wrong use', async () => {
    for (const args of [
      ['tiles'],
      ['tiles', 'export'],
      ['tiles', 'import', 'x'],
      ['tiles', 'export', 'x', 'y'],
      ['tiles', 'export', place.at('x')],
      ['tiles', 'export', place.at('x'), '--data', data, '--url', 'http://127.0.0.1:1'],
      ['tiles', 'export', place.at('x'), '--data', data, '--log', '../x'],
    ])
      assert.equal((await sealtrail(args)).exit, 2, args.join(' '))
    assert.equal((await exported(place.at('x'), '--log', 'nobody')).exit, 1)
    assert.equal((await sealtrail(['tiles', 'export', place.at('x'), '--data', place.at('nothing')])).exit, 1)
  })

  test('the directory still verifies', async () => {
    assert.deepEqual(
      (await auditDirectory(data, { key: null, vault: false, now: Date.now })).map(({ ok }) => ok),
      [true, true, true],
    )
  })
})

describe('tiles export from a server', () => {
  let server: Server
  let url = ''
  let status: (path: string) => number = () => 200
  let change: (path: string, bytes: Buffer) => Buffer = (_, bytes) => bytes
  const asked: string[] = []
  const from = place.at('all2')

  before(async () => {
    assert.equal((await exported(from, '--log', 'notifications')).exit, 0)
    server = createServer((request, answer) => {
      asked.push(`${request.headers.authorization} ${request.url}`)
      const path = join(from, (request.url as string).replace('/log/', ''))
      const code = existsSync(path) ? status(request.url as string) : 404
      answer.writeHead(code)
      answer.end(code === 200 ? change(request.url as string, readFileSync(path)) : '')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  after(() => {
    server.close()
    place.remove()
  })
  const remote = (to: string, ...more: string[]): Promise<Ran> =>
    sealtrail(['tiles', 'export', place.at(to), '--url', url, ...more], { env: { SEALTRAIL_TOKEN: 'st_a' } })

  test('the same files as from the directory, asked for with the token', async () => {
    assert.equal((await remote('remote')).exit, 2)
    const ran = await remote('remote', '--log', 'notifications')
    assert.equal(ran.exit, 0, ran.err)
    assert.deepEqual(filesIn(place.at('remote')), filesIn(from))
    for (const each of filesIn(from)) assert.deepEqual(readFileSync(place.at('remote', each)), readFileSync(join(from, each)))
    assert.ok(asked.every((line) => line.startsWith('Bearer st_a /log/notifications/')))
  })

  test('a run that goes on fetches hashes, not the entries it has', async () => {
    asked.length = 0
    assert.equal((await remote('remote', '--log', 'notifications')).exit, 0)
    assert.ok(!asked.some((line) => line.includes('/tile/entries/')))
  })

  test('a server that lies is found out', async () => {
    for (const [path, how] of [
      ['tile/entries/001', (bytes: Buffer) => bytes.fill(bytes[9]! ^ 1, 9, 10)],
      ['tile/0/001', (bytes: Buffer) => bytes.fill(1, 9, 10)],
      ['tile/entries/001', (bytes: Buffer) => bytes.subarray(0, -1)],
      ['tile/0/001', (bytes: Buffer) => bytes.subarray(32)],
      ['tile/0/001', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
      ['checkpoint', (bytes: Buffer) => Buffer.from(bytes.toString().replace('\n1400', '\n1399'))],
      ['checkpoint', (bytes: Buffer) => bytes.subarray(40)],
      ['checkpoint', (bytes: Buffer) => Buffer.from(bytes.toString().replace(/^(.*\n1400\n).*/, `$1${Buffer.alloc(32, 1).toString('base64')}`))],
    ] as const) {
      change = (asking, bytes) => (asking.endsWith(path) ? how(bytes) : bytes)
      const ran = await remote('lied', '--log', 'notifications')
      assert.equal(ran.exit, ran.err.includes('NOT_FOUND') ? 1 : 3, `${path} ${ran.err}`)
      assert.match(ran.err, /DATA_CORRUPT|NOT_FOUND/, path)
      assert.ok(!existsSync(place.at('lied', 'notifications', 'checkpoint')))
      rmSync(place.at('lied'), { recursive: true, force: true })
    }
    change = (_, bytes) => bytes
  })

  test('the answers of a server that says no', async () => {
    for (const [code, words] of [
      [401, 'UNAUTHENTICATED'],
      [403, 'FORBIDDEN'],
      [500, 'DATA_CORRUPT'],
      [502, 'NOT_READY'],
    ] as const) {
      status = (path) => (path.includes('/tile/') ? code : 200)
      assert.match((await remote('refused', '--log', 'notifications')).err, new RegExp(words))
    }
    status = () => 200
    assert.equal((await remote('refused', '--log', 'nobody')).exit, 1)
  })

  test('503 is asked again', async () => {
    let busy = 2
    status = (path) => (path.includes('entries/001') && busy-- > 0 ? 503 : 200)
    assert.equal((await remote('busy', '--log', 'notifications')).exit, 0)
  })
})
