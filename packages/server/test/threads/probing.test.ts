import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { probeInThreads } from '../../src/threads/probing.ts'

test('a probe of files in a thread says declared and leaves nothing, however often and side by side', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'sealtrail-probing-'))
  t.after(() => rmSync(data, { recursive: true }))
  const probing = probeInThreads({ data, store: { place: { type: 'files' }, timeoutMs: 1_000, unlocked: 'stop' } })
  const probes = await Promise.all([probing.probe(), probing.probe()])
  assert.deepEqual(
    probes.map(({ assurance }) => assurance),
    ['declared', 'declared'],
  )
  assert.deepEqual(readdirSync(join(data, 'store')), [])
})

test('a store that cannot be reached, or never answers and is no longer waited for, is no verdict', async (t) => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const at = (endpoint: string): ReturnType<typeof probeInThreads> =>
    probeInThreads({
      data: tmpdir(),
      store: {
        place: {
          type: 's3',
          bucket: 'evidence',
          prefix: '',
          region: 'us-east-1',
          endpoint,
          credentials: { accessKeyId: 'env:PATH', secretAccessKey: 'env:PATH' },
        },
        timeoutMs: 60_000,
        unlocked: 'stop',
      },
    })
  const connected = new Promise<void>((resolve) => silent.once('connection', () => resolve()))
  const hanging = at(`http://127.0.0.1:${port}`)
  const probe = hanging.probe()
  await connected
  await Promise.all([assert.rejects(probe, { code: 'STORE_UNREADABLE', message: 'the probe was ended' }), hanging.end()])
  await assert.rejects(
    probeInThreads({ data: '/dev/null/none', store: { place: { type: 'files' }, timeoutMs: 1_000, unlocked: 'stop' } }).probe(),
    ({ code }: { code: string }) => code === 'DATA_UNWRITABLE',
  )
})

test('a replica is probed beside its store, by no second writer, and told with its own verdict', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-probing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const place = (name: string): { type: 'files'; path: string } => ({ type: 'files', path: join(folder, name) })
  const replica = { place: place('copy'), mode: 'follow' as const }
  const probe = await probeInThreads({ data: folder, store: { place: place('main'), timeoutMs: 1_000, unlocked: 'stop', replica } }).probe()
  const results = new Map(probe.checks.map(({ name, result }) => [name, result]))
  assert.equal(probe.assurance, 'declared')
  assert.deepEqual([results.get('declared'), results.get('replica'), results.get('replica-declared')], ['held', 'held', 'held'])
})
