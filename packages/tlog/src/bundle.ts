/**
 * Entry bundles (c2sp.org/tlog-tiles): up to 256 entries, each as `uint16 big-endian length ‖ entry`. The leaf hash covers
 * the entry without its length.
 */
import { TlogError } from './errors.ts'
import { TILE_WIDTH } from './tile.ts'

/** The longest entry a bundle can carry. */
export const MAX_ENTRY_BYTES = 65_535

/** The bundle of 1..256 entries. @throws TlogError ENTRY_TOO_LARGE beyond 65,535 bytes; BUNDLE_MALFORMED for another number of entries */
export function formatBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) throw new TlogError('BUNDLE_MALFORMED', 'a bundle has 1..256 entries')
  const bundle = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0))
  let at = 0
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new TlogError('ENTRY_TOO_LARGE', 'an entry is at most 65,535 bytes')
    bundle[at] = entry.length >> 8
    bundle[at + 1] = entry.length
    bundle.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bundle
}

/**
 * The entries of a bundle that must hold exactly `width` of them, as views into `bundle`.
 * attacker: lengths are not trusted; the entries are only what the log holds once their leaf hashes are proved.
 * @throws TlogError BUNDLE_MALFORMED when it holds fewer, or bytes follow the last
 */
export function parseBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) throw new TlogError('BUNDLE_MALFORMED', 'a bundle has 1..256 entries')
  const entries: Uint8Array[] = []
  let at = 0
  while (entries.length < width) {
    const [high, low] = [bundle[at], bundle[at + 1]]
    if (high === undefined || low === undefined) throw new TlogError('BUNDLE_MALFORMED', 'the bundle ends before its last entry')
    const end = at + 2 + ((high << 8) | low)
    if (end > bundle.length) throw new TlogError('BUNDLE_MALFORMED', 'the bundle ends within an entry')
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  if (at !== bundle.length) throw new TlogError('BUNDLE_MALFORMED', 'bytes follow the last entry')
  return entries
}
