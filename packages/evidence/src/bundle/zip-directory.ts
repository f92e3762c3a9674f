import { decodeUtf8 } from '../text.ts'
import { BundleBroken } from './broken.ts'
import type { ByteSource } from './verdict.ts'

/**
 * A zip read strictly (APPNOTE 6.3.10). Two programs that read one zip differently show their users two bundles, so what
 * leaves room for that is refused: bytes that belong to no entry, headers that contradict each other, names twice.
 *
 *   entry*  = local header (50 4B 03 04 …) · name · extra · data · descriptor if flag bit 3
 *   central header (50 4B 01 02 …)*  ·  [zip64 end, 56 bytes · locator, 20 bytes]  ·  end, 22 bytes
 *
 * Entries fill the file from byte 0 to the central directory without a gap; the end record is the last thing, without a comment.
 */
export interface ZipEntry {
  readonly name: string
  /** 0 stored, 8 deflated. */
  readonly method: 0 | 8
  readonly flags: number
  readonly crc32: number
  /** Bytes in the zip, and as unpacked. */
  readonly packed: number
  readonly size: number
  /** Of the local header. */
  readonly offset: number
}

/** Limits on what a stranger's file may ask of the machine. */
export interface ZipLimits {
  readonly maxEntries: number
  readonly maxDirectoryBytes: number
  /** All entries together, as unpacked. */
  readonly maxBytes: number
}

export const ZIP_LIMITS: ZipLimits = { maxEntries: 200_000, maxDirectoryBytes: 64 * 2 ** 20, maxBytes: 64 * 2 ** 30 }

const END = 0x06054b50
const END64 = 0x06064b50
const LOCATOR64 = 0x07064b50
const CENTRAL = 0x02014b50
/** Deflate options (1, 2), sizes behind the data (3), UTF-8 names (11): nothing encrypted, nothing patched. */
const FLAGS = 0b1000_0000_1110
/** No deflate stream is denser. */
const MOST_RATIO = 1_032

/** The entries in order of their offset. @throws BundleBroken BUNDLE_ZIP, BUNDLE_LIMIT */
export async function readDirectory(source: ByteSource, limits: ZipLimits): Promise<{ readonly entries: readonly ZipEntry[]; readonly at: number }> {
  const { at, bytes, count } = await findDirectory(source, limits)
  const entries: ZipEntry[] = []
  let from = 0
  while (from < bytes.length) {
    if (entries.length === count) throw broken('the central directory holds more than the end record says')
    const [entry, next] = readCentral(bytes, from)
    entries.push(entry)
    from = next
  }
  if (entries.length !== count) throw broken('the central directory holds less than the end record says')
  checkNames(entries)
  let sum = 0
  for (const { size, packed, name } of entries) {
    if (size > packed * MOST_RATIO + 64) throw new BundleBroken('BUNDLE_LIMIT', name, 'says it unpacks to more than deflate can')
    sum += size
  }
  if (sum > limits.maxBytes) throw new BundleBroken('BUNDLE_LIMIT', 'bundle', `unpacks to ${sum} bytes`)
  return { entries: entries.sort((a, b) => a.offset - b.offset), at }
}

/** attacker: a comment behind the end record, or a second end record within one, would let two readers find two directories. */
async function findDirectory(source: ByteSource, limits: ZipLimits): Promise<{ at: number; bytes: Uint8Array; count: number }> {
  if (source.size < 22) throw broken('too short')
  const tail = Math.min(source.size, 98)
  const end = view(await source.read(source.size - tail, source.size))
  const last = tail - 22
  if (end.getUint32(last, true) !== END) throw broken('it does not end with an end record: bytes follow it, or it was cut')
  if (end.getUint16(last + 20, true) !== 0) throw broken('a comment')
  const disks = [end.getUint16(last + 4, true), end.getUint16(last + 6, true)]
  if (end.getUint16(last + 8, true) !== end.getUint16(last + 10, true)) throw broken('several disks')
  let count = end.getUint16(last + 10, true)
  let bytes = end.getUint32(last + 12, true)
  let at = end.getUint32(last + 16, true)
  let stop = source.size - 22
  const locator = last - 20
  const wide64 = locator >= 56 && end.getUint32(locator, true) === LOCATOR64
  if (disks.some((disk) => disk !== 0 && !(wide64 && disk === 0xffff))) throw broken('several disks')
  if (wide64) {
    const record = locator - 56
    if (end.getUint32(locator + 4, true) !== 0 || end.getUint32(locator + 16, true) !== 1) throw broken('several disks')
    if (u64(end, locator + 8) !== source.size - 98 || end.getUint32(record, true) !== END64 || u64(end, record + 4) !== 44)
      throw broken('the zip64 end record is not in its place')
    if (end.getUint32(record + 16, true) !== 0 || end.getUint32(record + 20, true) !== 0 || u64(end, record + 24) !== u64(end, record + 32))
      throw broken('several disks')
    const wide = { count: u64(end, record + 32), bytes: u64(end, record + 40), at: u64(end, record + 48) }
    const agree = (narrow: number, most: number, value: number): boolean => narrow === most || narrow === value
    if (!agree(count, 0xffff, wide.count) || !agree(bytes, 0xffffffff, wide.bytes) || !agree(at, 0xffffffff, wide.at))
      throw broken('the two end records contradict each other')
    ;({ count, bytes, at } = wide)
    stop = source.size - 98
  } else if (count === 0xffff || bytes === 0xffffffff || at === 0xffffffff) throw broken('the zip64 end record is missing')
  if (at + bytes !== stop) throw broken('bytes between the central directory and the end record')
  if (count > limits.maxEntries || bytes > limits.maxDirectoryBytes) throw new BundleBroken('BUNDLE_LIMIT', 'bundle', `${count} files`)
  return { at, bytes: await source.read(at, stop), count }
}

