import type { Report } from '../src/report/report.ts'
import type { RecordRow } from '../src/report/row.ts'
import type { BundleTrust } from '../src/bundle/verdict.ts'
import type { TrustTexts } from '../src/report/trust-text.ts'

/** What the examiner says they asked for. */
export type Asked = NonNullable<BundleTrust['asked']>

/** What the page asks of the worker. Files are handed over by reference, not copied. */
export type Ask =
  | { readonly kind: 'check'; readonly file: File; readonly record: File | null; readonly trust: TrustTexts; readonly asked: Asked }
  | { readonly kind: 'find'; readonly id: number; readonly text: string }

/** What it answers. */
export type Told =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number | null; readonly what: string }
  | { readonly kind: 'checked'; readonly result: Checked }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'found'; readonly id: number; readonly rows: readonly RecordRow[] | null }

export interface Checked {
  readonly report: Report
  /** The first of the records, and those something is wrong with. */
  readonly rows: readonly RecordRow[]
  /** Records in the file. */
  readonly total: number
  /** Of the file itself: what the examiner notes down. */
  readonly sha256: string
}
