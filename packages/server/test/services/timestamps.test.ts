// Time-stamp authorities made with openssl, a real server before them, and `openssl ts -verify` as the judge of what was kept.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { readCertificates, verifyTimestamp } from '@sealtrail/evidence'
import { OpensslTsa, opensslMissing } from './openssl-tsa.ts'
import { scratch } from './outside.ts'
import { Served, command } from './served.ts'

const skip = opensslMissing()
const at = scratch()

function authorities(): OpensslTsa {
  mkdirSync(at('tsa'), { recursive: true })
  const tsa = new OpensslTsa(at('tsa'))
  tsa.issue('root', 'P-256', 'root')
  tsa.issue('rsa', 'rsa', 'tsa', 'root')
  tsa.issue('middle', 'P-384', 'middle', 'root')
  tsa.issue('ec', 'P-384', 'tsa', 'middle')
  tsa.issue('code', 'rsa', 'code', 'root')
  tsa.issue('other', 'P-256', 'root')
  return tsa
}

interface Exported {
  readonly stamps: ReadonlyArray<{ readonly name: string; readonly log: string; readonly size: number }>
}

test('what RSA and ECDSA authorities gave is kept so that openssl accepts it; the ways to cheat are refused and told', { skip }, async () => {
  const tsa = authorities()
  let replayed: Uint8Array | null = null
  const urls = {
    rsa: await tsa.listen((query) => tsa.reply('rsa', 'root', query)),
    ec: await tsa.listen((query) => tsa.reply('ec', 'middle', query)),
    usage: await tsa.listen(async (query) => tsa.signAgain('code', await tsa.reply('rsa', 'root', query), true)),
    unbound: await tsa.listen(async (query) => tsa.signAgain('rsa', await tsa.reply('rsa', 'root', query), false)),
    replay: await tsa.listen(async (query) => (replayed ??= await tsa.reply('rsa', 'root', query))),
    imprint: await tsa.listen((query) =>
      tsa.reply(
        'rsa',
        'root',
        Uint8Array.from(query, (byte, i) => (i === 40 ? byte ^ 1 : byte)),
      ),
    ),
  }
  // A first answer to replay: that of a request nobody here makes.
  tsa.run('ts', '-query', '-digest', '00'.repeat(32), '-sha256', '-cert', '-out', 'older.tsq')
  await fetch(urls.replay, { method: 'POST', body: new Uint8Array(readFileSync(tsa.at('older.tsq'))) })
  assert.ok(replayed !== null)

  const lines = Object.entries(urls).map(([name, url]) => `    ${name}: { url: "${url}", roots: "file:${tsa.at('root.pem')}" }`)
  const served = await Served.start(at('data'), `timestamps:\n  interval: 1s\n  authorities:\n${lines.join('\n')}\n`)
  const ready = async (): Promise<string[]> => ((await (await fetch(`${served.url}/readyz`)).json()) as { reasons: string[] }).reasons
  const wrong = { imprint: 'TIMESTAMP_IMPRINT', replay: 'TIMESTAMP_IMPRINT', unbound: 'TIMESTAMP_SIGNER', usage: 'TIMESTAMP_USAGE' }
  const told = (reasons: readonly string[]): string[] =>
    reasons.map((reason) => /authority (\S+) .*\((\w+)\)$/.exec(reason)?.slice(1).join(' ') ?? reason).sort()
  const expected = Object.entries(wrong).map((each) => each.join(' '))
  const stamped = async (): Promise<string[]> =>
    (await (await fetch(`${served.url}/metrics`)).text()).split('\n').filter((line) => /^sealtrail_timestamps_total.*log="system"/.test(line))
  for (const [name, code] of Object.entries(wrong)) await served.says(new RegExp(`time-stamp authority fails.*"authority":"${name}","code":"${code}"`))
  while ((await stamped()).length < 2);
  assert.deepEqual(told(await ready()), expected)
  assert.equal((await stamped()).length, 2)
  const doctor = await command(['doctor', '--config', `${at('data')}.yaml`, '--data', at('data'), '--json'])
  const findings = (JSON.parse(doctor.out) as { findings: Array<{ area: string; level: string; text: string }> }).findings.filter(
    ({ area }) => area === 'time stamps',
  )
  assert.deepEqual(
    findings
      .filter(({ level }) => level === 'fail')
      .map(({ text }) => text.split(':')[0])
      .sort(),
    Object.keys(wrong),
  )
  await served.program.stop()

  const out = await command(['timestamps', 'export', at('out'), '--data', at('data'), '--all', '--json'])
  const { stamps } = JSON.parse(out.out) as Exported
  assert.deepEqual([...new Set(stamps.map(({ name }) => name.replace(/^system-\d+-/, '')))].sort(), ['ec', 'rsa'])
  const root = tsa.at('root.pem')
  for (const { name } of stamps) {
    const token = ['-token_in', '-in', at('out', `${name}.tst`)]
    const untrusted = name.endsWith('ec') ? ['-untrusted', at('out', `${name}.chain.pem`)] : []
    assert.equal(tsa.refuses(...token, '-data', at('out', `${name}.txt`), ...untrusted, '-CAfile', root), null, name)
    assert.notEqual(tsa.refuses(...token, '-data', at('out', `${name}.txt`), ...untrusted, '-CAfile', tsa.at('other.pem')), null)
    assert.notEqual(tsa.refuses(...token, '-data', at('out', `${name}.checkpoint`), ...untrusted, '-CAfile', root), null)
  }

  const verify = (...more: string[]): ReturnType<typeof command> => command(['verify', at('data'), ...more])
  const good = await verify('--tsa-roots', root)
  assert.equal(good.exit, 0, good.out + good.err)
  assert.match(good.out, /the first \d+ records were sealed by 20\S+Z, says O=Service tests, CN=(?:rsa|ec)/)
  assert.match((await verify()).out, /consistent; who gave them is not established/)
  assert.match((await verify('--tsa-roots', tsa.at('other.pem'))).out, /TIMESTAMP_CHAIN/)
  // The outages are evidence too.
  const segments = await command(['verify', at('data'), '--log', 'system', '--json'])
  assert.ok((JSON.parse(segments.out) as { size: number }).size >= 4)
})

