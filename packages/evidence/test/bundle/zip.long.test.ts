// Zips that two programs could read as two things, zips that are larger than they say, zips that are cut: all refused.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { BlobWriter, TextReader, ZipWriter } from '@zip.js/zip.js'
import { BundleBroken } from '../../src/bundle/broken.ts'
import { crc32 } from '../../src/bundle/crc32.ts'
import { Zip } from '../../src/bundle/zip.ts'
import { ZIP_LIMITS } from '../../src/bundle/zip-directory.ts'
import type { ZipLimits } from '../../src/bundle/zip-directory.ts'

interface Entry {
  readonly name: string
  readonly bytes: Buffer
  readonly method?: number
  /** Changes to what the headers say. */
  readonly packed?: Buffer
  readonly says?: Partial<{ size: number; crc: number; flags: number; attributes: number }>
  readonly local?: Partial<{ name: string; size: number; packed: number; crc: number; flags: number; method: number; extra: Buffer }>
  readonly central?: Partial<{ offset: number; extra: Buffer; comment: string; disk: number }>
  readonly behind?: Buffer
}

/** A zip that says what it is told to say. */
function raw(
  entries: readonly Entry[],
  end: Partial<{ count: number; bytes: number; at: number; comment: Buffer; before: Buffer; disk: number }> = {},
): Buffer<ArrayBuffer> {
  const parts: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const { name, bytes, method = 8, says = {}, local = {}, central: mine = {}, behind = Buffer.alloc(0), packed: given } of entries) {
    const packed = given ?? (method === 8 ? deflateRawSync(bytes) : bytes)
    const head = (own: { flags: number; method: number; crc: number; packed: number; size: number; name: number; extra: number }): Buffer => {
      const out = Buffer.alloc(26)
      out.writeUInt16LE(20, 0)
      out.writeUInt16LE(own.flags, 2)
      out.writeUInt16LE(own.method, 4)
      out.writeUInt32LE(own.crc, 10)
      out.writeUInt32LE(own.packed, 14)
      out.writeUInt32LE(own.size, 18)
      out.writeUInt16LE(own.name, 22)
      out.writeUInt16LE(own.extra, 24)
      return out
    }
    const common = { flags: says.flags ?? 0, method, crc: says.crc ?? crc32(bytes), packed: packed.length, size: says.size ?? bytes.length }
    const localName = Buffer.from(local.name ?? name, 'latin1')
    const localExtra = local.extra ?? Buffer.alloc(0)
    const localHead = head({
      ...common,
      ...Object.fromEntries(Object.entries(local).filter(([, value]) => typeof value === 'number')),
      name: localName.length,
      extra: localExtra.length,
    })
    const whole = Buffer.concat([Buffer.from('PK\u0003\u0004'), localHead, localName, localExtra, packed, behind])
    const rest = Buffer.alloc(14)
    rest.writeUInt16LE((mine.comment ?? '').length, 0)
    rest.writeUInt16LE(mine.disk ?? 0, 2)
    rest.writeUInt32LE(says.attributes ?? 0, 6)
    rest.writeUInt32LE(mine.offset ?? at, 10)
    const own = Buffer.from(name, 'latin1')
    const extra = mine.extra ?? Buffer.alloc(0)
    central.push(
      Buffer.concat([
        Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'),
        head({ ...common, name: own.length, extra: extra.length }),
        rest,
        own,
        extra,
        Buffer.from(mine.comment ?? ''),
      ]),
    )
    parts.push(whole)
    at += whole.length
  }
  const before = end.before ?? Buffer.alloc(0)
  const directory = Buffer.concat(central)
  const tail = Buffer.alloc(22)
  tail.write('PK\u0005\u0006', 'latin1')
  tail.writeUInt16LE(end.disk ?? 0, 4)
  tail.writeUInt16LE(end.count ?? entries.length, 8)
  tail.writeUInt16LE(end.count ?? entries.length, 10)
  tail.writeUInt32LE(end.bytes ?? directory.length, 12)
  tail.writeUInt32LE(end.at ?? at, 16)
  tail.writeUInt16LE((end.comment ?? Buffer.alloc(0)).length, 20)
  return Buffer.concat([...parts, directory, before, tail, end.comment ?? Buffer.alloc(0)])
}

