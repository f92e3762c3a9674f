import assert from 'node:assert/strict'
import { createHash, hash } from 'node:crypto'
import { cpSync, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditId, spliceRecord } from '@sealtrail/evidence'
import { TYPE_ED25519, ed25519PublicKey, ed25519Sign, ed25519Signer, keyId } from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import { run } from '../../src/cli/run.ts'
import { NO_SESSION } from '../../src/event/entry.ts'
import type { Numbered } from '../../src/event/numbered.ts'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import type { Standing } from '../../src/seal/build.ts'
import { prepare } from '../../src/seal/commit.ts'
import type { CommitDeps } from '../../src/seal/commit.ts'
import { publishCheckpoint, signCheckpoint } from '../../src/seal/publish.ts'
import { recover } from '../../src/seal/recover.ts'
import { Sealer } from '../../src/seal/sealer.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { SegmentReader } from '../../src/store/segments.ts'
import type { Lock, Store } from '../../src/store/store.ts'
import { auditData } from '../../src/verify/data.ts'
import { Book, Child, HELD, TRAILS, comesBackWhole, open, range, send, temporary } from './harness.ts'
import { configFor } from './child.ts'

const LOCK: Lock = { mode: 'GOVERNANCE', retainUntilMs: Date.UTC(2040, 0, 1) }

/** Digest of the files nobody but an idle server's next commit would change; its index may still be following. */
function fingerprint(data: string): string {
  const sum = createHash('sha256')
  for (const folder of ['keys', 'store', 'journal', 'tiles', 'checkpoint']) {
    for (const name of readdirSync(join(data, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(data, folder, name)
      if (statSync(path).isFile()) sum.update(path).update(readFileSync(path))
    }
  }
  return sum.digest('hex')
}

async function serve(data: string): Promise<{ exit: number; said: string }> {
  let said = ''
  const take = (text: string): void => void (said += text)
  const exit = await run(['serve', '--data', data, '--port', '0'], {
    stdout: take,
    stderr: take,
    stdin: (async function* () {})(),
    env: {},
    cwd: data,
    now: Date.now,
    terminal: false,
    columns: 80,
    stopping: AbortSignal.timeout(10_000),
  })
  return { exit, said }
}

test('a second server on the data directory refuses and harms nothing, even where the first one found damage', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  const child = new Child(data, book)
  try {
    await child.open()
    await child.submit('interactions', range(0, 20))
    await child.flush()
    const before = fingerprint(data)
    await assert.rejects(open(data), { code: 'DATA_IN_USE' })
    assert.equal(fingerprint(data), before)
    const { exit, said } = await serve(data)
    assert.equal(exit, 3)
    assert.match(said, /DATA_IN_USE/)
    // What the server would rebuild at its own next start is not thrown away by another one while it runs.
    const ledger = readdirSync(join(data, 'ledger')).sort()
    writeFileSync(join(data, 'ledger', 'DAMAGED'), 'a row\n')
    await assert.rejects(open(data), { code: 'DATA_IN_USE' })
    rmSync(join(data, 'ledger', 'DAMAGED'))
    assert.deepEqual(readdirSync(join(data, 'ledger')).sort(), ledger)
    await child.submit('interactions', range(20, 30))
    await child.submit('notifications', range(0, 10))
    await child.flush()
    await child.close()
    assert.equal(book.size, 40)
    await comesBackWhole(data, book)
  } finally {
    child.kill()
    remove()
  }
})

test('of two servers that make a data directory at the same moment one runs', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  const children = [new Child(data, book), new Child(data, book)]
  try {
    const opened = await Promise.allSettled(children.map((child) => child.open()))
    const [winner] = children.filter((_, i) => opened[i]?.status === 'fulfilled')
    const [lost] = opened.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    assert.match(String(lost?.reason), /DATA_IN_USE/)
    await winner?.submit('interactions', range(0, 10))
    assert.equal(book.size, 10)
    for (const child of children) child.kill()
    await Promise.all(children.map(({ ended }) => ended))
    await comesBackWhole(data, book)
  } finally {
    for (const child of children) child.kill()
    remove()
  }
})

const LOG = 'raced'
const ORIGIN = `writers.example.net/${LOG}`
const SEGMENT_SEED = new Uint8Array(32).fill(3)
const LOG_SEED = new Uint8Array(32).fill(5)
const VKEY = ed25519Signer(ORIGIN, LOG_SEED).vkey

