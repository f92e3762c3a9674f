// A small zip must not keep a verifier busy: its lists are bounded before anything is done for each member.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '@sealtrail/evidence'
import { checkLayout } from '../../src/bundle/layout.ts'
import type { BundleManifest } from '../../src/bundle/format.ts'
import { LOG, makeBundle, ORIGIN } from './maker.ts'

const codes = async (change: (manifest: JsonObject & { logs: JsonObject[]; files: JsonValue[] }) => void): Promise<string[]> => {
  const parts = makeBundle({ asked: { kind: 'person' } })
  change(parts.manifest)
  parts.set('manifest.json', `${JSON.stringify(parts.manifest)}\n`)
  const { problems } = await verifyBundle(await parts.blob())
  return [...new Set(problems.map(({ code }) => code))]
}

test('more logs, files or time stamps than a bundle can have are refused with the list', async () => {
  const logs = (count: number) => (manifest: { logs: JsonObject[] }) => {
    const [log] = manifest.logs
    for (let i = manifest.logs.length; i < count; i++) manifest.logs.push({ ...log!, log: `l-${i}`, origin: `log.example.org/l-${i}` })
  }
  assert.deepEqual(await codes(logs(1_001)), ['BUNDLE_MANIFEST'])
  assert.ok(!(await codes(logs(40))).includes('BUNDLE_MANIFEST'))
  const file = { size: 1, sha256: '0'.repeat(64) }
  assert.deepEqual(await codes(({ files }) => void Array.from({ length: 200_001 }, (_, i) => files.push({ ...file, path: `log/${LOG}/object/${i}` }))), [
    'BUNDLE_MANIFEST',
  ])
  assert.deepEqual(await codes((manifest) => void (manifest.logs[0]!['timestamps'] = Array.from({ length: 1_001 }, (_, i) => `t-${i}`))), ['BUNDLE_MANIFEST'])
  assert.deepEqual(await codes((manifest) => void (manifest.logs[0]!['timestamps'] = ['t-1', 't-1'])), ['BUNDLE_MANIFEST'])
})

test('a name belongs to one log, and to the log of that name', () => {
  const manifest = makeBundle({ asked: { kind: 'person' } }).manifest as unknown as BundleManifest
  const [log] = manifest.logs
  const found = (...logs: ReadonlyArray<readonly [string, string]>): string[] => {
    const all: string[] = []
    checkLayout({ ...manifest, logs: logs.map(([name, origin]) => ({ ...log!, log: name, origin })) }, ({ code, object }) => void all.push(`${code} ${object}`))
    return all.filter((each) => each.startsWith('CHECKPOINT_LOG'))
  }
  assert.deepEqual(found([LOG, ORIGIN]), [])
  assert.deepEqual(found([LOG, LOG]), [])
  for (const origin of ['log.example.org/other', `x${LOG}`, `${ORIGIN}/`, `${ORIGIN}2`, ''])
    assert.deepEqual(found([LOG, origin]), [`CHECKPOINT_LOG log/${LOG}/checkpoint`])
  assert.deepEqual(found(['b', 'x/a/b'], ['a', 'x/a'], ['c', 'x/c']), [])
  assert.equal(found([LOG, ORIGIN], [LOG, ORIGIN]).length, 1)
})

test('many logs and files are looked at in a time that grows with their number', () => {
  const manifest = makeBundle({ asked: { kind: 'person' } }).manifest as unknown as BundleManifest
  const logs = Array.from({ length: 1_000 }, (_, i) => ({ ...manifest.logs[0]!, log: `l-${i}`, origin: `x/l-${i}` }))
  const files = Array.from({ length: 200_000 }, (_, i) => ({ path: `log/l-999/proof/${i}.tlog-proof`, size: 1, sha256: '' }))
  const compared = { n: 0 }
  const counting = logs.map((log) => ({
    ...log,
    get log(): string {
      compared.n++
      return log.log
    },
  }))
  checkLayout({ ...manifest, logs: counting, files }, () => {})
  assert.ok(compared.n < 100_000, String(compared.n))
})
