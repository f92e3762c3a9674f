import { type Frame, segmentIn } from './frames.ts'
import type { LogVerdict } from './verdict.ts'

/** Who signed the segments of one log. A store alone has no checkpoint of its last commit: the next one would have carried it. */
export class Signers {
  /** Where another key begins, base64. */
  readonly #runs: { readonly first: number; readonly signer: string }[] = []
  /** First record of the last segment. */
  #last = 0

  take(frame: Frame): void {
    const segment = segmentIn(frame)
    if (segment === null) return
    const signer = Buffer.from(segment.trailer.signer).toString('base64')
    if (this.#runs.at(-1)?.signer !== signer) this.#runs.push({ first: segment.header.first, signer })
    this.#last = segment.header.first
  }

  /** Keys that signed records which a checkpoint covers. @param vouched records it covers */
  before(vouched: number): string[] {
    return this.#runs.filter(({ first }) => first < vouched).map(({ signer }) => signer)
  }

  /** Whether all that is not covered is the last segment, signed by one of these keys. */
  isOnlyLast(vouched: number, known: ReadonlySet<string>): boolean {
    return this.#last === vouched && known.has(this.#runs.at(-1)?.signer ?? '')
  }
}

/** First record that no trusted checkpoint covers; null when all are covered, or nobody asked. */
export function unvouchedFrom({ problems }: LogVerdict): number | null {
  return problems.find(({ code }) => code === 'RECORDS_UNVOUCHED')?.index ?? null
}

/** The verdict without that problem, which is told as a note instead, or not at all. */
export function lastCommitNoted(verdict: LogVerdict, message: string | null): LogVerdict {
  const problems = verdict.problems.filter(({ code }) => code !== 'RECORDS_UNVOUCHED')
  return { ...verdict, ok: problems.length === 0, problems, notes: message === null ? verdict.notes : [...verdict.notes, { object: 'checkpoint', message }] }
}
