import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { readFields } from '../../src/index/fields.ts'
import { LevelIndex } from '../../src/index/level/index.ts'
import { fieldsMatch } from '../../src/index/facets.ts'
import type { Facets, Token } from '../../src/index/index.ts'
import { START, recordOf, uuidOf } from './sample.ts'
import type { Sample } from './sample.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealtrail-index-'))
})
after(() => rm(folder, { recursive: true, force: true }))

let count = 0
async function withIndex(work: (index: LevelIndex, directory: string) => Promise<void>): Promise<void> {
  const directory = join(folder, String(count++))
  const index = await LevelIndex.open(directory)
  try {
    await work(index, directory)
  } finally {
    await index.close()
  }
}

const token = (text: string): Token => ({ kind: 'k', token: createHash('sha256').update(text).digest().subarray(0, 16) })
const batch = (log: string, first: number, samples: readonly Sample[], tokens: readonly Token[][] = []) => ({
  log,
  first,
  records: samples.map(recordOf),
  tokens,
})

test('finds each record by audit id, subject and token, and says how far it is', () =>
  withIndex(async (index) => {
    const samples: Sample[] = Array.from({ length: 300 }, (_, n) => ({
      n,
      subject: n % 2 === 0 ? uuidOf(n % 20) : `order/${n % 20}`,
      sequence: 1 + Math.floor(n / 20),
    }))
    await index.apply(
      batch(
        'calls',
        0,
        samples.slice(0, 120),
        samples.slice(0, 120).map(({ n }) => [token(`t${n % 7}`)]),
      ),
    )
    assert.equal(index.size('calls'), 120)
    assert.equal(index.size('other'), 0)
    await index.apply(
      batch(
        'calls',
        120,
        samples.slice(120),
        samples.slice(120).map(({ n }) => [token(`t${n % 7}`), token('all')]),
      ),
    )
    assert.equal(index.size('calls'), 300)
    for (const sample of samples) {
      const auditid = readFields(recordOf(sample))?.auditid as string
      assert.deepEqual(await index.auditid(auditid), [{ log: 'calls', index: sample.n }])
    }
    for (let s = 0; s < 20; s++) {
      const subject = s % 2 === 0 ? uuidOf(s) : `order/${s}`
      const expected = samples.filter((each) => each.subject === subject).map((each) => ({ subjectsequence: each.sequence, index: each.n }))
      assert.deepEqual(await index.subject('calls', subject, 0, 1000), expected)
      assert.deepEqual(await index.subject('calls', subject, 3, 4), expected.slice(3, 7))
    }
    assert.deepEqual(
      await index.token('calls', token('t3').token, { after: -1, limit: 1000 }),
      samples.filter(({ n }) => n % 7 === 3).map(({ n }) => n),
    )
    assert.deepEqual(await index.token('calls', token('all').token, { after: 297, limit: 5 }), [298, 299])
    assert.deepEqual(await index.token('calls', token('all').token, { after: -1, limit: 2, newest: true }), [299, 298])
    assert.deepEqual(await index.token('other', token('all').token, { after: -1, limit: 2 }), [])
    assert.deepEqual(await index.auditid('not an audit id'), [])
    assert.deepEqual(await index.subject('calls', 'nobody', 0, 10), [])
  }))

test('the same audit id in two logs gives both places', () =>
  withIndex(async (index) => {
    await index.apply(batch('a', 0, [{ n: 1 }]))
    await index.apply(batch('b', 0, [{ n: 5 }, { n: 1 }]))
    const auditid = readFields(recordOf({ n: 1 }))?.auditid as string
    assert.deepEqual(await index.auditid(auditid), [
      { log: 'a', index: 0 },
      { log: 'b', index: 1 },
    ])
  }))

test('a batch may come twice or overlap; a gap is refused and changes nothing', () =>
  withIndex(async (index) => {
    const samples = Array.from({ length: 10 }, (_, n) => ({ n, subject: 's', sequence: n + 1 }))
    await index.apply(batch('l', 0, samples.slice(0, 4)))
    await index.apply(batch('l', 0, samples.slice(0, 4)))
    await index.apply(batch('l', 2, samples.slice(2, 8)))
    assert.equal(index.size('l'), 8)
    await assert.rejects(index.apply(batch('l', 9, samples.slice(9))), RangeError)
    assert.equal(index.size('l'), 8)
    assert.deepEqual(
      (await index.subject('l', 's', 0, 100)).map((place) => place.index),
      [0, 1, 2, 3, 4, 5, 6, 7],
    )
  }))

test('survives closing; another format is refused', async () => {
  const directory = join(folder, 'kept')
  const first = await LevelIndex.open(directory)
  await first.apply(batch('l', 0, [{ n: 0, tag: 'T1' }]))
  await first.apply(batch('m', 0, [{ n: 1, tag: 'T2' }]))
  await first.close()
  const second = await LevelIndex.open(directory)
  await second.apply(batch('m', 1, [{ n: 2, tag: 'T1' }]))
  await second.apply(batch('n', 0, [{ n: 3, tag: 'T1' }]))
  assert.deepEqual([second.size('l'), second.size('m'), second.size('n')], [1, 2, 1])
  const seen = []
  for await (const { index } of second.timeline('m', { tag: 'T1' }, { from: 0, to: 1e14, after: null })) seen.push(index)
  assert.deepEqual(seen, [1])
  await second.close()
})

