import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openLocal } from '../../src/threads/local.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/observe/log.ts'
import { copyFolder } from '../copy-folder.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
const data = place.at('data')
const file = place.at('receipts.ndjson')
const parsed = (text: string): Record<string, number> => JSON.parse(text) as Record<string, number>
const totals = (numbers: Partial<Record<string, number>>): Record<string, number> =>
  ({ total: 0, sealed: 0, held: 0, duplicate: 0, filtered: 0, quarantined: 0, refused: 0, ...numbers }) as Record<string, number>

before(async () => {
  const lines = Array.from({ length: 1203 }, (_, i) => JSON.stringify(receipt(i)))
  writeFileSync(
    file,
    `${lines.slice(0, 7).join('\n')}\n\n{"broken":\n{"of":"no trail"}\n${JSON.stringify({ ...receipt(5000), notes: { cvv: '123' } })}\n${lines.slice(7).join('\n')}`,
  )
  const first = await sealtrail(['ingest', file, '--data', data, '--strict'])
  assert.equal(first.exit, 1, first.err)
  assert.deepEqual(parsed(first.out), totals({ total: 1206, sealed: 1203, quarantined: 2, refused: 1 }))
  // Line numbers as an editor counts them, codes, no content.
  assert.match(first.err, /receipts\.ndjson:9: quarantined NOT_JSON\n.*:10: quarantined UNMATCHED\n.*:11: refused SENSITIVE_AUTHENTICATION_DATA\n/)
  assert.doesNotMatch(first.err, /no trail|123|customer-/)
})
after(() => place.remove())

test('a second run of the same file changes nothing, whatever form it has', async () => {
  assert.deepEqual(parsed((await sealtrail(['ingest', file, '--data', data])).out), totals({ total: 1206, duplicate: 1205, refused: 1 }))
  const array = JSON.stringify([receipt(1), receipt(2), receipt(9001)], null, 2)
  writeFileSync(place.at('array.json'), array)
  writeFileSync(place.at('one.json'), JSON.stringify(receipt(3), null, 2))
  assert.deepEqual(
    parsed((await sealtrail(['ingest', place.at('array.json'), place.at('one.json'), '--data', data])).out),
    totals({ total: 4, sealed: 1, duplicate: 3 }),
  )
  assert.deepEqual(parsed((await sealtrail(['ingest', '-', '--data', data], { stdin: array })).out), totals({ total: 3, duplicate: 3 }))
  assert.deepEqual(
    parsed((await sealtrail(['ingest', '-', '--data', data], { stdin: `${JSON.stringify(receipt(4))}\n${JSON.stringify(receipt(5))}` })).out),
    totals({ total: 2, duplicate: 2 }),
  )
  assert.ok(!existsSync(`${file}.sealtrail`))
})

test('a stopped run goes on where it was, and its counts are of the whole file', async () => {
  const other = place.at('stopped')
  const stop = new AbortController()
  const ran = sealtrail(['ingest', file, '--data', other], { stopping: stop.signal })
  const seen = setInterval(() => existsSync(`${file}.sealtrail`) && stop.abort(), 1)
  const first = await ran
  clearInterval(seen)
  const bookmark = JSON.parse(readFileSync(`${file}.sealtrail`, 'utf8')) as { counted: number }
  assert.equal(first.exit, 3, first.err)
  assert.ok(bookmark.counted > 0 && bookmark.counted < 1207)
  const second = await sealtrail(['ingest', file, '--data', other])
  assert.match(second.err, new RegExp(`going on after line ${bookmark.counted}`))
  assert.deepEqual(parsed(second.out), totals({ total: 1206, sealed: 1203, quarantined: 2, refused: 1 }))
  assert.ok(!existsSync(`${file}.sealtrail`))
})

