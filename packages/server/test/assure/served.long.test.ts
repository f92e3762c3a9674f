import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Here, script } from './scripted.ts'
import type { HereOptions, Script } from './scripted.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

async function here(t: TestContext, scripted: Script, options: HereOptions = {}): Promise<Here> {
  const opened = await Here.open(scripted, options)
  t.after(() => opened.end())
  return opened
}

const trailsIn = (puts: readonly string[]): string[] => [...new Set(puts.map((key) => key.split('/')[0] as string))].filter((log) => log !== 'system')

test('enforced: events are taken, and it is said everywhere with its date', async (t) => {
  const world = await here(t, script())
  assert.equal((await world.send()).status, 201)
  const { status, reasons, store } = await world.ready()
  assert.deepEqual([status, reasons], [200, []])
  assert.deepEqual(
    { ...store, observed: typeof store['observed'] },
    {
      store: 's3',
      assurance: 'store-enforced',
      promised: 'store-enforced',
      observed: 'string',
      old: false,
      broken: [],
      stops: false,
    },
  )
  assert.equal(await world.metric('sealtrail_store_assurance{store="s3",assurance="store-enforced"}'), 1)
  assert.equal(await world.metric('sealtrail_store_assurance{store="s3",assurance="none"}'), 0)
  assert.equal(await world.metric('sealtrail_store_promise_kept{store="s3"}'), 1)
  assert.equal(await world.metric('sealtrail_store_checks{store="s3",result="held"}'), 3)
  const [first, ...more] = await world.sealed()
  assert.equal(more.length, 0)
  assert.equal(first?.['assurance'], 'store-enforced')
  assert.equal(first['why'], 'start')
  assert.equal(first['store'], 's3://evidence/')
  assert.deepEqual((first['checks'] as unknown[])[1], { decisive: true, name: 'delete-version', result: 'held', seen: '403 AccessDenied' })
  assert.deepEqual(await world.audit(), [])
})

test('enforced, none, enforced: sealing stops and goes on by itself, nothing is lost and nothing twice', async (t) => {
  const world = await here(t, script())
  assert.equal((await world.send()).status, 201)
  world.script.verdict = 'none'
  world.pass(DAY_MS)
  await world.local.assuring.beat()
  const before = world.script.puts.length
  const refused = await world.send()
  assert.deepEqual([refused.status, refused.code], [503, 'STORE_NOT_LOCKED'])
  assert.equal(refused.retry, '30')
  const { status, reasons, store } = await world.ready()
  assert.equal(status, 503)
  assert.match(reasons[0] ?? '', /^STORE_NOT_LOCKED: the lock of the store \(s3\) does not hold: none, observed on \d{4}-.* \(delete-version\)$/)
  assert.deepEqual([store['assurance'], store['stops'], store['broken']], ['none', true, ['delete-version']])
  assert.equal(await world.metric('sealtrail_store_stops{store="s3"}'), 1)
  assert.ok(world.lines.some((line) => line.includes('"level":"error"') && line.includes('nothing is accepted or sealed')))
  // The finding itself is sealed, and nothing else.
  assert.deepEqual(
    (await world.sealed()).map((data) => [data['assurance'], data['why'], data['unlocked']]),
    [
      ['store-enforced', 'start', 'stop'],
      ['none', 'changed', 'stop'],
    ],
  )
  assert.deepEqual(trailsIn(world.script.puts.slice(before)), [])
  world.script.verdict = 'enforced'
  // Not after another day: while it keeps events out, it is looked at every minute.
  world.pass(MINUTE_MS)
  await world.local.assuring.beat()
  assert.equal((await world.send()).status, 201)
  assert.equal((await world.ready()).status, 200)
  assert.deepEqual(
    (await world.sealed()).map((data) => data['assurance']),
    ['store-enforced', 'none', 'store-enforced'],
  )
  assert.equal(world.local.sealing.sizes.get('notifications'), 2)
  assert.deepEqual(await world.audit(), [])
})