test('two openings of one folder in a process see the same', () =>
  withIndex(async (index, directory) => {
    const reader = await LevelIndex.open(directory)
    assert.equal(reader.size('l'), 0)
    await index.apply(batch('l', 0, [{ n: 0 }]))
    assert.equal(reader.size('l'), 1)
    assert.equal((await reader.auditid(readFields(recordOf({ n: 0 }))?.auditid as string)).length, 1)
    await reader.close()
  }))

test('the time line gives what a scan gives, for every filter, range and place to go on', () =>
  withIndex(async (index) => {
    const pick = <T>(...values: T[]) => fc.constantFrom(...values)
    const sample = fc.record({
      type: pick('a', 'b', 'c'),
      status: pick(null, 'READ', 'FAILED'),
      tag: pick(null, 'T1', 'T2'),
      schema: pick('urn:sealtrail:schema:p:1', 'urn:sealtrail:schema:p:2#newer'),
      timeMs: pick(null, START, START + 1, START + 2, START + 500),
    })
    const samples: Sample[] = fc.sample(sample, { numRuns: 400, seed: 4 }).map((made, n) => ({ ...made, n, recordedMs: START + (n % 5) }))
    await index.apply(batch('l', 0, samples.slice(0, 250)))
    await index.apply(batch('l', 250, samples.slice(250)))
    const all = samples.map((each, i) => ({ index: i, fields: readFields(recordOf(each)) as NonNullable<ReturnType<typeof readFields>> }))
    all.sort((a, b) => a.fields.timeMs - b.fields.timeMs || a.index - b.index)
    const facets = fc.record(
      { type: pick('a', 'b', 'x'), status: pick('', 'READ'), tag: pick('', 'T1'), schema: pick('1', '2', 'p:2', 'v1') },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(
        facets,
        pick(0, START, START + 1, START + 2),
        pick(START - 1, START + 1, START + 2, 1e15),
        fc.option(fc.nat(399)),
        async (wanted, from, to, place) => {
          const last = place === null ? null : (all[place] as (typeof all)[number])
          const after = last === null ? null : { timeMs: last.fields.timeMs, index: last.index }
          const expected = all.filter(
            ({ fields, index: i }) =>
              fieldsMatch(fields, wanted as Facets) &&
              fields.timeMs >= from &&
              fields.timeMs <= to &&
              (after === null || fields.timeMs > after.timeMs || (fields.timeMs === after.timeMs && i > after.index)),
          )
          const found = []
          for await (const each of index.timeline('l', wanted as Facets, { from, to, after })) found.push(each)
          assert.deepEqual(
            found,
            expected.map((each) => ({ timeMs: each.fields.timeMs, index: each.index, exact: true })),
          )
        },
      ),
      { numRuns: 150 },
    )
  }))

test('unreadable records are counted and passed over', () =>
  withIndex(async (index) => {
    await index.apply({ log: 'l', first: 0, records: [Buffer.from('{'), recordOf({ n: 1 })], tokens: [] })
    assert.equal(index.size('l'), 2)
    assert.equal(index.unreadable, 1)
  }))

test('tokens of an erased person are in no table any more, and everything else is found as before', () =>
  withIndex(async (index, directory) => {
    const samples: Sample[] = Array.from({ length: 400 }, (_, n) => ({ n, subject: uuidOf(n % 20), sequence: 1 + Math.floor(n / 20) }))
    const tokens = samples.map(({ n }) => [token(`t${n % 7}`), token(`own${n}`)])
    await index.apply(batch('calls', 0, samples, tokens))
    await index.apply(batch('other', 0, samples, tokens))
    const gone = samples.filter(({ n }) => n % 7 === 3).map(({ n }) => ({ index: n, tokens: [token('t3').token, token(`own${n}`).token] }))
    for (const log of ['calls', 'other']) await index.forgetTokens(log, gone)
    // Again, and of a log nobody knows: nothing changes.
    await index.forgetTokens('calls', gone)
    await index.forgetTokens('nowhere', gone)
    await index.scrub()
    for (const log of ['calls', 'other'])
      for (const { n } of samples) {
        const erased = n % 7 === 3
        assert.deepEqual(await index.token(log, token(`own${n}`).token, { after: -1, limit: 9 }), erased ? [] : [n])
        assert.equal((await index.token(log, token(`t${n % 7}`).token, { after: -1, limit: 100 })).includes(n), !erased)
        assert.equal((await index.subject(log, uuidOf(n % 20), Math.floor(n / 20), 1))[0]?.index, n)
      }
    const tables = readdirSync(directory).filter((name) => /\.(?:ldb|log)$/.test(name))
    const bytes = Buffer.concat(tables.map((name) => readFileSync(join(directory, name))))
    // A table leaves out of a key what it shares with the one before.
    assert.ok(bytes.includes(token('t2').token.subarray(4)))
    for (const { tokens } of gone) for (const each of tokens) assert.equal(bytes.indexOf(each.subarray(4)), -1)
  }))
