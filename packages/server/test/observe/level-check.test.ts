import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { crc32c } from '../../src/observe/crc32c.ts'
import { checkLevel } from '../../src/observe/level-check.ts'

let folder: string
let whole: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealtrail-level-check-'))
  whole = join(folder, 'whole')
  const options = { keyEncoding: 'utf8', valueEncoding: 'utf8', compression: false, writeBufferSize: 64 * 1024, maxFileSize: 64 * 1024 } as const
  let db = new ClassicLevel<string, string>(whole, options)
  for (let i = 0; i < 3000; i++) await db.put(`key ${(i * 7919) % 3000}`, `value ${i} `.repeat(5))
  await db.close()
  db = new ClassicLevel<string, string>(whole, options)
  await db.put('last', 'x'.repeat(40_000))
  await db.close()
})
after(() => rm(folder, { recursive: true, force: true }))

async function damaged(name: string, change: (path: string) => Promise<void>): Promise<string[]> {
  const copy = join(folder, 'copy')
  await rm(copy, { recursive: true, force: true })
  await cp(whole, copy, { recursive: true })
  await change(join(copy, name))
  return (await checkLevel(copy)).map((each) => each.file)
}

test('crc32c gives the values of RFC 3720 B.4, at every alignment', () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e)
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c)
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  const bytes = Buffer.from('....123456789..')
  assert.equal(crc32c(bytes, 4, 13), 0xe3069283)
})

test('a whole database has no damage, nor has one that does not exist', async () => {
  assert.deepEqual(await checkLevel(whole), [])
  assert.deepEqual(await checkLevel(join(folder, 'none')), [])
  assert.ok((await readdir(whole)).some((name) => name.endsWith('.ldb')))
})

test('a flipped bit in any table, log or manifest is found and named', async () => {
  for (const name of (await readdir(whole)).filter((each) => /\.ldb$|\.log$|^MANIFEST/.test(each))) {
    const { size } = await stat(join(whole, name))
    const bytes = await readFile(join(whole, name))
    // Of a table's footer the 40 bytes of handles are padded with zeroes, which say nothing.
    for (let i = 0; i < 25; i++) {
      const at = Math.floor((i / 25) * Math.max(0, size - 48))
      if (size === 0) continue
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] as number) ^ (1 << (i % 8))
      const found = await damaged(name, (path) => writeFile(path, flipped))
      // The last record with a length that now points beyond the end looks like a torn end.
      if (name.endsWith('.log') && found.length === 0) continue
      assert.deepEqual(found, [name], `${name} at ${at} of ${size}`)
    }
  }
})

test('a database without the name of its manifest is damaged, one just being made is not', async () => {
  const names = await readdir(whole)
  assert.deepEqual(await damaged('CURRENT', (path) => rm(path)), ['CURRENT'])
  for (const text of ['', 'MANIFEST-0', 'MANIFEST-999999\n']) assert.deepEqual(await damaged('CURRENT', (path) => writeFile(path, text)), ['CURRENT'])
  const made = await damaged('CURRENT', async (path) => {
    for (const name of names) if (!name.startsWith('MANIFEST')) await rm(join(path, '..', name))
  })
  assert.deepEqual(made, [])
})

test('a missing table or log is damage; a table that the manifest does not name is none, a later log is read', async () => {
  const names = await readdir(whole)
  for (const name of names.filter((each) => /\.(ldb|log)$/.test(each))) assert.deepEqual(await damaged(name, (path) => rm(path)), [name])
  assert.deepEqual(await damaged('999999.ldb', (path) => writeFile(path, 'half a table')), [])
  assert.deepEqual(await damaged('000001.log', (path) => writeFile(path, 'an old log')), [])
  assert.deepEqual(await damaged('999999.log', (path) => writeFile(path, 'a later log')), ['999999.log'])
})

test('a length flipped in the log is found when a whole record follows; any cut of the manifest is', async () => {
  const copy = join(folder, 'two')
  const db = new ClassicLevel<string, string>(copy, { compression: false })
  for (const key of ['a', 'b', 'c']) await db.put(key, 'value')
  await db.close()
  const names = await readdir(copy)
  const log = join(copy, names.find((name) => name.endsWith('.log')) as string)
  const bytes = await readFile(log)
  bytes[4] = 0xff
  await writeFile(log, bytes)
  assert.match((await checkLevel(copy))[0]?.message ?? '', /^no record at 0, but one at /)
  const manifest = names.find((name) => name.startsWith('MANIFEST')) as string
  await rm(log)
  const { size } = await stat(join(copy, manifest))
  for (let length = size - 1; length >= 0; length -= 3) {
    await truncate(join(copy, manifest), length)
    assert.deepEqual(
      (await checkLevel(copy)).map(({ file }) => file),
      [manifest],
      `cut to ${length}`,
    )
  }
})

test('a table cut anywhere is found; a torn end of a log is not damage', async () => {
  const names = await readdir(whole)
  const table = names.find((name) => name.endsWith('.ldb')) as string
  const { size } = await stat(join(whole, table))
  for (const length of [0, 1, 47, 48, size >> 1, size - 1]) assert.deepEqual(await damaged(table, (path) => truncate(path, length)), [table])
  const log = names.find((name) => name.endsWith('.log')) as string
  const { size: logSize } = await stat(join(whole, log))
  for (const length of [0, 1, 6, 7, logSize >> 1, logSize - 1]) assert.deepEqual(await damaged(log, (path) => truncate(path, length)), [])
})