test('query, show, key and verify agree about what is there', async () => {
  const page = await sealtrail(['query', '--data', data, '--log', 'notifications', '--status', 'DELIVERED', '--limit', '3', '--json', '--purpose', 'case-1'])
  const { records } = JSON.parse(page.out) as { records: Array<{ auditid: string; integrity_hash: string }> }
  assert.equal(records.length, 3)
  const id = records[0]?.auditid as string
  const shown = await sealtrail(['show', id, '--data', data, '--json'])
  assert.equal((JSON.parse(shown.out) as { integrity_hash: string }).integrity_hash, records[0]?.integrity_hash)
  assert.match((await sealtrail(['show', id, '--data', data])).out, /^verified/)
  assert.match((await sealtrail(['show', id, '--proof', '--data', data])).out, /^c2sp\.org\/tlog-proof@v1\n/)
  assert.equal((await sealtrail(['show', '0'.repeat(26), '--data', data])).exit, 1)

  const vkey = (await sealtrail(['key', 'show', 'system', '--data', data])).out.trim()
  const good = await sealtrail(['verify', data, '--json', '--key', vkey])
  assert.equal(good.exit, 0, good.out)
  for (const line of good.out.trim().split('\n')) {
    const verdict = JSON.parse(line) as Record<string, unknown>
    assert.deepEqual(Object.keys(verdict), ['ok', 'log', 'size', 'root', 'trust', 'problems'])
    assert.deepEqual([verdict['ok'], verdict['trust'], verdict['problems']], [true, 'given', []])
  }
  assert.match((await sealtrail(['verify', data])).out, /who signed them is not established/)
  const stranger = 'other.example/notifications+a9b68ee1+AYEQ5EyJKMLqwHlRjlO86DNSAPKNcSF9nmz2Z0eYMj1Z'
  assert.notEqual((await sealtrail(['verify', data, '--key', stranger])).exit, 0)
})

test('verify names what was changed, in words and in JSON, and exits 1', async () => {
  const copy = place.at('copy')
  copyFolder(data, copy)
  const folder = `${copy}/store/notifications/segment`
  const segment = `${folder}/${readdirSync(folder)[0]}`
  const bytes = readFileSync(segment)
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] as number) ^ 1
  chmodSync(segment, 0o600)
  writeFileSync(segment, bytes)
  const told = await sealtrail(['verify', copy])
  assert.equal(told.exit, 1)
  assert.match(told.out, /PROBLEM {2}log notifications[^]*SEGMENT_UNREADABLE, notifications\/segment\//)
  const verdicts = (await sealtrail(['verify', copy, '--json'])).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { log: string; ok: boolean; problems: Array<{ object: string }> })
  assert.deepEqual(
    verdicts.map(({ log, ok }) => [log, ok]),
    [
      ['interactions', true],
      ['notifications', false],
      ['system', true],
    ],
  )
  assert.ok(verdicts[1]?.problems.every((problem) => 'index' in problem && 'object' in problem && 'code' in problem && 'message' in problem))
})

test('verify praises nothing: no log at all, a log without a checkpoint, a policy without witnesses', async () => {
  const vkey = (await sealtrail(['key', 'show', 'notifications', '--data', data])).out.trim()
  const emptied = place.at('emptied')
  mkdirSync(join(emptied, 'store'), { recursive: true })
  for (const more of [[], ['--json']]) {
    const { exit, out, err } = await sealtrail(['verify', emptied, '--key', vkey, ...more])
    assert.deepEqual([exit, out], [1, ''])
    assert.match(err, /nothing was audited/)
  }
  mkdirSync(join(emptied, 'tiles', 'notifications'), { recursive: true })
  const bare = await sealtrail(['verify', emptied, '--key', vkey])
  assert.match(bare.out, /No checkpoint of notifications is signed with the key you gave/)
  assert.doesNotMatch(bare.out, /were checked with/)
  assert.equal((JSON.parse((await sealtrail(['verify', emptied, '--key', vkey, '--json'])).out) as { trust: string }).trust, 'none')

  const copy = place.at('published')
  copyFolder(data, copy)
  mkdirSync(join(copy, 'published'))
  cpSync(join(copy, 'checkpoint', 'notifications'), join(copy, 'published', 'notifications'))
  writeFileSync(place.at('policy'), `log ${vkey}\nquorum none\n`)
  const { exit, out } = await sealtrail(['verify', copy, '--policy', place.at('policy'), '--log', 'notifications'])
  assert.equal(exit, 0, out)
  assert.match(out, /were checked with the key you gave; the policy asks for no witness\./)
})

