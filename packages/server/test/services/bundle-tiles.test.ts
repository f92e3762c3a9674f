// The README's own commands over a bundle of many records, whose range is proven by full tiles.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { receipt, scratch, sealtrail } from '../cli/io.ts'

const place = scratch()
const data = place.at('data')
const COUNT = 1_300

before(async () => {
  writeFileSync(place.at('in.ndjson'), Array.from({ length: COUNT }, (_, i) => JSON.stringify(receipt(i))).join('\n'))
  const { exit, err } = await sealtrail(['ingest', place.at('in.ndjson'), '--data', data])
  assert.equal(exit, 0, err)
  const made = await sealtrail(['export', '--range', 'notifications:300..520', '-o', 'range.zip', '--data', data], { cwd: place.path })
  assert.equal(made.exit, 0, made.err)
})
after(() => place.remove())

test(
  'the README’s commands walk through full tiles',
  { skip: spawnSync('sh', ['-c', 'command -v unzip jq xxd basenc openssl bash']).status === 0 ? false : 'tools missing' },
  () => {
    execFileSync('unzip', ['-q', 'range.zip', '-d', 'range'], { cwd: place.path })
    const text = readFileSync(place.at('range', 'README.md'), 'utf8')
    const script = [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block).join('\n')
    const run = (): string => execFileSync('bash', ['-c', script], { cwd: place.at('range'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    const good = run()
    assert.match(good, /^tiles: the right edge leads to the root$/m)
    assert.match(good, /^notifications: records up to, and without, number 520$/m)
    assert.doesNotMatch(good, /is not|does not/)
    const tile = place.at('range', 'log/notifications/tile/0/001')
    const bytes = readFileSync(tile)
    bytes[32 * 50]! ^= 1
    writeFileSync(tile, bytes)
    const bad = run()
    assert.match(bad, /^tile 0\/001 does not lead to the root$/m)
    assert.match(bad, /^record 306 is not what was sealed$/m)
  },
)
