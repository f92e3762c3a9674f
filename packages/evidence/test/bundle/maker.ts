// Bundles made by hand for tests, apart from the server's own writer; the zip is written by zip.js. A forger's tools: change
// `files`, then `finish()` writes the manifest anew, as whoever can change one file can change the manifest too.
import { createHash, sign, createPrivateKey } from 'node:crypto'
import { BlobReader, BlobWriter, Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js'
import {
  canonicalize,
  certificatePem,
  commitmentOf,
  disclosureDigest,
  flatten,
  makeDisclosure,
  parseRecord,
  recordBytes,
  tilesForRange,
  wrapRecord,
} from '@sealtrail/evidence'
import type { BundleAsked, BundleManifest, FieldState, JsonObject, JsonValue, RecordFields } from '@sealtrail/evidence'
import {
  cosigner,
  ed25519PublicKey,
  ed25519Signer,
  encodeBase64,
  formatCheckpoint,
  formatTilePath,
  formatTlogProof,
  leafHash,
  nodesInMemory,
  parseCheckpoint,
  parseNote,
  proveConsistency,
  proveInclusion,
  rootFromNodes,
  signNote,
} from '@sealtrail/tlog'
import type { Cosigner, NodeReader } from '@sealtrail/tlog'
import { makeCertificate, makeToken } from '../timestamp/forge.ts'
import type { Made } from '../timestamp/forge.ts'
import { sampleFields } from '../sample.ts'

export const LOG = 'interactions'
export const ORIGIN = 'log.example.org/interactions'
/** 2026-02-01T00:00:00Z, when everything here was stamped. */
export const STAMPED_MS = 1_769_904_000_000
const DAY = 86_400_000

/** Whoever makes a bundle; another seed is another maker with the same names. */
export class Maker {
  readonly signer: ReturnType<typeof ed25519Signer>
  readonly witnesses: readonly Cosigner[]
  readonly root: Made
  readonly tsa: Made
  readonly #wrapper: Uint8Array

  constructor(seed: number = 7) {
    const key = (n: number): Uint8Array => new Uint8Array(32).fill(seed * 16 + n)
    this.signer = ed25519Signer(ORIGIN, key(0))
    this.witnesses = [1, 2, 3].map((n) => cosigner(`witness.example/${n}`, key(n)))
    this.#wrapper = key(4)
    const span = { notBefore: STAMPED_MS - 30 * DAY, notAfter: STAMPED_MS + 30 * DAY }
    this.root = makeCertificate({ name: 'Test Root', issuer: null, kind: 'ca', ...span })
    this.tsa = makeCertificate({ name: 'Test TSA', issuer: this.root, kind: 'tsa', ...span })
  }

  get policy(): string {
    const names = this.witnesses.map((_, n) => `w${n}`)
    return [
      `log ${this.signer.vkey}`,
      ...this.witnesses.map(({ vkey }, n) => `witness w${n} ${vkey}`),
      `group all 2 ${names.join(' ')}`,
      'quorum all',
      '',
    ].join('\n')
  }

  /** A signed note over the log's first `size` leaves. */
  checkpoint(size: number, read: NodeReader, cosigned = 0): string {
    const text = formatCheckpoint({ origin: ORIGIN, size: BigInt(size), root: rootFromNodes(BigInt(size), read) })
    const lines = this.witnesses.slice(0, cosigned).map((witness) => witness.cosign(text, BigInt(STAMPED_MS / 1000 + 60)))
    const note = signNote(text, [this.signer])
    return lines.length === 0 ? note : signNote(text, [this.signer], lines)
  }

  jws(payload: Uint8Array): string {
    const header = Buffer.from(canonicalize({ alg: 'EdDSA', kid: 'test', typ: 'sealtrail-record+sd-jwt' })).toString('base64url')
    const input = `${header}.${Buffer.from(payload).toString('base64url')}`
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), this.#wrapper])
    return `${input}.${sign(null, Buffer.from(input), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).toString('base64url')}`
  }

  get keys(): JsonObject {
    const x = Buffer.from(ed25519PublicKey(this.#wrapper)).toString('base64url')
    return { note: 'hints', logs: { [ORIGIN]: this.signer.vkey }, wrapper: { crv: 'Ed25519', kid: 'test', kty: 'OKP', x }, segments: [] }
  }

  token(text: string): Uint8Array {
    return makeToken({ text: Buffer.from(text), signer: this.tsa, genTimeMs: STAMPED_MS, certificates: [this.tsa.der, this.root.der] })
  }
}

/** A log in memory. */
export interface TestLog {
  readonly records: Uint8Array[]
  readonly read: NodeReader
  readonly leaves: Uint8Array
}

/** The disclosure behind the commitment of record i. */
export const disclosureOf = (i: number): string => makeDisclosure(`saltsaltsaltsaltsalt${10 + (i % 90)}`, `+1317555${1000 + i}`)

export function testLog(size: number, fields: (i: number) => RecordFields = sampleFields): TestLog {
  const records = Array.from({ length: size }, (_, i) => recordBytes(fields(i)))
  const leaves = Buffer.concat(records.map((record) => leafHash(record)))
  return { records, leaves, read: nodesInMemory(leaves) }
}

export interface Wish {
  readonly asked: BundleAsked
  readonly log?: TestLog
  readonly maker?: Maker
  /** Size of the checkpoint; the whole log when left out. */
  readonly size?: number
  /** Size of the stamped checkpoint; null: no stamp. */
  readonly stamped?: number | null
  readonly cosigned?: number
  readonly proofFiles?: boolean
  readonly state?: (i: number) => FieldState
}

/** A bundle in parts. */
export class Parts {
  readonly files = new Map<string, Uint8Array>()
  manifest!: JsonObject & { logs: JsonObject[]; files: JsonValue[]; asked: JsonObject }

  text(path: string): string {
    return Buffer.from(this.files.get(path) ?? new Uint8Array(0)).toString()
  }

  set(path: string, content: string | Uint8Array): void {
    this.files.set(path, typeof content === 'string' ? new Uint8Array(Buffer.from(content)) : content)
  }

  lines(path: string): string[] {
    return this.text(path).split('\n').slice(0, -1)
  }

  setLines(path: string, lines: readonly string[]): void {
    this.set(path, lines.map((line) => `${line}\n`).join(''))
  }

  /** Writes the manifest's list of files as they are now. */
  finish(): this {
    this.manifest.files = [...this.files]
      .filter(([path]) => path !== 'manifest.json')
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, bytes]) => ({ path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }))
    this.set('manifest.json', `${canonicalize(this.manifest)}\n`)
    return this
  }

  async zip(options: { level?: number } = {}): Promise<Uint8Array<ArrayBuffer>> {
    const writer = new ZipWriter(new BlobWriter('application/zip'), {
      level: options.level ?? 6,
      extendedTimestamp: false,
      keepOrder: true,
      useWebWorkers: false,
    })
    for (const [path, bytes] of this.files) await writer.add(path, bytes.length === 0 ? new BlobReader(new Blob([])) : new Uint8ArrayReader(bytes))
    return new Uint8Array(await (await writer.close()).arrayBuffer())
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.zip()])
  }
}

