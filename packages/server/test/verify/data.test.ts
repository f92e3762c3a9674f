import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ed25519Signer, parseVkey } from '@sealtrail/tlog'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { auditData, type AuditDataOptions } from '../../src/verify/data.ts'
import type { LogVerdict } from '../../src/verify/verdict.ts'
import { copyFolder } from '../copy-folder.ts'
import { LOCK, LogWriter, sampleRecord } from './writer.ts'

const COMMITS = 6
let good = ''
let vkey = ''
let frames: { key: string; first: number; file: string; offset: number; size: number; headerAt: number }[] = []

before(async () => {
  good = mkdtempSync(join(tmpdir(), 'sealtrail-verify-'))
  const writer = await LogWriter.create(good, 'calls', { maxFileBytes: 2500 })
  await writer.fill(COMMITS, 5)
  const other = await LogWriter.create(good, 'system', { shared: writer })
  await other.fill(1, 3)
  vkey = writer.vkey
  other.files.close()
  await writer.close()
  const store = await FileStore.open(join(good, 'store'), { readOnly: true })
  for await (const { key } of store.list('calls/segment/')) {
    const bytes = Buffer.from((await store.get(key))!)
    const folder = join(good, 'store', 'calls', 'segment')
    const file = readdirSync(folder).find((name) => readFileSync(join(folder, name)).includes(bytes))!
    const whole = readFileSync(join(folder, file))
    const offset = whole.indexOf(bytes)
    const headerAt = whole.subarray(0, offset).lastIndexOf(Buffer.from([0x5e, 0x2a, 0x4d, 0x18]))
    frames.push({ key, first: Number(key.slice(14, 34)), file: join('store', 'calls', 'segment', file), offset, size: bytes.length, headerAt })
  }
  await store.close()
})
after(() => rmSync(good, { recursive: true }))

async function verify(directory: string, more: Partial<AuditDataOptions> = {}): Promise<LogVerdict[]> {
  const store = await FileStore.open(join(directory, 'store'), { readOnly: true })
  let heads: AuditDataOptions['heads'] = null
  try {
    if (existsSync(join(directory, 'head.sqlite'))) heads = SqliteHead.open(join(directory, 'head.sqlite'), { readOnly: true })
  } catch (error) {
    heads = { fault: (error as { code: string }).code }
  }
  try {
    return await auditData(directory, { store, heads, key: vkey, own: null, openCommitments: null, ...more })
  } finally {
    await store.close()
    if (heads !== null && 'close' in heads) heads.close()
  }
}

/** Runs `harm` on a copy of the good directory and returns what is found there. */
async function harmed(harm: (directory: string) => void | Promise<void>, more: Partial<AuditDataOptions> = {}): Promise<LogVerdict[]> {
  const copy = mkdtempSync(join(tmpdir(), 'sealtrail-harm-'))
  try {
    copyFolder(good, copy)
    await harm(copy)
    return await verify(copy, more)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Flips one bit of each byte [from, to) of a file in turn (of every fifth far from the ends, unless SLOW=1), and shows what an audit of that log finds. */
async function flipEach(path: string, from: number, to: number, check: (found: LogVerdict[], at: number) => void): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'sealtrail-flip-'))
  copyFolder(good, copy)
  const heads = SqliteHead.open(join(copy, 'head.sqlite'), { readOnly: true })
  try {
    const whole = readFileSync(join(copy, path))
    rmSync(join(copy, path))
    const step = process.env['SLOW'] === '1' ? 1 : 5
    for (let at = from; at < to; at += at < from + 64 || at >= to - 64 ? 1 : step) {
      const broken = Buffer.from(whole)
      broken[at]! ^= 1 << (at % 8)
      writeFileSync(join(copy, path), broken)
      const store = await FileStore.open(join(copy, 'store'), { readOnly: true })
      check(await auditData(copy, { store, heads, key: vkey, own: null, openCommitments: null, logs: ['calls'] }), at)
      await store.close()
    }
  } finally {
    heads.close()
    rmSync(copy, { recursive: true })
  }
}

const codes = (verdicts: readonly LogVerdict[]): string[] => [...new Set(verdicts.flatMap(({ problems }) => problems.map(({ code }) => code)))].sort()
const objects = (verdicts: readonly LogVerdict[]): string => [...new Set(verdicts.flatMap(({ problems }) => problems.map(({ object }) => object)))].join('\n')
const edit = (path: string, change: (bytes: Buffer) => Buffer | void): void => {
  const bytes = readFileSync(path)
  writeFileSync(path, change(bytes) ?? bytes, { mode: 0o644 })
}

