import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { certificatePem } from '@sealtrail/evidence'
import { parseConfig } from '../../src/config/load.ts'
import { openSecret } from '../../src/config/value.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-tsa-config-'))
after(() => rmSync(folder, { recursive: true }))
const fixtures = JSON.parse(readFileSync(new URL('../../../evidence/test/timestamp/fixtures.json', import.meta.url), 'utf8')) as Record<string, string>
const pem = certificatePem(Buffer.from(fixtures['root.der'] ?? '', 'base64'))
writeFileSync(join(folder, 'roots.pem'), pem)
writeFileSync(join(folder, 'empty.pem'), '# none\n')
writeFileSync(join(folder, 'broken.pem'), pem + pem.slice(0, -9))
writeFileSync(join(folder, 'secret'), 'hunter2\n')

const parse = (text: string, env: Record<string, string> = {}): ReturnType<typeof parseConfig> =>
  parseConfig(text, 'sealtrail.yaml', folder, { cwd: folder, env })

test('authorities are taken with their roots; a password stays a reference', () => {
  const { config, warnings } = parse(
    'timestamps:\n  interval: 30m\n  authorities:\n    one: { url: "https://tsa.example/ts?x=1", roots: file:roots.pem, policy: 1.3.6.1.4.1.99999.2 }\n    two: { url: http://tsa.example, roots: file:roots.pem, user: u, password: file:secret }\n    off: false\n',
  )
  const rootsFile = join(folder, 'roots.pem')
  const rootsDigest = `sha256:${createHash('sha256').update(pem).digest('hex')}`
  assert.deepEqual(config.timestamps, {
    intervalMs: 1_800_000,
    timeoutMs: 10_000,
    authorities: [
      { name: 'one', url: 'https://tsa.example/ts?x=1', rootsFile, rootsDigest, policy: '1.3.6.1.4.1.99999.2', basic: null },
      { name: 'two', url: 'http://tsa.example', rootsFile, rootsDigest, policy: null, basic: { user: 'u', password: `file:${join(folder, 'secret')}` } },
    ],
  })
  assert.deepEqual(Object.keys(config.trails), ['interactions', 'notifications'])
  assert.match(warnings.map(({ message }) => message).join(), /two: the password crosses the network in clear/)
  assert.ok(!JSON.stringify(config).includes('hunter2'))
  assert.equal(openSecret(config.timestamps?.authorities[1]?.basic?.password ?? '', {}), 'hunter2')
})

test('mistakes are named where they stand, and no secret with them', () => {
  const authority = (text: string): string => `timestamps: { authorities: { a: ${text} } }`
  for (const [text, expected] of [
    [authority('{ roots: file:roots.pem }'), /a\.url is missing/],
    [authority('{ url: http://a }'), /a\.roots is missing/],
    [authority('{ url: http://a, roots: roots.pem }'), /a\.roots: write file:PATH/],
    [authority('{ url: http://a, roots: file:empty.pem }'), /a\.roots: the file .*: There is no certificate here/],
    [authority('{ url: http://a, roots: file:broken.pem }'), /a\.roots: the file .*: Certificate 2 is damaged/],
    [authority('{ url: http://a, roots: file:gone.pem }'), /a\.roots: the file cannot be read \(ENOENT\)/],
    [authority('{ url: "http://u:hunter2@a", roots: file:roots.pem }'), /a\.url: an http or https address without user name/],
    [authority('{ url: "ftp://a", roots: file:roots.pem }'), /a\.url: an http or https address/],
    [authority('{ url: http://a, roots: file:roots.pem, policy: any }'), /a\.policy: a dotted object identifier/],
    [authority('{ url: http://a, roots: file:roots.pem, user: u }'), /a\.password is missing/],
    [authority('{ url: http://a, roots: file:roots.pem, user: u, password: hunter2 }'), /a\.password: write env:NAME or file:PATH/],
    [authority('{ url: http://a, roots: file:roots.pem, user: u, password: env:GONE }'), /GONE is not set/],
    ['timestamps: { interval: 10ms }', /timestamps\.interval: at least 1s/],
    ['timestamps: { every: 1h }', /unknown key "every"/],
    ['timestamps: { authorities: { "A B": { url: http://a } } }', /a name has lower-case letters/],
  ] as const)
    assert.throws(
      () => parse(text),
      ({ code, message }: { code: string; message: string }) => {
        assert.match(message, expected)
        assert.ok(!message.includes('hunter2'))
        return code === 'CONFIG_INVALID'
      },
    )
})
