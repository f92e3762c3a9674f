import assert from 'node:assert/strict'
import { closeSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { SealtrailError } from '../../src/errors.ts'
import { io } from '../../src/journal/files/folder.ts'
import { FILE_HEADER, FRAME_HEADER, fileHeader } from '../../src/journal/files/frame.ts'
import { type FileJournal, type JournalOptions, openJournal } from '../../src/journal/files/journal.ts'
import type { Position } from '../../src/event/position.ts'

const root = await mkdtemp(join(tmpdir(), 'journal-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const folder = () => join(root, String(++folders))

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text))
const text = (entry: Uint8Array) => Buffer.from(entry).toString()

async function all(journal: FileJournal, from?: Position): Promise<string[]> {
  const found: string[] = []
  for await (const { position, entry } of journal.replay(from)) {
    assert.deepEqual(journal.read(position), entry)
    found.push(text(entry))
  }
  return found
}

async function reopen(dir: string, options?: JournalOptions): Promise<{ entries: string[]; cut: FileJournal['cut'] }> {
  const journal = await openJournal(dir, options)
  try {
    return { entries: await all(journal), cut: journal.cut }
  } finally {
    await journal.close()
  }
}

const code = (expected: string, detail: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SealtrailError, String(error))
  assert.equal(error.code, expected)
  assert.match(error.message, detail)
  return true
}

test('appends, reads, replays and goes on after reopening', async () => {
  const dir = folder()
  const journal = await openJournal(dir)
  const first = await journal.append(bytes('a', 'bb'))
  const second = await journal.append(bytes('c'.repeat(10_000)))
  assert.deepEqual(first[0], { file: 1, offset: FILE_HEADER })
  assert.deepEqual(first[1], { file: 1, offset: FILE_HEADER + FRAME_HEADER + 1 })
  assert.deepEqual(
    first.concat(second).map((at) => text(journal.read(at))),
    ['a', 'bb', 'c'.repeat(10_000)],
  )
  assert.deepEqual(await all(journal, first[1]), ['bb', 'c'.repeat(10_000)])
  const end = journal.end
  await journal.close()
  const again = await openJournal(dir)
  assert.deepEqual(again.end, end)
  assert.equal(again.cut, null)
  assert.deepEqual(await again.append(bytes('d')), [end])
  assert.deepEqual(await all(again), ['a', 'bb', 'c'.repeat(10_000), 'd'])
  await again.close()
  await assert.rejects(again.append(bytes('e')), code('NOT_DURABLE', /closed/))
})

test('appends under way together share a write and keep their order', async () => {
  const journal = await openJournal(folder())
  const positions = (await Promise.all(Array.from({ length: 200 }, (_, i) => journal.append(bytes(`${i}`, `${i}'`))))).flat()
  const texts = positions.map((at) => text(journal.read(at)))
  assert.deepEqual(texts, Array.from({ length: 200 }, (_, i) => [`${i}`, `${i}'`]).flat())
  assert.deepEqual(await all(journal), texts)
  assert.deepEqual(await journal.append([]), [])
  await journal.close()
})

test('a file cut at any byte of its last append loses nothing that was synced before it', async () => {
  const dir = folder()
  const journal = await openJournal(dir)
  await journal.append(bytes('first', 'second'))
  const before = journal.end.offset
  await journal.append(bytes('third', 'fourth'))
  const end = journal.end.offset
  await journal.close()
  const file = join(dir, '00000001.journal')
  const whole = readFileSync(file)
  for (let length = end - 1; length >= before; length--) {
    writeFileSync(file, whole.subarray(0, length))
    const third = length >= before + FRAME_HEADER + 5
    const good = before + (third ? FRAME_HEADER + 5 : 0)
    const { entries, cut } = await reopen(dir)
    assert.deepEqual(entries, third ? ['first', 'second', 'third'] : ['first', 'second'], `length ${length}`)
    assert.deepEqual(cut, length === good ? null : { file: 1, offset: good, bytes: length - good })
    assert.equal(statSync(file).size, good)
  }
})

test('pages of the last append that reached the disk out of order are cut, not called damage', async () => {
  const dir = folder()
  const journal = await openJournal(dir)
  await journal.append(bytes('first'))
  const [torn, whole] = await journal.append(bytes('torn', 'whole'))
  await journal.close()
  const file = join(dir, '00000001.journal')
  writeFileSync(file, readFileSync(file).fill(0, torn?.offset, whole?.offset))
  assert.deepEqual((await reopen(dir)).entries, ['first'])
})

