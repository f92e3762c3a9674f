// Heads that are rolled back, gone, or continued twice.
import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TYPE_ED25519, ed25519PublicKey, ed25519Sign, keyId } from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { prepare } from '../../src/seal/commit.ts'
import type { CommitDeps } from '../../src/seal/commit.ts'
import { signCheckpoint } from '../../src/seal/checkpoint.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { FileStore } from '../../src/store/files/store.ts'
import type { Lock } from '../../src/store/store.ts'
import { copyFolder } from '../copy-folder.ts'
import { sealtrail } from '../cli/io.ts'
import { numbered } from '../seal/numbered.ts'
import { configFor } from './child.ts'
import { Book, HELD, TRAILS, comesBackWhole, open, range, send, temporary } from './harness.ts'

const LOCK: Lock = { mode: 'GOVERNANCE', retainUntilMs: Date.UTC(2040, 0, 1) }
const STRANGER_SEED = new Uint8Array(32).fill(3)

/** A server that sealed something, closed, with what opens its log by hand. */
async function sealedServer(data: string, book: Book): Promise<void> {
  const local = await open(data)
  await send(local, book, 'interactions', range(0, 30))
  await send(local, book, 'notifications', range(0, 20))
  await local.sealing.flush()
  await local.close()
}

/** Puts another head in the place of the one there is, if there is one. */
function putBackHead(data: string, copy: string): void {
  for (const name of ['head.sqlite', 'head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(data, name), { force: true })
  renameSync(copy, join(data, 'head.sqlite'))
}

test('a head rolled back while the segments stand is rolled forward over all of them, and reported', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    await sealedServer(data, book)
    const copy = join(data, '..', 'head.copy')
    cpSync(join(data, 'head.sqlite'), copy)
    const local = await open(data)
    for (const from of [20, 30, 40]) {
      await send(local, book, 'notifications', range(from, from + 10))
      await local.sealing.drained()
    }
    await send(local, book, 'interactions', range(30, 50))
    await local.sealing.flush()
    const sizes = TRAILS.map((trail) => local.sealing.sizes.get(trail))
    await local.close()
    const notes = TRAILS.map((trail) => readFileSync(join(data, 'checkpoint', trail), 'utf8'))
    putBackHead(data, copy)

    const again = await open(data)
    assert.deepEqual(
      TRAILS.map((trail) => again.sealing.sizes.get(trail)),
      sizes,
    )
    assert.equal(again.sealing.findings.filter((finding) => /^notifications: head rolled forward/.test(finding)).length, 3)
    assert.ok(again.sealing.findings.some((finding) => /^interactions: head rolled forward/.test(finding)))
    await again.close()
    assert.deepEqual(
      TRAILS.map((trail) => readFileSync(join(data, 'checkpoint', trail), 'utf8')),
      notes,
      'the same checkpoint is signed again',
    )
    await comesBackWhole(data, book)
  } finally {
    remove()
  }
})

test('a head that is gone stops the server, every time, and never begins at size 0; an old copy put back, it goes on', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    await sealedServer(data, book)
    const copy = join(data, '..', 'head.copy')
    cpSync(join(data, 'head.sqlite'), copy)
    const local = await open(data)
    await send(local, book, 'notifications', range(20, 40))
    await local.sealing.drained()
    await local.close()
    rmSync(join(data, 'head.sqlite'))
    for (let i = 0; i < 2; i++) await assert.rejects(open(data), { code: 'HEAD_MISSING' })
    const { exit, err } = await sealtrail(['serve', '--data', data, '--port', '0'])
    assert.equal(exit, 3)
    assert.match(err, /HEAD_MISSING/)
    putBackHead(data, copy)
    await comesBackWhole(data, book)
  } finally {
    remove()
  }
})

