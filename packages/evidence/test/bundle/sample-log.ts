// A log in memory with everything an evidence bundle can show: personal values behind commitments, cosignatures of three
// witnesses, a time stamp. Keys are seeds of these tests only; the authority's are made anew each time.
import { createHash } from 'node:crypto'
import { cosigner, ed25519PublicKey, ed25519Signer, formatCheckpoint, leafHash, nodesInMemory, rootOf, signNote } from '@sealtrail/tlog'
import type { Cosigner, NodeReader } from '@sealtrail/tlog'
import { auditId, commitmentOf, disclosureDigest, makeDisclosure, recordBytes } from '@sealtrail/evidence'
import type { FieldState, RecordFields } from '@sealtrail/evidence'
import { makeCertificate } from '../timestamp/forge.ts'
import type { Made } from '../timestamp/forge.ts'

export const START = Date.UTC(2026, 2, 2, 8)
const DAY = 86_400_000

/** Who signs: the log, its witnesses, a time-stamping authority. The forger's house is another one. */
export interface House {
  readonly origin: string
  readonly log: ReturnType<typeof ed25519Signer>
  /** The same key under the name of the server's own log. */
  readonly system: ReturnType<typeof ed25519Signer>
  readonly witnesses: readonly Cosigner[]
  readonly root: Made
  readonly tsa: Made
  readonly wrapperSeed: Uint8Array
}

export function house(origin: string, seed: number): House {
  const years = { notBefore: START - 400 * DAY, notAfter: START + 4000 * DAY }
  const root = makeCertificate({ name: `Root ${seed}`, issuer: null, kind: 'ca', ...years })
  return {
    origin,
    log: ed25519Signer(origin, new Uint8Array(32).fill(seed)),
    system: ed25519Signer(origin.replace(/[^/]*$/, 'system'), new Uint8Array(32).fill(seed)),
    witnesses: ['north', 'south', 'west'].map((name, i) => cosigner(`witness.example/${name}`, new Uint8Array(32).fill(seed + 1 + i))),
    root,
    tsa: makeCertificate({ name: `Time-stamping authority ${seed}`, issuer: root, kind: 'tsa', ...years }),
    wrapperSeed: new Uint8Array(32).fill(seed + 9),
  }
}

export const wrapperKey = ({ wrapperSeed }: House): Uint8Array => ed25519PublicKey(wrapperSeed)

/** A tlog-policy: the log, and two of its three witnesses. */
export function policyOf({ log, witnesses }: Pick<House, 'log' | 'witnesses'>): string {
  return `log ${log.vkey}\n${witnesses.map(({ vkey }, i) => `witness w${i + 1} ${vkey}\n`).join('')}group any 2 w1 w2 w3\nquorum any\n`
}

export interface SampleField {
  readonly path: string
  readonly digest: string
  readonly state: FieldState
  readonly disclosure: string
}

export interface SampleRecord {
  readonly index: number
  readonly fields: RecordFields
  readonly bytes: Uint8Array
  readonly values: readonly SampleField[]
}

const AGENTS = ['Ada Lovelace', 'Grace Hopper', 'Katherine Johnson', 'Edsger Dijkstra']
const KINDS = ['start', 'transfer', 'wrap', 'end']

/** Record `index`: a step of one of several calls. The caller is disclosed, the agent sealed, a note erased, an email expired. */
export function sampleRecord(index: number): SampleRecord {
  const salt = (what: string): string => createHash('sha256').update(`${what} ${index}`).digest('base64url').slice(0, 22)
  const value = (path: string, state: FieldState, text: string): SampleField => {
    const disclosure = makeDisclosure(salt(path), text)
    return { path, state, disclosure, digest: disclosureDigest(disclosure) }
  }
  const call = Math.floor(index / 4)
  const values = [
    value('/agent', index % 3 === 0 ? 'disclosed' : 'sealed', AGENTS[call % 4] as string),
    value('/caller', 'disclosed', `+1317555${1000 + (call % 9000)}`),
    ...(index % 7 === 0 ? [value('/email', 'expired', `caller${call}@example.org`)] : []),
    ...(index % 5 === 0 ? [value('/note', 'erased', `Asked about order ${index}`)] : []),
  ]
  const at = (path: string): SampleField | undefined => values.find((each) => each.path === path)
  const [email, note] = [at('/email'), at('/note')]
  const fields: RecordFields = {
    auditid: auditId(START + index * 61_000, createHash('sha256').update(`event ${index}`).digest('latin1')),
    data: {
      agent: commitmentOf(at('/agent')!.digest),
      caller: commitmentOf(at('/caller')!.digest),
      direction: call % 2 === 0 ? 'inbound' : 'outbound',
      ...(email === undefined ? {} : { email: commitmentOf(email.digest) }),
      eventId: `e-${index}`,
      ...(note === undefined ? {} : { note: commitmentOf(note.digest) }),
      queue: 'Support, second floor',
      waitedSeconds: (index * 7) % 90,
    },
    dataschema: 'urn:sealtrail:schema:calls:1',
    id: `event-${index}`,
    late: false,
    provenance: 'pushed',
    recordedtime: new Date(START + index * 61_000 + 850).toISOString(),
    regulatorytag: null,
    source: 'urn:example:platform',
    subject: `call-${call}`,
    subjectsequence: (index % 4) + 1,
    time: new Date(START + index * 61_000).toISOString(),
    type: `com.example.call.${KINDS[index % 4]}`,
  }
  return { index, fields, bytes: recordBytes(fields), values }
}

export interface SampleLog {
  readonly house: House
  readonly name: string
  readonly records: readonly SampleRecord[]
  readonly leaves: Uint8Array
  readonly read: NodeReader
  readonly root: Uint8Array
}

export function sampleLog(of: House, size: number, record: (index: number) => SampleRecord = sampleRecord): SampleLog {
  const records = Array.from({ length: size }, (_, i) => record(i))
  const leaves = new Uint8Array(size * 32)
  for (const [i, { bytes }] of records.entries()) leaves.set(leafHash(bytes), i * 32)
  return { house: of, name: of.origin.split('/').at(-1) as string, records, leaves, read: nodesInMemory(leaves), root: rootOf(leaves) }
}

/** The checkpoint of a log at its whole size, signed by the log and cosigned by these of its witnesses. */
export function signedCheckpoint({ house: of, leaves, root }: Pick<SampleLog, 'house' | 'leaves' | 'root'>, witnesses: readonly number[]): string {
  const size = leaves.length / 32
  const text = formatCheckpoint({ origin: of.origin, size: BigInt(size), root })
  const cosigned = witnesses.map((i) => of.witnesses[i]!.cosign(text, BigInt(START / 1000 + size * 61 + 120 + i * 30)))
  return signNote(text, [of.log], cosigned)
}
