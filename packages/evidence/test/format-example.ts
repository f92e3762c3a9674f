/**
 * The example of docs/format.md. The same bytes each time, but for zstd's own choices: run
 * `node --conditions=@sealtrail/source packages/evidence/test/format-example.ts` to write docs/example anew.
 * Its keys are made from plain words: they sign nothing but this example.
 */
import { createHash, createHmac } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { constants, crc32, zstdCompressSync } from 'node:zlib'
import { Frontier, ed25519PublicKey, ed25519Sign, ed25519Signer, formatCheckpoint, leafHash, nodesInMemory, proveInclusion, signNote } from '@sealtrail/tlog'
import {
  EMPTY_ROOT,
  auditId,
  commitmentOf,
  disclosureDigest,
  encodeReceipt,
  encodeSegment,
  makeDisclosure,
  receiptToTlogProof,
  recordBytes,
  segmentKey,
} from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'

export const LOG = 'calls'
export const ORIGIN = 'sealtrail.example/calls'
const secret = (words: string): Buffer => createHash('sha256').update(words).digest()
const logSigner = ed25519Signer(ORIGIN, secret('example log key'))
const segmentSeed = secret('example segment key')
const segmentSigner = { publicKey: ed25519PublicKey(segmentSeed), sign: (message: Uint8Array): Uint8Array => ed25519Sign(segmentSeed, message) }

const salt = secret('example salt').subarray(0, 16).toString('base64url')
export const disclosure: string = makeDisclosure(salt, '+13175550142')

function record(id: string, time: string, subjectsequence: number, type: string, data: RecordFields['data'], late = false): RecordFields {
  const identity = createHmac('sha256', secret('example naming key')).update(`default\n${LOG}\n${id}`).digest('latin1')
  return { auditid: auditId(Date.parse(time), identity), data, dataschema: 'urn:sealtrail:schema:example:1', id, late, provenance: 'pushed', recordedtime: time.replace('.000', '.250'), regulatorytag: null, source: 'urn:example:platform', subject: 'call-1', subjectsequence, time, type } // prettier-ignore
}

/** Two commits: the first of two records, the second of one that came late. */
export const commits: readonly (readonly RecordFields[])[] = [
  [
    record('e1', '2026-03-01T09:00:00.000Z', 1, 'com.example.call.start', {
      caller: commitmentOf(disclosureDigest(disclosure)) as unknown as RecordFields['data'][string],
      queue: 'orders',
    }),
    record('e3', '2026-03-01T09:05:00.000Z', 2, 'com.example.call.end', { reason: 'hung up – “später”' }),
  ],
  [record('e2', '2026-03-01T09:01:00.000Z', 3, 'com.example.call.transfer', { queue: 'returns' }, true)],
]

export interface Example {
  /** Per object: its store key, its NDJSON, and its zstd frame. */
  readonly segments: ReadonlyArray<{ readonly key: string; readonly ndjson: Uint8Array; readonly frame: Uint8Array }>
  readonly checkpoint: string
  readonly receipt: string
  readonly proof: string
  readonly vkey: string
}

/** @param frames zstd frames already stored, so that another zstd version does not change the digests. */
export function makeExample(frames: readonly Uint8Array[] = []): Example {
  const frontier = new Frontier()
  const segments: Array<Example['segments'][number]> = []
  let previous = { size: 0, root: EMPTY_ROOT, segment: '', checkpoint: '' }
  commits.forEach((fields, i) => {
    const records = fields.map(recordBytes)
    for (const bytes of records) frontier.append(leafHash(bytes))
    const root = Buffer.from(frontier.root()).toString('hex')
    const header = {
      log: ORIGIN,
      first: previous.size,
      count: records.length,
      created: `2026-03-01T09:0${5 + i}:01.000Z`,
      journal: { file: 1, offset: 16 + 1500 * i },
      previous,
    }
    const ndjson = encodeSegment(header, records, root, segmentSigner)
    const frame = frames[i] ?? zstdCompressSync(ndjson, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
    const digest = createHash('sha256').update(frame).digest('hex')
    segments.push({ key: segmentKey(LOG, header.first, digest), ndjson, frame })
    const size = header.first + records.length
    previous = {
      size,
      root,
      segment: digest,
      checkpoint: signNote(formatCheckpoint({ origin: ORIGIN, size: BigInt(size), root: frontier.root() }), [logSigner]),
    }
  })
  const all = commits.flat()
  const leaves = Buffer.concat(all.map((fields) => leafHash(recordBytes(fields))))
  const receipt = encodeReceipt({
    auditid: all[1]!.auditid,
    log: LOG,
    index: 1,
    record: recordBytes(all[1]!),
    checkpoint: previous.checkpoint,
    proof: proveInclusion(1n, 3n, nodesInMemory(leaves)),
    published: false,
  })
  return {
    segments,
    checkpoint: previous.checkpoint,
    receipt: JSON.stringify(receipt, null, 2) + '\n',
    proof: receiptToTlogProof(receipt),
    vkey: logSigner.vkey + '\n',
  }
}

/** The file of the file store that holds the segments: each behind a skippable frame with its description. */
export function fileOf(example: Example): Uint8Array {
  return Buffer.concat(
    example.segments.flatMap(({ key, frame }) => {
      const sha256 = createHash('sha256').update(frame).digest('hex')
      const json = JSON.stringify({
        format: 'sealtrail/object/1',
        key,
        mode: 'COMPLIANCE',
        retainuntil: '2033-03-01T00:00:00.000Z',
        sha256,
        size: frame.length,
      })
      const line = Buffer.from(`${json} ${crc32(json).toString(16).padStart(8, '0')}\n`)
      const head = Buffer.alloc(8)
      head.writeUInt32LE(0x184d2a5e, 0)
      head.writeUInt32LE(line.length, 4)
      return [head, line, frame]
    }),
  )
}

if (import.meta.main) {
  const folder = new URL('../../../docs/example/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const example = makeExample()
  const write = (name: string, content: Uint8Array | string): void => writeFileSync(new URL(name, folder), content)
  write('00000000000000000000.ndjson.zst', fileOf(example))
  write('checkpoint', example.checkpoint)
  write('receipt.json', example.receipt)
  write('e3.tlog-proof', example.proof)
  write('log.vkey', example.vkey)
  write('disclosure', disclosure + '\n')
}
