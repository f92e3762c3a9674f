import { hash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import { auditId, EMPTY_HEAD, encodeSegment, recordBytes, type RecordFields, segmentKey } from '@sealtrail/evidence'
import { ed25519PublicKey, ed25519Sign, ed25519Signer, formatCheckpoint, Frontier, leafHash, signNote } from '@sealtrail/tlog'
import type { Head } from '../../src/head/head.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { storeHashPacks } from '../../src/seal/hashpacks.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { FileStore } from '../../src/store/files/store.ts'
import type { Lock } from '../../src/store/store.ts'

const LOCK: Lock = { mode: 'COMPLIANCE', retainUntilMs: Date.UTC(2045, 0, 1) }
const SEGMENT_SEED = new Uint8Array(32).fill(7)
const LOG_SEED = new Uint8Array(32).fill(9)
export const ORIGIN = 'audit.example.net/sealtrail'

/** A record that says nothing of anybody; `n` makes it unique. */
export function sampleRecord(n: number, more: Partial<RecordFields> = {}, subjects = 5): Uint8Array {
  return recordBytes({
    auditid: auditId(1_700_000_000_000 + n, hash('sha256', `identity ${n}`, 'binary')),
    data: { state: 'connected', n },
    dataschema: 'urn:sealtrail:schema:test:1',
    id: `event ${n}`,
    late: false,
    provenance: 'pushed',
    recordedtime: '2024-01-01T00:00:00.000Z',
    regulatorytag: null,
    source: 'urn:test',
    subject: `conversation-${n % subjects}`,
    subjectsequence: Math.floor(n / subjects) + 1,
    time: null,
    type: 'test.state',
    ...more,
  })
}

/** Writes a real log into a data directory: what the sealing step leaves behind, without the steps before it. */
export class LogWriter {
  readonly directory: string
  readonly log: string
  readonly origin: string
  readonly vkey: string
  readonly store: FileStore
  readonly heads: SqliteHead
  readonly files: HashFiles
  head: Head = EMPTY_HEAD
  checkpoint = ''
  records: Uint8Array[] = []
  readonly #frontier = new Frontier()
  readonly #signer: ReturnType<typeof ed25519Signer>
  #packed = 0

  private constructor(directory: string, log: string, store: FileStore, heads: SqliteHead) {
    this.directory = directory
    this.log = log
    this.origin = `${ORIGIN}/${log}`
    this.#signer = ed25519Signer(this.origin, LOG_SEED)
    this.vkey = this.#signer.vkey
    this.store = store
    this.heads = heads
    this.files = HashFiles.open(join(directory, 'tiles', log))
  }

  static async create(directory: string, log = 'calls', options: { maxFileBytes?: number; shared?: LogWriter } = {}): Promise<LogWriter> {
    const store = options.shared?.store ?? (await FileStore.open(join(directory, 'store'), options))
    const writer = new LogWriter(directory, log, store, options.shared?.heads ?? SqliteHead.open(join(directory, 'head.sqlite')))
    writer.heads.swap(log, null, EMPTY_HEAD)
    return writer
  }

  /** The frame and head of a commit of these records on top of the present head; nothing is stored. */
  prepare(records: readonly Uint8Array[], created = 0): { frame: Buffer; next: Head; leaves: Uint8Array } {
    const first = this.head.size
    const leaves = new Uint8Array(Buffer.concat(records.map(leafHash)))
    const frontier = this.#frontier.clone()
    frontier.append(leaves)
    const root = Buffer.from(frontier.root()).toString('hex')
    const previous = { size: first, root: this.head.root, segment: this.head.digest, checkpoint: this.checkpoint }
    const header = { log: this.origin, first, count: records.length, created: new Date(created).toISOString(), journal: { file: 1, offset: 0 }, previous }
    const signer = { publicKey: ed25519PublicKey(SEGMENT_SEED), sign: (message: Uint8Array) => ed25519Sign(SEGMENT_SEED, message) }
    const ndjson = encodeSegment(header, records, root, signer)
    const frame = zstdCompressSync(ndjson, { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } })
    const digest = hash('sha256', frame, 'hex')
    return { frame, leaves, next: { size: first + records.length, root, segment: segmentKey(this.log, first, digest), digest } }
  }

  async commit(records: readonly Uint8Array[], created = 0): Promise<Head> {
    const { frame, next, leaves } = this.prepare(records, created)
    await this.store.put(next.segment, frame, LOCK)
    if (!this.heads.swap(this.log, this.head, next)) throw new Error('lost')
    this.#frontier.append(leaves)
    this.files.append(leaves)
    this.head = next
    this.checkpoint = signNote(formatCheckpoint({ origin: this.origin, size: BigInt(next.size), root: Buffer.from(next.root, 'hex') }), [this.#signer])
    this.heads.saveCheckpoint(this.log, this.checkpoint)
    mkdirSync(join(this.directory, 'checkpoint'), { recursive: true })
    writeFileSync(join(this.directory, 'checkpoint', this.log), this.checkpoint)
    this.#packed = await storeHashPacks(this.log, this.files, this.store, this.#packed, next.size, LOCK)
    this.records.push(...records)
    return next
  }

  /** `commits` commits of `count` sample records each. */
  async fill(commits: number, count: number): Promise<void> {
    for (let i = 0; i < commits; i++) await this.commit(Array.from({ length: count }, (_, j) => sampleRecord(this.head.size + j)))
  }

  async close(): Promise<void> {
    this.files.close()
    await this.store.close()
    this.heads.close()
  }
}

export { LOCK }