/** A whole bundle as asked. */
export function makeBundle(wish: Wish): Parts {
  const { asked, log = testLog(10), maker = new Maker(), stamped = null, cosigned = 0, state = (): FieldState => 'disclosed' } = wish
  const size = wish.size ?? log.records.length
  const parts = new Parts()
  const checkpoint = maker.checkpoint(size, log.read, cosigned)
  const chosen = log.records
    .map((bytes, index) => ({ bytes, index, record: parseRecord(bytes) }))
    .filter(({ index, record }) => isAsked(asked, index, size, record))
  const at = (name: string): string => `log/${LOG}/${name}`
  parts.set('README.md', '# Test\n')
  parts.set('CERTIFICATE-DRAFT.md', '# Draft\n')
  parts.set('keys.json', `${canonicalize(maker.keys)}\n`)
  parts.set('schemas/sample-1.json', '{}\n')
  parts.set(at('checkpoint'), checkpoint)
  if (chosen.length > 0)
    parts.setLines(
      at('records.ndjson'),
      chosen.map(({ bytes }) => Buffer.from(bytes).toString()),
    )
  const prove = (index: number): Uint8Array[] => proveInclusion(BigInt(index), BigInt(size), log.read)
  if (asked.kind === 'range') {
    for (const tile of tilesForRange(asked.from, asked.to, size))
      parts.set(at(formatTilePath(tile)), hashesOf(log, Number(tile.level), Number(tile.index), tile.width))
  } else
    parts.setLines(
      at('proofs.ndjson'),
      chosen.map(({ index }) => canonicalize({ index, proof: prove(index).map((hash) => encodeBase64(hash)) })),
    )
  if (wish.proofFiles !== false)
    for (const { index } of chosen) parts.set(at(`proof/${index}.tlog-proof`), formatTlogProof({ index: BigInt(index), hashes: prove(index), checkpoint }))
  const counts: Record<FieldState, number> = { disclosed: 0, sealed: 0, erased: 0, expired: 0, missing: 0 }
  const [fields, disclosures, jwts]: [string[], string[], string[]] = [[], [], []]
  for (const { bytes, index, record } of chosen) {
    const committed = flatten(record.data, []).fields
    const shown = state(index) === 'disclosed' ? [disclosureOf(index)] : []
    counts[state(index)] += committed.length
    if (committed.length > 0) fields.push(canonicalize({ index, fields: committed.map(({ path, digest }) => ({ digest, path, state: state(index) })) }))
    if (shown.length > 0) disclosures.push(canonicalize({ disclosures: shown, index }))
    jwts.push(`${maker.jws(wrapRecord(bytes))}~${shown.map((each) => `${each}~`).join('')}`)
  }
  if (fields.length > 0) parts.setLines(at('fields.ndjson'), fields)
  if (disclosures.length > 0) parts.setLines(`disclosures/${LOG}.ndjson`, disclosures)
  if (jwts.length > 0) parts.setLines(`disclosures/${LOG}.sd-jwt`, jwts)
  if (stamped !== null) stamp(parts, maker, log, size, stamped)
  const { root } = parseCheckpoint(parseNote(checkpoint).text)
  const indexes = chosen.map(({ index }) => index)
  const manifest: BundleManifest = {
    format: 'sealtrail.bundle/1',
    created: '2026-02-02T00:00:00.000Z',
    tool: { name: 'test', version: '0' },
    asked,
    requester: { name: 'auditor-1', role: 'officer', purpose: 'case-1' },
    logs: [
      {
        log: LOG,
        origin: ORIGIN,
        size,
        root: Buffer.from(root).toString('hex'),
        published: true,
        records: chosen.length,
        first: indexes[0] ?? 0,
        end: chosen.length === 0 ? 0 : (indexes.at(-1) as number) + 1,
        range: asked.kind === 'range' ? { from: asked.from, to: asked.to } : null,
        fields: counts,
        timestamps: stamped === null ? [] : [stampName(stamped)],
      },
    ],
    files: [],
  }
  parts.manifest = manifest as unknown as Parts['manifest']
  return parts.finish()
}

