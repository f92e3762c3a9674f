import { checkInclusion, leafHash, parseTlogProof, TlogError } from '@sealtrail/tlog'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { decodeUtf8 } from '../text.ts'
import type { BundleFiles } from './files.ts'
import type { OpenedCheckpoint } from './signer.ts'

/** The `.tlog-proof` files of one log: for other people's programs, so each must say what our own check says. */
export class ProofFiles {
  readonly #folder: string
  readonly #files: BundleFiles
  readonly #checkpoint: OpenedCheckpoint | null
  readonly #report: (problem: Problem) => void
  readonly #left: Set<string>
  readonly #any: boolean
  #note: string | null = null

  constructor(folder: string, files: BundleFiles, checkpoint: OpenedCheckpoint | null, report: (problem: Problem) => void) {
    this.#folder = folder
    this.#files = files
    this.#checkpoint = checkpoint
    this.#report = report
    this.#left = new Set(files.within(`${folder}proof/`))
    this.#any = this.#left.size > 0
  }

  async check(record: Uint8Array, index: number | null): Promise<void> {
    if (!this.#any || index === null || this.#checkpoint === null) return
    const path = `${this.#folder}proof/${index}.tlog-proof`
    if (!this.#left.delete(path)) return this.#report(problemOf('BUNDLE_FILE_MISSING', path, index))
    const { size, root } = this.#checkpoint
    try {
      this.#note ??= decodeUtf8(await this.#files.whole(`${this.#folder}checkpoint`))
      const proof = parseTlogProof(await this.#files.whole(path))
      if (proof.checkpoint !== this.#note) return this.#report(problemOf('RECORD_PROOF', path, index, 'with another checkpoint'))
      if (proof.index !== BigInt(index)) return this.#report(problemOf('RECORD_PROOF', path, index, 'of another index'))
      checkInclusion(proof.index, size, leafHash(record), proof.hashes, root)
    } catch (error) {
      if (!(error instanceof TlogError)) throw error
      this.#report(problemOf('RECORD_PROOF', path, index, error.message))
    }
    return undefined
  }

  end(): void {
    for (const path of this.#left) this.#report(problemOf('BUNDLE_FILE_FORMAT', path, null, 'a proof of no record'))
  }
}
