import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { publishedPath } from '../../src/publish/published.ts'
import { ending, log, odd, publishing, real } from './stage.ts'
import { OddWitness, TestLog } from './world.ts'

describe('with witnesses that work', () => {
  test('a log that grows is published with everybody’s cosignature, over many growths and a restart', async () => {
    const witnesses = [await real(1), await real(2)]
    let world = publishing(witnesses.map(({ line }) => line))
    assert.equal(await world.round(), null, 'an empty log is not taken anywhere')
    for (const size of [1, 2, 3, 255, 256, 257, 700]) {
      log.grow(size)
      const published = await world.round()
      assert.deepEqual([published?.size, published?.cosignatures.length, published?.met], [size, 2, true])
      assert.equal(published?.root, Buffer.from(log.files.rootAt(size)).toString('hex'))
    }
    assert.deepEqual(world.forks, [])
    assert.equal(world.metric('sealtrail_published_size')[0], 'sealtrail_published_size{log="calls"} 700')
    assert.equal(world.metric('sealtrail_published_lag')[0], 'sealtrail_published_lag_records{log="calls"} 0')
    assert.match(world.metric('sealtrail_witness_success_age').join('\n'), /witness="real1.example"\} 0/)
    // The file is whole after a restart, and the sizes are remembered.
    world = publishing(witnesses.map(({ line }) => line))
    assert.equal(world.published?.size, 700)
    log.grow(800)
    assert.equal((await world.round())?.size, 800)
    assert.equal(world.metric('sealtrail_witness_failures').length, 0)
  })

  test('remembers each witness’s size: one request a growth, and two where it was forgotten', async () => {
    const proofs = await odd(1)
    const world = publishing([proofs.line])
    log.grow(5)
    await world.round()
    log.grow(9)
    await world.round()
    await world.round()
    assert.deepEqual(proofs.requests, ['old 0', 'old 5'], 'a log that did not grow is not taken anywhere')

    const witness = await real(2)
    const forgetful = publishing([witness.line])
    await forgetful.round()
    rmSync(join(log.data, 'witnesses'), { recursive: true })
    rmSync(join(log.data, 'published'), { recursive: true })
    log.grow(12)
    assert.equal((await publishing([witness.line]).round())?.size, 12)
    writeFileSync(join(log.data, 'witnesses', 'calls.json'), '{"format":"sealtrail/witnesses/1","witnesses":{"x":{"size":-1}}}')
    log.grow(13)
    assert.equal((await publishing([witness.line]).round())?.size, 13)
  })

  test('sends the log’s own line only, within 10 KiB, with an exact body', async () => {
    let sent = ''
    const witness = await odd(1)
    witness.answer = (body, response) => {
      sent = body
      witness.cosign(body, response)
    }
    const world = publishing([witness.line])
    log.grow(70_000)
    await world.round()
    assert.equal(sent, `old 0\n\n${log.note}`)
    log.grow(70_001)
    await world.round()
    assert.match(sent, /^old 70000\n(?:[A-Za-z0-9+/]{43}=\n){1,63}\naudit\.example\.com\/cc\/calls\n70001\n/)
    assert.equal(sent.match(/\u2014/g)?.length, 1)
    assert.ok(sent.length < 10_240)
  })
})

