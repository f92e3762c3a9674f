import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { tablesOf } from '../../src/observe/level-tables.ts'
import { rewriteLevel } from '../../src/observe/rewrite-level.ts'
import { THIS_THREAD, renewLevel } from '../../src/observe/renew-level.ts'
import { SharedLevel } from '../../src/observe/shared-level.ts'
import type { Level } from '../../src/observe/shared-level.ts'

const root = mkdtempSync(join(tmpdir(), 'sealtrail-rewrite-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folders = 0

async function open(): Promise<SharedLevel> {
  const folder = join(root, String(folders++))
  return SharedLevel.open(folder, async () => {
    const db: Level = new ClassicLevel(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      compression: false,
      multithreading: true,
      writeBufferSize: 64 * 1024,
      maxFileSize: 1024 * 1024,
    })
    await db.open()
    return db
  })
}

const renew = ({ location }: SharedLevel): Promise<void> => renewLevel(location, [THIS_THREAD])

/** Files that hold any of these bytes. */
function filesWith({ location }: SharedLevel, needles: readonly Uint8Array[]): string[] {
  return readdirSync(location).filter((name) => {
    const bytes = read(join(location, name))
    return needles.some((needle) => bytes.includes(needle))
  })
}

/** Nothing when it was deleted meanwhile. */
function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

const aliasKey = (token: Uint8Array): Buffer => Buffer.concat([Buffer.from('a'), token])
/** Behind what neighbouring keys of a table may have in common. */
const tail = (token: Uint8Array): Uint8Array => token.subarray(4)

test('what was deleted or written over is in no file any more, in whatever depth it lay, while others write', async () => {
  for (const rounds of [0, 1, 6, 40]) {
    const level = await open()
    const tokens = Array.from({ length: 40 }, () => randomBytes(16))
    const values = tokens.map(() => randomBytes(64))
    const put = (): Promise<void> =>
      level.use((db) => db.batch(tokens.map((token, i) => ({ type: 'put' as const, key: aliasKey(token) as Uint8Array, value: values[i] as Uint8Array }))))
    const noise = (): Promise<void> =>
      level.use((db) =>
        db.batch(Array.from({ length: 200 }, () => ({ type: 'put' as const, key: aliasKey(randomBytes(16)) as Uint8Array, value: randomBytes(500) }))),
      )
    await put()
    for (let round = 0; round < rounds; round++) await noise()
    const gone = tokens.slice(0, 20)
    const changed = tokens.slice(20)
    await level.use((db) =>
      db.batch([
        ...gone.map((token) => ({ type: 'del' as const, key: aliasKey(token) as Uint8Array })),
        ...changed.map((token) => ({ type: 'put' as const, key: aliasKey(token) as Uint8Array, value: Buffer.from('new') as Uint8Array })),
      ]),
    )
    assert.notDeepEqual(filesWith(level, values), [], 'old copies are there before')
    await renew(level)
    let writing = true
    const beside = (async () => {
      while (writing) await noise()
    })()
    await rewriteLevel(
      level,
      tokens.map((token) => aliasKey(token).subarray(0, 3)),
    )
    writing = false
    await beside
    await renew(level)
    assert.deepEqual(filesWith(level, [...gone.map(tail), ...values]), [], `after ${rounds} rounds`)
    for (const token of changed) assert.equal(String(await level.use((db) => db.get(aliasKey(token)))), 'new')
    await level.close()
  }
})

test('the list of files names keys of the past until the database is opened anew; a compaction alone leaves the deepest level', async () => {
  const level = await open()
  const token = randomBytes(16)
  await level.use(async (db) => {
    await db.put(aliasKey(token), randomBytes(64))
    await db.compactRange(aliasKey(token), aliasKey(token))
    await db.del(aliasKey(token))
    await db.compactRange(aliasKey(token), aliasKey(token))
  })
  assert.notDeepEqual(filesWith(level, [tail(token)]), [], 'this is why')
  await rewriteLevel(level, [aliasKey(token).subarray(0, 3)])
  assert.ok(
    filesWith(level, [tail(token)]).every((name) => /^MANIFEST|^LOG/.test(name)),
    'no table and no log holds it',
  )
  const printed = Buffer.from(
    [...token].map((byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join(''),
  )
  assert.deepEqual(filesWith(level, [printed]), ['LOG'], 'LevelDB writes down what it compacted')
  await renew(level)
  assert.deepEqual(filesWith(level, [tail(token), printed]), [])
  await level.close()
})

test('what was written and deleted between two tables lies in the deepest one of all, and goes', async () => {
  const level = await open()
  const token = randomBytes(16)
  const value = randomBytes(64)
  await level.use(async (db) => {
    await db.put(aliasKey(token), value)
    await db.del(aliasKey(token))
    await db.compactRange(Buffer.of(0), Buffer.of(0))
  })
  assert.deepEqual(
    (await level.use((db) => tablesOf(db))).map((table) => table.level),
    [2],
  )
  await level.use((db) => db.compactRange(aliasKey(token), aliasKey(token)))
  assert.notDeepEqual(filesWith(level, [value]), [], 'a compaction leaves it')
  await rewriteLevel(level, [aliasKey(token).subarray(0, 3)])
  assert.deepEqual(filesWith(level, [value]), [])
  await renew(level)
  assert.deepEqual(filesWith(level, [value, tail(token)]), [])
  await level.close()
})

test('tables are read as LevelDB lists them, whatever bytes their keys have', async () => {
  const level = await open()
  const keys = [Buffer.from([0, 0xff, 0x27, 0x20, 0x5c, 0x0a]), Buffer.from("k' @ 5 : 1"), Buffer.from([0xfe, 0x5c, 0x78])]
  for (const key of keys) {
    await level.use(async (db) => {
      await db.put(key, Buffer.from('v'))
      await db.compactRange(Buffer.from('~'), Buffer.from('~'))
    })
  }
  const found = await level.use((db) => tablesOf(db))
  assert.deepEqual(
    found.map(({ first, last }) => [first.toString('hex'), last.toString('hex')]).sort(),
    keys.map((key) => [key.toString('hex'), key.toString('hex')]).sort(),
  )
  assert.ok(found.every(({ number, bytes }) => number > 0 && bytes > 0))
  await level.close()
})
