// A real server with time-stamp authorities, and what verify, doctor and timestamps say of what it kept.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { canonicalize, certificatePem, verifyTimestamp } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'
import { listTimestamps } from '../../src/publish/timestamp/stored.ts'
import { copyFolder } from '../copy-folder.ts'
import { OddAuthority } from '../publish/timestamp/odd-authority.ts'
import { receipt, scratch, sealtrail } from './io.ts'

const place = scratch()
const odd = new OddAuthority()
const down = new OddAuthority()
const data = place.at('data')
const config = place.at('sealtrail.yaml')
before(async () => {
  await odd.start()
  const signer = odd.make({ crl: `http://127.0.0.1:${odd.port}/crl` })
  odd.wish = () => ({ signer })
  await down.start()
  down.answer = (response) => response.writeHead(403).end()
  writeFileSync(place.at('roots.pem'), certificatePem(odd.root.der))
  writeFileSync(place.at('other.pem'), certificatePem(down.root.der))
  const authority = (name: string, url: string): string => `    ${name}: { url: "${url}", roots: file:roots.pem }\n`
  writeFileSync(config, `timestamps:\n  interval: 1s\n  authorities:\n${authority('odd', odd.url)}${authority('down', down.url)}`)
})
after(async () => {
  await odd.stop()
  await down.stop()
  place.remove()
})

/** Runs the server, seals receipts, hands its address over, and stops it. */
async function serve(numbers: readonly number[], use: (url: string) => Promise<void> = async () => {}): Promise<void> {
  const stop = new AbortController()
  const listening = Promise.withResolvers<string>()
  const serving = sealtrail(['serve', '--config', config, '--data', data, '--port', '0'], { stopping: stop.signal, onOut: listening.resolve })
  const url = (await listening.promise).slice('listening '.length).trim()
  try {
    const env = { SEALTRAIL_URL: url, SEALTRAIL_TOKEN: readFileSync(join(data, 'admin.token'), 'utf8').trim() }
    const sent = await sealtrail(['ingest', '-'], { env, stdin: numbers.map((n) => `${JSON.stringify(receipt(n))}\n`).join('') })
    assert.equal(sent.exit, 0, sent.err)
    await use(url)
  } finally {
    stop.abort()
    assert.equal((await serving).exit, 0)
  }
}

const verify = (folder: string, ...more: string[]): ReturnType<typeof sealtrail> => sealtrail(['verify', folder, ...more])
const codes = async (folder: string, ...more: string[]): Promise<string> => {
  const { out } = await verify(folder, '--json', ...more)
  const found = out
    .trim()
    .split('\n')
    .flatMap((line) => (JSON.parse(line) as { problems: { code: string }[] }).problems.map(({ code }) => code))
  return [...new Set(found)].sort().join()
}
const stampsIn = (folder: string, log: string): string[] =>
  readdirSync(join(folder, 'store', log, 'timestamp'))
    .filter((name) => !name.endsWith('.lock'))
    .sort()