function readCentral(bytes: Uint8Array, from: number): [ZipEntry, number] {
  if (from + 46 > bytes.length) throw broken('the central directory ends within a header')
  const header = view(bytes.subarray(from, from + 46))
  if (header.getUint32(0, true) !== CENTRAL) throw broken('the central directory is no list of headers')
  const flags = header.getUint16(8, true)
  const method = header.getUint16(10, true)
  const [nameLength, extraLength, comment] = [header.getUint16(28, true), header.getUint16(30, true), header.getUint16(32, true)]
  const next = from + 46 + nameLength + extraLength
  if (next > bytes.length) throw broken('the central directory ends within a header')
  const name = readName(bytes.subarray(from + 46, from + 46 + nameLength))
  if ((flags & ~FLAGS) !== 0) throw new BundleBroken('BUNDLE_ZIP', name, 'encrypted, or of a kind that is not read')
  if (method !== 0 && method !== 8) throw new BundleBroken('BUNDLE_ZIP', name, 'neither stored nor deflated')
  if (comment !== 0 || header.getUint16(34, true) !== 0) throw new BundleBroken('BUNDLE_ZIP', name, 'a comment, or on another disk')
  // Upper half: Unix mode. A link would lead whoever unpacks it somewhere else.
  if (((header.getUint32(38, true) >>> 28) & 0xf) === 0xa) throw new BundleBroken('BUNDLE_ZIP', name, 'a symbolic link')
  const narrow = { size: header.getUint32(24, true), packed: header.getUint32(20, true), offset: header.getUint32(42, true) }
  const wide = widen(narrow, bytes.subarray(from + 46 + nameLength, next), name)
  if (method === 0 && wide.size !== wide.packed) throw new BundleBroken('BUNDLE_ZIP', name, 'stored, but of two sizes')
  return [{ name, method, flags, crc32: header.getUint32(16, true), ...wide }, next]
}

interface Sizes {
  size: number
  packed: number
  offset: number
}

/** Values of 32 bits that are all ones stand in the zip64 extra field instead (APPNOTE 4.5.3). */
export function widen(narrow: Sizes, extra: Uint8Array, name: string): Sizes {
  const wide = { ...narrow }
  let found = false
  let from = 0
  for (; from + 4 <= extra.length;) {
    const fields = view(extra)
    const [id, length] = [fields.getUint16(from, true), fields.getUint16(from + 2, true)]
    const end = from + 4 + length
    if (end > extra.length) throw new BundleBroken('BUNDLE_ZIP', name, 'an extra field is longer than its place')
    if (id === 1) {
      if (found) throw new BundleBroken('BUNDLE_ZIP', name, 'two zip64 extra fields')
      found = true
      let at = from + 4
      for (const key of ['size', 'packed', 'offset'] as const) {
        if (narrow[key] !== 0xffffffff) continue
        if (at + 8 > end) throw new BundleBroken('BUNDLE_ZIP', name, 'a zip64 extra field is too short')
        wide[key] = u64(fields, at)
        at += 8
      }
    }
    from = end
  }
  if (from !== extra.length) throw new BundleBroken('BUNDLE_ZIP', name, 'an extra field is longer than its place')
  if (!found && Object.values(narrow).includes(0xffffffff)) throw new BundleBroken('BUNDLE_ZIP', name, 'its zip64 extra field is missing')
  return wide
}

/** attacker: a name that leads out of the folder, or that another system reads as another name. */
export function readName(bytes: Uint8Array): string {
  const name = decodeUtf8(bytes)
  if (name === null || name.length > 512 || !/^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*(?:[A-Za-z0-9_][A-Za-z0-9._-]*)?$/.test(name) || name === '')
    throw broken('a file name that is absolute, leads out of the folder, or holds other characters than A-Z a-z 0-9 . _ -')
  return name
}

function checkNames(entries: readonly ZipEntry[]): void {
  const seen = new Map<string, boolean>()
  for (const { name, size, packed } of entries) {
    const folder = name.endsWith('/')
    if (folder && (size !== 0 || packed !== 0)) throw broken('a folder with bytes of its own')
    // On many systems names that differ in case only are one file.
    const plain = (folder ? name.slice(0, -1) : name).toLowerCase()
    if (seen.has(plain)) throw new BundleBroken('BUNDLE_ZIP', name, 'stands twice')
    seen.set(plain, folder)
  }
  for (const [name] of seen) {
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1))
      if (seen.get(name.slice(0, at)) === false) throw new BundleBroken('BUNDLE_ZIP', name, 'lies within a file')
  }
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** A 64-bit number; beyond 2^53 it is larger than any file. */
export function u64(bytes: DataView, at: number): number {
  return Number(bytes.getBigUint64(at, true))
}

function broken(detail: string): BundleBroken {
  return new BundleBroken('BUNDLE_ZIP', 'bundle', detail)
}