test('a good directory: every log ok, root and size of the head, trust as given, nothing written', async () => {
  const snapshot = (): string =>
    readdirSync(good, { recursive: true })
      .map((name) => `${name as string} ${statSync(join(good, name as string)).mtimeMs}`)
      .sort()
      .join('\n')
  const before = snapshot()
  const verdicts = await verify(good)
  assert.deepEqual(
    verdicts.map(({ ok, log, size, trust, problems, notes }) => ({ ok, log, size, trust, problems, notes })),
    [
      { ok: true, log: 'calls', size: 30, trust: 'given', problems: [], notes: [] },
      { ok: true, log: 'system', size: 3, trust: 'given', problems: [], notes: [] },
    ],
  )
  assert.equal(
    (await verify(good, { key: null })).every(({ ok, trust }) => ok && trust === 'none'),
    true,
  )
  const own = { log: parseVkey(vkey).publicKey, segment: [] }
  assert.deepEqual(codes(await verify(good, { own })), ['SEGMENT_SIGNER'])
  assert.equal(snapshot(), before)
})

test('another key than the log’s is not believed', async () => {
  const other = await harmed(() => {}, { key: ed25519Signer(parseVkey(vkey).name, new Uint8Array(32).fill(5)).vkey })
  assert.deepEqual(codes(other), ['CHECKPOINT_SIGNATURE', 'RECORDS_UNVOUCHED'])
})

test('every byte of a segment flipped: found, and the segment named', async () => {
  const { key, file, offset, size } = frames[2]!
  await flipEach(file, offset, offset + size, (found, at) => {
    assert.equal(found[0]!.ok, false, `byte ${at}`)
    assert.ok(objects(found).includes(key), `byte ${at}: ${objects(found)}`)
    assert.ok(
      codes(found).every((code) => /^SEGMENT_|^RECORD_/.test(code)),
      codes(found).join(),
    )
  })
})

test('every segment: a byte flipped, deleted with its header, cut short, or two swapped: found and named, the others stay good', async () => {
  for (const { key, file, offset, size, headerAt, first } of frames) {
    const flipped = await harmed((copy) => edit(join(copy, file), (bytes) => void (bytes[offset + 30]! ^= 4)))
    assert.ok(objects(flipped).includes(key))
    const named = flipped[0]!.problems.filter(({ code }) => code.startsWith('SEGMENT_')).map(({ index, object }) => [index, object])
    assert.deepEqual(named, [[first, key]], JSON.stringify(flipped[0]!.problems))

    const deleted = await harmed((copy) => edit(join(copy, file), (bytes) => Buffer.concat([bytes.subarray(0, headerAt), bytes.subarray(offset + size)])))
    assert.equal(deleted[0]!.ok, false)
    const last = first === 25
    assert.ok(codes(deleted).includes(last ? 'HEAD_BEYOND' : 'SEGMENT_MISSING'), codes(deleted).join())
    assert.ok(
      deleted[0]!.problems.some(({ index }) => index === first),
      JSON.stringify(deleted[0]!.problems),
    )

    for (const keep of [0, 1, size >> 1, size - 1]) {
      const cut = await harmed((copy) => edit(join(copy, file), (bytes) => Buffer.concat([bytes.subarray(0, offset + keep), bytes.subarray(offset + size)])))
      assert.equal(cut[0]!.ok, false)
      assert.ok(
        cut[0]!.problems.some(({ index }) => index === first),
        `${key} cut to ${keep}: ${JSON.stringify(cut[0]!.problems)}`,
      )
    }
  }
  const [a, b] = [frames[0]!, frames[1]!]
  const swapped = await harmed((copy) => {
    // Each under the other's header, from the back so that offsets hold.
    for (const [place, other] of [
      [b, a],
      [a, b],
    ] as const) {
      const bytes = readFileSync(join(good, other.file)).subarray(other.offset, other.offset + other.size)
      edit(join(copy, place.file), (whole) => Buffer.concat([whole.subarray(0, place.offset), bytes, whole.subarray(place.offset + place.size)]))
    }
  })
  assert.ok(objects(swapped).includes(a.key) && objects(swapped).includes(b.key), objects(swapped))
})

