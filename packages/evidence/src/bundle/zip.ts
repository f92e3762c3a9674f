import { BundleBroken } from './broken.ts'
import { crc32 } from './crc32.ts'
import { inflate } from './inflate.ts'
import type { BlobSource, ByteSource } from './verdict.ts'
import { readDirectory, readName, u64, view, widen, ZIP_LIMITS } from './zip-directory.ts'
import type { ZipEntry, ZipLimits } from './zip-directory.ts'

const LOCAL = 0x04034b50
const DESCRIPTOR = 0x08074b50
/** Bytes read at once; packed ones unpack to at most a thousandfold. */
const PIECE = 32 * 1024

/** The files of a zip whose structure was checked as a whole; reading one checks its bytes. */
export class Zip {
  readonly #source: ByteSource
  readonly #entries: ReadonlyMap<string, ZipEntry>
  readonly #starts = new Map<string, number>()

  private constructor(source: ByteSource, entries: readonly ZipEntry[]) {
    this.#source = source
    this.#entries = new Map(entries.filter(({ name }) => !name.endsWith('/')).map((entry) => [entry.name, entry]))
  }

  /** attacker: every byte. @throws BundleBroken BUNDLE_ZIP, BUNDLE_LIMIT; what the source throws */
  static async open(from: BlobSource | ByteSource, limits: ZipLimits = ZIP_LIMITS): Promise<Zip> {
    const source = sourceOf(from)
    const { entries, at } = await readDirectory(source, limits)
    const zip = new Zip(source, entries)
    let next = 0
    for (const [i, entry] of entries.entries()) {
      if (entry.offset !== next) throw new BundleBroken('BUNDLE_ZIP', entry.name, 'bytes before it belong to no file, or to two')
      next = await zip.#checkLocal(entry, entries[i + 1]?.offset ?? at)
    }
    if (next !== at) throw new BundleBroken('BUNDLE_ZIP', 'bundle', 'bytes before the central directory belong to no file')
    return zip
  }

  /** Paths of all files. */
  names(): readonly string[] {
    return [...this.#entries.keys()]
  }

  /** Bytes as unpacked, as the zip says; null when there is no such file. */
  size(name: string): number | null {
    return this.#entries.get(name)?.size ?? null
  }

  /** The file's bytes in pieces. @throws BundleBroken BUNDLE_FILE_MISSING, BUNDLE_ZIP, BUNDLE_LIMIT */
  async *read(name: string): AsyncGenerator<Uint8Array, void, undefined> {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new BundleBroken('BUNDLE_FILE_MISSING', name, 'not in the zip')
    let size = 0
    let crc = 0
    for await (const bytes of entry.method === 0 ? this.#packed(entry) : inflate(this.#packed(entry), name)) {
      size += bytes.length
      // attacker: stop as soon as it is more than it said, not when it is all there.
      if (size > entry.size) throw new BundleBroken('BUNDLE_LIMIT', name, 'unpacks to more than it says')
      crc = crc32(bytes, crc)
      yield bytes
    }
    if (size !== entry.size) throw new BundleBroken('BUNDLE_ZIP', name, 'unpacks to less than it says')
    if (crc !== entry.crc32) throw new BundleBroken('BUNDLE_ZIP', name, 'its CRC-32 does not fit')
  }

  async *#packed({ name, packed }: ZipEntry): AsyncGenerator<Uint8Array, void, undefined> {
    const start = this.#starts.get(name) as number
    for (let at = 0; at < packed; at += PIECE) yield await this.#source.read(start + at, start + Math.min(packed, at + PIECE))
  }

  /** Holds the local header against the central one; returns where the entry ends. */
  async #checkLocal(entry: ZipEntry, end: number): Promise<number> {
    const wrong = (detail: string): BundleBroken => new BundleBroken('BUNDLE_ZIP', entry.name, detail)
    if (entry.offset + 30 > end) throw wrong('its local header is cut')
    const header = view(await this.#source.read(entry.offset, entry.offset + 30))
    if (header.getUint32(0, true) !== LOCAL) throw wrong('it has no local header')
    const [nameLength, extraLength] = [header.getUint16(26, true), header.getUint16(28, true)]
    const start = entry.offset + 30 + nameLength + extraLength
    if (start + entry.packed > end) throw wrong('it reaches into what follows')
    const rest = await this.#source.read(entry.offset + 30, start)
    const described = (entry.flags & 8) !== 0
    const { size, packed } = widen({ size: header.getUint32(22, true), packed: header.getUint32(18, true), offset: 0 }, rest.subarray(nameLength), entry.name)
    const local = { name: readName(rest.subarray(0, nameLength)), flags: header.getUint16(6, true), method: header.getUint16(8, true) }
    if (local.name !== entry.name || local.flags !== entry.flags || local.method !== entry.method) throw wrong('its local header says something else')
    const crc = header.getUint32(14, true)
    // With a descriptor behind the bytes a local header may leave any of the three at 0 (APPNOTE 4.4.4).
    const fits = (own: number, said: number): boolean => own === said || (described && own === 0)
    if (!fits(size, entry.size) || !fits(packed, entry.packed) || !fits(crc, entry.crc32)) throw wrong('its local header says something else')
    this.#starts.set(entry.name, start)
    const behind = start + entry.packed
    return described ? this.#checkDescriptor(entry, behind, end, wrong) : behind
  }

  /** Its form is not marked (APPNOTE 4.3.9): with or without signature, of 32 or 64 bits; the room it has tells which. */
  async #checkDescriptor(entry: ZipEntry, from: number, end: number, wrong: (detail: string) => BundleBroken): Promise<number> {
    const length = end - from
    if (![12, 16, 20, 24].includes(length)) throw wrong('bytes behind it belong to no file')
    const bytes = view(await this.#source.read(from, end))
    const signed = length === 16 || length === 24
    const at = signed ? 4 : 0
    const wide = length >= 20
    const [packed, size] = wide ? [u64(bytes, at + 4), u64(bytes, at + 12)] : [bytes.getUint32(at + 4, true), bytes.getUint32(at + 8, true)]
    if (signed && bytes.getUint32(0, true) !== DESCRIPTOR) throw wrong('bytes behind it belong to no file')
    if (bytes.getUint32(at, true) !== entry.crc32 || packed !== entry.packed || size !== entry.size) throw wrong('what follows it says something else')
    return end
  }
}

function sourceOf(from: BlobSource | ByteSource): ByteSource {
  const read =
    'read' in from
      ? (a: number, b: number): Promise<Uint8Array> => from.read(a, b)
      : async (a: number, b: number): Promise<Uint8Array> => new Uint8Array(await from.slice(a, b).arrayBuffer())
  return {
    size: from.size,
    async read(a, b) {
      if (a > b || b > from.size) throw new BundleBroken('BUNDLE_ZIP', 'bundle', 'a place beyond the end of the file')
      const bytes = await read(a, b)
      if (bytes.length !== b - a) throw new BundleBroken('BUNDLE_ZIP', 'bundle', 'the file ends before its own size')
      return bytes
    },
  }
}
