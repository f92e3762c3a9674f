import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { canonicalize } from '@sealtrail/evidence'
import type { RecordFields } from '@sealtrail/evidence'
import type { JsonValue } from '../../src/event/json.ts'
import { Fold } from '../../src/retain/fold.ts'
import type { FoldPart } from '../../src/retain/fold.ts'
import { MemoryRecords } from '../index/memory.ts'

const folder = mkdtempSync(join(tmpdir(), 'fold-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Counts how often each subject was named, and in which order. */
class Names implements FoldPart {
  readonly name: string
  readonly version: number
  readonly types = ['sealtrail.system.name']
  seen: string[] = []
  taken = 0

  constructor(name = 'names', version = 1) {
    this.name = name
    this.version = version
  }

  take(record: RecordFields, index: number): void {
    this.taken++
    this.seen.push(`${index} ${record.subject}`)
  }

  save(): JsonValue {
    return this.seen
  }

  load(saved: JsonValue | null): void {
    if (saved === null) this.seen = []
    else if (Array.isArray(saved) && saved.every((each) => typeof each === 'string')) this.seen = [...saved] as string[]
    else throw new RangeError('no names')
  }
}

function record(i: number): Uint8Array {
  const what = i % 3 === 0 ? 'start' : 'name'
  const fields = {
    auditid: String(i).padStart(26, '0'),
    data: { n: i },
    dataschema: `urn:sealtrail:schema:system.${what}:1`,
    id: `id/${i}`,
    late: false,
    provenance: 'pushed',
    recordedtime: '2026-03-01T00:00:00.000Z',
    source: 'urn:sealtrail:server',
    specversion: '1.0',
    subject: `s${i % 4}`,
    subjectsequence: i + 1,
    time: '2026-03-01T00:00:00.000Z',
    type: `sealtrail.system.${what}`,
  }
  return Buffer.from(canonicalize(fields))
}

const log = (size: number): MemoryRecords => {
  const records = new MemoryRecords()
  records.add('system', ...Array.from({ length: size }, (_, i) => record(i)))
  return records
}
/** Stands for the tree: of each prefix of the log another root. */
const rootOf = (records: MemoryRecords) => (size: number) => {
  const hash = createHash('sha256')
  for (const bytes of (records.logsByName.get('system') ?? []).slice(0, size)) hash.update(bytes)
  return hash.digest('hex')
}
const expected = (size: number): string[] =>
  Array.from({ length: size }, (_, i) => i)
    .filter((i) => i % 3 !== 0)
    .map((i) => `${i} s${i % 4}`)

let files = 0
const freshFile = (): string => join(folder, `${files++}`, 'state.json')
const open = (records: MemoryRecords, file: string, part: FoldPart): Fold => new Fold({ records, parts: [part], file, rootAt: rootOf(records) })

test('wherever it is saved and ends, the state is what the records say, and only what is new is read', async () => {
  for (let first = 0; first <= 7; first++) {
    for (let size = first; size <= 7; size++) {
      const file = freshFile()
      const before = new Names()
      const fold = open(log(first), file, before)
      await fold.catchUp()
      assert.deepEqual(before.seen, expected(first))
      fold.save()
      const names = new Names()
      const again = open(log(size), file, names)
      assert.equal(again.size, first)
      await again.catchUp()
      assert.deepEqual(names.seen, expected(size))
      assert.equal(names.taken, expected(size).length - expected(first).length)
    }
  }
})

test('records of two catch-ups at once are taken once', async () => {
  const records = log(6)
  const names = new Names()
  const fold = open(records, freshFile(), names)
  await Promise.all([fold.catchUp(), fold.catchUp(), fold.catchUp()])
  records.add('system', record(6), record(7))
  await Promise.all([fold.catchUp(), fold.catchUp()])
  assert.deepEqual(names.seen, expected(8))
})

test('a snapshot with any byte changed, cut anywhere, or missing, is made again from the records', async () => {
  const file = freshFile()
  const fold = open(log(5), file, new Names())
  await fold.catchUp()
  fold.save()
  const whole = readFileSync(file)
  const check = async (bytes: Buffer): Promise<void> => {
    writeFileSync(file, bytes)
    const names = new Names()
    const again = open(log(5), file, names)
    assert.equal(again.size, 0, bytes.toString('latin1'))
    await again.catchUp()
    assert.deepEqual(names.seen, expected(5))
  }
  for (let at = 0; at < whole.length; at++) {
    const bent = Buffer.from(whole)
    bent[at] = (bent[at] as number) ^ 1
    await check(bent)
    await check(whole.subarray(0, at))
  }
  rmSync(file)
  const names = new Names()
  assert.equal(open(log(5), file, names).size, 0)
})

test('a snapshot of another log, of a longer one, or of other parts is not believed', async () => {
  const file = freshFile()
  const fold = open(log(5), file, new Names())
  await fold.catchUp()
  fold.save()
  const other = new MemoryRecords()
  other.add('system', ...Array.from({ length: 9 }, (_, i) => record(i + 1)))
  assert.equal(open(other, file, new Names()).size, 0)
  assert.equal(open(log(4), file, new Names()).size, 0)
  assert.equal(open(log(5), file, new Names('names', 2)).size, 0)
  assert.equal(open(log(5), file, new Names('others')).size, 0)
  assert.equal(open(log(5), file, new Names()).size, 5)
})

test('a snapshot whose part cannot be read begins afresh, for all parts', async () => {
  class Broken extends Names {
    override load(saved: JsonValue | null): void {
      if (saved !== null) throw new RangeError('never')
      super.load(null)
    }
  }
  const file = freshFile()
  const records = log(5)
  const make = (second: Names): Fold => new Fold({ records, parts: [new Names('a'), second], file, rootAt: rootOf(records) })
  const fold = make(new Names('b'))
  await fold.catchUp()
  fold.save()
  const broken = new Broken('b')
  const again = make(broken)
  assert.equal(again.size, 0)
  await again.catchUp()
  assert.deepEqual(broken.seen, expected(5))
})
