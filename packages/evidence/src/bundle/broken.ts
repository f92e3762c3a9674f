import type { ProblemCode } from '../problem.ts'

/** What makes a part of a bundle unreadable: caught where the part ends, and reported as a problem. */
export class BundleBroken extends Error {
  readonly code: ProblemCode
  /** Path in the zip, or `bundle` for the zip itself. */
  readonly object: string
  readonly index: number | null
  readonly detail: string
  constructor(code: ProblemCode, object: string, detail: string, index: number | null = null) {
    super(detail)
    this.name = 'BundleBroken'
    this.code = code
    this.object = object
    this.index = index
    this.detail = detail
  }
}
