// A whole server whose evidence lies in a bucket: verified from there, attacked behind the store's back, and recovered.
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import type { Config } from '../../src/config/config.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'
import { sealtrail } from '../cli/io.ts'
import { configFor } from '../crash/child.ts'
import { Book, HELD, LARGE, quiet, range, send, temporary } from '../crash/harness.ts'
import type { Bucket, Version } from '../store/s3/bucket.ts'
import type { Fault } from '../store/s3/server.ts'
import { S3Server } from '../store/s3/server.ts'

interface Line {
  readonly ok: boolean
  readonly log: string
  readonly size: number
  readonly root: string
  readonly trust: string
  readonly problems: readonly { readonly code: string; readonly object: string; readonly index: number | null }[]
  readonly locks?: { readonly objects: number; readonly modes: readonly string[]; readonly earliest: string; readonly holds: number }
}

const PREFIX = 'audit/'
let server: S3Server
let bucket: Bucket
let data = ''
let remove = (): void => {}
let config: Config
let vkey = ''
let good: readonly Line[] = []
/** The bucket as the server left it. */
let versions: readonly Version[] = []
/** Heads, some commits ago. */
let oldHead = ''

before(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIATEST'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
  server = await S3Server.start()
  bucket = server.bucket('evidence')
  ;({ data, remove } = temporary())
  const base = configFor(data, HELD.sequence)
  config = { ...base, store: { ...base.store, place: server.place('evidence', PREFIX) } }
  const local = await opened()
  const book = new Book()
  await send(local, book, 'notifications', [...range(0, 20), LARGE])
  await send(local, book, 'interactions', range(0, 20))
  await local.sealing.flush()
  await local.close()
  oldHead = join(data, '..', 'head.old')
  cpSync(join(data, 'head.sqlite'), oldHead)
  const again = await opened()
  for (const from of [20, 30, 40]) {
    await send(again, book, 'notifications', range(from, from + 10))
    await again.sealing.drained()
  }
  vkey = again.sealing.vkey('notifications')
  await again.close()
  good = await verified(address())
  // What a probe left lies apart, under locks of seconds.
  versions = bucket.all().filter(({ key }) => !key.startsWith(`${PREFIX}.probe/`))
})

after(async () => {
  remove()
  await server.close()
})

/** The bucket as the server left it, versions and all. */
function restore(): void {
  for (const version of bucket.all()) bucket.drop(version)
  for (const version of versions.toReversed()) Object.assign(put(version), { id: version.id })
}
const put = ({ key, bytes, metadata, retention, hold }: Version): Version =>
  bucket.put({ key, bytes: bytes as Buffer, metadata, retention, hold, ifNoneMatch: false })

beforeEach(restore)