test('every flipped byte before the last append is named, every one in it is cut', async () => {
  const dir = folder()
  const journal = await openJournal(dir)
  const starts: number[] = []
  for (const group of [['a', 'bb'], ['ccc'], ['dddd', 'e']]) starts.push((await journal.append(bytes(...group)))[0]?.offset ?? 0)
  await journal.close()
  const file = join(dir, '00000001.journal')
  const whole = readFileSync(file)
  const last = starts[2] ?? 0
  for (let at = 0; at < whole.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ mask
      writeFileSync(file, damaged)
      if (at < last) {
        await assert.rejects(openJournal(dir), code('DATA_CORRUPT', /00000001\.journal offset \d+/), `byte ${at}`)
        assert.deepEqual(readFileSync(file), damaged, 'a damaged journal is left as it is')
      } else {
        const { entries, cut } = await reopen(dir)
        assert.ok(entries.length === 3 || entries.length === 4, `byte ${at}`)
        assert.deepEqual(entries, ['a', 'bb', 'ccc', 'dddd'].slice(0, entries.length))
        assert.notEqual(cut, null)
      }
    }
  }
})

test('rotates, replays over files, releases whole files and keeps numbering', async () => {
  const dir = folder()
  const journal = await openJournal(dir, { rotateBytes: 100 })
  const positions: Position[] = []
  for (let i = 0; i < 30; i++) positions.push(...(await journal.append(bytes(`entry ${i}`))))
  const files = positions.at(-1)?.file ?? 0
  assert.ok(files >= 5)
  assert.equal(readdirSync(dir).length, files)
  assert.deepEqual(
    await all(journal),
    Array.from({ length: 30 }, (_, i) => `entry ${i}`),
  )
  const kept = positions.findIndex((at) => at.file === 4)
  await Promise.all([journal.release(positions[kept + 1] as Position), journal.release(positions[kept] as Position)])
  assert.deepEqual(readdirSync(dir).sort()[0], '00000004.journal')
  assert.deepEqual(
    await all(journal),
    Array.from({ length: 30 - kept }, (_, i) => `entry ${i + kept}`),
  )
  assert.throws(() => journal.read(positions[0] as Position), code('DATA_CORRUPT', /00000001/))
  await journal.release(journal.end)
  assert.deepEqual(readdirSync(dir), [`${String(files).padStart(8, '0')}.journal`])
  await journal.close()
  assert.equal((await openJournal(dir)).end.file, files)
})

test('a journal made anew starts behind the positions already sealed', async () => {
  const journal = await openJournal(folder(), { firstFile: 8 })
  assert.deepEqual(journal.end, { file: 8, offset: FILE_HEADER })
  await journal.close()
})

test('damage in an earlier file, a missing file and files that changed places are named', async () => {
  const make = async () => {
    const dir = folder()
    const journal = await openJournal(dir, { rotateBytes: 60 })
    for (let i = 0; i < 9; i++) await journal.append(bytes(`entry ${i}`, `entry ${i}'`))
    await journal.close()
    return { dir, file: (n: number) => join(dir, `0000000${n}.journal`) }
  }
  const cut = await make()
  truncateSync(cut.file(1), statSync(cut.file(1)).size - 1)
  await assert.rejects(reopen(cut.dir), code('DATA_CORRUPT', /00000001\.journal offset/))
  const missing = await make()
  unlinkSync(missing.file(2))
  await assert.rejects(reopen(missing.dir), code('DATA_CORRUPT', /00000002\.journal.*missing/))
  const swapped = await make()
  const [one, two] = [readFileSync(swapped.file(1)), readFileSync(swapped.file(2))]
  writeFileSync(swapped.file(1), two)
  writeFileSync(swapped.file(2), one)
  await assert.rejects(reopen(swapped.dir), code('DATA_CORRUPT', /00000001\.journal offset 0/))
})

test('a file whose creation was interrupted is begun again', async () => {
  for (const start of [Buffer.alloc(0), fileHeader(2).subarray(0, 9), Buffer.alloc(4096)]) {
    const dir = folder()
    const journal = await openJournal(dir)
    await journal.append(bytes('kept'))
    await journal.close()
    writeFileSync(join(dir, '00000002.journal'), start)
    const again = await openJournal(dir)
    assert.deepEqual(await again.append(bytes('next')), [{ file: 2, offset: FILE_HEADER }])
    await again.close()
    assert.deepEqual((await reopen(dir)).entries, ['kept', 'next'])
  }
})

test('after a failed write nothing more is acknowledged until the journal is opened again', async () => {
  const dir = folder()
  const journal = await openJournal(dir)
  await journal.append(bytes('kept'))
  const file = join(dir, '00000001.journal')
  const fd = readdirSync('/proc/self/fd')
    .map(Number)
    .find((n) => {
      try {
        return readlinkSync(`/proc/self/fd/${n}`) === file
      } catch {
        return false
      }
    })
  closeSync(fd as number)
  await assert.rejects(journal.append(bytes('lost')), code('NOT_DURABLE', /EBADF/))
  await assert.rejects(journal.append(bytes('refused')), code('NOT_DURABLE', /EBADF/))
  assert.equal(journal.failed?.code, 'NOT_DURABLE')
  const again = await openJournal(dir)
  await again.append(bytes('more'))
  assert.deepEqual(await all(again), ['kept', 'more'])
  await again.close()
})

