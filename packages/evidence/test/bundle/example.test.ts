import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import { Zip } from '../../src/bundle/zip.ts'
import { joined } from '../../src/bundle/files.ts'
import { bundleFiles } from '../bundle-example.ts'

const root = new URL('../../../../docs/example/', import.meta.url)

test('the bundle of docs/format.md is what the code makes today, and a good one', async () => {
  const blob = new Blob([Uint8Array.from(readFileSync(new URL('calls-0-2.zip', root)))])
  const zip = await Zip.open(blob)
  const expected = bundleFiles()
  assert.deepEqual([...zip.names()].sort(), [...expected.keys()].sort())
  for (const [path, bytes] of expected) assert.deepEqual(Buffer.from(await joined(zip.read(path), path, 1e6)), Buffer.from(bytes), path)
  const vkey = readFileSync(new URL('log.vkey', root), 'utf8')
  const verdict = await verifyBundle(blob, { vkeys: [vkey], asked: { range: { log: 'calls', from: 0, to: 2 } } })
  assert.deepEqual(verdict.problems, [])
  assert.equal(verdict.conclusion, 'established')
})