/** A numbered event of a subject of its own. */
function item(name: string): Numbered {
  const identity = hash('sha256', name, 'binary')
  const auditid = auditId(1_750_000_000_000, identity)
  const { text, lateAt, sequenceAt } = spliceRecord({
    auditid,
    data: {},
    dataschema: 'urn:test:1',
    id: name,
    provenance: 'pushed',
    recordedtime: '2026-01-02T03:04:05.678Z',
    regulatorytag: null,
    source: 'urn:test',
    subject: name,
    time: null,
    type: 'test',
  })
  const token = '\0'.repeat(16)
  return {
    entry: {
      flags: 0,
      statusRank: 0,
      phase: 0,
      rank: 0,
      timeMs: NaN,
      receivedMs: 0,
      identity,
      fingerprint: token,
      subjectToken: token,
      session: NO_SESSION,
      vaultKey: null,
      log: LOG,
      subject: name,
      tokens: new Uint8Array(0),
      record: Buffer.from(text),
      lateAt,
      sequenceAt,
    },
    position: { file: 1, offset: 16 },
    late: false,
    sequence: 1,
  }
}

class Writer {
  readonly name: string
  readonly signed: Head[] = []
  readonly findings: string[] = []
  readonly heads: SqliteHead
  readonly store: FileStore
  readonly files: HashFiles
  /** What holds the swap back after the segment is stored. */
  beforeSwap: () => Promise<void> = () => Promise.resolve()
  sealer!: Sealer

  private constructor(name: string, folder: string, store: FileStore) {
    this.name = name
    this.heads = SqliteHead.open(join(folder, 'head.sqlite'))
    this.store = store
    this.files = HashFiles.open(join(folder, 'tiles', name === 'a' ? LOG : name))
  }

  /** A writer as a server starts it: recovery first, then the sealer. */
  static async start(name: string, folder: string): Promise<Writer> {
    const writer = new Writer(name, folder, await FileStore.open(join(folder, 'store')))
    const { heads, store, files } = writer
    const publicKey = ed25519PublicKey(SEGMENT_SEED)
    const head = await recover({
      log: LOG,
      origin: ORIGIN,
      store,
      heads,
      hashes: files,
      segments: new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null }),
      segmentKeys: new Set([Buffer.from(publicKey).toString('base64')]),
      report: (finding) => void writer.findings.push(finding),
    })
    const signer = ed25519Signer(ORIGIN, LOG_SEED)
    const standing: Standing = { origin: ORIGIN, head, checkpoint: signCheckpoint(ORIGIN, head, signer), frontier: files.frontier() }
    const gated: Pick<Store, 'put'> = {
      async put(key, bytes, lock) {
        const stored = await store.put(key, bytes, lock)
        await writer.beforeSwap()
        return stored
      },
    }
    writer.sealer = new Sealer(standing, {
      log: LOG,
      store: gated as Store,
      heads,
      segmentSigner: { publicKey, sign: (message) => ed25519Sign(SEGMENT_SEED, message) },
      signCheckpoint(next) {
        writer.signed.push(next)
        return signCheckpoint(ORIGIN, next, signer)
      },
      lock: () => LOCK,
      now: () => 1_750_000_000_000,
      maxDelayMs: 0,
      maxRecords: 100,
      maxBytes: 1e6,
      journalPosition: () => ({ file: 1, offset: 16 }),
      async onCommit(committed) {
        files.append(committed.built.leafHashes)
        publishCheckpoint(join(folder, 'checkpoint', LOG), committed.checkpoint)
      },
      onTrouble() {},
    })
    return writer
  }

  async seal(...names: string[]): Promise<void> {
    this.sealer.enqueue(names.map(item))
    await this.sealer.drained()
  }

  async close(): Promise<void> {
    this.files.close()
    await this.store.close()
    this.heads.close()
  }
}