test('a header of the store’s own damaged anywhere: found', async () => {
  const { file, headerAt, offset } = frames[1]!
  await flipEach(file, headerAt, offset, (found, at) => {
    assert.equal(found[0]!.ok, false, `byte ${at}`)
    assert.ok(
      codes(found).some((code) => ['OBJECT_HEADER', 'SEGMENT_MISSING', 'SEGMENT_STRAY', 'SEGMENT_UNREADABLE', 'SEGMENT_KEY'].includes(code)),
      codes(found).join(),
    )
  })
})

test('segment files deleted, truncated or swapped whole: found', async () => {
  const folder = join('store', 'calls', 'segment')
  const names = readdirSync(join(good, folder)).sort()
  assert.ok(names.length >= 2)
  for (const name of names) {
    const first = Number(name.slice(0, 20))
    const deleted = await harmed((copy) => rmSync(join(copy, folder, name)))
    assert.equal(deleted[0]!.ok, false)
    assert.ok(deleted[0]!.problems.some(({ index }) => index === first))
    for (const part of [0, 0.3, 0.9]) {
      const cut = await harmed((copy) => truncateSync(join(copy, folder, name), Math.floor(statSync(join(good, folder, name)).size * part)))
      assert.equal(cut[0]!.ok, false)
    }
  }
  // Names mean nothing: two files that changed names hold the same log.
  const swapped = await harmed((copy) => {
    const [one, two] = names.map((name) => readFileSync(join(good, folder, name))) as [Buffer, Buffer]
    edit(join(copy, folder, names[0]!), () => two)
    edit(join(copy, folder, names[1]!), () => one)
  })
  assert.equal(swapped[0]!.ok, true)
})

test('checkpoints: every byte of the file flipped, deleted, cut, two swapped, an old one', async () => {
  const path = join('checkpoint', 'calls')
  const { length } = readFileSync(join(good, path))
  await flipEach(path, 0, length, (found, at) => {
    assert.equal(found[0]!.ok, false, `byte ${at}`)
    assert.equal(objects(found), 'checkpoint/calls')
  })
  for (let keep = 0; keep < length; keep += 9) assert.equal((await harmed((copy) => truncateSync(join(copy, path), keep)))[0]!.ok, false)
  assert.deepEqual(codes(await harmed((copy) => rmSync(join(copy, path)))), ['DERIVED_CHECKPOINT'])
  const swapped = await harmed((copy) => {
    for (const [to, from] of [
      ['calls', 'system'],
      ['system', 'calls'],
    ] as const)
      writeFileSync(join(copy, 'checkpoint', to), readFileSync(join(good, 'checkpoint', from)))
  })
  assert.deepEqual(
    swapped.map(({ problems }) => problems.length > 0),
    [true, true],
  )
})

test('heads: deleted, damaged, rolled back, of a log that is gone, swapped between logs', async () => {
  const change =
    (run: (heads: SqliteHead) => void) =>
    (copy: string): void => {
      const heads = SqliteHead.open(join(copy, 'head.sqlite'))
      run(heads)
      heads.close()
    }
  assert.deepEqual(codes(await harmed((copy) => rmSync(join(copy, 'head.sqlite')))), ['HEAD_MISSING'])
  assert.deepEqual(codes(await harmed((copy) => truncateSync(join(copy, 'head.sqlite'), 5000))), ['HEAD_UNREADABLE'])
  assert.deepEqual(codes(await harmed((copy) => truncateSync(join(copy, 'head.sqlite'), 0))), ['HEAD_UNREADABLE'])
  const back = await harmed(async (copy) => {
    const early = await LogWriter.create(join(copy, 'early'))
    await early.fill(2, 5)
    await early.close()
    change((heads) => void heads.swap('calls', heads.read('calls'), early.head))(copy)
    rmSync(join(copy, 'early'), { recursive: true })
  })
  assert.deepEqual(codes(back), ['HEAD_BEHIND'])
  assert.equal(back[0]!.size, 30)
  const wrong = await harmed(change((heads) => void heads.swap('calls', heads.read('calls'), { ...heads.read('calls')!, root: 'a'.repeat(64) })))
  assert.deepEqual(codes(wrong), ['HEAD_MISMATCH'])
  const swapped = await harmed(
    change((heads) => {
      const [calls, system] = [heads.read('calls')!, heads.read('system')!]
      heads.swap('calls', calls, system)
      heads.swap('system', system, calls)
    }),
  )
  assert.deepEqual(
    swapped.map(({ ok }) => ok),
    [false, false],
  )
  const gone = await harmed(
    change(
      (heads) =>
        void heads.swap('lost', null, { size: 4, root: 'b'.repeat(64), segment: `lost/segment/${'0'.repeat(20)}-${'c'.repeat(32)}`, digest: 'c'.repeat(64) }),
    ),
  )
  assert.deepEqual(
    gone.map(({ log, ok }) => [log, ok]),
    [
      ['calls', true],
      ['lost', false],
      ['system', true],
    ],
  )
  const nonsense = await harmed(change((heads) => heads.saveCheckpoint('calls', 'nonsense')))
  assert.equal(objects(nonsense), 'head.sqlite')
})

