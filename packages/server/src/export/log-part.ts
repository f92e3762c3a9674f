import { canonicalize, committedIn, joinData, MAX_PROOF_FILES, objectDigest, tilesForRange } from '@sealtrail/evidence'
import type { BundleLog, FieldState, JsonObject, RecordFields } from '@sealtrail/evidence'
import { checkInclusion, encodeBase64, formatTilePath, formatTlogProof, leafHash } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Records } from '../index/records.ts'
import type { Vault } from '../vault/vault.ts'
import type { Requester } from './export.ts'
import type { Snapshot } from './snapshot.ts'
import { Spool } from './spool.ts'
import { NONE, noFields, sdJwt, valuesOf } from './values.ts'
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
  /** What does not fit a record of the log, unchecked; null when the store does not give it. */
  readonly object: Records['object']
  readonly vault: Pick<Vault, 'rows' | 'open'>
  readonly role: Requester['role']
  readonly wrapper: WrapperKey
  /** Records in the whole bundle: few get a proof file each. */
  readonly total: number
  /** Told of each schema a record names. */
  onSchema(dataschema: string): void
  onRecords(count: number): void
}

/** Records under way at once: the vault is asked for them together. */
const AT_ONCE = 64

/** Writes `log/<log>/` and what belongs to it under `disclosures/`. @throws SealtrailError DATA_CORRUPT when a record does not lead to the checkpoint */
export async function writeLogPart(
  log: string,
  leaves: AsyncIterable<Leaf>,
  range: { from: number; to: number } | null,
  deps: LogPartDeps,
): Promise<Omit<BundleLog, 'timestamps'> & { runs: Array<[number, number]> }> {
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
    const { vault, role } = this.#deps
    const parsed = leaves.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as Pick<RecordFields, 'auditid' | 'data' | 'dataobject' | 'dataschema'>)
    const values: RecordValues[] = await Promise.all(
      parsed.map(async (record) => (objectDigest(record) === null ? valuesOf(record.auditid, record.data, role, vault) : NONE)),
    )
    // One at a time: an object is large.
    for (const [i, record] of parsed.entries())
      if (objectDigest(record) !== null) values[i] = await valuesOf(record.auditid, await this.#object(record, (leaves[i] as Leaf).index), role, vault)
    for (const [i, leaf] of leaves.entries()) {
      this.#deps.onSchema((parsed[i] as (typeof parsed)[0]).dataschema)
      await this.#record(leaf, values[i] as RecordValues, parsed[i] as (typeof parsed)[0])
    }
    this.#deps.onRecords(leaves.length)
  }

  /** Puts the record's object into the bundle; returns its whole data. */
  async #object(record: Pick<RecordFields, 'data' | 'dataobject'>, index: number): Promise<JsonObject> {
    const digest = objectDigest(record) as string
    const bytes = await this.#deps.object(this.#log, digest)
    const opened = joinData(record, bytes)
    if (bytes === null || 'code' in opened)
      throw new SealtrailError('DATA_CORRUPT', `record ${index} of log ${this.#log} names an object that is not there or another; run \`sealtrail verify\``)
    if (!this.#objects.has(digest)) this.#deps.zip.add(`log/${this.#log}/object/${digest}`, bytes)
    this.#objects.add(digest)
    return opened.data
  }

  async #record({ index, bytes }: Leaf, { fields, disclosures }: RecordValues, { data, dataobject }: Pick<RecordFields, 'data' | 'dataobject'>): Promise<void> {
    const { zip, wrapper, total, snapshot } = this.#deps
    const at = `log/${this.#log}/`
    const proof = this.#proved(index, bytes)
    await this.#spool(`${at}records.ndjson`).line(bytes)
    if (this.#range === null)
      await this.#spool(`${at}proofs.ndjson`).line(`{"index":${index},"proof":[${proof.map((hash) => `"${encodeBase64(hash)}"`).join(',')}]}`)
    if (total <= MAX_PROOF_FILES) zip.add(`${at}proof/${index}.tlog-proof`, formatTlogProof({ index: BigInt(index), hashes: proof, checkpoint: snapshot.note }))
    if (fields.length > 0) await this.#spool(`${at}fields.ndjson`).line(canonicalize({ fields: fields.map((each) => ({ ...each })), index }))
    if (disclosures.length > 0) await this.#spool(`disclosures/${this.#log}.ndjson`).line(canonicalize({ disclosures: [...disclosures], index }))
    await this.#spool(`disclosures/${this.#log}.sd-jwt`).line(sdJwt(bytes, dataobject == null ? disclosures : committedIn(data, disclosures), wrapper))
    for (const { state } of fields) this.#fields[state]++
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

  async end(): Promise<Omit<BundleLog, 'timestamps'> & { runs: Array<[number, number]> }> {
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