test('we accept no damaged token that openssl refuses', { skip, timeout: 300_000 }, async () => {
  const tsa = new OpensslTsa(at('tsa'))
  const name = readdirSync(at('out')).find((each) => each.endsWith('-rsa.tst')) ?? assert.fail()
  const out = (file: string): string => at('out', file)
  const token = readFileSync(out(name))
  const text = readFileSync(out(name.replace(/tst$/, 'txt')))
  const read = readCertificates(readFileSync(tsa.at('root.pem')))
  const roots = read.ok ? read.value : assert.fail(read.message)
  const root = token.indexOf(roots[0] ?? '')
  assert.ok(root > 0)
  const counts = { both: 0, neither: 0, openssl: 0 }
  for (let place = 0; place < token.length; place += 5) {
    const damaged = Uint8Array.from(token)
    damaged[place]! ^= 1 << (place % 8)
    writeFileSync(tsa.at('damaged.tst'), damaged)
    const ours = (await verifyTimestamp(damaged, text, { roots })).ok
    const theirs = tsa.refuses('-token_in', '-in', 'damaged.tst', '-data', out(name.replace(/tst$/, 'txt')), '-CAfile', 'root.pem') === null
    // The authority encloses its root: here the trusted one is used, whatever lies in the token.
    const enclosed = place >= root && place < root + (roots[0]?.length ?? 0)
    assert.ok(!ours || theirs || enclosed, `byte ${place}: accepted here, refused by openssl`)
    counts[ours ? 'both' : theirs ? 'openssl' : 'neither']++
  }
  console.log(`damaged tokens: ${JSON.stringify(counts)}`)
  assert.ok(counts.neither > 200)
})