/** Opens the zip and reads every file; what is wrong, or the texts. */
async function read(bytes: Uint8Array, limits: ZipLimits = ZIP_LIMITS): Promise<string> {
  try {
    const zip = await Zip.open(new Blob([Uint8Array.from(bytes)]), limits)
    const texts: string[] = []
    for (const name of zip.names()) {
      const pieces: Uint8Array[] = []
      for await (const piece of zip.read(name)) pieces.push(piece)
      texts.push(`${name}=${Buffer.concat(pieces).toString()}`)
    }
    return texts.join(' ')
  } catch (error) {
    assert.ok(error instanceof BundleBroken, String((error as Error).stack))
    return error.code
  }
}

const a: Entry = { name: 'a.txt', bytes: Buffer.from('first '.repeat(20)) }
const b: Entry = { name: 'f/b.txt', bytes: Buffer.from('second'), method: 0 }
const whole = `a.txt=${'first '.repeat(20)} f/b.txt=second`
const u16 = (...values: number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer)
const u64 = (...values: number[]): Buffer => Buffer.from(BigUint64Array.from(values.map(BigInt)).buffer)
const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer)

describe('zips that are read', () => {
  test('stored, deflated, empty, with folders', async () => {
    assert.equal(await read(raw([a, b])), whole)
    assert.equal(await read(raw([])), '')
    assert.equal(await read(raw([a, { name: 'f/', bytes: Buffer.alloc(0), method: 0 }, b])), whole)
    assert.equal(await read(raw([{ name: 'e', bytes: Buffer.alloc(0) }])), 'e=')
  })

  test('with descriptors in all four forms, and extra fields nobody knows', async () => {
    const { bytes } = a
    const packed = deflateRawSync(bytes)
    const short = u32(crc32(bytes), packed.length, bytes.length)
    const long = Buffer.concat([u32(crc32(bytes)), u64(packed.length, bytes.length)])
    for (const body of [short, Buffer.concat([Buffer.from('PK\u0007\u0008'), short]), long, Buffer.concat([Buffer.from('PK\u0007\u0008'), long])]) {
      const described = { ...a, says: { flags: 8 }, local: { size: 0, packed: 0, crc: 0 }, behind: body }
      assert.equal(await read(raw([described, b])), whole)
      for (let at = 0; at < body.length; at++) {
        const bent = Buffer.from(body)
        bent[at]! ^= 1
        assert.equal(await read(raw([{ ...described, behind: bent }, b])), 'BUNDLE_ZIP')
      }
    }
    const extra = Buffer.concat([u16(0x5455, 3), Buffer.from('abc')])
    assert.equal(await read(raw([{ ...a, local: { extra }, central: { extra } }, b])), whole)
  })

  test('as other programs write them', async () => {
    for (const options of [{}, { zip64: true }, { dataDescriptor: true }, { level: 0 }, { dataDescriptor: false, extendedTimestamp: false }]) {
      const writer = new ZipWriter(new BlobWriter(), { useWebWorkers: false, ...options })
      await writer.add('a.txt', new TextReader('first'))
      await writer.add('f/b.txt', new TextReader('second'))
      assert.equal(await read(new Uint8Array(await (await writer.close()).arrayBuffer())), 'a.txt=first f/b.txt=second', JSON.stringify(options))
    }
  })

  test('as Info-ZIP writes them', { skip: existsSync('/usr/bin/zip') ? false : 'zip is not installed' }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sealtrail-zip-'))
    mkdirSync(join(folder, 'f'))
    writeFileSync(join(folder, 'a.txt'), 'first')
    writeFileSync(join(folder, 'f/b.txt'), 'second')
    for (const options of ['-qr', '-qrD', '-qrX', '-qr0', '-qrfd', '-qrfz']) {
      execFileSync('zip', [options, `z${options}.zip`, 'a.txt', 'f'], { cwd: folder })
      assert.equal(await read(readFileSync(join(folder, `z${options}.zip`))), 'a.txt=first f/b.txt=second', options)
    }
    rmSync(folder, { recursive: true })
  })

  test('of more than 65,535 files', async () => {
    const many = Array.from({ length: 70_000 }, (_, i): Entry => ({ name: `n/${i}`, bytes: Buffer.of(0x61), method: 0 }))
    const plain = raw(many, { count: 0xffff })
    const at = plain.readUInt32LE(plain.length - 6)
    const bytes = plain.readUInt32LE(plain.length - 10)
    const end64 = Buffer.concat([Buffer.from('PK\u0006\u0006'), u64(44), u16(45, 45), u32(0, 0), u64(70_000, 70_000, bytes, at)])
    const locator = Buffer.concat([Buffer.from('PK\u0006\u0007'), u32(0), u64(at + bytes), u32(1)])
    const cut = plain.subarray(0, at + bytes)
    const zip = await Zip.open(new Blob([Buffer.concat([cut, end64, locator, plain.subarray(at + bytes)])]))
    assert.equal(zip.names().length, 70_000)
    for (const [place, value] of [
      [4, 45],
      [24, 69_999],
      [32, 70_001],
      [40, bytes - 1],
      [48, at + 1],
    ] as const) {
      const bent = Buffer.from(end64)
      bent.writeBigUInt64LE(BigInt(value), place)
      assert.equal(await read(Buffer.concat([cut, bent, locator, plain.subarray(at + bytes)])), 'BUNDLE_ZIP', String(place))
    }
    assert.equal(await read(plain), 'BUNDLE_ZIP')
    assert.equal(await read(Buffer.concat([cut, end64, locator, plain.subarray(at + bytes)]), { ...ZIP_LIMITS, maxEntries: 65_536 }), 'BUNDLE_LIMIT')
  })
})

