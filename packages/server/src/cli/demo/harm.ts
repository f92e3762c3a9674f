import { cpSync, readFileSync, readdirSync, chmodSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export interface Harm {
  /** Path within the copy. */
  readonly file: string
  readonly offset: number
}

/** Copies a data directory and changes one bit of one byte in the middle of the largest segment file of a log. */
export function copyAndHarm(directory: string, copy: string, log: string): Harm {
  cpSync(directory, copy, { recursive: true })
  const folder = join(copy, 'store', log, 'segment')
  const [path, bytes] = readdirSync(folder)
    .map((name): [string, Buffer] => [join(folder, name), readFileSync(join(folder, name))])
    .reduce((a, b) => (b[1].length > a[1].length ? b : a))
  const offset = Math.floor(bytes.length / 2)
  bytes[offset] = (bytes[offset] as number) ^ 1
  chmodSync(path, 0o600)
  writeFileSync(path, bytes)
  return { file: relative(copy, path), offset }
}
