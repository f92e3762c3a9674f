import { canonicalize, disclosuresWithin, joinData, MAX_PROOF_FILES, objectDigest, tilesForRange } from '@sealtrail/evidence'
import type { BundleLog, FieldState, JsonObject, RecordFields } from '@sealtrail/evidence'
import { checkInclusion, encodeBase64, formatTilePath, formatTlogProof, leafHash } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { fieldName } from '../index/disclose.ts'
import type { ErasedUnder } from '../index/gone.ts'
import type { Sight } from '../index/views.ts'
import type { Vault } from '../vault/vault.ts'
import type { Snapshot } from './snapshot.ts'
import { Spool } from './spool.ts'
import { noFields, sdJwt, valuesOf } from './values.ts'
import type { RecordValues, WrapperKey } from './values.ts'
import type { ZipFile } from './zip-file.ts'

/** Hashes of one log; what they give is checked against the checkpoint before it is written. */
export interface LogHashes {
  prove(index: number, size: number): readonly Uint8Array[]
  consistency(from: number, to: number): readonly Uint8Array[]
  tile(level: number, n: number, width: number): Uint8Array | null
}

/** A leaf of the log. */
export interface Leaf {
  readonly index: number
  readonly bytes: Uint8Array
}

export interface LogPartDeps {
  readonly zip: ZipFile
  /** Folder for files while they grow. */
  readonly folder: string
  readonly origin: string
  readonly snapshot: Snapshot
  readonly hashes: LogHashes
  readonly vault: Pick<Vault, 'rows' | 'open'>
  readonly erasedUnder: ErasedUnder
  /** Told of each certificate that a field names. */
  onCertificate(id: string): void
  /** Data that did not fit its record, by digest; null when the store does not give it. */
  object(log: string, digest: string): Promise<Uint8Array | null>
  /** What whoever asked may see of each record. */
  sight(index: number, record: RecordFields): Pick<Sight, 'sees'> | Promise<Pick<Sight, 'sees'>>
  readonly wrapper: WrapperKey
  /** Records in the whole bundle: few get a proof file each. */
  readonly total: number
  /** Told of each schema a record names. */
  onSchema(dataschema: string): void
  onRecords(count: number): void
}

/** Records under way at once: the vault is asked for them together. */
const AT_ONCE = 64

/** What the manifest says of a log, and what is sealed of it. */
export type WrittenPart = Omit<BundleLog, 'timestamps'> & { readonly runs: Array<[number, number]>; readonly disclosed: string[] }

/** Writes `log/<log>/` and what belongs to it under `disclosures/`. @throws SealtrailError DATA_CORRUPT when a record does not lead to the checkpoint */
export async function writeLogPart(
  log: string,
  leaves: AsyncIterable<Leaf>,
  range: { from: number; to: number } | null,
  deps: LogPartDeps,
): Promise<WrittenPart> {
  const part = new LogPart(log, range, deps)
  try {
    let waiting: Leaf[] = []
    for await (const leaf of leaves) {
      waiting.push(leaf)
      if (waiting.length < AT_ONCE) continue
      await part.write(waiting)
      waiting = []
    }
    await part.write(waiting)
    return await part.end()
  } finally {
    part.close()
  }
}

class LogPart {
  readonly #log: string
  readonly #range: { from: number; to: number } | null
  readonly #deps: LogPartDeps
  readonly #root: Uint8Array
  readonly #spools = new Map<string, Spool>()
  readonly #fields: Record<FieldState, number> = noFields()
  readonly #runs: Array<[number, number]> = []
  readonly #objects = new Set<string>()
  readonly #disclosed = new Set<string>()
  #records = 0

  constructor(log: string, range: { from: number; to: number } | null, deps: LogPartDeps) {
    this.#log = log
    this.#range = range
    this.#deps = deps
    this.#root = Buffer.from(deps.snapshot.root, 'hex')
    deps.zip.add(`log/${log}/checkpoint`, deps.snapshot.note)
    // A search that found nothing in a log leaves the log out; proofs of nothing are an empty file.
    if (range === null) this.#spool(`log/${log}/proofs.ndjson`)
  }

