// Two servers on one directory, and two writers of one log: one runs, the other harms nothing.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ed25519PublicKey, ed25519Sign, ed25519Signer } from '@sealtrail/tlog'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import type { Standing } from '../../src/seal/build.ts'
import { signCheckpoint, writeCheckpoint } from '../../src/seal/checkpoint.ts'
import { recover } from '../../src/seal/recover.ts'
import { Sealer } from '../../src/seal/sealer.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { SegmentReader } from '../../src/store/segments.ts'
import type { Lock, Store } from '../../src/store/store.ts'
import { auditData } from '../../src/verify/data.ts'
import { sealtrail } from '../cli/io.ts'
import { numbered } from '../seal/numbered.ts'
import { Book, Child, comesBackWhole, open, range, temporary } from './harness.ts'

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
    const { exit, err } = await sealtrail(['serve', '--data', data, '--port', '0'])
    assert.equal(exit, 3)
    assert.match(err, /DATA_IN_USE/)
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

const LOCK: Lock = { mode: 'GOVERNANCE', retainUntilMs: Date.UTC(2040, 0, 1) }
const LOG = 'raced'
const ORIGIN = `writers.example.net/${LOG}`
const SEGMENT_SEED = new Uint8Array(32).fill(3)
const LOG_SEED = new Uint8Array(32).fill(5)
const VKEY = ed25519Signer(ORIGIN, LOG_SEED).vkey

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
      refusal: () => null,
      journalPosition: () => ({ file: 1, offset: 16 }),
      async onCommit(committed) {
        files.append(committed.built.leafHashes)
        writeCheckpoint(join(folder, 'checkpoint', LOG), committed.checkpoint)
      },
      onTrouble() {},
    })
    return writer
  }

  async seal(...names: string[]): Promise<void> {
    this.sealer.enqueue(names.map((name) => numbered(LOG, name)))
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
