// A whole server loses its disk: what comes back from the store alone, with and without a back-up of its keys.
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sealtrail } from '../cli/io.ts'
import { Book, LARGE, TRAILS, comesBackWhole, open, range, send, temporary } from '../crash/harness.ts'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'

interface Line {
  readonly log: string
  readonly size: number
  readonly root: string
}

/** What `verify` says of each log. */
async function verified(data: string): Promise<Line[]> {
  const { out } = await sealtrail(['verify', data, '--no-vault', '--json'])
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ log }) => log !== '*')
    .map(({ log, size, root }) => ({ log, size, root }))
}

/** A server that sealed something, closed; everything but its store is moved away. */
async function disaster(data: string): Promise<{ book: Book; before: Line[]; saved: string }> {
  const book = new Book()
  const local = await open(data)
  await send(local, book, 'interactions', range(0, 30))
  await send(local, book, 'notifications', [...range(0, 20), LARGE, LARGE + 1])
  await send(local, book, 'notifications', range(20, 40))
  await local.sealing.flush()
  await local.close()
  const before = await verified(data)
  const saved = join(data, '..', 'saved')
  cpSync(data, saved, { recursive: true })
  for (const name of readdirSync(data)) if (name !== 'store') rmSync(join(data, name), { recursive: true })
  return { book, before, saved }
}

test('with keys and vault put back: the same size and root, the same signed checkpoint, resends are duplicates, the log goes on', async () => {
  const { data, remove } = temporary()
  try {
    const { book, before, saved } = await disaster(data)
    cpSync(join(saved, 'vault'), join(data, 'vault'), { recursive: true })
    const { exit, out, err } = await sealtrail(['recover', '--data', data, '--keys', join(saved, 'keys')])
    assert.equal(exit, 0, out + err)
    assert.match(out, /3 heads made\. The index holds \d+ records\./)
    assert.doesNotMatch(out, /Personal values|- Keys/)
    assert.deepEqual(await verified(data), before)
    for (const log of [...TRAILS, 'system'])
      assert.equal(readFileSync(join(data, 'checkpoint', log), 'utf8'), readFileSync(join(saved, 'checkpoint', log), 'utf8'))
    assert.ok(existsSync(join(data, 'index')))
    await comesBackWhole(data, book)
    const after = await verified(data)
    for (const [i, { log, size, root }] of before.entries()) {
      if (log === 'notifications' || log === 'interactions') assert.deepEqual(after[i], { log, size, root }, 'nothing was sealed twice')
    }
  } finally {
    remove()
  }
})

test('without keys: readable and verifiable, and a server refuses to start, each time; with the keys it goes on', async () => {
  const { data, remove } = temporary()
  try {
    const { before, saved } = await disaster(data)
    // A start in the empty directory makes nothing that would be in the way, and nothing of size 0.
    await assert.rejects(open(data), { code: 'HEAD_MISSING' })
    assert.ok(!existsSync(join(data, 'keys')) && !existsSync(join(data, 'head.sqlite')))
    const { exit, out } = await sealtrail(['recover', '--data', data])
    assert.equal(exit, 0, out)
    assert.match(out, /no keyring is there[^]*no vault is there[^]*journal alone/)
    assert.deepEqual(await verified(data), before)
    for (let i = 0; i < 2; i++) await assert.rejects(open(data), { code: 'KEY_UNKNOWN' })
    assert.ok(!existsSync(join(data, 'keys')))

    const again = await sealtrail(['recover', '--data', data, '--keys', join(saved, 'keys'), '--json'])
    assert.equal(again.exit, 0, again.out + again.err)
    assert.ok(again.out.split('\n').some((line) => line.includes('"had":true')))
    const local = await open(data)
    const book = new Book()
    await send(local, book, 'notifications', range(100, 110))
    await local.sealing.drained()
    assert.equal(local.sealing.sizes.get('notifications'), (before.find(({ log }) => log === 'notifications') as Line).size + 10)
    // Known though its ledger is gone: the identities stand in the segments.
    const results = await local.served.intake.submit([], { wait: 'sealed', receipts: 'lean' })
    assert.deepEqual(results, [])
    await local.close()
    const verdicts = await sealtrail(['verify', data, '--no-vault', '--json'])
    assert.equal(verdicts.exit, 0, verdicts.out)
  } finally {
    remove()
  }
})

test('a keyring of another server is refused, and so is a directory in use; a dry run writes nothing', async () => {
  const { data, remove } = temporary()
  try {
    const { saved } = await disaster(data)
    const other = join(data, '..', 'other')
    await (await open(other)).close()
    const wrong = await sealtrail(['recover', '--data', data, '--keys', join(other, 'keys')])
    assert.equal(wrong.exit, 3)
    assert.match(wrong.err, /is not the one that signed .*\(KEY_UNKNOWN\)/s)
    assert.deepEqual(readdirSync(data), ['store'])
    const dry = await sealtrail(['recover', '--data', data, '--keys', join(saved, 'keys'), '--dry-run'])
    assert.equal(dry.exit, 0, dry.err)
    assert.match(dry.out, /3 heads can be made/)
    assert.deepEqual(readdirSync(data), ['store'])

    const local = await open(other)
    const busy = await sealtrail(['recover', '--data', other])
    assert.equal(busy.exit, 3)
    assert.match(busy.err, /DATA_IN_USE/)
    await local.close()
    mkdirSync(join(data, '..', 'empty'))
    assert.match((await sealtrail(['recover', '--data', join(data, '..', 'empty')])).err, /nothing of Sealtrail is in this store/)
  } finally {
    remove()
  }
})

test('a directory that lost one head gets that one; those it has are left', async () => {
  const { data, remove } = temporary()
  try {
    const { book, before, saved } = await disaster(data)
    for (const name of readdirSync(saved)) cpSync(join(saved, name), join(data, name), { recursive: true })
    rmSync(join(data, 'head.sqlite'))
    const heads = SqliteHead.open(join(data, 'head.sqlite'))
    const old = SqliteHead.open(join(saved, 'head.sqlite'))
    assert.ok(heads.swap('system', null, old.read('system') as Head))
    heads.close()
    old.close()
    await assert.rejects(open(data), { code: 'HEAD_MISSING', message: /interactions|notifications/ })
    const { exit, out } = await sealtrail(['recover', '--data', data])
    assert.equal(exit, 0, out)
    assert.match(out, /kept {5}log system/)
    assert.deepEqual(await verified(data), before)
    await comesBackWhole(data, book)
  } finally {
    remove()
  }
})
