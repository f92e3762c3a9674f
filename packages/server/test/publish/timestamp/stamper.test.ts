import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { verifyTimestamp } from '@sealtrail/evidence'
import { encodeDer } from '../../../../evidence/src/timestamp/der.ts'
import { OID, int, makeCertificate, seq } from '../../../../evidence/test/timestamp/forge.ts'
import { SealtrailError } from '../../../src/errors.ts'
import { copyForReaders } from '../../../src/publish/timestamp/reader-files.ts'
import { listTimestamps } from '../../../src/publish/timestamp/stored.ts'
import { OddAuthority } from './odd-authority.ts'
import { authorityOf, Place } from './world.ts'

let place: Place
let odd: OddAuthority
beforeEach(async () => {
  place = await Place.make()
  odd = await new OddAuthority().start()
  place.sizes.set('calls', 7)
})
afterEach(async () => {
  await odd.stop()
  await place.end()
})

describe('an authority that works', () => {
  test('stamps each log that grew, keeps token, chain and request where readers find them', async () => {
    place.sizes.set('system', 3)
    const stamper = place.stamper([authorityOf(odd)])
    await stamper.round()
    await stamper.round()
    assert.equal(odd.queries.length, 2, 'what did not grow is not stamped again')
    place.sizes.set('calls', 12)
    await stamper.round()
    assert.deepEqual(
      listTimestamps(place.data, 'calls').map(({ size, authority }) => [size, authority]),
      [
        [7, 'odd'],
        [12, 'odd'],
      ],
    )
    assert.deepEqual(place.events, [])
    assert.equal(odd.most, 1)
    const [stored] = listTimestamps(place.data, 'calls', { from: 8 })
    assert.ok(stored)
    assert.equal(Buffer.from(stored.text).toString(), place.note('calls').split('\n\n')[0] + '\n')
    assert.equal(stored.checkpoint, place.note('calls'))
    assert.equal(Buffer.from(stored.nonce).toString('hex'), Buffer.from(odd.queries[2]?.nonce ?? []).toString('hex'))
    const verdict = await verifyTimestamp(stored.token, stored.text, { roots: [odd.root.der], nonce: stored.nonce })
    assert.deepEqual([verdict.ok, verdict.trust], [true, 'given'])
    assert.deepEqual(
      stored.chain.map((der) => Buffer.from(der)),
      [odd.tsa, odd.root].map(({ der }) => Buffer.from(der)),
    )
    const bytes = (await place.store.get(stored.key)) ?? assert.fail()
    assert.equal(stored.key, `calls/timestamp/00000000000000000012-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`)
    assert.deepEqual(readFileSync(join(place.data, 'timestamps', 'calls', `${stored.key.split('/')[2]}.json`)), Buffer.from(bytes))
    stamper.observe()
    assert.deepEqual(place.metric('sealtrail_timestamps_total'), [
      'sealtrail_timestamps_total{authority="odd",log="calls"} 2',
      'sealtrail_timestamps_total{authority="odd",log="system"} 1',
    ])
    assert.equal(place.metric('sealtrail_timestamp_failing')[0], 'sealtrail_timestamp_failing{authority="odd"} 0')
    await stamper.close()
  })

  test('is asked again after a restart only for what grew', async () => {
    await place.stamper([authorityOf(odd)]).round()
    const again = place.stamper([authorityOf(odd)])
    await again.round()
    assert.equal(odd.queries.length, 1)
    place.sizes.set('calls', 8)
    await again.round()
    assert.equal(odd.queries.length, 2)
    // Lost, the folder for readers is made again from the store.
    rmSync(join(place.data, 'timestamps'), { recursive: true })
    assert.equal(listTimestamps(place.data, 'calls').length, 0)
    assert.equal(await copyForReaders(place.store, place.data, ['calls', 'system']), 2)
    assert.deepEqual(
      listTimestamps(place.data, 'calls').map(({ size }) => size),
      [7, 8],
    )
    assert.equal(await copyForReaders(place.store, place.data, ['calls', 'system']), 0)
  })

  test('stamps at the start, and what grew once more at the end', async () => {
    const stamper = place.stamper([authorityOf(odd)])
    stamper.start()
    await stamper.round()
    place.sizes.set('calls', 9)
    await stamper.close()
    assert.deepEqual(
      listTimestamps(place.data, 'calls').map(({ size }) => size),
      [7, 9],
    )
  })

  test('is given the policy asked for and the name and password', async () => {
    const seen: unknown[] = []
    odd.answer = (response, reply, { headers }) => {
      seen.push([headers.authorization, headers['content-type']])
      response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply)
    }
    await place.stamper([authorityOf(odd, { policy: '1.2.3.9', authorization: () => 'Basic dTpw' })]).round()
    assert.deepEqual(seen, [['Basic dTpw', 'application/timestamp-query']])
    assert.equal(odd.queries[0]?.policy, '1.2.3.9')
    assert.equal(listTimestamps(place.data, 'calls').length, 1)
  })

  test('whose clock is far off is kept, and told of', async () => {
    odd.ahead = 600_000
    const stamper = place.stamper([authorityOf(odd)])
    await stamper.round()
    assert.equal(listTimestamps(place.data, 'calls').length, 1)
    assert.match(stamper.notes().join(), /clocks of time-stamp authority odd and of this machine differ by (?:599|600) s/)
    assert.equal(place.lines.filter((line) => line.includes('clocks')).length, 1)
  })
})

