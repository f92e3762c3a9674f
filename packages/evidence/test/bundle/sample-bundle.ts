// Evidence bundles made in memory, whole or wrong: a draft that tests change, then the zip. The server's own exports are
// checked where the server is (packages/server/test).
import { createHash } from 'node:crypto'
import { ed25519Sign, formatCheckpoint, formatTilePath, formatTlogProof, parseNote, proveConsistency, proveInclusion, rootOf } from '@sealtrail/tlog'
import type { Tile, TreeNode } from '@sealtrail/tlog'
import { canonicalize } from '@sealtrail/evidence'
import type { BundleAsked, CertificateFile, FieldState, JsonObject } from '@sealtrail/evidence'
import { tilesForRange } from '../../src/bundle/range-tiles.ts'
import { wrapRecord } from '../../src/bundle/values.ts'
import { certificatePem } from '../../src/timestamp/pem.ts'
import { bytesOf, ERASURE, goodCertificate, recordsErased } from '../certificate/maker.ts'
import { makeToken } from '../timestamp/forge.ts'
import { START, signedCheckpoint, wrapperKey } from './sample-log.ts'
import type { House, SampleLog, SampleRecord } from './sample-log.ts'
import { zipOf } from './zip.ts'

export interface Line {
  readonly index: number
  record: Uint8Array
  proof: string[]
  fields: { path: string; digest: string; state: FieldState; certificate?: string; class?: string; on?: string }[]
  disclosures: string[]
}

/** A time stamp of a state of the log, and the proof that it is an earlier one of the same log. */
export interface Stamp {
  text: string
  token: Uint8Array
  consistency: string
}

/** A bundle before its files are written. */
export interface Draft {
  log: SampleLog
  asked: BundleAsked
  range: { from: number; to: number } | null
  checkpoint: string
  stamp: Stamp | null
  lines: Line[]
  /** Certificates by the id they are filed under; null: the good one of all that is erased in the log. */
  certificates: Map<string, CertificateFile> | null
  /** How many records the list of contents says there are; null: as many as there are. */
  claimed: number | null
  /** Whose SD-JWTs; null: none. */
  wrapper: House | null
  /** Called with the files but the manifest: for what only bytes can say. */
  files: (files: Map<string, Uint8Array>) => void
}

const hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')
export const CERTIFICATE = ERASURE

const REASONS: { readonly [state in FieldState]?: { certificate?: string; class?: string; on: string } } = {
  erased: { certificate: CERTIFICATE, on: '2026-04-11T11:00:09.000Z' },
  expired: { class: 'short', on: '2026-05-01T00:00:00.000Z' },
}

/** The state ten records before the end, time-stamped. @param house whose authority. */
export function stampOf(log: SampleLog, house: House = log.house): Stamp {
  const size = Math.max(1, log.records.length - 10)
  const text = formatCheckpoint({ origin: log.house.origin, size: BigInt(size), root: rootOf(log.leaves.subarray(0, size * 32)) })
  const proof = proveConsistency(BigInt(size), BigInt(log.records.length), log.read)
  return { text, token: tokenOver(text, house), consistency: proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('') }
}

export function tokenOver(text: string, house: House): Uint8Array {
  const size = Number(text.split('\n')[1])
  return makeToken({ text: Buffer.from(text), signer: house.tsa, genTimeMs: START + size * 61_000 + 30_000, certificates: [house.tsa.der] })
}

export function draft(log: SampleLog, asked: BundleAsked, records: readonly SampleRecord[]): Draft {
  const checkpoint = signedCheckpoint(log, [0, 1])
  return {
    log,
    asked,
    range: asked.kind === 'range' ? { from: asked.from, to: asked.to } : null,
    checkpoint,
    stamp: stampOf(log),
    lines: records.map((record) => lineOf(log, record)),
    certificates: null,
    claimed: null,
    wrapper: log.house,
    files: () => {},
  }
}

export function lineOf(log: SampleLog, { index, bytes, values }: SampleRecord): Line {
  const size = BigInt(log.leaves.length / 32)
  return {
    index,
    record: bytes,
    proof: proveInclusion(BigInt(index), size, log.read).map((hash) => Buffer.from(hash).toString('base64')),
    fields: values.map(({ path, digest, state }) => ({ path, digest, state, ...REASONS[state] })),
    disclosures: values.filter(({ state }) => state === 'disclosed').map(({ disclosure }) => disclosure),
  }
}

/** Leaves [from, to) of the log. */
export function rangeDraft(log: SampleLog, from: number, to: number): Draft {
  return draft(log, { kind: 'range', log: log.name, from, to }, log.records.slice(from, to))
}

export function subjectDraft(log: SampleLog, subject: string): Draft {
  return draft(
    log,
    { kind: 'subject', subject },
    log.records.filter(({ fields }) => fields.subject === subject),
  )
}

