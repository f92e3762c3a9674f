import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ClassicLevel } from 'classic-level'
import { THIS_THREAD, renewLevel } from '../../src/observe/renew-level.ts'
import { SharedLevel, releaseLevel, resumeLevel } from '../../src/observe/shared-level.ts'
import type { Level } from '../../src/observe/shared-level.ts'

const root = mkdtempSync(join(tmpdir(), 'sealtrail-shared-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const key = (n: number): Buffer => Buffer.from([n >> 8, n])

async function openRaw(folder: string): Promise<Level> {
  const db: Level = new ClassicLevel(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer', multithreading: true })
  await db.open()
  return db
}

const fresh = (): string => join(root, String(folders++))
const open = (folder: string): Promise<SharedLevel> => SharedLevel.open(folder, () => openRaw(folder))

test('what is under way ends before it closes, what comes waits, and nothing is lost', async () => {
  const folder = fresh()
  const [one, two] = [await open(folder), await open(folder)]
  const said: string[] = []
  let finish = (): void => {}
  const under = one.use(async (db) => {
    await new Promise<void>((resolve) => (finish = resolve))
    await db.put(key(1), key(1))
    said.push('under way')
  })
  const releasing = releaseLevel(folder).then(() => said.push('closed'))
  const waiting = [one, two].map((level, i) => level.use((db) => db.put(key(2 + i), key(0))).then(() => said.push('later')))
  const opening = open(folder).then((level) => (said.push('opened'), level))
  // The one opened last goes first; then it would be this one's turn.
  while (two.now !== null) await new Promise((resolve) => setImmediate(resolve))
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.notEqual(one.now, null, 'open until it ends')
  finish()
  await under
  await releasing
  assert.deepEqual(said, ['under way', 'closed'])
  assert.deepEqual([one.now, two.now], [null, null])
  await resumeLevel(folder)
  const three = await opening
  await Promise.all(waiting)
  assert.deepEqual(said.slice(2).sort(), ['later', 'later', 'opened'])
  for (const n of [1, 2, 3]) assert.notEqual(await three.use((db) => db.get(key(n))), undefined)
  for (const level of [one, two, three]) await level.close()
  await assert.rejects(
    one.use((db) => db.get(key(1))),
    { code: 'LEVEL_DATABASE_NOT_OPEN' },
  )
})

test('a cursor goes on behind its last item, wherever the database was opened anew, and every item comes once', async () => {
  const folder = fresh()
  const level = await open(folder)
  await level.use((db) => db.batch(Array.from({ length: 300 }, (_, n) => ({ type: 'put' as const, key: key(n) as Uint8Array, value: key(n) as Uint8Array }))))
  for (const every of [1, 3, 1_000]) {
    const cursor = level.cursor<Uint8Array>(
      (db, last) => db.keys(last === null ? {} : { gt: last }),
      (item) => item,
    )
    const found: number[] = []
    for (let n = 1; ; n++) {
      const items = await cursor.nextv(7)
      if (items.length === 0) break
      found.push(...items.map((item) => Buffer.from(item).readUInt16BE()))
      if (n % every === 0) await renewLevel(folder, [THIS_THREAD])
    }
    await cursor.close()
    assert.deepEqual(
      found,
      Array.from({ length: 300 }, (_, n) => n),
    )
  }
  await level.close()
})

test('one that cannot be opened again fails whoever needs it, and is tried again', async () => {
  const folder = fresh()
  let refuse = false
  const level = await SharedLevel.open(folder, async () => {
    if (refuse) throw new Error('no room')
    return openRaw(folder)
  })
  refuse = true
  await releaseLevel(folder)
  await resumeLevel(folder)
  await assert.rejects(
    level.use((db) => db.get(key(1))),
    /no room/,
  )
  refuse = false
  await level.use((db) => db.put(key(1), key(1)))
  await releaseLevel(folder)
  const closed = level.close()
  await resumeLevel(folder)
  await closed
  const again = await open(folder)
  assert.notEqual(await again.use((db) => db.get(key(1))), undefined)
  await again.close()
})

test('while somebody else keeps it open it cannot be opened anew, and says so; everybody goes on', async () => {
  const folder = fresh()
  const level = await open(folder)
  const other = await openRaw(folder)
  await assert.rejects(renewLevel(folder, [THIS_THREAD]), { code: 'NOT_DURABLE' })
  await level.use((db) => db.put(key(1), key(1)))
  assert.notEqual(await other.get(key(1)), undefined)
  await other.close()
  await renewLevel(folder, [THIS_THREAD])
  assert.notEqual(await level.use((db) => db.get(key(1))), undefined)
  await level.close()
  await renewLevel(join(root, 'none'), [THIS_THREAD])
})

test('a thread that ends has let go of it', async () => {
  const folder = fresh()
  const level = await open(folder)
  const worker = new Worker(
    `const { ClassicLevel } = require('classic-level'); const { parentPort } = require('node:worker_threads')
     const db = new ClassicLevel(${JSON.stringify(folder)}, { multithreading: true }); db.open().then(() => parentPort.postMessage('open'))
     setInterval(() => {}, 1000)`,
    { eval: true },
  )
  await new Promise((resolve) => worker.once('message', resolve))
  await assert.rejects(renewLevel(folder, [THIS_THREAD]), { code: 'NOT_DURABLE' })
  await worker.terminate()
  await renewLevel(folder, [THIS_THREAD])
  await level.close()
})
