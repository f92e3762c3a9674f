import { cpSync, readFileSync, readdirSync, chmodSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface Harm {
  /** Path within the copy. */
  readonly file: string
  readonly offset: number
}

/** So far before the end of a file is always a record's, in the last segment. */
const BEFORE_END = 400

/** Copies a data directory and changes one bit of one byte in the last segment of a log. */
export function copyAndHarm(directory: string, copy: string, log: string): Harm {
  cpSync(directory, copy, { recursive: true })
  // Node 24's cpSync gives folders the mode of new ones, and a keyring that others may enter is refused.
  chmodSync(join(copy, 'keys'), 0o700)
  const folder = join(copy, 'store', log, 'segment')
  const [path, bytes] = readdirSync(folder)
    .map((name): [string, Buffer] => [join(folder, name), readFileSync(join(folder, name))])
    .reduce((a, b) => (b[1].length > a[1].length ? b : a))
  const offset = Math.max(0, bytes.length - BEFORE_END)
  bytes[offset] = (bytes[offset] as number) ^ 1
  chmodSync(path, 0o600)
  writeFileSync(path, bytes)
  return { file: relative(copy, path), offset }
}
