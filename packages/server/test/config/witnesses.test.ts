import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TYPE_ML_DSA_44, cosigner, formatVkey } from '@sealtrail/tlog'
import { parseConfig } from '../../src/config/load.ts'
import type { WitnessConfig } from '../../src/config/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-witness-config-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const w = cosigner('w.example', new Uint8Array(32).fill(4)).vkey
const pq = formatVkey('pq.example', TYPE_ML_DSA_44, new Uint8Array(1312).fill(7))
const load = (yaml: string): WitnessConfig | null => parseConfig(yaml, 'sealtrail.yaml', folder, { cwd: folder, env: {} }).config.witnesses
const withPolicy = (policy: string | Uint8Array, more = ''): WitnessConfig | null => {
  writeFileSync(join(folder, 'policy'), policy)
  return load(`witnesses:\n  policy: file:policy\n${more}`)
}
const mistake = (run: () => unknown, pattern: RegExp): void =>
  assert.throws(run, (error: Error & { code?: string }) => error.code === 'CONFIG_INVALID' && pattern.test(error.message))

test('without a policy nobody cosigns; with one its text is taken without comments, and the defaults fit', () => {
  assert.equal(load(''), null)
  assert.deepEqual(withPolicy(`# who\nwitness w ${w}   https://w.example/x/\nquorum w`), {
    policy: `witness w ${w} https://w.example/x/\nquorum w\n`,
    intervalMs: 10_000,
    timeoutMs: 5_000,
    failOpen: false,
  })
  const all = withPolicy(`witness w ${w} http://127.0.0.1:8797\nquorum w\n`, '  interval: 1m\n  timeout: 500ms\n  failOpen: true\n')
  assert.deepEqual([all?.intervalMs, all?.timeoutMs, all?.failOpen], [60_000, 500, true])
  // A witness whose signatures cannot be checked may stand in a policy that can do without it.
  assert.notEqual(withPolicy(`witness w ${w} https://w.example\nwitness pq ${pq} https://pq.example\ngroup g any w pq\nquorum g\n`), null)
})

test('what cannot work is refused at its line, in words', () => {
  mistake(() => load('witnesses:\n  policy: file:nowhere\n'), /sealtrail\.yaml:2:\d+: witnesses\.policy: the file cannot be read \(ENOENT\)/)
  mistake(() => load('witnesses:\n  policy: policy\n'), /write file:PATH/)
  mistake(() => load('witnesses:\n  failOpen: true\n'), /there is no witnesses\.policy to fail/)
  mistake(() => withPolicy('witness w\n'), /witnesses\.policy: line 1: write witness NAME VKEY \[URL\]/)
  mistake(() => withPolicy(`witness w ${w} https://w.example\n`), /there is no quorum line/)
  mistake(() => withPolicy(`witness w ${w}\nquorum w\n`), /no URL stands on the line of w/)
  for (const url of ['w.example', 'ftp://w.example', 'https://w.example/?a=b', 'https://w.example/#x', 'https://me:pw@w.example'])
    mistake(() => withPolicy(`witness w ${w} ${url}\nquorum w\n`), /is not an http or https address/)
  mistake(() => withPolicy(`witness pq ${pq} https://pq.example\nquorum pq\n`), /cannot be checked in this version \(ML-DSA-44: pq\)/)
  mistake(() => withPolicy(`witness w ${w} https://w.example\r\nquorum w\r\n`), /line 1: a control character/)
  mistake(() => withPolicy(`witness w ${w} https://w.example\nquorum w\n`, '  interval: 50ms\n'), /witnesses\.interval: at least 100ms/)
  mistake(() => withPolicy(`witness w ${w} https://w.example\nquorum w\n`, '  timeout: 0s\n'), /witnesses\.timeout: must be longer than nothing/)
  mistake(() => withPolicy(new Uint8Array(1_048_577).fill(35)), /too large for a policy/)
})