describe('revocation lists', () => {
  test('are kept once, by their bytes, beside the stamps that need them', async () => {
    const signer = odd.make({ crl: `http://127.0.0.1:${odd.port}/crl` })
    odd.wish = () => ({ signer })
    const stamper = place.stamper([authorityOf(odd)])
    await stamper.round()
    place.sizes.set('calls', 8)
    await stamper.round()
    assert.equal(odd.crls, 1)
    assert.equal((await place.keys()).filter((key) => key.includes('/crl/')).length, 1)
    const stored = listTimestamps(place.data, 'calls')
    assert.deepEqual(
      stored.map(({ crls, lost, missing }) => [crls.length, lost.length, missing.length]),
      [
        [1, 0, 0],
        [1, 0, 0],
      ],
    )
    const { token, text, crls } = stored[1] ?? assert.fail()
    assert.equal((await verifyTimestamp(token, text, { roots: [odd.root.der], crls })).revocation, 'good')
    // A list somebody changed is none.
    const key = (await place.keys()).find((each) => each.includes('/crl/')) ?? assert.fail()
    writeFileSync(join(place.data, 'timestamps', 'calls', 'crl', `${key.split('/')[2]}.crl`), 'x')
    assert.deepEqual(
      listTimestamps(place.data, 'calls').map(({ crls, lost }) => [crls.length, lost.length]),
      [
        [0, 1],
        [0, 1],
      ],
    )
  })

  for (const [what, reason] of [
    ['whose key was stolen', 1],
    ['replaced before', 4],
  ] as const)
    test(`that name the certificate, ${what}: the token is refused, nothing is kept, and everybody is told`, async () => {
      const signer = odd.make({ crl: `http://127.0.0.1:${odd.port}/crl` })
      odd.wish = () => ({ signer })
      odd.crl = { revoked: [{ certificate: signer, atMs: Date.now() - 2 * 86_400_000, reason }] }
      const stamper = place.stamper([authorityOf(odd)])
      await stamper.round()
      assert.deepEqual(await place.keys(), [])
      assert.equal(listTimestamps(place.data, 'calls').length, 0)
      assert.deepEqual(
        place.events.map(({ is, code }) => [is, code]),
        [['failing', 'TIMESTAMP_REVOKED']],
      )
      assert.match(stamper.notes().join(), /\(TIMESTAMP_REVOKED\)/)
      await stamper.close()
    })

  test('that cannot be had are said to be missing, and the stamp is kept', async () => {
    odd.crl = null
    const signer = odd.make({ crl: `http://127.0.0.1:${odd.port}/crl` })
    odd.wish = () => ({ signer })
    await place.stamper([authorityOf(odd)]).round()
    const [stored] = listTimestamps(place.data, 'calls')
    assert.deepEqual(
      stored?.missing.map(({ error }) => error),
      ['STATUS_404'],
    )
    assert.match(place.lines.join(), /revocation lists of a time-stamp authority are not to be had/)
    assert.deepEqual(place.events, [])
  })
})