describe('k of n', () => {
  test('publishes at the quorum, does not wait for a slow one, and takes its cosignature later', async () => {
    const fast = [await real(1), await real(2)]
    let release = (): void => {}
    const slow = await odd(3)
    slow.answer = (body, response) => void (release = () => slow.cosign(body, response))
    const world = publishing([...fast.map(({ line }) => line), slow.line], { quorum: '2', timeoutMs: 30_000 })
    log.grow(10)
    assert.equal((await world.round())?.cosignatures.length, 2)
    // It is still being asked, and is not asked twice.
    await world.round()
    assert.deepEqual(slow.requests, ['old 0'])
    release()
    while (world.published?.cosignatures.length !== 3) {
      await setImmediate()
      await world.round()
    }
    assert.equal(world.published.size, 10)
  })

  test('too few: nothing is published, said once; with enough again it goes on, and never backwards', async () => {
    let clock = Date.now()
    const a = await real(1)
    const b = await real(2)
    const port = b.listening.port
    const world = publishing([a.line, b.line], { now: () => clock })
    log.grow(10)
    assert.equal((await world.round())?.size, 10)
    await b.stop()
    for (const size of [11, 12, 13]) {
      log.grow(size)
      clock += 120_000
      assert.equal((await world.round())?.size, 10)
    }
    assert.equal(world.metric('sealtrail_published_lag')[0], 'sealtrail_published_lag_records{log="calls"} 3')
    assert.equal(world.metric('sealtrail_witness_policy_unmet')[0], 'sealtrail_witness_policy_unmet{log="calls"} 1')
    assert.match(world.metric('sealtrail_witness_failures').join(), /reason="ECONNREFUSED",?\} 3|reason="ECONNREFUSED"/)
    assert.equal(world.lines.filter((line) => line.includes('policy is not met')).length, 1)
    await b.start(port)
    clock += 120_000
    const published = await world.round()
    assert.deepEqual([published?.size, published?.cosignatures.length], [13, 2])
    assert.equal(world.metric('sealtrail_witness_policy_unmet')[0], 'sealtrail_witness_policy_unmet{log="calls"} 0')
  })

  test('failOpen publishes what is there, and says that the policy is not met', async () => {
    const a = await real(1)
    const dead = await odd(2)
    const { line } = dead
    ending.pop()
    await dead.stop()
    const world = publishing([a.line, line], { failOpen: true })
    log.grow(10)
    const published = await world.round()
    assert.deepEqual([published?.size, published?.met, published?.cosignatures.length], [10, false, 1])
    assert.equal(world.metric('sealtrail_witness_policy_unmet')[0], 'sealtrail_witness_policy_unmet{log="calls"} 1')
    // Who did not agree to that sees nothing published.
    const strict = publishing([a.line, line])
    assert.equal(strict.published, null)
  })
})

