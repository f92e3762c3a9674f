import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditIdBytes, parseRecord } from '@sealtrail/evidence'
import type { Place } from '../../src/index/index.ts'
import { affected, auditidOf as fromKey, placesOf } from '../../src/privacy/places.ts'
import type { PlacesDeps } from '../../src/privacy/places.ts'
import type { WorkRow } from '../../src/privacy/work-file.ts'
import { MemoryRecords } from '../index/memory.ts'
import { START, auditidOf, recordOf } from '../index/sample.ts'

const digest = (n: number): string => `${String(n).padStart(42, 'd')}A`
const committed = (...digests: string[]): object => ({ caller: [{ '...': digests[0] }], more: { texts: digests.slice(1).map((each) => ({ '...': each })) } })
const idOf = (n: number): string => auditidOf(START + n * 1000, n)
const row = (n: number, digests: string[] | null): WorkRow => ({ key: Buffer.concat([auditIdBytes(idOf(n)), Buffer.alloc(8, n)]), digests, tokens: [] })

function world(sizes: Record<string, number> = {}): { records: MemoryRecords; places: Map<string, Place[]>; deps: PlacesDeps } {
  const records = new MemoryRecords()
  records.add('calls')
  records.add('copies')
  const places = new Map<string, Place[]>()
  const deps: PlacesDeps = {
    records,
    index: { size: (log) => sizes[log] ?? records.size(log), auditid: async (auditid) => places.get(auditid) ?? [] },
    sleep: async () => {},
    indexWithinMs: 100,
  }
  return { records, places, deps }
}

function seal({ records, places }: ReturnType<typeof world>, log: string, n: number, ...digests: string[]): void {
  places.set(idOf(n), [...(places.get(idOf(n)) ?? []), { log, index: records.size(log) }])
  records.add(log, recordOf({ n, status: n % 2 === 0 ? 'READ' : null, data: committed(...digests) as Record<string, unknown> }))
}

test('a row is found in every log that has a copy of its event, in order, with exactly the fields that go', async () => {
  const made = world()
  seal(made, 'calls', 1, digest(1), digest(2))
  seal(made, 'calls', 2, digest(3))
  seal(made, 'copies', 1, digest(1), digest(2))
  const rows = [row(2, [digest(3)]), row(1, [digest(2), digest(9)]), row(7, [digest(7)])]
  const { placed, elsewhere, unreadable } = await placesOf(rows, made.deps)
  assert.deepEqual([elsewhere, unreadable], [[rows[2]], []])
  const list = await affected(
    placed,
    async () => assert.fail('no row asks'),
    ({ key }) => fromKey(key) === idOf(1),
  )
  assert.deepEqual(
    list.map(({ log, index, auditid, status, fields, withOthers }) => ({ log, index, auditid, status, fields, withOthers })),
    [
      { log: 'calls', index: 0, auditid: idOf(1), status: null, fields: [{ path: '/more/texts', digest: digest(2) }], withOthers: true },
      { log: 'calls', index: 1, auditid: idOf(2), status: 'READ', fields: [{ path: '/caller', digest: digest(3) }], withOthers: false },
      { log: 'copies', index: 0, auditid: idOf(1), status: null, fields: [{ path: '/more/texts', digest: digest(2) }], withOthers: true },
    ],
  )
  assert.ok(list.every(({ hash }) => /^sha256:[0-9a-f]{64}$/.test(hash)))
})

test('of a row that did not open goes what no other part opens, and a row of an attempt that was never sealed names no record', async () => {
  const made = world()
  seal(made, 'calls', 1, digest(1), digest(2), digest(3))
  const { placed } = await placesOf([row(1, null), row(1, [digest(8)])], made.deps)
  const fields = async (...stays: string[]): Promise<string[]> =>
    (
      await affected(
        placed,
        async () => new Set(stays),
        () => false,
      )
    ).flatMap((each) => each.fields.map(({ digest: at }) => at))
  assert.deepEqual(await fields(digest(2)), [digest(1), digest(3)])
  assert.deepEqual(await fields(digest(1), digest(2), digest(3)), [])
  assert.deepEqual(
    (
      await affected(
        (await placesOf([row(1, [digest(8)])], made.deps)).placed,
        async () => new Set(),
        () => false,
      )
    ).length,
    0,
  )
})

test('an index that is behind is waited for, and one that names another event is not believed', async () => {
  const sizes: Record<string, number> = { calls: 0 }
  const made = world(sizes)
  seal(made, 'calls', 1, digest(1))
  await assert.rejects(placesOf([row(1, [digest(1)])], made.deps), { code: 'INDEX_BEHIND' })
  let slept = 0
  const { placed } = await placesOf([row(1, [digest(1)])], { ...made.deps, sleep: async () => void (++slept === 3 && (sizes['calls'] = 1)) })
  assert.deepEqual([placed.length, slept], [1, 3])
  // attacker: who writes the index could hide a record behind another one.
  seal(made, 'calls', 2, digest(2))
  sizes['calls'] = 2
  made.places.set(idOf(1), [{ log: 'calls', index: 1 }])
  await assert.rejects(placesOf([row(1, [digest(1)])], made.deps), { code: 'DATA_CORRUPT', message: /rebuild-index/ })
})

test('records that expired are in no list, and damaged ones are named', async () => {
  const made = world()
  seal(made, 'calls', 1, digest(1))
  seal(made, 'calls', 2, digest(2))
  const records = {
    ...made.deps.records,
    logs: () => made.records.logs(),
    size: (log: string) => made.records.size(log),
    record: async () => null,
    range: (log: string, from: number, to: number) => made.records.range(log, from, to),
    object: async () => null,
    gone: async () => [{ from: 0, to: 1, class: 'detail', on: '2026-03-01' }],
  }
  const { placed, elsewhere, unreadable } = await placesOf([row(1, [digest(1)]), row(2, [digest(2)])], { ...made.deps, records })
  assert.deepEqual([placed, elsewhere, unreadable], [[], [], [{ log: 'calls', index: 1 }]])
})

test('the audit id of a row is that of its event, whatever the time', () => {
  for (const timeMs of [0, 1, START, 2 ** 48 - 1])
    for (const n of [1, 2, 3]) {
      const auditid = auditidOf(timeMs, n)
      assert.equal(fromKey(Buffer.concat([auditIdBytes(auditid), Buffer.alloc(8)])), auditid)
    }
  assert.equal(parseRecord(recordOf({ n: 1 })).auditid, idOf(1))
})
