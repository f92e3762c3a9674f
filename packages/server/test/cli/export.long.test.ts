// `sealtrail export`: over a data directory and over HTTP, small ranges and many tiles, and what it refuses.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import type { BundleVerdict } from '@sealtrail/evidence'
import { loadConfig } from '../../src/config/load.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import { Tokens } from '../../src/http/tokens.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
const data = place.at('data')
const COUNT = 1_300
const ask = (...args: string[]) => sealtrail(['export', ...args, '--data', data], { cwd: place.path })
const check = async (name: string): Promise<BundleVerdict> => {
  const verdict = await verifyBundle(new Blob([Uint8Array.from(readFileSync(place.at(name)))]))
  assert.deepEqual(verdict.problems, [])
  return verdict
}

before(async () => {
  writeFileSync(place.at('in.ndjson'), Array.from({ length: COUNT }, (_, i) => JSON.stringify(receipt(i))).join('\n'))
  const { exit, err } = await sealtrail(['ingest', place.at('in.ndjson'), '--data', data])
  assert.equal(exit, 0, err)
})
after(() => place.remove())

test('every kind of question becomes a file that verifies, readable by its owner', async () => {
  for (const [name, records, ...args] of [
    ['range.zip', 220, '--range', 'notifications:300..520'],
    ['all.zip', COUNT, '--range', 'notifications:0..'],
    ['subject.zip', 1, '--subject', '0c11c0de-0000-4000-8000-000000000007'],
    ['person.zip', 1, '--person', 'customer-9'],
    ['query.zip', COUNT, '--query', 'log=notifications', 'tag=TCPA'],
  ] as const) {
    const { exit, out, err } = await ask(...args, '-o', name, '--json', '--purpose', 'case-1')
    assert.equal(exit, 0, err)
    const job = JSON.parse(out) as { records: number; sha256: string }
    assert.equal(job.records, records, name)
    const verdict = await check(name)
    assert.deepEqual(verdict.manifest?.requester, { name: 'command-line', role: 'admin', purpose: 'case-1' })
    assert.equal(verdict.logs[0]?.records.proven, records)
    assert.equal(statSync(place.at(name)).mode & 0o777, 0o600)
    const proofs = verdict.manifest?.files.filter(({ path }) => path.endsWith('.tlog-proof')).length
    assert.equal(proofs, records > 1_000 ? 0 : records)
  }
})

test('over HTTP the same', async () => {
  const { config } = loadConfig(null, { cwd: place.path, env: {}, data, port: 0 })
  const { token } = new Tokens({ data, now: Date.now, random: randomBytes }).create('far', 'auditor', null)
  const server = await startServer({ ...config, ingestThreads: 1 }, { log: createLog({ now: Date.now, level: 'error' }) })
  try {
    const options = { cwd: place.path, env: { SEALTRAIL_URL: server.url, SEALTRAIL_TOKEN: token } }
    const { exit, err, out } = await sealtrail(['export', '--range', 'notifications:5..9', '-o', 'far.zip'], options)
    assert.equal(exit, 0, err)
    assert.match(out, /^far\.zip: 4 records/)
    assert.equal((await check('far.zip')).logs[0]?.records.proven, 4)
    assert.equal((await sealtrail(['export', '--range', 'notifications:5..9999', '-o', 'beyond.zip'], options)).exit, 2)
  } finally {
    await server.close()
  }
})

test('what is asked for wrongly ends with 2, and leaves no file', async () => {
  for (const args of [
    ['-o', 'x.zip'],
    ['--subject', 'a'],
    ['--subject', 'a', '--person', 'b', '-o', 'x.zip'],
    ['--range', 'notifications', '-o', 'x.zip'],
    ['--range', 'notifications:9..1', '-o', 'x.zip'],
    ['--range', 'nothing:0..1', '-o', 'x.zip'],
    ['--range', 'notifications:0..999999', '-o', 'x.zip'],
    ['--query', 'tag', '-o', 'x.zip'],
    ['--query', 'colour=red', '-o', 'x.zip'],
    ['--subject', 'a', 'more', '-o', 'x.zip'],
    ['--subject', 'a', '-o', 'range.zip'],
  ])
    assert.equal((await ask(...args)).exit, 2, args.join(' '))
  for (const name of ['x.zip', 'x.zip.part', 'beyond.zip']) assert.equal(existsSync(place.at(name)), false, name)
})