describe('what witnesses answer', () => {
  const FAILURES: ReadonlyArray<readonly [string, string, (witness: OddWitness) => OddWitness['answer']]> = [
    ['404', 'UNKNOWN_LOG', (w) => (_, r) => w.status(r, 404)],
    ['403, litewitness’s word for an unknown log', 'REFUSED', (w) => (_, r) => w.status(r, 403, 'unknown log')],
    ['429', 'BUSY', (w) => (_, r) => w.status(r, 429)],
    ['503', 'BUSY', (w) => (_, r) => w.status(r, 503)],
    ['500', 'STATUS_500', (w) => (_, r) => w.status(r, 500)],
    ['400', 'STATUS_400', (w) => (_, r) => w.status(r, 400)],
    ['a redirect', 'STATUS_302', () => (_, r) => void r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['200 and nothing', 'BAD_ANSWER', (w) => (_, r) => w.status(r, 200)],
    ['200 and HTML', 'BAD_ANSWER', (w) => (_, r) => w.status(r, 200, '<html>hello</html>\n')],
    ['200 and a megabyte', 'TOO_LARGE', (w) => (_, r) => w.status(r, 200, 'x'.repeat(1_000_000))],
    ['200 and another key’s line', 'BAD_ANSWER', () => (b, r) => new OddWitness(77).cosign(b, r)],
    ['200 over another checkpoint', 'BAD_ANSWER', (w) => (b, r) => w.cosign(b.replace('\n10\n', '\n11\n'), r)],
    ['200 from an hour ahead', 'FUTURE_TIME', (w) => (b, r) => w.cosign(b, r, Date.now() + 3_600_000)],
    ['200 cut off', 'ECONNRESET', () => (_, r) => void r.writeHead(200, { 'content-length': '500' }).write('\u2014', () => r.destroy())],
    ['422 to the first request', 'STATUS_422', (w) => (_, r) => w.status(r, 422)],
    ['no answer', 'TIMEOUT', () => () => {}],
    ['409 with its size again and again', 'STATUS_409', (w) => (_, r) => w.status(r, 409, '7\n', 'text/x.tlog.size')],
  ]
  for (const [what, code, answer] of FAILURES) {
    test(`${what}: ${code}, nothing published, no alarm`, async () => {
      const witness = await odd(1)
      witness.answer = answer(witness)
      const world = publishing([witness.line], { timeoutMs: 300 })
      log.grow(10)
      assert.equal(await world.round(), null)
      assert.deepEqual(world.forks, [])
      const [failure] = world.metric('sealtrail_witness_failures_total{')
      assert.match(failure as string, code === 'ECONNRESET' ? /reason="(ECONNRESET|CUT_OFF)"/ : new RegExp(`reason="${code}"`))
      // The next one that answers heals it.
      witness.answer = (body, response) => witness.cosign(body, response)
      const later = publishing([witness.line])
      assert.equal((await later.round())?.size, 10)
    })
  }

  test('409 with a size: the proof is made from there, at most three times more', async () => {
    const witness = await odd(1)
    witness.answer = (_, response) => witness.status(response, 409, '7\n', 'text/x.tlog.size; charset=utf-8')
    log.grow(10)
    await publishing([witness.line]).round()
    assert.deepEqual(witness.requests, ['old 0', 'old 7', 'old 7', 'old 7'])
  })

  test('a stray 409 or 422 of something in between is asked about before it counts', async () => {
    for (const status of [409, 422]) {
      const witness = await odd(status)
      const world = publishing([witness.line])
      if (log.files.size < 10) log.grow(10)
      await world.round()
      log.grow(log.files.size + 1)
      let strays = 1
      witness.answer = (body, response) => {
        if (strays-- > 0) witness.status(response, status, 'proxy')
        else if (body.startsWith('old 0\n')) witness.status(response, 409, `${log.files.size - 1}\n`, 'text/x.tlog.size')
        else witness.cosign(body, response)
      }
      assert.equal((await world.round())?.size, log.files.size)
      assert.deepEqual(world.forks, [])
    }
  })

  test('a single 409 with a size beyond the log stops nothing: it is asked once more', async () => {
    const witness = await odd(1)
    let times = 0
    witness.answer = (body, response) => {
      if (times++ === 0) witness.status(response, 409, '1000000\n', 'text/x.tlog.size')
      else witness.cosign(body, response)
    }
    const world = publishing([witness.line])
    log.grow(10)
    assert.equal((await world.round())?.size, 10)
    assert.deepEqual([world.forks, witness.requests], [[], ['old 0', 'old 0']])
  })

  test('a rate limit is respected for as long as it says', async () => {
    let clock = Date.now()
    const witness = await odd(1, (_, response) => void response.writeHead(429, { 'retry-after': '120' }).end())
    const world = publishing([witness.line], { now: () => clock })
    log.grow(10)
    await world.round()
    clock += 90_000
    await world.round()
    assert.equal(witness.requests.length, 1)
    clock += 31_000
    await world.round()
    assert.equal(witness.requests.length, 2)
  })
})

describe('what lies in the directory', () => {
  test('an error nobody expected: the log line has its class and place, not its message', async () => {
    const world = publishing([(await odd(1)).line])
    log.grow(10)
    const { files } = log
    const rootAt = (): never => {
      throw new RangeError('+49 170 1234567 is out of range')
    }
    log.files = Object.assign(Object.create(files) as typeof files, { rootAt })
    assert.equal(await world.round(), null)
    log.files = files
    const said = JSON.parse(world.lines.find((line) => line.includes('could not be published')) ?? '') as Record<string, unknown>
    assert.deepEqual([said['code'], said['error'], said['detail']], ['INTERNAL', 'RangeError', undefined])
    assert.ok(!world.lines.join('').includes('+49'))
    assert.equal((await world.round())?.size, 10)
  })

  test('a published file of another key, size or policy is not believed', async () => {
    const witness = await real(1)
    const world = publishing([witness.line])
    log.grow(10)
    const note = (await world.round())?.note as string
    const path = publishedPath(log.data, 'calls')
    for (const bad of [note.replace('\n10\n', '\n11\n'), note.split('\n').slice(0, -2).join('\n') + '\n', '', note.slice(0, 40), log.note]) {
      writeFileSync(path, bad)
      assert.equal(world.published, null, bad)
    }
    writeFileSync(path, note)
    assert.equal(world.published?.size, 10)
    // And is replaced by a good one at the next round.
    writeFileSync(path, 'damaged')
    assert.equal((await world.round())?.size, 10)
    assert.equal(existsSync(`${path}.next`), false)
  })

  test('hash files that do not lead to the committed root: nothing goes out, no alarm, and it heals', async () => {
    const witness = await real(1)
    const world = publishing([witness.line])
    log.grow(10)
    const good = log.files
    const broken = new TestLog()
    ending.push(() => broken.end())
    broken.grow(10, 'wrong')
    log.files = broken.files
    assert.equal(await world.round(), null)
    assert.deepEqual(world.forks, [])
    assert.ok(world.lines.some((line) => line.includes('DATA_CORRUPT')))
    log.files = good
    assert.equal((await world.round())?.size, 10)
  })
})
