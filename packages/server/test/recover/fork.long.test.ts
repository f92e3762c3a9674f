// Two histories in one store, recoveries that are killed, keyrings that are too old, beginnings that have expired.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileStore } from '../../src/store/files/store.ts'
import { sealtrail } from '../cli/io.ts'
import { Book, open, range, send, temporary, comesBackWhole } from '../crash/harness.ts'
import { LOCK, LogWriter, sampleRecord } from '../verify/writer.ts'
import { copyFolder } from '../copy-folder.ts'

async function within(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-fork-'))
  try {
    await run(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('a fork is refused, naming both; a checkpoint of either side decides for it, and verify holds it to that', () =>
  within(async (directory) => {
    const sides = [join(directory, 'one'), join(directory, 'two')]
    const notes: string[] = []
    const heads: string[] = []
    // The same beginning, to the byte, and then another end.
    for (const [i, side] of sides.entries()) {
      const writer = await LogWriter.create(side)
      await writer.fill(2, 3)
      for (let commit = 0; commit < 2; commit++)
        await writer.commit([sampleRecord(6 + commit, { id: `event of side ${i}`, subject: `call-${i}-${commit}`, subjectsequence: 1 })])
      notes.push(writer.checkpoint)
      heads.push(writer.head.root)
      await writer.close()
    }
    const merged = join(directory, 'merged')
    const writer = await LogWriter.create(merged)
    for (const side of sides) {
      const store = await FileStore.open(join(side, 'store'), { readOnly: true })
      for await (const { key } of store.list('')) await writer.store.put(key, (await store.get(key))!, LOCK)
      await store.close()
    }
    await writer.close()
    for (const name of readdirSync(merged)) if (name !== 'store') rmSync(join(merged, name), { recursive: true })

    const open = await sealtrail(['recover', '--data', merged])
    assert.equal(open.exit, 1)
    assert.match(open.out, /REFUSED {2}log calls: 6 records in the store, no head made: two histories go on from size 6: calls\/segment\/\S+ calls\/segment\//)
    for (const [i, note] of notes.entries()) {
      const into = join(directory, `decided-${i}`)
      copyFolder(merged, into)
      const kept = join(directory, `kept-${i}`)
      writeFileSync(kept, note)
      const decided = await sealtrail(['recover', '--data', into, '--checkpoint', kept])
      assert.equal(decided.exit, 0, decided.out)
      assert.ok(decided.out.includes(`log calls: 8 records, root ${heads[i]}`), decided.out)
      const other = await sealtrail(['verify', into, '--json', '--checkpoint', join(directory, 'kept-0')])
      assert.equal(other.exit, i === 0 ? 0 : 1, other.out)
    }
  }))

test('killed at every step, it is run again and ends where it would have', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    const local = await open(data)
    await send(local, book, 'notifications', range(0, 20))
    await send(local, book, 'interactions', range(0, 20))
    await local.sealing.flush()
    await local.close()
    const saved = join(data, '..', 'saved')
    copyFolder(data, saved)
    const main = join(import.meta.dirname, '../../src/main.ts')
    for (const name of readdirSync(data)) if (name !== 'store') rmSync(join(data, name), { recursive: true })
    for (const point of ['files', 'checkpoint', 'head', 'files#2', 'checkpoint']) {
      const { signal } = spawnSync(process.execPath, ['--conditions=@sealtrail/source', main, 'recover', '--data', data, '--keys', join(saved, 'keys')], {
        env: { ...process.env, SEALTRAIL_CRASH_AT: `recover-store:${point}` },
      })
      assert.equal(signal, 'SIGKILL', point)
    }
    const { exit, out } = await sealtrail(['recover', '--data', data, '--keys', join(saved, 'keys')])
    assert.equal(exit, 0, out)
    assert.ok(existsSync(join(data, 'index')))
    const states = async (where: string): Promise<string> =>
      (await sealtrail(['verify', where, '--no-vault', '--json'])).out
        .split('\n')
        .filter((line) => line !== '' && !line.includes('"log":"*"'))
        .join('\n')
    assert.equal(await states(data), await states(saved))
    rmSync(join(data, 'vault'), { recursive: true, force: true })
    copyFolder(join(saved, 'vault'), join(data, 'vault'))
    await comesBackWhole(data, book)
  } finally {
    remove()
  }
})

test('a back-up of the keys from before the segment key was rotated is refused for what no checkpoint covers, and goes on with one that does', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    const first = await open(data)
    await send(first, book, 'notifications', range(0, 10))
    await first.sealing.drained()
    const saved = join(data, '..', 'saved')
    copyFolder(join(data, 'keys'), saved)
    await first.sealing.keys.rotate('segment')
    await send(first, book, 'notifications', range(10, 20))
    await first.sealing.drained()
    await first.close()
    const kept = join(data, '..', 'kept')
    copyFolder(join(data, 'checkpoint'), kept)
    for (const name of readdirSync(data)) if (name !== 'store') rmSync(join(data, name), { recursive: true })
    const refused = await sealtrail(['recover', '--data', data, '--keys', saved])
    assert.equal(refused.exit, 1)
    assert.match(refused.out, /REFUSED {2}log notifications: .*from record 10 on the segments are signed by a key this keyring does not have/)
    await assert.rejects(open(data), { code: 'HEAD_MISSING' })
    const decided = await sealtrail(['recover', '--data', data, '--checkpoint', kept])
    assert.match(decided.out, /log notifications: 20 records, .*head made/)
    const again = await open(data)
    await send(again, book, 'notifications', range(0, 25))
    await again.sealing.drained()
    assert.equal(again.sealing.sizes.get('notifications'), 25)
    await again.close()
  } finally {
    remove()
  }
})