describe('an authority that does not work', () => {
  const typed = { 'content-type': 'application/timestamp-reply' }
  const wrongs: ReadonlyArray<readonly [string, string, (odd: OddAuthority) => void, number?]> = [
    ['answers 500', 'STATUS_500', (tsa) => (tsa.answer = (response) => response.writeHead(500).end()), 4],
    ['answers 401', 'STATUS_401', (tsa) => (tsa.answer = (response) => response.writeHead(401).end())],
    ['answers 429', 'STATUS_429', (tsa) => (tsa.answer = (response) => response.writeHead(429).end()), 4],
    ['sends elsewhere', 'STATUS_302', (tsa) => (tsa.answer = (response) => response.writeHead(302, { location: tsa.url }).end()), 4],
    ['says text/html', 'ANSWER_TYPE', (tsa) => (tsa.answer = (response, reply) => response.writeHead(200, { 'content-type': 'text/html' }).end(reply)), 4],
    ['sends garbage', 'NOT_GRANTED', (tsa) => (tsa.answer = (response) => response.writeHead(200, typed).end('<html>'))],
    ['sends too much', 'TOO_LARGE', (tsa) => (tsa.answer = (response) => response.writeHead(200, typed).end(Buffer.alloc(70_000))), 4],
    [
      'is cut off',
      'CUT_OFF',
      (tsa) => (tsa.answer = (response, reply) => void response.writeHead(200, { ...typed, 'content-length': 9_999 }).write(reply, () => response.destroy())),
      4,
    ],
    [
      'refuses',
      'NOT_GRANTED',
      (tsa) => (tsa.answer = (response) => response.writeHead(200, typed).end(seq(seq(int(2), seq(encodeDer(0x0c, Buffer.from('not today'))))))),
    ],
    ['answers an older request', 'TIMESTAMP_NONCE', (tsa) => (tsa.wish = () => ({ nonce: Uint8Array.of(1, 2, 3) }))],
    ['stamps something else', 'TIMESTAMP_IMPRINT', (tsa) => (tsa.wish = () => ({ imprint: Buffer.alloc(32) }))],
    ['has a certificate for other uses', 'TIMESTAMP_USAGE', (tsa) => (tsa.wish = () => ({ signer: tsa.make({ eku: [OID.codeSigning] }) }))],
    ['does not bind its certificate', 'TIMESTAMP_SIGNER', (tsa) => (tsa.wish = () => ({ ess: [] }))],
    ['has an expired certificate', 'TIMESTAMP_VALIDITY', (tsa) => (tsa.wish = () => ({ signer: tsa.make({ notAfter: Date.now() - 60_000 }) }))],
    ['stamps under another policy', 'TIMESTAMP_POLICY', (tsa) => (tsa.wish = () => ({ policy: '1.9.9' }))],
    [
      'is another one',
      'TIMESTAMP_CHAIN',
      (tsa) => (tsa.wish = () => ({ signer: makeCertificate({ name: 'X', issuer: null, kind: 'tsa', notBefore: 0, notAfter: Date.now() + 1e9 }) })),
    ],
  ]
  for (const [what, code, harm, requests = 1] of wrongs)
    test(`${what}: nothing is kept, and everybody is told, once`, async () => {
      harm(odd)
      const stamper = place.stamper([authorityOf(odd, { policy: '1.2.3.4' })])
      await stamper.round()
      assert.equal(odd.queries.length, requests)
      await stamper.round()
      assert.deepEqual(await place.keys(), [])
      assert.deepEqual(
        place.events.map(({ is, code: why }) => [is, why]),
        [['failing', code]],
      )
      const errors = place.lines.map((line) => JSON.parse(line) as { level: string; code: string }).filter(({ level }) => level === 'error')
      assert.deepEqual(
        errors.map((line) => line.code),
        [code],
      )
      assert.match(stamper.notes().join(), new RegExp(`time-stamp authority odd fails since .*\\(${code}\\)`))
      assert.deepEqual(
        place.told.map((notes) => notes.length),
        [1],
      )
      stamper.observe()
      assert.equal(place.metric('sealtrail_timestamp_failing')[0], 'sealtrail_timestamp_failing{authority="odd"} 1')
      assert.equal(place.metric('sealtrail_timestamp_success_age')[0], 'sealtrail_timestamp_success_age_seconds{authority="odd",log="calls"} -1')
      assert.equal(place.metric('sealtrail_timestamp_failures_total')[0], `sealtrail_timestamp_failures_total{authority="odd",reason="${code}"} 2`)

      odd.answer = null
      odd.wish = () => ({})
      await stamper.round()
      assert.deepEqual(
        place.events.map(({ is }) => is),
        ['failing', 'recovered'],
      )
      assert.deepEqual(place.told.at(-1), [])
      assert.equal(listTimestamps(place.data, 'calls').length, 1)
      await stamper.close()
    })

  test('is not there, or never answers: the others go on', async () => {
    const gone = await new OddAuthority().start()
    const port = gone.port
    await gone.stop()
    const silent = await new OddAuthority().start()
    silent.answer = () => {}
    const stamper = place.stamper(
      [authorityOf(odd), authorityOf(odd, { name: 'gone', url: `http://127.0.0.1:${port}/` }), authorityOf(silent, { name: 'silent' })],
      { timeoutMs: 100 },
    )
    await stamper.round()
    assert.deepEqual(place.events.map(({ authority, code }) => [authority, code]).sort(), [
      ['gone', 'ECONNREFUSED'],
      ['silent', 'TIMEOUT'],
    ])
    assert.deepEqual(
      listTimestamps(place.data, 'calls').map(({ authority }) => authority),
      ['odd'],
    )
    await stamper.close()
    await silent.stop()
  })

  test('a close does not wait for retries, nor for one that never answers', async () => {
    odd.answer = (response) => response.writeHead(500).end()
    const stamper = place.stamper([authorityOf(odd)], { sleep: () => new Promise(() => {}), timeoutMs: 200 })
    stamper.start()
    const under = stamper.round()
    while (odd.queries.length === 0) await new Promise((resolve) => setImmediate(resolve))
    odd.answer = () => {}
    await stamper.close()
    await under
  })

  test('a secret that cannot be opened is a failure that does not tell it', async () => {
    const authorization = (): never => {
      throw new Error('the file it refers to cannot be read (ENOENT) hunter2')
    }
    const stamper = place.stamper([authorityOf(odd, { authorization })])
    await stamper.round()
    assert.equal(place.events[0]?.code, 'FAILED')
    assert.ok(!place.lines.join().includes('hunter2'))
  })

  test('a store that does not take it: failing, and tried again', async () => {
    place.full = new SealtrailError('NOT_DURABLE', 'no space')
    const stamper = place.stamper([authorityOf(odd)])
    await stamper.round()
    assert.deepEqual(
      place.events.map(({ code }) => code),
      ['NOT_DURABLE'],
    )
    assert.equal(listTimestamps(place.data, 'calls').length, 0)
    place.full = null
    await stamper.round()
    assert.deepEqual([place.events.at(-1)?.is, listTimestamps(place.data, 'calls').length], ['recovered', 1])
  })
})
