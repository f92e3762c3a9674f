import { sha256Hasher } from '@sealtrail/tlog'
import { MAX_OBJECT_BYTES } from '../data-object.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { encodeHex } from '../text.ts'
import { BundleBroken } from './broken.ts'
import type { BundleFile, BundleManifest } from './format.ts'
import { Lines } from './lines.ts'
import type { BundleProgress } from './verdict.ts'
import type { Zip } from './zip.ts'

/** Files that are read whole: a tile has 8 KiB, a note at most 1 MiB, the data of a record that does not fit it 16 MiB. */
const MAX_WHOLE_BYTES = MAX_OBJECT_BYTES

/** The files of a bundle, each held against size and SHA-256 of the manifest as it is read. */
export class BundleFiles {
  readonly #zip: Zip
  readonly #files: ReadonlyMap<string, BundleFile>
  readonly #folders = new Map<string, string[]>()
  readonly #unread: Set<string>
  readonly #report: (problem: Problem) => void
  readonly #onProgress: (progress: BundleProgress) => void
  readonly #total: number
  #done = 0

  constructor(zip: Zip, manifest: Pick<BundleManifest, 'files'>, report: (problem: Problem) => void, onProgress: (progress: BundleProgress) => void) {
    this.#zip = zip
    this.#files = new Map(manifest.files.map((file) => [file.path, file]))
    this.#unread = new Set(this.#files.keys())
    for (const path of this.#files.keys()) {
      const folder = path.slice(0, path.lastIndexOf('/') + 1)
      const known = this.#folders.get(folder)
      if (known === undefined) this.#folders.set(folder, [path])
      else known.push(path)
    }
    this.#report = report
    this.#onProgress = onProgress
    this.#total = manifest.files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of manifest.files) {
      const found = zip.size(path)
      if (found === null) report(problemOf('BUNDLE_FILE_MISSING', path, null))
      else if (found !== size) report(problemOf('BUNDLE_FILE_CHANGED', path, null, `${found} bytes, not ${size}`))
    }
    for (const path of zip.names()) if (path !== 'manifest.json' && !this.#files.has(path)) report(problemOf('BUNDLE_FILE_UNLISTED', path, null))
  }

  /** Whether manifest and zip have it. */
  has(path: string): boolean {
    return this.#files.has(path) && this.#zip.size(path) !== null
  }

  /** Paths in the manifest that stand in this folder itself; `/` at its end. */
  within(folder: string): readonly string[] {
    return this.#folders.get(folder) ?? []
  }

  lines(path: string, most?: number): Lines {
    return new Lines(this.#read(path), path, most)
  }

  /** @throws BundleBroken BUNDLE_FILE_MISSING, BUNDLE_LIMIT, BUNDLE_ZIP */
  async whole(path: string, most: number = MAX_WHOLE_BYTES): Promise<Uint8Array> {
    return joined(this.#read(path), path, Math.min(this.#zip.size(path) ?? 0, most))
  }

  /** Reads what nobody has read to its end. */
  async rest(): Promise<void> {
    for (const path of this.#files.keys()) {
      if (!this.#unread.has(path)) continue
      if (!this.has(path)) continue
      try {
        for await (const _ of this.#read(path));
      } catch (error) {
        if (!(error instanceof BundleBroken)) throw error
        this.#report(problemOf(error.code, error.object, error.index, error.detail))
      }
    }
  }

  async *#read(path: string): AsyncGenerator<Uint8Array, void, undefined> {
    const file = this.#files.get(path)
    if (file === undefined || this.#zip.size(path) === null) throw new BundleBroken('BUNDLE_FILE_MISSING', path, 'not in manifest and zip')
    const hasher = sha256Hasher()
    for await (const bytes of this.#zip.read(path)) {
      hasher.update(bytes)
      if (this.#unread.has(path)) this.#done += bytes.length
      this.#onProgress({ file: path, done: Math.min(this.#done, this.#total), total: this.#total })
      yield bytes
    }
    if (!this.#unread.delete(path)) return
    if (encodeHex(hasher.digest()) !== file.sha256) this.#report(problemOf('BUNDLE_FILE_CHANGED', path, null, 'another SHA-256'))
  }
}

/** All pieces as one. @throws BundleBroken BUNDLE_LIMIT beyond `most` bytes */
export async function joined(pieces: AsyncIterable<Uint8Array>, name: string, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    size += piece.length
    if (size > most) throw new BundleBroken('BUNDLE_LIMIT', name, `over ${most} bytes`)
    parts.push(piece)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