test('the index is rebuilt; quarantine is listed and replayed; tokens are made and revoked; keys turn', async () => {
  const rebuilt = JSON.parse((await sealtrail(['rebuild-index', '--data', data, '--json'])).out) as { records: number }
  assert.ok(rebuilt.records > 1206)
  const listed = JSON.parse((await sealtrail(['quarantine', 'list', '--data', data, '--json'])).out) as { records: Array<{ code: string }> }
  assert.deepEqual(listed.records.map(({ code }) => code).sort(), ['NOT_JSON', 'UNMATCHED'])
  assert.deepEqual(parsed((await sealtrail(['quarantine', 'replay', '--code', 'UNMATCHED', '--data', data])).out)['quarantined'], 1)

  const made = await sealtrail(['token', 'create', '--name', 'reader', '--role', 'auditor', '--data', data])
  assert.match(made.out, /^st_[\w-]{43}\n$/)
  assert.equal((await sealtrail(['token', 'create', '--name', 'reader', '--role', 'auditor', '--data', data])).exit, 2)
  assert.equal((await sealtrail(['token', 'create', '--name', 'x', '--role', 'king', '--data', data])).exit, 2)
  assert.equal((await sealtrail(['token', 'revoke', 'reader', '--data', data])).exit, 0)
  assert.equal((await sealtrail(['token', 'revoke', 'reader', '--data', data])).exit, 1)
  const tokens = await sealtrail(['token', 'list', '--data', data])
  assert.match(tokens.out, /reader +auditor +revoked/)
  assert.doesNotMatch(tokens.out, /st_/)
  assert.equal((await sealtrail(['key', 'rotate', 'segment', '--data', data])).exit, 0)
  assert.equal((await sealtrail(['key', 'rotate', 'naming', '--data', data])).exit, 2)
  assert.equal((await sealtrail(['verify', data])).exit, 0)
})

test('a held directory: exit 3, and nothing is touched', async () => {
  const { config } = loadConfig(null, { cwd: place.path, env: {}, data })
  const holder = await openLocal(config, { log: createLog({ now: Date.now, level: 'error' }) })
  try {
    // LevelDB keeps other processes out by its lock; within one process the same lock speaks.
    for (const line of [
      ['query', '--data', data],
      ['rebuild-index', '--data', data],
      ['ingest', file, '--data', data],
    ]) {
      const { exit, err } = await sealtrail(line)
      assert.equal(exit, 3, err)
      assert.match(err, /DATA_IN_USE/)
    }
  } finally {
    await holder.close()
  }
})

test('pack test and schema check run without a server', async () => {
  const packs = new URL('../../../../packs/', import.meta.url).pathname
  assert.equal((await sealtrail(['pack', 'test', `${packs}genesys-notifications`])).exit, 0)
  const broken = place.at('pack')
  cpSync(`${packs}genesys-notifications`, broken, { recursive: true })
  const sample = JSON.parse(readFileSync(`${broken}/samples/flat-record-newer-field.json`, 'utf8')) as object
  writeFileSync(`${broken}/samples/flat-record-newer-field.json`, JSON.stringify({ ...sample, carrier_error_code: '+44 20 7946 0958' }))
  const found = await sealtrail(['pack', 'test', broken, '--update'])
  assert.equal(found.exit, 0)
  assert.match(found.out, /note {5}carrier_error_code is plain, and in 1 sample holds a telephone number: it is committed/)
  assert.doesNotMatch(found.out, /7946/)
  appendFileSync(`${broken}/pack.yaml`, '\nnonsense: 1\n')
  assert.equal((await sealtrail(['pack', 'test', broken])).exit, 1)
  writeFileSync(
    place.at('schema.json'),
    JSON.stringify({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }),
  )
  for (const [value, exit] of [
    [{ a: 'x' }, 0],
    [{ a: 'x', b: 1 }, 0],
    [{ a: 1 }, 1],
  ] as const) {
    writeFileSync(place.at('value.json'), JSON.stringify(value))
    assert.equal((await sealtrail(['schema', 'check', place.at('schema.json'), place.at('value.json')])).exit, exit)
  }
})