/** The files of a bundle, manifest last. */
export function filesOf(made: Draft): Map<string, Uint8Array> {
  const { log, lines, checkpoint, stamp, range } = made
  const files = new Map<string, Uint8Array>()
  const text = (path: string, value: string): void => void files.set(path, Buffer.from(value))
  const ndjson = (path: string, values: readonly unknown[]): void => {
    if (values.length > 0) text(path, values.map((value) => `${typeof value === 'string' ? value : canonicalize(value as JsonObject)}\n`).join(''))
  }
  const folder = `log/${log.name}`
  text('README.md', '# Evidence bundle\n\nHow to check it by hand.\n')
  text('CERTIFICATE-DRAFT.md', '# Draft\n')
  const { name, house } = { name: log.name, house: log.house }
  text(
    'keys.json',
    `${canonicalize({
      logs: { [house.origin]: house.log.vkey },
      note: 'Hints. A key found beside what it signed says nothing about who signed.',
      segments: [],
      wrapper: { crv: 'Ed25519', kid: 'test', kty: 'OKP', x: base64url(wrapperKey(made.wrapper ?? house)) },
    })}\n`,
  )
  text('schemas/calls-1.json', '{"type":"object"}\n')
  const certificates = made.certificates ?? certificatesOf(log)
  for (const [id, file] of certificates) files.set(`certificates/${id}.json`, bytesOf(file))
  text(`${folder}/checkpoint`, checkpoint)
  files.set(`${folder}/records.ndjson`, Buffer.concat(lines.flatMap(({ record }) => [record, Buffer.from('\n')])))
  if (range === null)
    ndjson(
      `${folder}/proofs.ndjson`,
      lines.map(({ index, proof }) => ({ index, proof })),
    )
  else for (const tile of tilesForRange(range.from, range.to, log.leaves.length / 32)) files.set(`${folder}/${formatTilePath(tile)}`, tileBytes(log, tile))
  if (lines.length <= 1000)
    for (const { index, proof } of lines) {
      const hashes = proof.map((hash) => Buffer.from(hash, 'base64'))
      text(`${folder}/proof/${index}.tlog-proof`, formatTlogProof({ index: BigInt(index), hashes, checkpoint }))
    }
  ndjson(
    `${folder}/fields.ndjson`,
    lines.filter(({ fields }) => fields.length > 0).map(({ index, fields }) => ({ fields, index })),
  )
  ndjson(
    `disclosures/${name}.ndjson`,
    lines.filter(({ disclosures }) => disclosures.length > 0).map(({ index, disclosures }) => ({ disclosures, index })),
  )
  if (made.wrapper !== null)
    ndjson(
      `disclosures/${name}.sd-jwt`,
      lines.map((line) => sdJwt(line, made.wrapper as House)),
    )
  if (stamp !== null) {
    text(`${folder}/timestamp/tsa-1/checkpoint.txt`, stamp.text)
    text(`${folder}/timestamp/tsa-1/consistency`, stamp.consistency)
    files.set(`${folder}/timestamp/tsa-1/token.tst`, stamp.token)
    text(`${folder}/timestamp/tsa-1/chain.pem`, certificatePem(house.tsa.der))
  }
  made.files(files)
  files.set('manifest.json', manifestOf(made, files))
  return files
}

/** The zip of a draft. */
export function bundleOf(made: Draft): Buffer {
  return zipOf(filesOf(made))
}

const made = new WeakMap<SampleLog, Map<string, CertificateFile>>()

function certificatesOf(log: SampleLog): Map<string, CertificateFile> {
  const known = made.get(log) ?? new Map([[CERTIFICATE, goodCertificate(log.house, recordsErased(log.records, log.name))]])
  made.set(log, known)
  return known
}

export function manifestOf({ log, asked, range, lines, checkpoint, stamp, claimed }: Draft, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const states: FieldState[] = ['disclosed', 'sealed', 'erased', 'expired', 'missing']
  const all = lines.flatMap(({ fields }) => fields)
  const [origin, size, root] = parseNote(checkpoint).text.split('\n') as [string, string, string]
  const manifest = {
    asked,
    created: new Date(START + log.records.length * 61_000 + 3_600_000).toISOString(),
    files: [...files].map(([path, bytes]) => ({ path, sha256: hex(bytes), size: bytes.length })).sort((a, b) => (a.path < b.path ? -1 : 1)),
    format: 'sealtrail.bundle/1',
    logs: [
      {
        end: lines.length === 0 ? 0 : (range?.to ?? lines.at(-1)!.index + 1),
        fields: Object.fromEntries(states.map((state) => [state, all.filter((field) => field.state === state).length])),
        first: lines.length === 0 ? 0 : (range?.from ?? lines[0]!.index),
        log: log.name,
        origin,
        published: true,
        range,
        records: claimed ?? lines.length,
        root: Buffer.from(root, 'base64').toString('hex'),
        size: Number(size),
        timestamps: stamp === null ? [] : ['tsa-1'],
      },
    ],
    requester: { name: 'counsel', purpose: 'Case 2026-118', role: 'auditor' },
    tool: { name: 'sealtrail', version: '0.1.0' },
  }
  return Buffer.from(`${canonicalize(manifest as unknown as JsonObject)}\n`)
}

function tileBytes({ read }: SampleLog, { level, index, width }: Tile): Uint8Array {
  const nodes: TreeNode[] = Array.from({ length: width }, (_, i) => ({ level: Number(level) * 8, index: index * 256n + BigInt(i) }))
  return Buffer.concat(read(nodes))
}

function sdJwt({ record, disclosures }: Line, { wrapperSeed }: House): string {
  const signed = `${base64url('{"alg":"EdDSA","kid":"test","typ":"sd-jwt"}')}.${base64url(wrapRecord(record))}`
  return `${[`${signed}.${base64url(ed25519Sign(wrapperSeed, Buffer.from(signed)))}`, ...disclosures].join('~')}~`
}