export const stampName = (size: number): string => `${String(size).padStart(20, '0')}-test`

/** Puts a time stamp of the log's first `stamped` leaves into the bundle. */
export function stamp(parts: Parts, maker: Maker, log: TestLog, size: number, stamped: number): void {
  const folder = `log/${LOG}/timestamp/${stampName(stamped)}/`
  const { text } = parseNote(maker.checkpoint(stamped, log.read))
  parts.set(`${folder}checkpoint.txt`, text)
  parts.set(`${folder}token.tst`, maker.token(text))
  parts.set(`${folder}chain.pem`, [maker.tsa, maker.root].map(({ der }) => certificatePem(der)).join(''))
  const proof = proveConsistency(BigInt(Math.min(size, stamped)), BigInt(Math.max(size, stamped)), log.read)
  parts.set(`${folder}consistency`, proof.map((hash) => `${encodeBase64(hash)}\n`).join(''))
}

/** A commitment to a value under the salt of record i, for records of one's own. */
export const committed = (i: number): JsonValue => commitmentOf(disclosureDigest(disclosureOf(i)))

function isAsked(asked: BundleAsked, index: number, size: number, record: RecordFields): boolean {
  if (index >= size) return false
  if (asked.kind === 'range') return index >= asked.from && index < asked.to
  return asked.kind === 'subject' ? record.subject === asked.subject : index % 2 === 0
}

function hashesOf(log: TestLog, level: number, index: number, width: number): Uint8Array {
  return Buffer.concat(log.read(Array.from({ length: width }, (_, i) => ({ level: level * 8, index: BigInt(index * 256 + i) }))))
}
