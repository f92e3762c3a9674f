import type { About } from '../store.ts'

/** S3 takes 2 KB of names and values; what is left over is for the names. */
const MOST_BYTES = 1_800
const PRINTABLE = /^[\x21-\x7e]+$/

/** What is kept beside an object, as S3 user metadata: printable ASCII without spaces, lists parted by one space, cut at what S3 takes. */
export function metadataOf(about: About | undefined): Record<string, string> {
  const metadata: Record<string, string> = {}
  let left = MOST_BYTES
  const add = (name: string, values: readonly string[]): void => {
    const kept: string[] = []
    for (const value of values) {
      if (!PRINTABLE.test(value) || value.length + 1 > left) continue
      kept.push(value)
      left -= value.length + 1
    }
    if (kept.length > 0) metadata[name] = kept.join(' ')
  }
  if (about === undefined) return metadata
  add('sealtrail-format', [about.format])
  add('sealtrail-tags', about.tags ?? [])
  add('sealtrail-schemas', about.schemas ?? [])
  return metadata
}