  async write(leaves: readonly Leaf[]): Promise<void> {
    const records = leaves.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as RecordFields)
    const values = await Promise.all(
      records.map((record, i) => (objectDigest(record) === null ? this.#values((leaves[i] as Leaf).index, record, record.data) : Promise.resolve(null))),
    )
    for (const [i, leaf] of leaves.entries()) {
      const record = records[i] as RecordFields
      this.#deps.onSchema(record.dataschema)
      // Large data one at a time: 64 of them would be a gigabyte.
      await this.#record(leaf, record, values[i] ?? (await this.#values(leaf.index, record, await this.#whole(leaf.index, record))))
    }
    this.#deps.onRecords(leaves.length)
  }

  async #values(index: number, record: RecordFields, data: JsonObject): Promise<RecordValues> {
    return valuesOf(record.auditid, data, await this.#deps.sight(index, record), this.#deps.vault, this.#deps.erasedUnder)
  }

  /** The data of a record that names an object; the object goes into the bundle. */
  async #whole(index: number, record: RecordFields): Promise<JsonObject> {
    const digest = objectDigest(record) as string
    const bytes = await this.#deps.object(this.#log, digest)
    const opened = joinData(record, bytes)
    if (!('data' in opened))
      throw new SealtrailError('DATA_CORRUPT', `the data object of record ${index} of log ${this.#log} is missing or damaged; run \`sealtrail verify\``)
    if (!this.#objects.has(digest)) this.#deps.zip.add(`log/${this.#log}/object/${digest}`, bytes as Uint8Array)
    this.#objects.add(digest)
    return opened.data
  }

  async #record({ index, bytes }: Leaf, record: RecordFields, { fields, disclosures }: RecordValues): Promise<void> {
    const { zip, wrapper, total, snapshot } = this.#deps
    const at = `log/${this.#log}/`
    const proof = this.#proved(index, bytes)
    await this.#spool(`${at}records.ndjson`).line(bytes)
    if (this.#range === null)
      await this.#spool(`${at}proofs.ndjson`).line(`{"index":${index},"proof":[${proof.map((hash) => `"${encodeBase64(hash)}"`).join(',')}]}`)
    if (total <= MAX_PROOF_FILES) zip.add(`${at}proof/${index}.tlog-proof`, formatTlogProof({ index: BigInt(index), hashes: proof, checkpoint: snapshot.note }))
    if (fields.length > 0) await this.#spool(`${at}fields.ndjson`).line(canonicalize({ fields: fields.map((each) => ({ ...each })), index }))
    if (disclosures.length > 0) await this.#spool(`disclosures/${this.#log}.ndjson`).line(canonicalize({ disclosures: [...disclosures], index }))
    const within = objectDigest(record) === null ? disclosures : disclosuresWithin(record.data, disclosures)
    await this.#spool(`disclosures/${this.#log}.sd-jwt`).line(sdJwt(bytes, within, wrapper))
    for (const { state, path, certificate } of fields) {
      if (certificate !== undefined) this.#deps.onCertificate(certificate)
      this.#fields[state]++
      if (state === 'disclosed') this.#disclosed.add(fieldName(path))
    }
    const run = this.#runs.at(-1)
    if (run?.[1] === index) run[1]++
    else this.#runs.push([index, index + 1])
    this.#records++
  }

  /** Nothing leaves that our own verifier would refuse. */
  #proved(index: number, bytes: Uint8Array): readonly Uint8Array[] {
    const { hashes, snapshot } = this.#deps
    const proof = hashes.prove(index, snapshot.size)
    try {
      checkInclusion(BigInt(index), BigInt(snapshot.size), leafHash(bytes), proof, this.#root)
    } catch (cause) {
      throw new SealtrailError('DATA_CORRUPT', `record ${index} of log ${this.#log} does not lead to the checkpoint; run \`sealtrail verify\``, { cause })
    }
    return proof
  }

  async end(): Promise<WrittenPart> {
    const { zip, snapshot, origin } = this.#deps
    if (this.#range !== null && this.#records !== this.#range.to - this.#range.from)
      throw new SealtrailError('DATA_CORRUPT', `log ${this.#log}: the store does not give every record of the range; run \`sealtrail verify\``)
    if (this.#range !== null) this.#tiles(this.#range)
    for (const [name, spool] of this.#spools) {
      await spool.end()
      zip.addSpool(name, spool)
    }
    return {
      log: this.#log,
      origin,
      size: snapshot.size,
      root: snapshot.root,
      published: snapshot.published,
      records: this.#records,
      first: this.#runs[0]?.[0] ?? 0,
      end: this.#runs.at(-1)?.[1] ?? 0,
      range: this.#range,
      fields: this.#fields,
      runs: this.#runs,
      disclosed: [...this.#disclosed].sort(),
    }
  }

  close(): void {
    for (const spool of this.#spools.values()) spool.close()
  }

  #tiles({ from, to }: { from: number; to: number }): void {
    const { zip, hashes, snapshot } = this.#deps
    for (const tile of tilesForRange(from, to, snapshot.size)) {
      const bytes = hashes.tile(Number(tile.level), Number(tile.index), tile.width)
      if (bytes === null)
        throw new SealtrailError('DATA_CORRUPT', `log ${this.#log}: its hash files are shorter than the log; they are rebuilt at the next start`)
      zip.add(`log/${this.#log}/${formatTilePath(tile)}`, bytes, false)
    }
  }

  #spool(name: string): Spool {
    let spool = this.#spools.get(name)
    if (spool === undefined) this.#spools.set(name, (spool = new Spool(`${this.#deps.folder}/${name.replaceAll('/', '~')}`)))
    return spool
  }
}