describe('zips that are refused', () => {
  const names = ['../a', '/a', 'a/../b', './a', 'a//b', 'a\\b', 'C:a', 'a\0b', 'a b', 'é', '.hidden', 'a/.b', '', '-rf', 'a/', `${'a'.repeat(513)}`, 'con<']
  for (const name of names)
    test(`with a file called ${JSON.stringify(name).slice(0, 20)}`, async () => {
      assert.equal(await read(raw([{ name, bytes: Buffer.from('x'), method: 0 }])), 'BUNDLE_ZIP')
    })

  const wrong: Array<[string, Buffer]> = [
    ['a name twice', raw([a, a])],
    ['names that differ in case', raw([a, { ...a, name: 'A.TXT' }])],
    ['a file within a file', raw([a, { ...b, name: 'a.txt/b' }])],
    ['a folder and a file of one name', raw([{ name: 'a.txt/', bytes: Buffer.alloc(0), method: 0 }, a])],
    ['bytes behind', Buffer.concat([raw([a, b]), Buffer.of(0)])],
    ['bytes in front', Buffer.concat([Buffer.of(0), raw([a, b])])],
    ['a comment', raw([a, b], { comment: Buffer.from('hello') })],
    ['a second zip in the comment', raw([a, b], { comment: raw([b]) })],
    ['a zip after a zip', Buffer.concat([raw([a]), raw([b])])],
    ['bytes between files', raw([{ ...a, behind: Buffer.from('hidden') }, b])],
    ['bytes between directory and end', raw([a, b], { before: Buffer.from('hidden') })],
    ['fewer files than it says', raw([a, b], { count: 3 })],
    ['more files than it says', raw([a, b], { count: 1 })],
    ['two entries over the same bytes', raw([a, { ...a, name: 'c.txt', central: { offset: 0 } }])],
    ['an entry that is not there', raw([a, { ...b, central: { offset: 1 } }])],
    ['another name in the local header', raw([{ ...a, local: { name: 'b.txt' } }, b])],
    ['another method in the local header', raw([{ ...a, local: { method: 0 } }, b])],
    ['another size in the local header', raw([{ ...a, local: { size: 1 } }, b])],
    ['another packed size in the local header', raw([{ ...a, local: { packed: 1 } }, b])],
    ['another CRC in the local header', raw([{ ...a, local: { crc: 1 } }, b])],
    ['sizes left out without a descriptor', raw([{ ...a, local: { size: 0, packed: 0, crc: 0 } }, b])],
    ['encryption', raw([{ ...a, says: { flags: 1 } }, b])],
    ['strong encryption', raw([{ ...a, says: { flags: 64 } }, b])],
    ['masked headers', raw([{ ...a, says: { flags: 8192 } }, b])],
    ['another method', raw([{ ...a, method: 12, packed: deflateRawSync(a.bytes) }, b])],
    ['a symbolic link', raw([{ ...a, says: { attributes: 0o120777 * 0x10000 } }, b])],
    ['a comment on a file', raw([{ ...a, central: { comment: 'x' } }, b])],
    ['a file on another disk', raw([{ ...a, central: { disk: 1 } }, b])],
    ['several disks', raw([a, b], { disk: 1 })],
    ['a CRC that does not fit', raw([{ ...a, says: { crc: 1 } }, b])],
    ['a stored file of two sizes', raw([a, { ...b, says: { size: 5 } }])],
    ['bytes behind the deflate stream', raw([{ ...a, packed: Buffer.concat([deflateRawSync(a.bytes), Buffer.from('x')]) }, b])],
    ['a cut deflate stream', raw([{ ...a, packed: deflateRawSync(a.bytes).subarray(0, -1) }, b])],
    ['no deflate stream', raw([{ ...a, packed: Buffer.alloc(20, 255) }, b])],
    ['less than it says', raw([{ ...a, says: { size: 121 } }, b])],
    ['an extra field beyond its place', raw([{ ...a, central: { extra: u16(9, 9) } }, b])],
    ['half an extra field', raw([{ ...a, central: { extra: u16(9) } }, b])],
    ['zip64 sizes that are not there', raw([{ ...a, says: { size: 0xffffffff } }, b])],
    ['two zip64 fields', raw([{ ...a, central: { extra: Buffer.concat([u16(1, 0), u16(1, 0)]) } }, b])],
    ['a directory beyond the end', raw([a, b], { at: 1_000_000 })],
    ['a directory of another size', raw([a, b], { bytes: 10 })],
    ['nothing', Buffer.alloc(0)],
    ['no zip', Buffer.alloc(1000, 7)],
  ]
  for (const [what, bytes] of wrong) test(`with ${what}`, async () => assert.equal(await read(bytes), 'BUNDLE_ZIP'))

  test('that unpack to more than they say, or than is read', async () => {
    const bomb = deflateRawSync(Buffer.alloc(20_000_000))
    assert.equal(await read(raw([{ name: 'bomb', bytes: Buffer.alloc(100), packed: bomb }])), 'BUNDLE_LIMIT')
    assert.equal(await read(raw([{ name: 'bomb', bytes: Buffer.alloc(10), packed: Buffer.alloc(10), says: { size: 4_000_000_000 } }])), 'BUNDLE_LIMIT')
    assert.equal(await read(raw([a, b]), { ...ZIP_LIMITS, maxBytes: 100 }), 'BUNDLE_LIMIT')
    assert.equal(await read(raw([a, b]), { ...ZIP_LIMITS, maxEntries: 1 }), 'BUNDLE_LIMIT')
    assert.equal(await read(raw([a, b]), { ...ZIP_LIMITS, maxDirectoryBytes: 10 }), 'BUNDLE_LIMIT')
  })

  test('a bomb stops where it exceeds what it says, not at its end', async () => {
    const zip = await Zip.open(
      new Blob([raw([{ name: 'bomb', bytes: Buffer.alloc(1000), packed: deflateRawSync(Buffer.alloc(200_000_000)), says: { size: 150_000_000 } }])]),
    )
    let most = 0
    await assert.rejects(async () => {
      for await (const piece of zip.read('bomb')) most += piece.length
    }, BundleBroken)
    assert.ok(most <= 150_000_000)
  })

  test('cut anywhere', async () => {
    const bytes = raw([a, b])
    for (let length = 0; length < bytes.length; length++) assert.notEqual(await read(bytes.subarray(0, length)), whole)
  })

  test('with any bit turned, but where zip keeps what nobody reads', async () => {
    const bytes = raw([a, b])
    const free = new Set<number>()
    const spare = (from: number, to: number): void => {
      for (let at = from; at < to; at++) free.add(at)
    }
    for (let at = bytes.indexOf('PK\u0003\u0004'); at >= 0; at = bytes.indexOf('PK\u0003\u0004', at + 1)) {
      spare(at + 4, at + 6) // version needed
      spare(at + 10, at + 14) // time and date
    }
    for (let at = bytes.indexOf('PK\u0001\u0002'); at >= 0; at = bytes.indexOf('PK\u0001\u0002', at + 1)) {
      spare(at + 4, at + 8) // versions
      spare(at + 12, at + 16)
      spare(at + 36, at + 42) // attributes, but for the bits that make a link
    }
    // The last byte of a deflate stream has bits to spare; what it unpacks to is the same then.
    spare(35, 35 + deflateRawSync(a.bytes).length)
    for (let at = 0; at < bytes.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const bent = Buffer.from(bytes)
        bent[at]! ^= 1 << bit
        const got = await read(bent)
        if (!free.has(at)) assert.notEqual(got, whole, `byte ${at}, bit ${bit}`)
      }
  })
})
