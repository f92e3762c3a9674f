// `sealtrail verify` of a bundle, proof or receipt: what `sealtrail-verify` says, by the name people look for first.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { run } from '@sealtrail/evidence/cli'
import { certificatePem } from '@sealtrail/evidence'
import { brought, goodRange, loneProof } from '../../../evidence/test/bundle/examiner.ts'
import { FORGERIES } from '../../../evidence/test/bundle/forgeries.ts'
import { receipt, scratch, sealtrail } from './io.ts'
import type { Ran } from './io.ts'

const place = scratch()
const data = place.at('data')
const verify = (...args: string[]): Promise<Ran> => sealtrail(['verify', ...args], { cwd: place.path })
let vkey = ''

before(async () => {
  writeFileSync(place.at('in.ndjson'), Array.from({ length: 9 }, (_, i) => JSON.stringify(receipt(i))).join('\n'))
  assert.equal((await sealtrail(['ingest', place.at('in.ndjson'), '--data', data])).exit, 0)
  const made = await sealtrail(['export', '--range', 'notifications:2..7', '-o', 'case.zip', '--data', data], { cwd: place.path })
  assert.equal(made.exit, 0, made.err)
  vkey = (await sealtrail(['key', 'show', 'notifications', '--data', data])).out.trim()
  const {
    keys: [key = ''],
    policy,
    roots,
  } = brought()
  const { record, proof, receipt: paper } = loneProof()
  for (const [name, content] of [
    ['good.zip', goodRange()],
    ['key', key],
    ['policy', policy],
    ['roots.pem', roots.map((der) => certificatePem(der)).join('')],
    ['root.der', roots[0] ?? assert.fail()],
    ['record', record],
    ['one.tlog-proof', proof],
    ['receipt.json', paper],
  ] as const)
    writeFileSync(place.at(name), content)
})
after(() => place.remove())

test('an exported bundle: verified with the log’s key, not without, a problem when one byte is another', async () => {
  const good = await verify('case.zip', '--key', vkey)
  assert.deepEqual([good.exit, good.err], [0, ''])
  assert.match(good.out, /^VERIFIED – /)
  const alone = await verify('case.zip')
  assert.equal(alone.exit, 1)
  assert.match(alone.out, /^SIGNER NOT ESTABLISHED – /)
  assert.equal((await verify('case.zip', '--allow-unestablished')).exit, 0)
  assert.equal((await verify('case.zip', '--key', vkey, '--range', 'notifications:2..7')).exit, 0)
  const less = await verify('case.zip', '--key', vkey, '--range', 'notifications:2..9')
  assert.match(less.out, /^PROBLEM – /)
  assert.equal(less.exit, 1)
  const bytes = readFileSync(place.at('case.zip'))
  bytes[bytes.length >> 1]! ^= 1
  writeFileSync(place.at('changed.zip'), bytes)
  assert.equal((await verify('changed.zip', '--key', vkey, '--allow-unestablished')).exit, 1)
})

test('what sealtrail-verify says of the same file with the same options, and nothing else', async () => {
  const forged = FORGERIES.slice(0, 4).map(({ id, make }) => {
    writeFileSync(place.at(`${id}.zip`), make().bundle)
    return `${id}.zip`
  })
  const all = ['--key', 'key', '--policy', 'policy', '--tsa-roots', 'roots.pem']
  for (const [exit, ...args] of [
    [0, 'good.zip', ...all],
    [0, 'good.zip', ...all, '--tsa-roots', 'root.der', '--records'],
    [0, 'good.zip', ...all, '--key', vkey],
    [1, 'good.zip'],
    [0, 'one.tlog-proof', '--record', 'record', '--key', 'key'],
    [0, 'receipt.json', '--record', 'record', '--key', 'key', '--policy', 'policy'],
    [1, 'receipt.json', '--record', 'record'],
    ...forged.map((name) => [1, name, ...all] as const),
  ] as const)
    for (const json of [[], ['--json']]) {
      const ours = await verify(...args, ...json)
      let out = ''
      const theirs = await run([...args, ...json], { stdout: (text) => void (out += text), stderr: assert.fail, cwd: place.path, terminal: false })
      assert.deepEqual([ours.exit, ours.err, ours.out], [theirs, '', out])
      assert.equal(ours.exit, exit, args.join(' '))
      if (json.length > 0) assert.equal((JSON.parse(out) as { ok: boolean }).ok, exit === 0)
    }
})

test('progress on a terminal', async () => {
  const { err } = await sealtrail(['verify', 'good.zip'], { cwd: place.path, terminal: true })
  assert.match(err, /^\rchecking \[[#.]{25}\] \d+ %/)
  assert.ok(err.endsWith('\r\u001b[K'))
})

test('wrong use is 2 and says so as every command does, a file that cannot be read is 3', async () => {
  writeFileSync(place.at('note.txt'), 'hello')
  for (const [args, expected] of [
    [['gone.zip'], /there is no such file/],
    [['note.txt'], /no evidence bundle, proof, receipt or erasure certificate/],
    [['good.zip', '--key', 'nonsense'], /is no key/],
    [['good.zip', '--policy', 'gone'], /no such file/],
    [['good.zip', '--tsa-roots', 'note.txt'], /note\.txt: There is no certificate here/],
    [['good.zip', '--range', 'calls:9..1'], /--range is LOG:A\.\.B/],
    [['one.tlog-proof'], /name the record’s file|name the record's file/],
    [['good.zip', '--log', 'calls'], /--log goes with a data directory/],
    [['good.zip', '--no-vault'], /--no-vault goes with a data directory/],
    [['good.zip', '--checkpoint', 'x'], /--checkpoint goes with a data directory/],
    [[data, '--records'], /--records goes with a bundle, proof or receipt/],
    [[data, '--range', 'notifications:2..7'], /--range goes with a bundle/],
    [[data, '--key', vkey, '--key', vkey], /takes one --key/],
    [['ftp://bucket/logs'], /ftp:\/\/ is not in this version/],
    [['https://example.com/log'], /https:\/\/ is not in this version/],
  ] as const) {
    const { exit, out, err } = await verify(...args)
    assert.deepEqual([exit, out], [2, ''], args.join(' '))
    assert.match(err, expected)
    assert.match(err, /^sealtrail: [^]*\(USAGE\)\n$/)
    assert.equal((JSON.parse((await verify(...args, '--json')).err) as { error: { code: string } }).error.code, 'USAGE')
  }
  const device = await verify('/dev/null')
  assert.equal(device.exit, 3)
  assert.match(device.err, /is no file[^]*\(FILE_UNREADABLE\)/)
})
