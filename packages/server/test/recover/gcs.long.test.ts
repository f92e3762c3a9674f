// A whole server whose evidence lies on Google Cloud Storage, or what answers like it: sealed through faults, verified from there, recovered from there.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Config } from '../../src/config/config.ts'
import { openStore } from '../../src/config/open-store.ts'
import { Metrics, renderPrometheus } from '../../src/observe/metrics.ts'
import { StoreCounts } from '../../src/store/counted.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'
import { sealtrail } from '../cli/io.ts'
import { configFor } from '../crash/child.ts'
import { Book, HELD, LARGE, quiet, range, send, temporary } from '../crash/harness.ts'
import type { Kept } from '../store/gcs/rules.ts'
import { type Fault, type GcsServer, startGcs } from '../store/gcs/server.ts'

let server: GcsServer
let data = ''
let remove = (): void => {}
let config: Config

before(async () => {
  server = await startGcs(Date.now)
  ;({ data, remove } = temporary())
  const base = configFor(data, HELD.sequence)
  const place = { type: 'gcs' as const, bucket: 'bucket', prefix: 'audit/', endpoint: server.endpoint, credentialsFile: null }
  config = { ...base, store: { ...base.store, timeoutMs: 60_000, place } }
})

after(async () => {
  await server.close()
  remove()
})

const opened = (where = config): Promise<Local> => openLocal(where, { log: quiet })
const address = (): string => `gs://bucket/audit?endpoint=${encodeURIComponent(server.endpoint)}`
/** All but what probes leave. */
const evidenceUnder = (prefix: string): Kept[] => server.rules.kept.filter(({ name }) => name.startsWith(prefix) && !name.startsWith(`${prefix}.probe/`))
const segments = (): Kept[] => server.rules.kept.filter(({ name }) => name.startsWith('audit/notifications/segment/'))
async function verified(...args: string[]): Promise<{ ok: boolean; log: string; size: number; root: string; problems: { code: string; object: string }[] }[]> {
  const { out, err } = await sealtrail(['verify', ...args, '--json'])
  assert.notEqual(out, '', err)
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as never)
}
const found = (lines: Awaited<ReturnType<typeof verified>>): string[] => lines.flatMap(({ problems }) => problems.map(({ code }) => code))

test('every third request fails, each in another way: nothing is lost, nothing stands twice, each object is locked', async () => {
  const local = await opened()
  const faults: readonly Fault[] = [503, 'lost', 'reset', 'cut', 429, 'garbage', 500]
  let asked = 0
  server.fault = () => (asked++ % 3 === 2 ? faults[Math.floor(asked / 3) % faults.length]! : null)
  try {
    const book = new Book()
    for (const from of [0, 10, 20]) {
      await send(local, book, 'notifications', range(from, from + 10))
      await local.sealing.drained()
    }
    await send(local, book, 'notifications', [LARGE])
    await send(local, book, 'interactions', range(0, 10))
    await local.sealing.flush()
    server.fault = () => null
    assert.equal(local.sealing.sizes.get('notifications'), 31)
  } finally {
    server.fault = () => null
    await local.close()
  }
  const evidence = evidenceUnder('audit/')
  assert.equal(new Set(evidence.map(({ name }) => name)).size, evidence.length)
  assert.ok(evidence.every(({ retention }) => retention?.mode === 'Locked'))
  assert.deepEqual(found(await verified(data, '--no-vault')), [])
})

test('straight from the bucket, with its locks: whole, and each harm is named', async () => {
  const good = await verified(address(), '--store-locks')
  assert.deepEqual(found(good), [])
  const [first] = segments()
  const harms: readonly [() => void, RegExp, () => void][] = [
    [() => void (first!.retention = null), /LOCK_MISSING/, restore('retention')],
    [() => void (first!.retention = { ...first!.retention!, mode: 'Unlocked' }), /LOCK_WEAK/, restore('retention')],
    [() => void server.rules.insert({ name: first!.name }, Buffer.from('other'), null), /OBJECT_OVERWRITTEN/, () => undo()],
    [() => server.rules.remove(first!.name, null), /OBJECT_OVERWRITTEN/, restore('timeDeleted')],
    [() => void (first!.bytes = Buffer.from(first!.bytes).fill(1, 20, 30)), /SEGMENT_(UNREADABLE|KEY)/, restore('bytes')],
  ]
  function restore(member: 'retention' | 'timeDeleted' | 'bytes'): () => void {
    const was = first![member]
    return () => void Object.assign(first!, { [member]: was })
  }
  function undo(): void {
    server.rules.kept.pop()
    first!.timeDeleted = null
  }
  for (const [harm, named, heal] of harms) {
    harm()
    assert.match(found(await verified(address(), '--store-locks')).join(), named)
    heal()
  }
  assert.deepEqual(found(await verified(address(), '--store-locks')), [])
})

test('the directory gone, the bucket makes it again: same size, same root', async () => {
  const into = join(data, '..', 'again')
  const { exit, out, err } = await sealtrail(['recover', '--store', address(), '--data', into, '--keys', join(data, 'keys')])
  assert.equal(exit, 0, out + err)
  const states = (lines: Awaited<ReturnType<typeof verified>>): object[] =>
    lines.filter(({ log }) => log !== '*').map(({ log, size, root }) => ({ log, size, root }))
  assert.deepEqual(states(await verified(into, '--no-vault')), states(await verified(address())))
})

test('a bucket that does not lock gets no evidence, and nothing is accepted for it', async () => {
  server.rules.objectRetention = false
  const place = { ...config.store.place, prefix: 'late/' } as Config['store']['place']
  const local = await opened({ ...config, data: join(data, '..', 'late'), store: { ...config.store, place } })
  try {
    await assert.rejects(send(local, new Book(), 'notifications', range(0, 5)), { code: 'STORE_NOT_LOCKED' })
    assert.deepEqual(evidenceUnder('late/'), [])
  } finally {
    server.rules.objectRetention = true
    await local.close()
  }
})

test('requests are counted by Google’s names for them', async () => {
  const metrics = new Metrics()
  const store = await openStore(config, { counts: new StoreCounts(metrics), readOnly: true })
  for await (const _ of store.list('')) break
  await store.close()
  assert.match(renderPrometheus(metrics.snapshot()), /sealtrail_store_requests_total\{store="gcs",request="objects\.list"\} 1/)
})
