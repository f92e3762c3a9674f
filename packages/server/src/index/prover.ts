import { encodeReceipt, integrityHash, problemOf } from '@sealtrail/evidence'
import type { Problem, SealReceipt } from '@sealtrail/evidence'
import { checkInclusion, encodeBase64, formatTlogProof, leafHash, openCheckpoint } from '@sealtrail/tlog'
import type { Verifier } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'

/** Where proofs come from; none of it is trusted but the log's public key. */
export interface ProofSource {
  /** The signed note to prove `size` records against: the published one if it covers them, else the newest; null when there is no such log. */
  checkpoint(log: string, size: number): Promise<string | null>
  /** The note that is let out, or null when none is. `met`: whether what lies under it counts as published. */
  published(log: string): { readonly note: string; readonly size: number; readonly met: boolean } | null
  /** Inclusion proofs of the log's leaves (seal's hash files). */
  hashes(log: string): { prove(index: number, size: number): readonly Uint8Array[] }
  /** The log's public key under the name of its origin. */
  verifier(log: string): Verifier
  readonly sleep: (ms: number) => Promise<void>
}

/** A checkpoint that is proved against; `problem` says why it is worth nothing. */
export interface Seal {
  readonly log: string
  readonly note: string
  readonly size: number
  readonly root: Uint8Array
  readonly problem: Problem | null
}

/** What a record in hand came to. */
export interface Proven {
  /** `sha256:` and hex over the bytes in hand, recomputed; null when there are none. */
  readonly integrity_hash: string | null
  /** Inclusion proof, leaf's sibling first; null when the hash files do not give one. */
  readonly hashes: readonly Uint8Array[] | null
  /** Empty: the bytes in hand are the record that was sealed at this index. */
  readonly problems: readonly Problem[]
}

const WAITS = 50
const WAIT_MS = 10

/** Proves each record that is shown, at the time it is shown. */
export class Prover {
  readonly #source: ProofSource
  readonly #seals = new Map<string, Seal>()

  constructor(source: ProofSource) {
    this.#source = source
  }

  /**
   * A signed checkpoint of at least `size` records, its signature checked; null when there is no such log.
   * @throws SealtrailError NOT_READY when none that large appears within half a second
   */
  async seal(log: string, size: number): Promise<Seal | null> {
    for (let waits = 0; waits < WAITS; waits++) {
      const note = await this.#source.checkpoint(log, size)
      if (note === null) return null
      const known = this.#seals.get(log)
      const seal = known?.note === note ? known : this.#open(log, note)
      this.#seals.set(log, seal)
      if (seal.size >= size || seal.problem !== null) return seal
      await this.#source.sleep(WAIT_MS)
    }
    throw new SealtrailError('NOT_READY', `the checkpoint of log ${log} does not cover its last records yet`)
  }

  /** Recomputes the record's hash and leads it to the checkpoint's root. Attacker: the bytes, and the hash files, may be anybody's. */
  prove(seal: Seal, index: number, bytes: Uint8Array | null): Proven {
    const object = `record ${index} of ${seal.log}`
    if (bytes === null) return { integrity_hash: null, hashes: null, problems: [problemOf('SEGMENT_UNREADABLE', object, index)] }
    const integrity_hash = integrityHash(bytes)
    if (seal.problem !== null) return { integrity_hash, hashes: null, problems: [seal.problem] }
    if (index >= seal.size) return { integrity_hash, hashes: null, problems: [problemOf('RECEIPT_PROOF', object, index, 'beyond the checkpoint')] }
    let hashes: readonly Uint8Array[]
    try {
      hashes = this.#source.hashes(seal.log).prove(index, seal.size)
    } catch {
      return { integrity_hash, hashes: null, problems: [problemOf('RECEIPT_PROOF', object, index, 'the hash files do not give one')] }
    }
    try {
      checkInclusion(BigInt(index), BigInt(seal.size), leafHash(bytes), hashes, seal.root)
      return { integrity_hash, hashes, problems: [] }
    } catch {
      // Either the record or the hashes beside it: from here both look the same, and neither may be called verified.
      return { integrity_hash, hashes, problems: [problemOf('RECORD_CHANGED', object, index)] }
    }
  }

  /** The inclusion proof of a leaf nobody has the bytes of any more, for whoever kept them: unchecked here; null when the hash files do not give one. */
  path(seal: Seal, index: number): readonly Uint8Array[] | null {
    try {
      return seal.problem === null && index < seal.size ? this.#source.hashes(seal.log).prove(index, seal.size) : null
    } catch {
      return null
    }
  }

  /** The whole receipt of proven bytes, as a sender gets it. */
  receipt(seal: Seal, index: number, auditid: string, bytes: Uint8Array, proven: Proven): SealReceipt {
    const letOut = this.#source.published(seal.log)
    return encodeReceipt({
      auditid,
      log: seal.log,
      index,
      checkpoint: seal.note,
      published: letOut !== null && letOut.met && index < letOut.size,
      record: bytes,
      proof: proven.hashes ?? [],
    })
  }

  /** Proof and checkpoint as C2SP tlog-proof text. */
  tlogProof(seal: Seal, index: number, proven: Proven): string {
    return formatTlogProof({ index: BigInt(index), hashes: proven.hashes ?? [], checkpoint: seal.note })
  }

  #open(log: string, note: string): Seal {
    try {
      const verifier = this.#source.verifier(log)
      const { size, root } = openCheckpoint(note, { origin: verifier.name, log: [verifier] })
      return { log, note, size: Number(size), root, problem: null }
    } catch {
      return { log, note, size: 0, root: new Uint8Array(32), problem: problemOf('CHECKPOINT_SIGNATURE', 'checkpoint', null) }
    }
  }
}

/** A proof as JSON: base64 hashes, leaf's sibling first. */
export function proofHashes(proven: Proven): string[] | null {
  return proven.hashes === null ? null : proven.hashes.map((hash) => encodeBase64(hash))
}
