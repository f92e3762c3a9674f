// Two writers of one log, each as a server starts it, over one head and one store.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ed25519PublicKey, ed25519Sign, ed25519Signer } from '@sealtrail/tlog'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import type { Standing } from '../../src/seal/build.ts'
import { signCheckpoint, writeCheckpoint } from '../../src/seal/checkpoint.ts'
import { recover } from '../../src/seal/recover.ts'
import { Sealer } from '../../src/seal/sealer.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { SegmentReader } from '../../src/store/segments.ts'
import type { Lock, Store } from '../../src/store/store.ts'
import { auditData } from '../../src/verify/data.ts'
import { numbered } from '../seal/numbered.ts'

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
  readonly store: Store
  readonly files: HashFiles
  /** What holds the swap back after the segment is stored. */
  beforeSwap: () => Promise<void> = () => Promise.resolve()
  sealer!: Sealer

  private constructor(name: string, folder: string, store: Store) {
    this.name = name
    this.heads = SqliteHead.open(join(folder, 'head.sqlite'))
    this.store = store
    this.files = HashFiles.open(join(folder, 'tiles', name === 'a' ? LOG : name))
  }

  /** A writer as a server starts it: recovery first, then the sealer. */
  static async start(name: string, folder: string, store: Store): Promise<Writer> {
    const writer = new Writer(name, folder, store)
    const { heads, files } = writer
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
    const standing: Standing = { origin: ORIGIN, head, checkpoint: signCheckpoint(ORIGIN, head, [signer]), frontier: files.frontier() }
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
        return signCheckpoint(ORIGIN, next, [signer])
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

/** Races of two writers in a folder: in each one stops, nothing is signed for it, and the log is whole. @param open a client of the one store */
export async function race(folder: string, rounds: number, open: () => Promise<Store>): Promise<void> {
  const signed: Head[] = []
  let wins = 0
  mkdirSync(folder, { recursive: true })
  for (let round = 0; round < rounds; round++) {
    const a = await Writer.start('a', folder, await open())
    const b = await Writer.start('b', folder, await open())
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
  assert.ok(wins > 0 && wins < rounds, `${wins} of ${rounds} won by the first`)
  // One chain: every checkpoint signed is of a head that was committed, each greater than the one before.
  for (let i = 1; i < signed.length; i++) assert.ok((signed[i] as Head).size > (signed[i - 1] as Head).size)

  const again = await Writer.start('a', folder, await open())
  const head = again.heads.read(LOG) as Head
  assert.deepEqual(head, signed.at(-1))
  assert.equal(Buffer.from(again.files.rootAt(head.size)).toString('hex'), head.root)
  const [verdict] = await auditData(folder, { store: again.store, heads: again.heads, key: VKEY, own: null, openCommitments: null, logs: [LOG] })
  assert.deepEqual(verdict?.problems, [])
  assert.equal(verdict?.size, head.size)
  assert.equal(verdict?.notes.length, rounds, 'each loser left one segment, which is no part of the log')
  await again.close()
}