test('two writers race for the head of one log: one stops, nothing is signed for it, the log is whole', async () => {
  const { data: folder, remove } = temporary()
  const ROUNDS = 40
  const signed: Head[] = []
  let wins = 0
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const a = await Writer.start('a', folder)
      const b = await Writer.start('b', folder)
      if (round % 4 !== 3) {
        // Both segments stand before either swaps.
        let waiting = 2
        const both = Promise.withResolvers<void>()
        for (const writer of [a, b]) {
          writer.beforeSwap = async () => {
            if (--waiting <= 0) both.resolve()
            await both.promise
            for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
          }
        }
      }
      await Promise.all([a.seal(`${round} a1`, `${round} a2`), b.seal(`${round} b1`)])
      const [lost, ...others] = [a, b].filter(({ sealer }) => sealer.stopped !== null)
      assert.ok(lost !== undefined && others.length === 0, 'one of the two stops')
      const won = lost === a ? b : a
      if (won === a) wins++
      assert.equal(lost.sealer.stopped?.code, 'HEAD_LOST')
      assert.deepEqual(lost.signed, [])
      assert.deepEqual(won.signed, [won.heads.read(LOG)])
      won.beforeSwap = () => Promise.resolve()
      const head = won.heads.read(LOG)
      await lost.seal(`${round} lost`)
      assert.deepEqual(lost.signed, [])
      assert.deepEqual(won.heads.read(LOG), head)
      await won.seal(`${round} on`)
      assert.equal(won.signed.length, 2)
      signed.push(...won.signed)
      await a.close()
      await b.close()
    }
    assert.ok(wins > 0 && wins < ROUNDS, `${wins} of ${ROUNDS} won by the first`)
    // One chain: every checkpoint signed is of a head that was committed, each greater than the one before.
    for (let i = 1; i < signed.length; i++) assert.ok((signed[i] as Head).size > (signed[i - 1] as Head).size)

    const again = await Writer.start('a', folder)
    const head = again.heads.read(LOG) as Head
    assert.deepEqual(head, signed.at(-1))
    assert.equal(Buffer.from(again.files.rootAt(head.size)).toString('hex'), head.root)
    const [verdict] = await auditData(folder, { store: again.store, heads: again.heads, key: VKEY, own: null, openCommitments: null, logs: [LOG] })
    assert.deepEqual(verdict?.problems, [])
    assert.equal(verdict?.size, head.size)
    assert.equal(verdict?.notes.length, ROUNDS, 'each loser left one segment, which is no part of the log')
    await again.close()
  } finally {
    remove()
  }
})

/** A server that sealed something, closed, with what opens its log by hand. */
async function sealedServer(data: string, book: Book): Promise<void> {
  const local = await open(data)
  await send(local, book, 'interactions', range(0, 30))
  await send(local, book, 'notifications', range(0, 20))
  await local.sealing.flush()
  await local.close()
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
    renameSync(copy, join(data, 'head.sqlite'))
    for (const name of ['head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(data, name), { force: true })

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

test('a head that is gone stops the server, every time, and never begins at size 0; put back, it goes on', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    await sealedServer(data, book)
    const copy = join(data, '..', 'head.copy')
    renameSync(join(data, 'head.sqlite'), copy)
    for (let i = 0; i < 2; i++) await assert.rejects(open(data), { code: 'HEAD_MISSING' })
    const { exit, said } = await serve(data)
    assert.equal(exit, 3)
    assert.match(said, /HEAD_MISSING/)
    for (const name of ['head.sqlite', 'head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(data, name), { force: true })
    renameSync(copy, join(data, 'head.sqlite'))
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
    cpSync(data, earlier, { recursive: true })
    const local = await open(data)
    await send(local, book, 'notifications', range(100, 130))
    await local.sealing.drained()
    await local.close()
    for (const name of ['head.sqlite', 'store']) {
      rmSync(join(data, name), { recursive: true })
      cpSync(join(earlier, name), join(data, name), { recursive: true })
    }
    for (const name of ['head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(data, name), { force: true })
    await assert.rejects(open(data), { code: 'DATA_CORRUPT', message: /^notifications: a checkpoint of size 50 was published, but the log ends at 20/ })
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
async function extend(data: string, log: string, name: string, own = true): Promise<string> {
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
    : { publicKey: ed25519PublicKey(SEGMENT_SEED), sign: (message: Uint8Array) => ed25519Sign(SEGMENT_SEED, message) }
  const deps: CommitDeps = { log, store, heads, segmentSigner, signCheckpoint: (next) => signCheckpoint(origin, next, signer), lock: () => LOCK, now: Date.now }
  const { next, frame } = await prepare(
    { origin, head, checkpoint: signCheckpoint(origin, head, signer), frontier: files.frontier() },
    [item(name)],
    { file: 1, offset: 16 },
    deps,
  )
  await store.put(next.segment, frame, LOCK)
  files.close()
  await store.close()
  heads.close()
  return next.segment
}

test('two valid extensions stop the server until one of them is decided for; one by a stranger is reported and passed over', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  try {
    await sealedServer(data, book)
    const stranger = await extend(data, 'notifications', 'theirs', false)
    const local = await open(data)
    assert.ok(local.sealing.findings.includes(`notifications: ${stranger} is not part of the log: it is signed by a key this server does not have`))
    assert.equal(local.sealing.sizes.get('notifications'), 20)
    await local.close()

    const store = join(data, 'store')
    const before = join(data, '..', 'store')
    const keys = [await extend(data, 'notifications', 'one')]
    cpSync(store, before, { recursive: true })
    keys.push(await extend(data, 'notifications', 'other'))
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
    rmSync(store, { recursive: true })
    renameSync(before, store)
    const decided = await open(data)
    assert.ok(decided.sealing.findings.some((finding) => /^notifications: head rolled forward from size 20 to 21/.test(finding)))
    await decided.close()
  } finally {
    remove()
  }
})
