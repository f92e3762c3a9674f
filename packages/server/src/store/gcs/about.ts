import type { About } from '../store.ts'

/** The service takes 8 KiB of metadata an object, names included. */
const MAX_VALUE = 2_000

/** What an object is about, as its custom metadata: for people and other programs to sort by, never read back. */
export function metadataOf(about: About | undefined): Record<string, string> {
  if (about === undefined) return {}
  const { format, schemas = [], tags = [] } = about
  return { 'sealtrail-format': format.slice(0, MAX_VALUE), ...joined('sealtrail-schemas', schemas), ...joined('sealtrail-tags', tags) }
}

/** As many as fit; `…` says that there are more. */
function joined(name: string, values: readonly string[]): Record<string, string> {
  if (values.length === 0) return {}
  let text = ''
  for (const value of values) {
    const next = text === '' ? value : `${text} ${value}`
    if (Buffer.byteLength(next) > MAX_VALUE - 4) return { [name]: `${text} …`.trim() }
    text = next
  }
  return { [name]: text }
}
