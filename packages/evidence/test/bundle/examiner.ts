// The honest log, good bundles of it, and a careful examiner who brings everything from elsewhere.
import { encodeReceipt } from '@sealtrail/evidence'
import type { BundleTrust } from '@sealtrail/evidence'
import { bundleOf, filesOf, rangeDraft, subjectDraft } from './sample-bundle.ts'
import { house, policyOf, sampleLog } from './sample-log.ts'
import type { House, SampleLog } from './sample-log.ts'

/** What the examiner has from elsewhere, as texts and DER. */
export interface Brought {
  readonly keys: readonly string[]
  readonly policy: string
  readonly roots: readonly Uint8Array[]
  readonly asked: NonNullable<BundleTrust['asked']>
}

export const FROM = 240
export const TO = 280
export const SIZE = 300
export const SUBJECT = 'call-9'

let cached: { log: SampleLog; forger: House } | null = null
/** The honest log, and a house of other keys under the same names. */
export function world(): { log: SampleLog; forger: House } {
  return (cached ??= { log: sampleLog(house('log.example.org/calls', 11), SIZE), forger: house('log.example.org/calls', 77) })
}

/** What an examiner brings who is careful. */
export function brought(): Brought {
  const { house: of } = world().log
  return { keys: [of.log.vkey], policy: policyOf(of), roots: [of.root.der], asked: {} }
}

export const trustOf = ({ keys, policy, roots, asked }: Brought): BundleTrust => ({ vkeys: keys, policy, tsaRoots: roots, asked })

export const goodRange = (): Buffer => bundleOf(rangeDraft(world().log, FROM, TO))
export const goodSubject = (): Buffer => bundleOf(subjectDraft(world().log, SUBJECT))

/** One record of the good range, its proof and its receipt, as files somebody might hold. */
export function loneProof(): { record: Uint8Array; proof: string; receipt: string } {
  const draft = rangeDraft(world().log, FROM, TO)
  const files = filesOf(draft)
  const { index, record, proof } = draft.lines[2]!
  const { auditid } = draft.log.records[index]!.fields
  const hashes = proof.map((hash) => Buffer.from(hash, 'base64'))
  const receipt = encodeReceipt({ auditid, log: 'calls', index, record, proof: hashes, checkpoint: draft.checkpoint, published: true })
  return { record, proof: Buffer.from(files.get(`log/calls/proof/${index}.tlog-proof`)!).toString(), receipt: JSON.stringify(receipt) }
}
