// A small real log: records, segments in a chain, signed checkpoints. Keys are fixed seeds of these tests only.
import { createHash } from 'node:crypto'
import { Frontier, ed25519PublicKey, ed25519Sign, ed25519Signer, formatCheckpoint, leafHash, signNote } from '@sealtrail/tlog'
import { EMPTY_ROOT, auditId, commitmentOf, disclosureDigest, encodeSegment, makeDisclosure, recordBytes, segmentKey } from '@sealtrail/evidence'
import type { LogHead, RecordFields } from '@sealtrail/evidence'

export const LOG = 'interactions'
export const ORIGIN = 'log.example.org/interactions'
const logSigner = ed25519Signer(ORIGIN, new Uint8Array(32).fill(7))
const segmentSeed = new Uint8Array(32).fill(9)
export const segmentSigner = { publicKey: ed25519PublicKey(segmentSeed), sign: (message: Uint8Array): Uint8Array => ed25519Sign(segmentSeed, message) }
export const VKEY = logSigner.vkey

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export function sampleFields(i: number, subject = `call-${i % 3}`, subjectsequence = Math.floor(i / 3) + 1): RecordFields {
  const identity = createHash('sha256').update(`event ${i}`).digest('latin1')
  const digest = disclosureDigest(makeDisclosure(`saltsaltsaltsaltsalt${10 + (i % 90)}`, `+1317555${1000 + i}`))
  return {
    auditid: auditId(1_767_225_600_000 + i * 1000, identity),
    data: { eventId: `e${i}`, who: commitmentOf(digest), note: i % 2 === 0 ? 'plain' : 'Zoë 😀 "," \\ ,"subjectsequence":9', n: i / 4 },
    dataschema: 'urn:sealtrail:schema:sample:1',
    id: `event-${i}`,
    late: i % 5 === 4,
    provenance: 'pushed',
    recordedtime: new Date(1_767_225_600_000 + i * 1000).toISOString(),
    regulatorytag: i % 4 === 0 ? 'TCPA' : null,
    source: 'urn:example:platform',
    subject,
    subjectsequence,
    time: i % 6 === 5 ? null : new Date(1_767_225_600_000 + i * 1000).toISOString(),
    type: 'org.example.call.start',
  }
}

export interface SampleSegment {
  readonly key: string
  readonly digest: string
  readonly bytes: Uint8Array
}

export interface SampleLog {
  readonly segments: SampleSegment[]
  readonly records: Uint8Array[]
  readonly leaves: Uint8Array
  readonly head: LogHead
  /** The signed checkpoint of the head. */
  readonly checkpoint: string
}

/** @param counts records per segment. The "frame" of a segment is its own bytes: packing is not this package's. */
export function sampleLog(counts: readonly number[], fields: (i: number) => RecordFields = sampleFields): SampleLog {
  const frontier = new Frontier()
  const segments: SampleSegment[] = []
  const records: Uint8Array[] = []
  const leaves: Uint8Array[] = []
  let head: LogHead = { size: 0, root: EMPTY_ROOT, segment: '', digest: '' }
  let checkpoint = ''
  for (const count of counts) {
    const added = Array.from({ length: count }, (_, i) => recordBytes(fields(head.size + i)))
    const hashes = added.map((record) => leafHash(record))
    for (const hash of hashes) frontier.append(hash)
    const root = Buffer.from(frontier.root()).toString('hex')
    const bytes = encodeSegment(
      {
        log: ORIGIN,
        first: head.size,
        count,
        created: '2026-01-01T00:00:00.000Z',
        journal: { file: 1, offset: head.size * 100 },
        previous: { size: head.size, root: head.root, segment: head.digest, checkpoint },
      },
      added,
      root,
      segmentSigner,
    )
    const digest = sha256(bytes)
    const key = segmentKey(LOG, head.size, digest)
    segments.push({ key, digest, bytes })
    records.push(...added)
    leaves.push(...hashes)
    head = { size: head.size + count, root, segment: key, digest }
    checkpoint = signCheckpoint(head)
  }
  return { segments, records, leaves: Buffer.concat(leaves), head, checkpoint }
}

export function signCheckpoint({ size, root }: Pick<LogHead, 'size' | 'root'>, origin = ORIGIN): string {
  return signNote(formatCheckpoint({ origin, size: BigInt(size), root: Buffer.from(root, 'hex') }), [logSigner])
}