test('a server stamps what it seals, at the end too, and says at /readyz, in metrics and in the system log what fails', async () => {
  await serve([1, 2], async (url) => {
    const reasons = async (): Promise<string> => ((await (await fetch(`${url}/readyz`)).json()) as { reasons: string[] }).reasons.join()
    while ((await reasons()) === '') await new Promise((resolve) => setTimeout(resolve, 20))
    assert.match(await reasons(), /^time-stamp authority down fails since \S+Z: it answers 403 \(STATUS_403\)$/)
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    assert.match(await (await fetch(`${url}/metrics`)).text(), /^sealtrail_timestamp_failing\{authority="down"\} 1$/m)
    const token = readFileSync(join(data, 'admin.token'), 'utf8').trim()
    const sealed = async (): Promise<{ records: object[] }> =>
      (await (
        await fetch(`${url}/api/v1/records?log=system&type=sealtrail.system.timestamp-authority`, { headers: { authorization: `Bearer ${token}` } })
      ).json()) as { records: object[] }
    while ((await sealed()).records.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.match(JSON.stringify(await sealed()), /"authority":"down","code":"STATUS_403","since":"[^"]+","state":"failing"/)
  })
  const size = readFileSync(join(data, 'checkpoint', 'notifications'), 'utf8').split('\n')[1]
  assert.equal(stampsIn(data, 'notifications').at(-1)?.slice(0, 20), String(size).padStart(20, '0'))
  assert.equal(down.queries.length > 0 && !existsSync(join(data, 'timestamps', 'interactions')), true)
})

test('verify: good with the root, consistent without, not under another root', async () => {
  const good = await verify(data, '--tsa-roots', place.at('roots.pem'))
  assert.equal(good.exit, 0, good.out)
  assert.match(
    good.out,
    /time stamps: \d+; the first 2 records were sealed by 20\S+Z, says CN=Odd TSA \(certificate: not revoked according to the lists kept with it, the oldest of 20\S+Z\)/,
  )
  assert.match((await verify(data)).out, /time stamps: \d+, consistent; who gave them is not established/)
  assert.equal(await codes(data, '--tsa-roots', place.at('other.pem')), 'TIMESTAMP_CHAIN')
  assert.equal((await verify(data, '--tsa-roots', place.at('sealtrail.yaml'))).exit, 2)
  assert.equal((await verify(data, '--tsa-roots', place.at('gone.pem'))).exit, 2)
  // An auditor who trusts one authority of several is not told that the others are wrong.
  writeFileSync(place.at('both.pem'), certificatePem(odd.root.der) + certificatePem(down.root.der))
  assert.equal(await codes(data, '--tsa-roots', place.at('both.pem')), '')
})

test('verify finds what was done to stored stamps, and a log set back behind one', async () => {
  const earlier = place.at('earlier')
  copyFolder(data, earlier)
  await serve([3])
  const damage = async (harm: (store: string, folder: string) => void): Promise<string> => {
    const copy = place.at('copy')
    copyFolder(data, copy)
    harm(join(copy, 'store', 'notifications'), copy)
    const found = await codes(copy, '--log', 'notifications', '--tsa-roots', place.at('roots.pem'))
    rmSync(copy, { recursive: true })
    return found
  }
  const [first = ''] = stampsIn(data, 'notifications')
  const change = (path: string, how: (bytes: Buffer) => Buffer): void => {
    chmodSync(path, 0o600)
    writeFileSync(path, how(readFileSync(path)))
  }
  assert.equal(await damage(() => {}), '')
  assert.equal(await damage((store) => change(join(store, 'timestamp', first), (bytes) => Buffer.concat([bytes, Buffer.from(' ')]))), 'TIMESTAMP_DAMAGED')
  assert.equal(await damage((store) => change(join(store, 'timestamp', first), () => Buffer.from('{}'))), 'TIMESTAMP_DAMAGED')
  assert.equal(await damage((store) => readdirSync(join(store, 'crl')).forEach((name) => rmSync(join(store, 'crl', name)))), 'TIMESTAMP_LIST_MISSING')
  assert.equal(await damage((_, folder) => rmSync(join(folder, 'timestamps', 'notifications', `${first}.json`))), 'DERIVED_TIMESTAMPS')
  assert.equal(await damage((_, folder) => writeFileSync(join(folder, 'timestamps', 'notifications', `${first}.json`), 'x')), 'DERIVED_TIMESTAMPS')

  // A genuine stamp is worth the records of the checkpoint it is over, whatever is written beside it: `sealtrail verify` and a server's start believe no more.
  const inflate = (store: string, folder: string): void => {
    const value = JSON.parse(readFileSync(join(store, 'timestamp', first), 'utf8')) as JsonObject
    const bytes = canonicalize({ ...value, size: 1_000_000 })
    const name = `${'1000000'.padStart(20, '0')}-${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}`
    writeFileSync(join(store, 'timestamp', name), bytes)
    cpSync(join(store, 'timestamp', `${first}.lock`), join(store, 'timestamp', `${name}.lock`))
    writeFileSync(join(folder, 'timestamps', 'notifications', `${name}.json`), bytes)
    assert.ok(listTimestamps(folder, 'notifications').every(({ size }) => size < 1_000_000))
  }
  assert.equal(await damage(inflate), 'TIMESTAMP_DAMAGED')

  // Everything set back together, but one time stamp of the later state turns up.
  const last = stampsIn(data, 'notifications').at(-1) ?? ''
  for (const name of [last, `${last}.lock`]) cpSync(join(data, 'store/notifications/timestamp', name), join(earlier, 'store/notifications/timestamp', name))
  assert.match(await codes(earlier, '--log', 'notifications', '--tsa-roots', place.at('roots.pem')), /CHECKPOINT_BEYOND/)
  const { out } = await verify(earlier, '--log', 'notifications', '--tsa-roots', place.at('roots.pem'))
  assert.match(out, /the first 2 records were sealed by/)
  assert.doesNotMatch(out, /the first 3 records/)
})

test('the folder for readers is made again at the next start', async () => {
  rmSync(join(data, 'timestamps'), { recursive: true })
  assert.equal(await codes(data), 'DERIVED_TIMESTAMPS')
  await serve([4])
  assert.equal(await codes(data), '')
})

test('timestamps: listed, and exported as files that hold what they say', async () => {
  const listed = await sealtrail(['timestamps', 'list', '--data', data, '--log', 'notifications', '--json'])
  const lines = listed.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { size: number; tsa: string; authority: string })
  assert.deepEqual([...new Set(lines.map(({ tsa, authority }) => `${authority} ${tsa}`))], ['odd CN=Odd TSA'])
  assert.match((await sealtrail(['timestamps', 'list', '--data', data])).out, /^log +records +time/)
  const exported = await sealtrail(['timestamps', 'export', place.at('out'), '--data', data, '--log', 'notifications', '--json'])
  const { stamps } = JSON.parse(exported.out) as { stamps: { name: string; size: number }[] }
  assert.deepEqual(
    stamps.map(({ size }) => size),
    [lines.at(-1)?.size],
  )
  const file = (ending: string): Buffer => readFileSync(place.at('out', `${stamps[0]?.name}.${ending}`))
  const verdict = await verifyTimestamp(file('tst'), file('txt'), { roots: [odd.root.der], crls: [file('1.crl')] })
  assert.deepEqual([verdict.ok, verdict.trust, verdict.revocation], [true, 'given', 'good'])
  assert.ok(file('checkpoint').toString().startsWith(file('txt').toString()))
  assert.equal((await sealtrail(['timestamps', 'export', place.at('out'), '--data', data, '--log', 'none'])).exit, 1)
  assert.equal((await sealtrail(['timestamps', 'stamp'])).exit, 2)
})

test('doctor asks each authority and says how it is', async () => {
  const findings = async (...options: string[]): Promise<string[]> => {
    const { out } = await sealtrail(['doctor', '--data', data, '--json', ...options])
    return (JSON.parse(out) as { findings: { area: string; level: string; text: string }[] }).findings
      .filter(({ area }) => area === 'time stamps')
      .map(({ level, text }) => `${level} ${text}`)
  }
  const found = await findings('--config', config)
  assert.ok(found.includes('ok odd: CN=Odd TSA gives tokens that lead to its roots'), found.join('\n'))
  assert.ok(found.includes('fail down: it answers 403 (STATUS_403)'))
  assert.ok(found.some((text) => /^warn odd: a certificate of its chain ends on 20/.test(text)))
  assert.match((await findings()).join(), /^warn no authority: when records were sealed, only this machine’s clock says$/)
})
