import { SealtrailError } from '../errors.ts'
import { NO_SESSION } from '../event/entry.ts'
import type { Entry } from '../event/entry.ts'
import type { Numbered } from '../event/numbered.ts'
import { rawLog } from '../event/raw-log.ts'
import type { Log } from '../observe/log.ts'
import type { Head } from '../head/head.ts'
import { checkpointPath, signCheckpoint, writeCheckpoint } from '../seal/checkpoint.ts'
import { Sealer } from '../seal/sealer.ts'
import type { Lock } from '../store/store.ts'
import { hashPacker } from './hash-packer.ts'
import { logSignersOf, recoverLog, segmentSignerOf } from './open-log.ts'
import type { Ground } from './open-log.ts'

/** A log of bytes as they come, for the test-only `POST /add`: sealed as every log is, but without journal or index. */
export interface RawLog {
  readonly log: string
  readonly vkey: string
  /**
   * Appends entries of 1..65,535 bytes without a newline, one behind the other; resolves to the index of the first once
   * their commit is durable. @throws SealtrailError OVERLOADED, LOG_STOPPED, NOT_READY: nothing was acknowledged.
   */
  append(entries: readonly Uint8Array[]): Promise<number>
  close(): Promise<void>
}

interface Group {
  left: number
  first: number
  resolve(first: number): void
  reject(error: SealtrailError): void
}

/** Entries and bytes under way before senders are told to come back. */
const MAX_ENTRIES = 16_384
const MAX_BYTES = 64 * 1024 * 1024
const DAY_MS = 86_400_000

/** @param name what comes behind `raw.` @throws SealtrailError USAGE, and as `recoverLog` */
export async function openRawLog(name: string, ground: Ground, env: { now(): number; log: Log }): Promise<RawLog> {
  const log = rawLog(name)
  const { config, keys, heads, store } = ground
  const { origin, vkey, files, head } = await recoverLog(log, ground, () => {})
  const checkpointFile = checkpointPath(config.data, log)
  const sign = (next: Head): string => signCheckpoint(origin, next, logSignersOf(keys, origin))
  const checkpoint = sign(head)
  writeCheckpoint(checkpointFile, checkpoint)
  // Nobody needs it longer than the test runs.
  const lock = (): Lock => ({ mode: 'GOVERNANCE', retainUntilMs: env.now() + DAY_MS })
  const packs = await hashPacker(log, files, store, lock, env.log)
  packs.pack(head.size)

  const groups: Group[] = []
  let entriesUnderWay = 0
  let stopped: SealtrailError | null = null
  const sealer = new Sealer(
    { origin, head, checkpoint, frontier: files.frontier() },
    {
      ...config.seal,
      log,
      store,
      heads,
      segmentSigner: segmentSignerOf(keys),
      signCheckpoint: sign,
      lock,
      now: env.now,
      refusal: () => null,
      // No journal stands behind these entries: senders wait for the commit.
      journalPosition: () => ({ file: 0, offset: 0 }),
      async onCommit({ built, next, expected, checkpoint: note }) {
        files.append(built.leafHashes, { completed: built.completed, frontier: built.frontier })
        writeCheckpoint(checkpointFile, note)
        settle(expected.size, next.size)
        packs.pack(next.size)
      },
      onTrouble(error) {
        env.log.error('the raw log is in trouble', { log, code: error.code, detail: error.message })
        if (error.stopsLog) end(new SealtrailError('LOG_STOPPED', `${log}: ${error.message}`))
      },
    },
  )

  /** Groups stand in the log in the order they came, each without a gap. */
  function settle(from: number, to: number): void {
    entriesUnderWay -= to - from
    for (let at = from; at < to;) {
      const group = groups[0] as Group
      if (group.first < 0) group.first = at
      const taken = Math.min(group.left, to - at)
      group.left -= taken
      at += taken
      if (group.left === 0) (groups.shift() as Group).resolve(group.first)
    }
  }

  function end(error: SealtrailError): void {
    stopped = error
    for (const group of groups.splice(0)) group.reject(error)
  }

  return {
    log,
    vkey,
    append: (entries) =>
      new Promise<number>((resolve, reject) => {
        if (stopped !== null) reject(stopped)
        else if (entriesUnderWay + entries.length > MAX_ENTRIES || sealer.queuedBytes > MAX_BYTES)
          reject(new SealtrailError('OVERLOADED', 'too many entries wait for their commit'))
        else {
          entriesUnderWay += entries.length
          groups.push({ left: entries.length, first: -1, resolve, reject })
          sealer.enqueue(entries.map((record) => numbered(log, record)))
        }
      }),
    async close() {
      await sealer.drained()
      await sealer.close()
      end(new SealtrailError('NOT_READY', 'the server is closing'))
      await packs.idle()
      await files.sync()
      files.close()
    },
  }
}

const ZEROS = '\0'.repeat(16)

/** The bytes as an entry the sealer takes: they have no places to be filled in. */
function numbered(log: string, record: Uint8Array): Numbered {
  const entry: Entry = {
    flags: 0,
    statusRank: 0,
    phase: 0,
    rank: 0,
    timeMs: Number.NaN,
    receivedMs: 0,
    identity: ZEROS,
    fingerprint: ZEROS,
    subjectToken: ZEROS,
    session: NO_SESSION,
    vaultKey: null,
    log,
    subject: '',
    tokens: record.subarray(0, 0),
    record,
    lateAt: -1,
    sequenceAt: -1,
  }
  return { entry, position: { file: 0, offset: 0 }, late: false, sequence: 0 }
}