const opened = (where = config): Promise<Local> => openLocal(where, { log: quiet })
const address = (): string => `s3://evidence/${PREFIX}?endpoint=${encodeURIComponent(server.endpoint)}`
async function verified(source: string, ...more: string[]): Promise<Line[]> {
  const { out, err } = await sealtrail(['verify', source, '--json', ...more])
  assert.notEqual(out, '', err)
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
const found = (lines: readonly Line[]): string[] => lines.flatMap(({ problems }) => problems.map(({ code, object }) => `${code} ${object}`))
const states = (lines: readonly Line[]): object[] => lines.filter(({ log }) => log !== '*').map(({ log, size, root }) => ({ log, size, root }))
const segmentsOf = (log: string): Version[] => bucket.all().filter(({ key }) => key.startsWith(`${PREFIX}${log}/segment/`))
const keyOf = ({ key }: Version): string => key.slice(PREFIX.length)
/** Writes over a version's bytes, as nobody could who keeps to the store's rules. */
function rewrite(version: Version, change: (bytes: Buffer) => Buffer): void {
  version.bytes = change(Buffer.from(version.bytes as Buffer))
}

test('straight from the bucket: the same sizes and roots as from the directory, with the key trusted, with every lock as asked for', async () => {
  assert.ok(
    good.every(({ ok, trust }) => ok && trust === 'none'),
    JSON.stringify(good),
  )
  assert.deepEqual(states(good), states(await verified(data, '--no-vault')))
  const trusted = await verified(address(), '--key', vkey)
  assert.ok(
    trusted.every(({ ok, trust }) => ok && trust === 'given'),
    JSON.stringify(trusted),
  )
  for (const source of [address(), data]) {
    const locked = await verified(source, '--store-locks', ...(source === data ? ['--no-vault'] : []))
    assert.deepEqual(found(locked), [])
    assert.ok(locked.every(({ locks }) => (locks?.objects ?? 0) > 0 && locks?.modes.join() === 'COMPLIANCE' && locks.holds === 0))
  }
  const [, text] = [await sealtrail(['verify', address(), '--store-locks']), await sealtrail(['verify', address(), '--store-locks'])]
  assert.match(text.out, /locks: \d+ objects, COMPLIANCE, the first until 20/)
  assert.match(text.out, /A store whose newest segments were removed together looks like this too/)
})

test('wrong use: an address that is none, options of other sources, a bucket of nothing', async () => {
  for (const args of [
    ['s3://'],
    ['gs://b?region=x'],
    ['https://example.net'],
    [address(), '--no-vault'],
    [address(), '--record', 'x'],
    [address(), '--config', 'x.yaml'],
  ]) {
    const { exit, err } = await sealtrail(['verify', ...args])
    assert.equal(exit, 2, args.join(' '))
    assert.match(err, /USAGE/)
  }
  assert.match((await sealtrail(['verify', address().replace(PREFIX, 'nothing/')])).err, /there is no log in this store/)
  assert.equal((await sealtrail(['verify', address().replace('evidence', 'absent')])).exit, 3)
})

test('behind the store’s back: bytes rewritten, an object removed, a version put over it, a deletion mark, locks shortened, weakened, gone: each is named', async () => {
  const each = segmentsOf('notifications')
  assert.ok(each.length >= 4, `${each.length} segments`)
  const checks: [string, (version: Version) => void, (key: string) => RegExp][] = [
    [
      'rewritten',
      (version) => rewrite(version, (bytes) => Buffer.from(bytes.fill(bytes[40]! ^ 1, 40, 41))),
      (key) => new RegExp(`SEGMENT_(UNREADABLE|KEY) ${key}`),
    ],
    ['cut', (version) => rewrite(version, (bytes) => bytes.subarray(0, -5)), (key) => new RegExp(`SEGMENT_(UNREADABLE|KEY) ${key}`)],
    [
      'written over',
      (version) => void bucket.put({ ...version, bytes: Buffer.from('others'), retention: null, ifNoneMatch: false }),
      (key) => new RegExp(`^OBJECT_OVERWRITTEN ${key}$`),
    ],
    ['marked deleted', (version) => void bucket.delete(version.key, null, null), (key) => new RegExp(`^OBJECT_OVERWRITTEN ${key}$`)],
    ['unlocked', (version) => void (version.retention = null), (key) => new RegExp(`^LOCK_MISSING ${key}$`)],
    [
      'shortened',
      (version) => void (version.retention = { mode: 'COMPLIANCE', untilMs: (version.retention?.untilMs ?? 0) - 86_400_000 }),
      (key) => new RegExp(`^LOCK_SHORT ${key}$`),
    ],
    [
      'weakened',
      (version) => void (version.retention = { mode: 'GOVERNANCE', untilMs: version.retention?.untilMs ?? 0 }),
      (key) => new RegExp(`^LOCK_WEAK ${key}$`),
    ],
  ]
  // Of any kind of object; here the segments in the middle, the last one, and what does not fit a record.
  const objects = bucket.all().filter(({ key }) => key.includes('/object/'))
  assert.equal(objects.length, 1)
  for (const at of [1, each.length - 1]) {
    for (const [what, harm, named] of checks) {
      const version = segmentsOf('notifications')[at] as Version
      harm(version)
      const lines = await verified(address(), '--store-locks')
      assert.match(found(lines).join('\n'), new RegExp(named(keyOf(version)).source, 'm'), what)
      assert.ok(
        lines.filter(({ log }) => log !== 'notifications').every(({ ok }) => ok),
        what,
      )
      restore()
    }
  }
})

test('a segment removed is missing; the last one leaves no trace, and a checkpoint kept elsewhere shows it', async () => {
  const kept = join(data, '..', 'kept')
  writeFileSync(kept, readFileSync(join(data, 'checkpoint', 'notifications')))
  const all = segmentsOf('notifications')
  for (const version of all.slice(0, -1)) {
    bucket.drop(version)
    const missing = await verified(address())
    assert.ok(
      missing.some(({ problems }) => problems.some(({ code, object }) => code === 'SEGMENT_MISSING' && keyOf(version).startsWith(object))),
      keyOf(version),
    )
    bucket.put({ ...version, bytes: version.bytes as Buffer, ifNoneMatch: false })
  }
  bucket.drop(all.at(-1) as Version)
  const blind = await verified(address())
  assert.deepEqual(found(blind), [])
  assert.match(found(await verified(address(), '--checkpoint', kept)).join(), /CHECKPOINT_BEYOND kept/)
  // The directory knows more than its bucket.
  assert.match(found(await verified(data, '--no-vault')).join(), /HEAD_BEYOND|CHECKPOINT_BEYOND/)
  const lost = await recovered('lost', '--checkpoint', kept)
  assert.equal(lost.exit, 1)
  assert.match(lost.out, /REFUSED {2}log notifications: .*a larger log than the records make: records are gone/)
  assert.match(lost.out, /ok {7}log interactions/)
})

/** Runs `recover` into a directory of its own beside the server's. */
async function recovered(name: string, ...more: string[]): Promise<{ exit: number; out: string; err: string; data: string }> {
  const into = join(data, '..', name)
  return { ...(await sealtrail(['recover', '--store', address(), '--data', into, ...more])), data: into }
}

test('from the bucket alone: the same size and root, a server that goes on, resends known', async () => {
  const { exit, out, data: into } = await recovered('from-bucket', '--keys', join(data, 'keys'))
  assert.equal(exit, 0, out)
  assert.deepEqual(states(await verified(into, '--no-vault')), states(good))
  for (const log of ['notifications', 'interactions', 'system'])
    assert.equal(readFileSync(join(into, 'checkpoint', log), 'utf8'), readFileSync(join(data, 'checkpoint', log), 'utf8'))
  // Another place than the one it came from is refused.
  await assert.rejects(opened({ ...config, data: into, store: { ...config.store, place: server.place('evidence', 'elsewhere/') } }), { code: 'CONFIG_INVALID' })
  const local = await opened({ ...config, data: into })
  const book = new Book()
  await send(local, book, 'notifications', [...range(0, 50), LARGE])
  await local.sealing.drained()
  assert.equal(local.sealing.sizes.get('notifications'), 51, 'each of them was known')
  await send(local, book, 'notifications', range(50, 60))
  await local.sealing.drained()
  assert.equal(local.sealing.sizes.get('notifications'), 61)
  await local.indexed()
  await local.close()
  const after = await verified(into, '--no-vault')
  assert.deepEqual(found(after.filter(({ log }) => log !== '*')), [])
  // Run again: what has a head is left.
  const again = await sealtrail(['recover', '--store', address(), '--data', into])
  assert.equal(again.exit, 0)
  assert.equal(again.out.match(/^kept /gm)?.length, 3)
})

test('an old head put back is behind, named, and rolled forward at the start; recover leaves it', async () => {
  const into = join(data, '..', 'old-head')
  cpSync(data, into, { recursive: true })
  for (const name of ['head.sqlite', 'head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(into, name), { force: true })
  cpSync(oldHead, join(into, 'head.sqlite'))
  assert.match(found(await verified(into, '--no-vault')).join(), /HEAD_BEHIND head/)
  assert.match((await sealtrail(['recover', '--data', into])).out, /kept {5}log notifications: has its head at 21 records/)
  const local = await opened({ ...config, data: into })
  assert.equal(local.sealing.sizes.get('notifications'), 51)
  assert.equal(local.sealing.findings.filter((finding) => /^notifications: head rolled forward/.test(finding)).length, 3)
  await local.close()
})

test('an object damaged in the bucket: recover says what is gone and makes no head over it; one at the end needs the newest checkpoint', async () => {
  const all = segmentsOf('notifications')
  rewrite(all[1] as Version, (bytes) => bytes.subarray(0, -5))
  const middle = await recovered('middle', '--keys', join(data, 'keys'))
  assert.equal(middle.exit, 1)
  assert.match(middle.out, /REFUSED {2}log notifications: .*no hash pack leads over them: put their segments back/)
  assert.match(middle.out, /SEGMENT_UNREADABLE, notifications\/segment/)
  await assert.rejects(opened({ ...config, data: middle.data }), { code: 'HEAD_MISSING' })
  // Put back, the rest is made.
  restore()
  const rest = await sealtrail(['recover', '--data', middle.data])
  assert.equal(rest.exit, 0, rest.out)
  assert.match(rest.out, /ok {7}log notifications: 51 records/)
  assert.deepEqual(states(await verified(middle.data, '--no-vault')), states(good))

  const last = segmentsOf('notifications').at(-1) as Version
  const [header] = zstdDecompressSync(last.bytes as Buffer)
    .toString()
    .split('\n')
  rewrite(last, (bytes) => bytes.subarray(0, -5))
  const end = await recovered('end', '--keys', join(data, 'keys'))
  assert.match(end.out, /REFUSED {2}log notifications: 41 records .*it may have been committed/)
  // Whoever holds the checkpoint of that size says that nothing was committed behind it.
  const kept = join(data, '..', 'kept-41')
  writeFileSync(kept, (JSON.parse(header as string) as { previous: { checkpoint: string } }).previous.checkpoint)
  const decided = await sealtrail(['recover', '--data', end.data, '--checkpoint', kept])
  assert.match(decided.out, /log notifications: 41 records, .*head made/)
  const receipt = await sealtrail(['recover', '--data', end.data, '--receipt', kept])
  assert.equal(receipt.exit, 2)
})

test('the bucket gone, refusing, or gone in the middle: an error, never a head, and no word about the evidence', async () => {
  let seen = 0
  const faults: Fault[] = [
    { does: 'refuse', times: Infinity },
    { does: 'cut', times: Infinity },
    { does: 'refuse', times: Infinity, on: ({ operation }) => operation === 'GetObject' && ++seen > 12 },
    { does: 'refuse', times: Infinity, on: ({ key }) => key.includes('/object/') },
  ]
  for (const [i, fault] of faults.entries()) {
    const lift = server.fault(fault)
    const { exit, err, data: into } = await recovered(`fault-${i}`, '--keys', join(data, 'keys'))
    const straight = await sealtrail(['verify', address(), '--json'])
    lift()
    assert.deepEqual([exit, straight.exit], [3, 3], err)
    assert.match(err, /STORE_UNREADABLE/)
    assert.equal(straight.out, '')
    if (!existsSync(join(into, 'head.sqlite'))) continue
    const heads = SqliteHead.open(join(into, 'head.sqlite'), { readOnly: true })
    assert.equal(heads.read('notifications'), null)
    heads.close()
  }
})

test('an object deleted and written again is named by its version; a bucket copied whole is a copy', async () => {
  const one = segmentsOf('notifications')[1] as Version
  bucket.drop(one)
  put(one)
  assert.deepEqual(found(await verified(address(), '--store-locks')), [`OBJECT_VERSION ${keyOf(one)}`])
  for (const version of bucket.all()) bucket.drop(version)
  for (const version of versions.toReversed()) put(version)
  const { out } = await sealtrail(['verify', address(), '--store-locks', '--log', 'notifications'])
  assert.match(
    out,
    /^ok {7}log notifications[^]*note: notifications: its objects have other versions than the log names, all \d+ of them: this store is a copy/,
  )
})