test('head and segments rolled back together: a checkpoint that promised more stops the server; with that gone, the ledger is begun afresh', async () => {
  const { data, remove } = temporary()
  const earlier = join(data, '..', 'earlier')
  const book = new Book()
  try {
    await sealedServer(data, book)
    copyFolder(data, earlier)
    const local = await open(data)
    await send(local, book, 'notifications', range(100, 130))
    await local.sealing.drained()
    await local.close()
    for (const name of ['head.sqlite', 'store']) {
      rmSync(join(data, name), { recursive: true })
      cpSync(join(earlier, name), join(data, name), { recursive: true })
    }
    for (const name of ['head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(data, name), { force: true })
    await assert.rejects(open(data), { code: 'DATA_CORRUPT', message: /^notifications: a checkpoint of size 50 was signed, but the log ends at 20/ })
    rmSync(join(data, 'checkpoint'), { recursive: true })
    const findings = await comesBackWhole(data, book)
    assert.ok(
      findings.some((finding) => /^ledger state rebuilt: it knows 50 records of notifications, which has 20$/.test(finding)),
      findings.join('\n'),
    )
    // The journal still had them; what it has released is lost, and only a checkpoint or a receipt shows that.
    assert.match(findings.join('\n'), /32 events taken up again from the journal/, '30 receipts, and what the server said of itself')
  } finally {
    remove()
  }
})

/** Puts a segment upon the head of a closed server's log, signed by the server's own key or by another's. */
async function extend(data: string, log: string, name: string, own = true): Promise<Head> {
  const config = configFor(data, HELD.sequence)
  const keys = openFileKeys({ folder: join(data, 'keys'), create: false, now: Date.now, random: (n) => new Uint8Array(n) })
  const heads = SqliteHead.open(join(data, 'head.sqlite'))
  const store = await FileStore.open(join(data, 'store'))
  const files = HashFiles.open(join(data, 'tiles', log))
  const head = heads.read(log) as Head
  const origin = `${config.origin}/${log}`
  const signer: Signer = { name: origin, keyId: keyId(origin, TYPE_ED25519, keys.logPublicKey), sign: (text) => keys.signLog(text) }
  const segmentSigner = own
    ? { publicKey: keys.segmentPublicKey, sign: (message: Uint8Array) => keys.signSegment(message) }
    : { publicKey: ed25519PublicKey(STRANGER_SEED), sign: (message: Uint8Array) => ed25519Sign(STRANGER_SEED, message) }
  const deps: CommitDeps = {
    log,
    store,
    heads,
    segmentSigner,
    signCheckpoint: (next) => signCheckpoint(origin, next, [signer]),
    lock: () => LOCK,
    now: Date.now,
  }
  const { next, frame } = await prepare(
    { origin, head, checkpoint: signCheckpoint(origin, head, [signer]), frontier: files.frontier() },
    [numbered(log, name)],
    { file: 1, offset: 16 },
    deps,
  )
  await store.put(next.segment, frame, LOCK)
  files.close()
  await store.close()
  heads.close()
  return next
}

test('two valid extensions stop the server until one of them is decided for; one by a stranger is reported and passed over', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    await sealedServer(data, book)
    const { segment: stranger } = await extend(data, 'notifications', 'theirs', false)
    const local = await open(data)
    assert.ok(local.sealing.findings.includes(`notifications: ${stranger} is not part of the log: it is signed by a key this server does not have`))
    assert.equal(local.sealing.sizes.get('notifications'), 20)
    await local.close()

    const store = join(data, 'store')
    const before = join(data, '..', 'store')
    const one = await extend(data, 'notifications', 'one')
    cpSync(store, before, { recursive: true })
    const other = await extend(data, 'notifications', 'other')
    const keys = [one.segment, other.segment]
    for (let i = 0; i < 2; i++) {
      await assert.rejects(
        open(data),
        (error: { code: string; message: string }) => error.code === 'FORKED' && keys.every((key) => error.message.includes(key)),
      )
    }
    const heads = SqliteHead.open(join(data, 'head.sqlite'), { readOnly: true })
    assert.equal(heads.read('notifications')?.size, 20)
    heads.close()
    assert.ok(existsSync(join(data, 'checkpoint', 'notifications')))

    // A newer head decides, whichever of the two it went on to.
    for (const stands of [one, other]) {
      const copy = join(data, '..', 'decided')
      copyFolder(data, copy)
      const newer = SqliteHead.open(join(copy, 'head.sqlite'))
      assert.ok(newer.swap('notifications', newer.read('notifications'), stands))
      newer.close()
      const goesOn = await open(copy)
      assert.deepEqual([goesOn.sealing.sizes.get('notifications'), goesOn.sealing.heads.read('notifications')], [21, stands])
      await goesOn.close()
      rmSync(copy, { recursive: true })
    }
    rmSync(store, { recursive: true })
    renameSync(before, store)
    const decided = await open(data)
    assert.ok(decided.sealing.findings.some((finding) => /^notifications: head rolled forward from size 20 to 21/.test(finding)))
    await decided.close()
  } finally {
    remove()
  }
})