test('what was accepted before the finding stays in the journal, over a restart too, and is sealed once', async (t) => {
  const world = await here(t, script())
  let let1 = (): void => {}
  world.script.slow = new Promise((resolve) => (let1 = resolve))
  const first = world.send()
  const second = world.send()
  assert.equal((await first).outcome, 'held')
  assert.equal((await second).outcome, 'held')
  // The first commit is under way, the second event waits behind it.
  const third = world.send()
  world.script.verdict = 'none'
  const look = world.local.assuring.look()
  world.script.slow = null
  let1()
  await look
  await third
  const sealedThen = world.local.sealing.sizes.get('notifications')
  assert.ok(sealedThen < 3, 'not everything was sealed')
  await world.restart()
  assert.equal((await world.send()).code, 'STORE_NOT_LOCKED')
  assert.equal(world.local.sealing.sizes.get('notifications'), sealedThen)
  world.script.verdict = 'enforced'
  world.pass(MINUTE_MS * 20)
  await world.local.assuring.beat()
  assert.ok((await world.send()).status < 203)
  await world.untilSealed(4)
  assert.equal(world.local.sealing.sizes.get('notifications'), 4)
  assert.deepEqual(await world.audit(), [])
})

test('a put that comes back without its lock stops sealing at once; the probe and the next put decide', async (t) => {
  const world = await here(t, script())
  assert.equal((await world.send()).status, 201)
  world.script.dropsLock = 'throws'
  world.script.verdict = 'none'
  // Accepted, and no receipt: it is in the journal.
  assert.equal((await world.send()).outcome, 'held')
  const refused = await world.send()
  assert.deepEqual([refused.status, refused.code], [503, 'STORE_NOT_LOCKED'])
  const puts = world.script.puts.length
  const { status, store } = await world.ready()
  assert.deepEqual([status, store['broken']], [503, ['put']])
  world.pass(MINUTE_MS)
  await world.local.assuring.beat()
  assert.deepEqual((await world.ready()).store['broken'], ['delete-version'])
  assert.deepEqual(trailsIn(world.script.puts.slice(puts)), [], 'no put is tried while it stands')
  world.script.dropsLock = false
  world.script.verdict = 'enforced'
  world.pass(MINUTE_MS * 20)
  await world.local.assuring.beat()
  assert.ok((await world.send()).status < 203)
  await world.untilSealed(3)
  assert.equal(world.local.sealing.sizes.get('notifications'), 3)
  const sealed = await world.sealed()
  assert.deepEqual(
    sealed.map((data) => data['broken']),
    [[], ['put'], ['delete-version'], []],
  )
  assert.deepEqual(await world.audit(), [])
})

test('a probe that takes for ever holds nothing up', async (t) => {
  const world = await here(t, script())
  let end = (): void => {}
  world.script.probing = new Promise((resolve) => (end = resolve))
  const look = world.local.assuring.look()
  assert.equal((await world.send()).status, 201)
  assert.equal((await world.send()).status, 201)
  end()
  await look
  assert.equal(world.script.probes, 2)
})

test('go-on: none is said in every place, and everything goes on', async (t) => {
  const world = await here(t, script('none'), { unlocked: 'go-on' })
  await world.local.assuring.beat()
  assert.equal((await world.send()).status, 201)
  const { status, reasons, store } = await world.ready()
  assert.equal(status, 200)
  assert.match(reasons.join(), /not store-enforced as configured but none, observed on .* \(delete-version\); going on/)
  assert.deepEqual([store['assurance'], store['stops']], ['none', false])
  assert.equal(await world.metric('sealtrail_store_promise_kept{store="s3"}'), 0)
  assert.equal(await world.metric('sealtrail_store_stops{store="s3"}'), 0)
  assert.ok(world.lines.some((line) => line.includes('"level":"warn"') && line.includes('going on as store.unlocked says')))
  assert.deepEqual(
    (await world.sealed()).map((data) => [data['assurance'], data['unlocked']]),
    [['none', 'go-on']],
  )
  assert.deepEqual(await world.audit(), [])
})