test('losers beside the winners are notes; one whole segment beyond the head is the head’s fault; two are a fork', async () => {
  const scene = async (rivals: number, extensions: number): Promise<LogVerdict[]> => {
    const directory = mkdtempSync(join(tmpdir(), 'sealtrail-race-'))
    try {
      const writer = await LogWriter.create(directory)
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < rivals; i++) {
          const { frame, next } = writer.prepare([sampleRecord(100 + i)], i + 1)
          await writer.store.put(next.segment, frame, LOCK)
        }
        await writer.fill(1, 4)
      }
      for (let i = 0; i < extensions; i++) {
        const { frame, next } = writer.prepare(
          Array.from({ length: 2 }, (_, j) => sampleRecord(12 + j)),
          i,
        )
        await writer.store.put(next.segment, frame, LOCK)
      }
      await writer.close()
      return await verify(directory, { key: null })
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
  for (const rivals of [1, 3]) {
    const [verdict] = await scene(rivals, 0)
    assert.deepEqual(verdict!.problems, [])
    assert.equal(verdict!.notes.length, 3 * rivals)
  }
  const one = await scene(1, 1)
  assert.deepEqual(
    codes(one).filter((code) => !code.startsWith('DERIVED')),
    ['HEAD_BEHIND'],
  )
  assert.equal(one[0]!.size, 14)
  const two = await scene(0, 2)
  assert.deepEqual(codes(two), ['FORKED'])
  assert.equal(two[0]!.size, 12)
})

test('a torn write after the last commit is a note', async () => {
  const { file } = frames.at(-1)!
  const torn = await harmed((copy) => edit(join(copy, file), (bytes) => Buffer.concat([bytes, bytes.subarray(0, 100)])))
  assert.equal(torn[0]!.ok, true)
  assert.equal(torn[0]!.notes.length, 1)
})

test('a changed record in a frame that was packed again is named by index', async () => {
  const { zstdCompressSync, zstdDecompressSync } = await import('node:zlib')
  const { encodeHeader } = await import('../../src/store/files/header.ts')
  const { hash } = await import('node:crypto')
  const { key, file, offset, size, headerAt } = frames[3]!
  const found = await harmed((copy) =>
    edit(join(copy, file), (bytes) => {
      const text = zstdDecompressSync(bytes.subarray(offset, offset + size))
        .toString()
        .replace('"state":"connected"', '"state":"CONNECTED"')
      const frame = zstdCompressSync(text)
      const header = encodeHeader({ key, size: frame.length, sha256: hash('sha256', frame, 'hex'), lock: LOCK })
      return Buffer.concat([bytes.subarray(0, headerAt), header, frame, bytes.subarray(offset + size)])
    }),
  )
  const changed = found[0]!.problems.find(({ code }) => code === 'RECORD_CHANGED')
  assert.equal(changed?.index, frames[3]!.first)
  assert.ok(codes(found).includes('SEGMENT_KEY') && codes(found).includes('SEGMENT_SIGNATURE'), codes(found).join())
})

test('level files: every level damaged, cut or gone is derived damage; more leaves than the log are none', async () => {
  const level = join('tiles', 'calls', 'level-0')
  for (const harm of [
    (copy: string) => edit(join(copy, level), (bytes) => void (bytes[100]! ^= 1)),
    (copy: string) => truncateSync(join(copy, level), 64),
    (copy: string) => rmSync(join(copy, 'tiles'), { recursive: true }),
  ]) {
    const found = await harmed(harm)
    assert.deepEqual(codes(found), ['DERIVED_TILES'])
  }
  assert.deepEqual(codes(await harmed((copy) => edit(join(copy, level), (bytes) => Buffer.concat([bytes, Buffer.alloc(320)])))), [])
})

test('progress goes from nothing to all', async () => {
  const seen: number[] = []
  await verify(good, {
    logs: ['calls'],
    onProgress: (log, done, total) => {
      assert.equal(log, 'calls')
      assert.equal(total, 30)
      seen.push(done)
    },
  })
  assert.deepEqual(seen, [5, 10, 15, 20, 25, 30])
})
