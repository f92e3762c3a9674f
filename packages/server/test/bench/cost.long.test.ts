import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { measure } from '../../bench/cost/measure.ts'
import { asJson, asText } from '../../bench/cost/print.ts'
import { costOf, readPrices, STORES } from '../../bench/cost/prices.ts'
import type { Price } from '../../bench/cost/prices.ts'
import { billedAs } from '../../bench/cost/stand-ins.ts'

const TABLE = join(import.meta.dirname, '../../bench/cost/prices.yaml')
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-prices-'))
after(() => rmSync(folder, { recursive: true }))

test('what is counted is what was sealed: one write a commit, one commit an interval, in every store', async () => {
  for (const store of STORES) {
    const plan = { rate: 400, delayMs: 100, maxRecords: 4_000, sample: 1 }
    const { use, commits, events, requests, eventBytes, single } = await measure(store, plan)
    assert.equal(events, 20 * 40)
    assert.equal(commits, 20, store)
    assert.deepEqual([use.write, use.objects], [20, 20], JSON.stringify(requests))
    assert.ok(use.read >= 20, 'each was read back')
    assert.ok(use.bytes > events * 50 && use.bytes < (events * eventBytes) / 2, String(use.bytes))
    assert.deepEqual([single.write, single.objects, single.bytes], [1, 1, eventBytes])
  }
})

test('more events than a commit takes make more commits', async () => {
  const { use, commits, events } = await measure('s3', { rate: 500, delayMs: 100, maxRecords: 20, sample: 1 })
  assert.deepEqual([events, commits, use.write], [20 * 50, 20 * 3, 20 * 3])
})

const PRICE: Price = { name: 'x', store: 's3', source: 'y', sure: true, write: 5, list: 7, read: 2, storage: 3, minimumBytes: 0 }

test('a price is the sum of its parts, and small objects count as large ones where the platform says so', () => {
  const use = { write: 1_000, list: 2_000, read: 500, objects: 4, bytes: 2 ** 30 }
  assert.deepEqual(costOf(use, 12, PRICE), { requests: 5 + 14 + 1, storage: 36, total: 56 })
  assert.equal(costOf({ ...use, bytes: 4 }, 1, { ...PRICE, minimumBytes: 2 ** 28 }).storage, 3)
  assert.equal(costOf(use, 1, { ...PRICE, minimumBytes: 1 }).storage, 3)
})

test('requests are billed by the platforms’ names for them', () => {
  const billed = {
    write: ['PutObject', 'PutObjectRetention', 'PutBlob', 'SetBlobLegalHold', 'objects.insert', 'objects.patch', 'nobody knows'],
    list: ['ListObjectVersions', 'ListBlobs', 'objects.list'],
    read: ['GetObject', 'HeadObject', 'GetObjectRetention', 'GetBlobProperties', 'objects.get'],
  } as const
  for (const [as, names] of Object.entries(billed)) for (const name of names) assert.equal(billedAs(name), as, name)
  for (const free of ['DeleteObject', 'DeleteBlobVersion', 'objects.delete']) assert.equal(billedAs(free), null)
})

test('the table that is enclosed can be read, has every store, and says of each price whether it was checked', () => {
  const table = readPrices(TABLE)
  assert.deepEqual(new Set(table.prices.map(({ store }) => store)), new Set(STORES))
  const use = { write: 20, list: 0, read: 40, objects: 20, bytes: 100_000 }
  const measured = {
    store: 's3',
    events: 1_000,
    eventBytes: 1_000,
    commits: 20,
    requests: {},
    use,
    single: { ...use, read: 2 },
    disk: { vault: 5_000 },
  } as const
  const plan = { rate: 1, delayMs: 1, maxRecords: 1, sample: 1 }
  const text = asText(plan, 6, [measured], table)
  assert.match(text, /writes \(PUT\) +1,000,000 +20,000 /)
  assert.match(text, /object-months +6,000,000 +120,000$/m)
  assert.match(text, /bytes stored +1000\.0 MB +100\.0 MB +10\.0 % of the JSON/)
  assert.match(text, new RegExp(`Prices of ${table.date}`))
  assert.equal(text.match(/not checked with its source/g)?.length, table.prices.filter(({ sure, store }) => !sure && store === 's3').length)
  assert.doesNotMatch(text, /NaN|undefined|Azure/)
  const json = JSON.parse(JSON.stringify(asJson(plan, 6, [measured], table))) as { stores: { perMillion: unknown }[] }
  assert.deepEqual(json.stores[0]?.perMillion, {
    ours: { write: 20_000, list: 0, read: 40_000, objects: 20_000, bytes: 1e8, objectMonths: 120_000 },
    guides: { write: 1e6, list: 0, read: 0, objects: 1e6, bytes: 1e9, objectMonths: 6e6 },
  })
})

test('a table that cannot be right is refused, with the place', () => {
  const good = readFileSync(TABLE, 'utf8')
  const path = join(folder, 'prices.yaml')
  for (const [from, to, what] of [
    ['write: 0.005', 'write: -1', /prices\[0\]\.write: a number/],
    ['write: 0.005', 'write: free', /prices\[0\]\.write: a number/],
    ['write: 0.005', 'write: .inf', /prices\[0\]\.write: a number/],
    ['store: azure', 'store: blob', /prices\[2\]\.store: one of s3, azure, gcs/],
    ['sure: false', 'sure: maybe', /prices\[0\]\.sure/],
    ['date: 2026-11-29', 'date: today', /date: a day/],
    ['currency: USD', 'currency: 5', /currency/],
    ['prices:', 'price:', /prices: a list/],
    ['prices:', 'prices: [', /cannot be read/],
  ] as const) {
    assert.ok(good.includes(from), from)
    writeFileSync(path, good.replace(from, to))
    assert.throws(
      () => readPrices(path),
      (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && what.test(error.message),
      to,
    )
  }
  assert.throws(() => readPrices(join(folder, 'none.yaml')), { code: 'CONFIG_INVALID' })
})
