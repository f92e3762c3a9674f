import { canonicalize } from '@sealtrail/evidence'
import type { CertificateFile, JsonValue } from '@sealtrail/evidence'
import { checkInclusion, formatTlogProof, leafHash } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { ErasedUnder } from '../index/gone.ts'
import type { Records } from '../index/records.ts'
import { certificateFile } from '../privacy/certificate-file.ts'
import type { CertificateSource, SealedRecord } from '../privacy/certificate-file.ts'
import { CertificateNames } from '../privacy/certificate-names.ts'
import type { LogHashes } from './log-part.ts'
import { indexed } from './select.ts'
import type { SelectDeps } from './select.ts'
import type { Snapshots } from './snapshot.ts'
import type { ZipFile } from './zip-file.ts'

const SYSTEM_LOG = 'system'
/** Records of one erasure: request, approval, deferrals, intent, completion. */
const MOST_RECORDS = 10_000

export interface CertificatesDeps extends Pick<SelectDeps, 'index' | 'sleep' | 'indexWithinMs'> {
  readonly records: Pick<Records, 'record' | 'object'>
  hashes(log: string): LogHashes
}

/** The erasure certificates that one bundle needs, as of the state of `system` when it was begun. */
export class ExportCertificates {
  readonly #source: CertificateSource
  readonly #names: CertificateNames
  readonly #named = new Set<string>()

  constructor(snapshots: Snapshots, deps: CertificatesDeps) {
    this.#source = { sealed: (subject) => sealedOf(subject, snapshots, deps), object: (digest) => deps.records.object(SYSTEM_LOG, digest) }
    this.#names = new CertificateNames(async (id) => (await this.#file(id))?.certificate ?? null)
  }

  readonly erasedUnder: ErasedUnder = (certificates, auditid) => this.#names.of(certificates, auditid)

  /** A field of the bundle was erased under it. */
  add(id: string): void {
    this.#named.add(id)
  }

  /** Writes those that were named. One whose erasure is not complete yet is left out: it has none. @throws SealtrailError DATA_CORRUPT */
  async write(zip: ZipFile): Promise<void> {
    for (const id of [...this.#named].sort()) {
      const file = await this.#file(id)
      if (file !== null) zip.add(`certificates/${id}.json`, `${canonicalize(file as unknown as JsonValue)}\n`)
    }
  }

  #file(id: string): Promise<CertificateFile | null> {
    return certificateFile(id, this.#source)
  }
}

async function sealedOf(subject: string, snapshots: Snapshots, deps: CertificatesDeps): Promise<SealedRecord[]> {
  const committed = snapshots.sizes().get(SYSTEM_LOG) ?? 0
  if (committed === 0) return []
  await indexed(new Map([[SYSTEM_LOG, committed]]), deps)
  const places = (await deps.index.subject(SYSTEM_LOG, subject, -1, MOST_RECORDS)).map(({ index }) => index).filter((index) => index < committed)
  if (places.length === 0) return []
  const { note, size, root } = snapshots.covering(SYSTEM_LOG, Math.max(...places) + 1)
  const hashes = deps.hashes(SYSTEM_LOG)
  const sealed: SealedRecord[] = []
  for (const index of places) {
    const bytes = await deps.records.record(SYSTEM_LOG, index)
    const proof = hashes.prove(index, size)
    try {
      if (bytes === null) throw new Error('no bytes')
      checkInclusion(BigInt(index), BigInt(size), leafHash(bytes), proof, Buffer.from(root, 'hex'))
      sealed.push({ bytes, proof: formatTlogProof({ index: BigInt(index), hashes: proof, checkpoint: note }) })
    } catch (cause) {
      throw new SealtrailError('DATA_CORRUPT', `record ${index} of log ${SYSTEM_LOG} does not lead to the checkpoint; run \`sealtrail verify\``, { cause })
    }
  }
  return sealed
}
