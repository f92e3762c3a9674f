import { joinData, objectDigest } from '../data-object.ts'
import type { JsonObject } from '../json.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { RecordFields } from '../record.ts'
import type { BundleFiles } from './files.ts'

/** Data that did not fit its record, one object at a time. */
export class DataObjects {
  readonly #folder: string
  readonly #files: BundleFiles
  readonly #report: (problem: Problem) => void
  readonly #left: Set<string>

  /** @param folder `log/<log>/` */
  constructor(folder: string, files: BundleFiles, report: (problem: Problem) => void) {
    this.#folder = `${folder}object/`
    this.#files = files
    this.#report = report
    this.#left = new Set(files.within(this.#folder))
  }

  /** The record's data whole; null when its object is missing or another one, which is reported. */
  async whole(record: RecordFields, index: number | null, at: string): Promise<JsonObject | null> {
    const digest = objectDigest(record)
    if (digest === null) return record.data
    const path = this.#folder + digest
    this.#left.delete(path)
    const opened = joinData(record, this.#files.has(path) ? await this.#files.whole(path) : null)
    if ('data' in opened) return opened.data
    this.#report(problemOf(opened.code, opened.code === 'OBJECT_MISSING' ? at : path, index, opened.detail))
    return null
  }

  end(): void {
    for (const path of this.#left) this.#report(problemOf('BUNDLE_FILE_FORMAT', path, null, 'an object no record names'))
  }
}