test('an empty or oversized entry is a mistake of the caller', async () => {
  const journal = await openJournal(folder())
  assert.throws(() => journal.append([new Uint8Array(0)]), RangeError)
  await journal.close()
})

test('whatever is appended, cut and reopened, the acknowledged prefix stands (property)', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ torn: fc.uint8Array({ minLength: 1, maxLength: 40 }) }) },
    { weight: 1, arbitrary: fc.constant({ reopen: true } as const) },
    { weight: 1, arbitrary: fc.record({ release: fc.nat() }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const dir = folder()
      const options = { rotateBytes: 150 }
      let journal = await openJournal(dir, options)
      let expected: { position: Position; entry: Uint8Array }[] = []
      for (const action of steps) {
        if ('append' in action) {
          const positions = await journal.append(action.append)
          expected.push(...action.append.map((entry, i) => ({ position: positions[i] as Position, entry })))
        } else if ('release' in action) {
          const at = expected[action.release % Math.max(1, expected.length)]?.position
          if (at === undefined) continue
          await journal.release(at)
          expected = expected.filter(({ position }) => position.file >= at.file)
        } else {
          const { file } = journal.end
          await journal.close()
          if ('torn' in action) {
            const name = join(dir, `${String(file).padStart(8, '0')}.journal`)
            writeFileSync(name, Buffer.concat([readFileSync(name), action.torn]))
          }
          journal = await openJournal(dir, options)
        }
      }
      for (const { position, entry } of expected) assert.deepEqual(new Uint8Array(journal.read(position)), entry)
      const replayed: Uint8Array[] = []
      for await (const { entry } of journal.replay()) replayed.push(new Uint8Array(entry))
      assert.deepEqual(
        replayed,
        expected.map(({ entry }) => entry),
      )
      await journal.close()
      rmSync(dir, { recursive: true })
    }),
    { numRuns: Number(process.env['SLOW'] ? 10_000 : 60) },
  )
})

test('after a failed sync it refuses, and reopened goes on in a new file without what was not acknowledged', async (t) => {
  const dir = folder()
  const journal = await openJournal(dir)
  const [position] = await journal.append(bytes('kept'))
  const sync = t.mock.method(io, 'fdatasync', () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })))
  await assert.rejects(journal.append(bytes('written, never synced')), { code: 'NOT_DURABLE' })
  sync.mock.restore()
  await assert.rejects(journal.append(bytes('refused')), { code: 'NOT_DURABLE' })
  assert.equal(journal.failed?.code, 'NOT_DURABLE')
  // The disk refuses the new file as well: it stays as it is, and may be asked again.
  const open = t.mock.method(io, 'open', () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })))
  assert.equal(await journal.reopen(), false)
  open.mock.restore()
  const write = t.mock.method(io, 'write', () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })))
  assert.equal(await journal.reopen(), false)
  write.mock.restore()
  assert.equal(await journal.reopen(), true)
  assert.equal(await journal.reopen(), true)
  assert.equal(journal.failed, null)
  assert.deepEqual(await journal.append(bytes('next')), [{ file: 2, offset: FILE_HEADER }])
  assert.equal(text(journal.read(position as Position)), 'kept')
  assert.deepEqual(await all(journal), ['kept', 'next'])
  await journal.close()
  assert.deepEqual(await reopen(dir), { entries: ['kept', 'next'], cut: null })
})

test('goes on in a new file when told to, with nothing appended, and what is appended meanwhile is in one of the two', async () => {
  const dir = folder()
  const journal = await openJournal(dir)
  assert.equal(await journal.rotate(), 1, 'an empty file need not be left')
  const appends = [journal.append(bytes('a')), journal.append(bytes('b'))]
  const rotated = journal.rotate()
  // Before it is done, and while the new file is made.
  appends.push(journal.append(bytes('c')))
  assert.equal(await rotated, 2)
  appends.push(journal.append(bytes('d')))
  const files = (await Promise.all(appends)).flat().map(({ file }) => file)
  assert.deepEqual([files[0], files[1], files[3]], [1, 1, 2])
  assert.deepEqual(await all(journal), ['a', 'b', 'c', 'd'])
  assert.equal(journal.oldest, 1)
  await journal.release({ file: 2, offset: 0 })
  assert.equal(journal.oldest, 2)
  assert.deepEqual((await all(journal)).at(-1), 'd')
  await journal.close()
  await assert.rejects(journal.rotate(), code('NOT_DURABLE', /closed/))
  assert.deepEqual((await reopen(dir)).entries.at(-1), 'd')
})