test('go-on: a put that comes back without its lock is stored, and believed rather than the last probe', async (t) => {
  const world = await here(t, script(), { unlocked: 'go-on' })
  await world.local.assuring.look()
  world.script.dropsLock = 'says'
  assert.equal((await world.send()).status, 201)
  const { status, reasons, store } = await world.ready()
  assert.deepEqual([status, store['assurance'], store['broken']], [200, 'none', ['put']])
  assert.match(reasons.join(), /going on/)
  await world.local.assuring.beat()
  assert.deepEqual(
    (await world.sealed()).map((data) => data['broken']),
    [[], ['put']],
  )
  const lock = { mode: 'COMPLIANCE', retainUntilMs: world.now() + DAY_MS } as const
  world.script.dropsLock = false
  const bytes = Buffer.from('x')
  const put = (): Promise<{ assurance: string }> => world.local.sealing.store.put(`notifications/object/${hash('sha256', bytes)}`, bytes, lock)
  // The adapter says enforced; nobody has seen it since.
  assert.equal((await put()).assurance, 'none')
  await world.local.assuring.look()
  assert.equal((await put()).assurance, 'store-enforced')
  // Nobody attacked what is locked in the mode that can be set aside.
  const soft = Buffer.from('y')
  const stored = await world.local.sealing.store.put(`notifications/object/${hash('sha256', soft)}`, soft, { ...lock, mode: 'GOVERNANCE' })
  assert.equal(stored.assurance, 'declared')
})

test('declared where enforcement is promised stops as well: nobody saw it hold', async (t) => {
  const world = await here(t, script('declared'))
  const refused = await world.send()
  assert.deepEqual([refused.status, refused.code], [503, 'STORE_NOT_LOCKED'])
  assert.match((await world.ready()).reasons[0] ?? '', /is not seen to hold: declared, .* \(shorten\)/)
})

test('a first start with a store that cannot be probed accepts nothing, and begins by itself', async (t) => {
  const world = await here(t, script('unreachable'))
  const refused = await world.send()
  assert.deepEqual([refused.status, refused.code], [503, 'NOT_READY'])
  assert.ok(Number(refused.retry) > 0)
  const { status, reasons, store } = await world.ready()
  assert.equal(status, 503)
  assert.match(reasons[0] ?? '', /^NOT_READY: whether the store \(s3\) locks what it is given has not been observed yet/)
  assert.match(reasons[1] ?? '', /could not be probed since .*: STORE_UNREADABLE/)
  assert.deepEqual([store['assurance'], store['observed']], ['unknown', null])
  assert.equal(await world.metric('sealtrail_store_observed_age_seconds{store="s3"}'), -1)
  assert.equal(await world.metric('sealtrail_store_probe_failures_total{store="s3",code="STORE_UNREADABLE"}'), 1)
  assert.deepEqual(await world.sealed(), [])
  world.script.verdict = 'enforced'
  world.pass(MINUTE_MS)
  await world.local.assuring.beat()
  assert.equal((await world.send()).status, 201)
  assert.deepEqual((await world.ready()).reasons, [])
  assert.deepEqual(
    (await world.sealed()).map((data) => data['why']),
    ['start'],
  )
})

