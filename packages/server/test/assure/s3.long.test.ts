// Served processes over an S3 server that enforces, one without lock, and one that lies: three verdicts, told in every place.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { sealtrail } from '../cli/io.ts'
import type { Ran } from '../cli/io.ts'
import { Served } from '../services/served.ts'
import { S3Server } from '../store/s3/server.ts'

process.env['SEALTRAIL_TEST_ID'] = 'AKIATEST'
process.env['SEALTRAIL_TEST_SECRET'] = 'secret'

interface Place {
  readonly s3: S3Server
  readonly data: string
  readonly yaml: string
  readonly folder: string
}

async function place(t: TestContext, options: { lock?: boolean; unlocked?: string; trails?: object } = {}): Promise<Place> {
  const s3 = await S3Server.start()
  s3.bucket('evidence', { lock: options.lock ?? true })
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-assure-s3-'))
  t.after(async () => {
    await s3.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const store = {
    type: 's3',
    bucket: 'evidence',
    prefix: 'audit/eu',
    region: 'us-east-1',
    endpoint: s3.endpoint,
    accessKeyId: 'env:SEALTRAIL_TEST_ID',
    secretAccessKey: 'env:SEALTRAIL_TEST_SECRET',
    unlocked: options.unlocked ?? 'stop',
  }
  return {
    s3,
    folder,
    data: join(folder, 'data'),
    yaml: JSON.stringify({ store, limits: { ingestThreads: 1 }, ...(options.trails === undefined ? {} : { trails: options.trails }) }),
  }
}

const start = ({ data, yaml }: Place): Promise<Served> => Served.start(data, yaml)
const ready = async (served: Served): Promise<{ status: number; reasons: string[]; store: JsonObject }> => {
  const answer = await fetch(`${served.url}/readyz`)
  const { reasons, stores } = (await answer.json()) as { reasons: string[]; stores: JsonObject[] }
  return { status: answer.status, reasons, store: stores[0] as JsonObject }
}
const probes = async (served: Served): Promise<JsonObject[]> => {
  const { records } = JSON.parse(await served.text('/api/v1/records?log=system&type=sealtrail.system.probe&limit=100')) as { records: JsonObject[] }
  return records.sort((a, b) => Number(a['index']) - Number(b['index'])).map((record) => record['data'] as JsonObject)
}
const run = (...words: readonly string[]): Promise<Ran> => sealtrail(words, { env: process.env as Record<string, string> })
const doctor = ({ data }: Place, ...more: readonly string[]): Promise<Ran> => run('doctor', '--data', data, '--config', `${data}.yaml`, ...more)

describe('over S3', { concurrency: 2 }, () => {
  test('a bucket that enforces its lock: observed, accepted, and taken back when it lies at a later start', async (t) => {
    const here = await place(t)
    let served = await start(here)
    assert.equal((await served.post([1, 2])).status, 200)
    let told = await ready(served)
    assert.deepEqual([told.status, told.reasons, told.store['assurance'], told.store['broken']], [200, [], 'store-enforced', []])
    const metrics = await served.text('/metrics')
    assert.match(metrics, /^sealtrail_store_assurance\{store="s3",assurance="store-enforced"\} 1$/m)
    assert.match(metrics, /^sealtrail_store_decisive_broken\{store="s3"\} 0$/m)
    assert.match(metrics, /^sealtrail_store_requests_total\{store="s3",request="PutObject"\} [1-9]/m)
    // The probe's own requests are billed as well.
    assert.match(metrics, /^sealtrail_store_operations_total\{store="s3",operation="probe"\} 1$/m)
    assert.match(metrics, /^sealtrail_store_requests_total\{store="s3",request="GetBucketVersioning"\} [1-9]/m)
    assert.match(served.program.said, /"the lock of the store was probed|the lock of the store holds/)
    const [record] = await probes(served)
    assert.deepEqual([record?.['assurance'], record?.['why'], record?.['store']], ['store-enforced', 'start', `s3://evidence/audit/eu/ at ${here.s3.endpoint}`])
    assert.ok((record?.['checks'] as JsonObject[]).some(({ name, result }) => name === 'delete-version' && result === 'held'))
    const looked = await doctor(here)
    assert.equal(looked.exit, 0, looked.out)
    // Read with the configuration's credentials.
    assert.match(looked.out, /^ok {4}clock {10}not behind the newest commit \(log /m)
    assert.match(looked.out, /^ok {4}store {10}s3:\/\/evidence\/audit\/eu\/ at \S+: store-enforced, observed on \d{4}-/m)
    assert.match(looked.out, /^ {21}delete-version +held +403 AccessDenied/m)
    assert.match(looked.out, /^ok {4}store {10}the server last saw: store-enforced, observed on /m)
    await served.stop()

    // The same server, which from now on deletes what is locked.
    here.s3.lies.add('delete')
    served = await start(here)
    // What was observed before stands until the probe of this start has ended.
    await served.says(/nothing is accepted or sealed/)
    const refused = await served.post([3])
    assert.deepEqual([refused.status, ((await refused.json()) as JsonObject)['code']], [503, 'STORE_NOT_LOCKED'])
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    while ((told = await ready(served)).status === 200) await new Promise((resolve) => setTimeout(resolve, 50))
    assert.match(told.reasons[0] ?? '', /^STORE_NOT_LOCKED: .* none, observed on .*delete-version/)
    const lying = await doctor(here)
    assert.equal(lying.exit, 1)
    assert.match(lying.out, /^fail {2}store {10}s3:\S+ at \S+: none, observed on .*delete-version/m)
    assert.match(lying.out, /-> it takes the lock and does not keep to it/)
    assert.match(lying.out, /^ {21}delete-version +broken +/m)
    // A store that lies takes the record of it; the Merkle log, not the lock, is what holds that one.
    assert.deepEqual(
      (await probes(served)).map(({ assurance }) => assurance),
      ['store-enforced', 'none'],
    )
    await served.stop()

    // Honest again: the first probe says so, and events are taken without anybody's doing.
    here.s3.lies.delete('delete')
    served = await start(here)
    assert.equal((await ready(served)).status, 200)
    assert.equal((await served.post([3])).status, 200)
    assert.deepEqual(
      (await probes(served)).map(({ assurance }) => assurance),
      ['store-enforced', 'none', 'store-enforced'],
    )
    await served.stop()
  })

  test('a bucket without lock: nothing is accepted, and nothing of it is acknowledged', async (t) => {
    const here = await place(t, { lock: false, trails: { interactions: { retain: { mode: 'GOVERNANCE' } } } })
    const served = await start(here)
    const refused = await served.post([1])
    assert.deepEqual([refused.status, ((await refused.json()) as JsonObject)['code']], [503, 'STORE_NOT_LOCKED'])
    const told = await ready(served)
    assert.deepEqual([told.status, told.store['assurance'], told.store['stops']], [503, 'none', true])
    assert.match(await served.text('/metrics'), /^sealtrail_store_stops\{store="s3"\} 1$/m)
    const looked = await doctor(here)
    assert.equal(looked.exit, 1)
    assert.match(looked.out, /lock-shown +broken +the bucket takes no locks/)
    assert.match(looked.out, /^warn {2}store {10}kept in GOVERNANCE, .*: interactions\. The verdict/m)
    assert.match(looked.out, /-> turn the lock of the bucket or container on/)
    const { findings } = JSON.parse((await doctor(here, '--json')).out) as { findings: JsonObject[] }
    const { code, checks } = findings.find(({ area }) => area === 'store') as { code: string; checks: JsonObject[] }
    assert.deepEqual([code, checks[0]?.['name'], checks[0]?.['result']], ['STORE_NOT_LOCKED', 'lock-shown', 'broken'])
    await served.program.stop()
  })

  test('a bucket without lock and go-on: accepted, and said at every place', async (t) => {
    const here = await place(t, { lock: false, unlocked: 'go-on' })
    const served = await start(here)
    await served.says(/going on as store.unlocked says/)
    assert.equal((await served.post([1])).status, 200)
    await served.seal(2, 1)
    let told = await ready(served)
    while (told.reasons.length === 0) told = await ready(served)
    assert.equal(told.status, 200)
    assert.match(told.reasons.join(), /not store-enforced as configured but none.*going on/)
    // The first put may have said so before the probe.
    const sealed = await probes(served)
    assert.ok(sealed.length > 0 && sealed.every(({ assurance, unlocked }) => assurance === 'none' && unlocked === 'go-on'))
    const looked = await doctor(here)
    assert.equal(looked.exit, 0)
    assert.match(looked.out, /^warn {2}store .*a server goes on, as store.unlocked says/m)
    await served.stop()
  })

  test('a first start that cannot reach the store ends with a clear error; one that cannot probe waits', async (t) => {
    const here = await place(t)
    await here.s3.goAway()
    writeFileSync(`${here.data}.yaml`, here.yaml)
    const gone = await run('serve', '--data', here.data, '--config', `${here.data}.yaml`, '--port', '0')
    assert.equal(gone.exit, 3)
    assert.match(gone.err, /STORE_UNREADABLE/)
    await here.s3.comeBack()
    const lift = here.s3.fault({ does: 'internal-error', on: ({ key }) => key.includes('probe/'), times: Infinity })
    const served = await start(here)
    const refused = await served.post([1])
    assert.deepEqual([refused.status, ((await refused.json()) as JsonObject)['code']], [503, 'NOT_READY'])
    assert.match((await ready(served)).reasons.join(), /has not been observed yet.*could not be probed since/)
    lift()
    await served.program.stop()
  })
})