test('a store that cannot be probed later is no verdict: the last one stands, and is told as old after two intervals', async (t) => {
  const world = await here(t, script())
  world.script.verdict = 'unreachable'
  world.pass(DAY_MS)
  await world.local.assuring.beat()
  assert.equal((await world.send()).status, 201)
  let ready = await world.ready()
  assert.deepEqual([ready.status, ready.store['old'], ready.store['assurance']], [200, false, 'store-enforced'])
  assert.equal(ready.reasons.length, 1)
  world.pass(DAY_MS + 1)
  await world.local.assuring.beat()
  ready = await world.ready()
  assert.deepEqual([ready.status, ready.store['old']], [200, true])
  assert.match(ready.reasons.join(), /the last observation is old \(store-enforced, observed on .*; probed every 86400 s\)/)
  assert.ok((await world.metric('sealtrail_store_observed_age_seconds{store="s3"}'))! > 2 * 86_400)
  assert.equal((await world.send()).status, 201)
  // That nobody could look is sealed, once for the observation it leaves standing, after a restart as well.
  await world.restart()
  await world.local.assuring.beat()
  await world.local.assuring.beat()
  const sealed = await world.sealed()
  assert.deepEqual(
    sealed.map((data) => data['why']),
    ['start', 'old'],
  )
  assert.equal(sealed[0]?.['observed'], sealed[1]?.['observed'])
  // Said once a start, not at each try.
  assert.equal(world.lines.filter((line) => line.includes('could not be probed')).length, 2)
  world.script.verdict = 'enforced'
  world.pass(DAY_MS)
  await world.local.assuring.beat()
  assert.deepEqual((await world.ready()).reasons, [])
  assert.ok(world.lines.some((line) => line.includes('can be probed again')))
})

test('a restart remembers: enforced accepts at once, none refuses at once', async (t) => {
  const world = await here(t, script())
  world.script.verdict = 'unreachable'
  await world.restart()
  assert.equal((await world.send()).status, 201)
  assert.equal(world.script.probes, 1, 'a remembered verdict needs no probe to go on')
  world.script.verdict = 'none'
  await world.local.assuring.look()
  world.script.verdict = 'unreachable'
  await world.restart()
  assert.equal((await world.send()).code, 'STORE_NOT_LOCKED')
  assert.deepEqual((await world.ready()).store['broken'], ['delete-version'])
})

test('the same verdict is sealed once a day, another one at once', async (t) => {
  const world = await here(t, script())
  for (let i = 0; i < 5; i++) await world.local.assuring.look()
  assert.equal((await world.sealed()).length, 1)
  world.pass(DAY_MS)
  await world.local.assuring.beat()
  assert.deepEqual(
    (await world.sealed()).map((data) => data['why']),
    ['start', 'daily'],
  )
})

test('files promise nothing, go on, and are told as declared once that was observed', async (t) => {
  const world = await here(t, script('declared'), { type: 'files' })
  assert.equal((await world.send()).status, 201)
  assert.deepEqual([(await world.ready()).store['assurance'], (await world.ready()).reasons], ['unknown', []])
  await world.local.assuring.look()
  const { status, reasons, store } = await world.ready()
  assert.deepEqual([status, reasons, store['assurance'], store['promised']], [200, [], 'declared', 'declared'])
  world.script.verdict = 'none'
  await world.local.assuring.look()
  const later = await world.ready()
  assert.equal(later.status, 200)
  assert.match(later.reasons.join(), /not declared as configured but none/)
  assert.equal((await world.send()).status, 201)
})

test('a store that does not answer is told while it lasts, with what waits for it', async (t) => {
  const world = await here(t, script())
  world.script.gone = true
  assert.equal((await world.send()).outcome, 'held')
  let ready = await world.ready()
  assert.equal(ready.status, 503)
  assert.match(ready.reasons.join(), /store s3: in trouble since .*: NOT_DURABLE/)
  assert.ok((await world.metric('sealtrail_store_errors_total{store="s3",operation="put",code="NOT_DURABLE"}')) === null, 'counted by the real opening')
  world.script.gone = false
  await world.untilSealed(1)
  let let1 = (): void => {}
  world.script.slow = new Promise((resolve) => (let1 = resolve))
  const waiting = world.send()
  while (world.local.sealing.store.waitingMs(world.now()) === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  world.pass(11_000)
  ready = await world.ready()
  assert.match(ready.reasons.join(), /an object has waited 11 s to be stored/)
  assert.ok((await world.metric('sealtrail_store_put_waiting_seconds{store="s3"}'))! >= 11)
  world.script.slow = null
  let1()
  await waiting
  assert.deepEqual(await world.audit(), [])
})
