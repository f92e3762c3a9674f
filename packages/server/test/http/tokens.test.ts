import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Tokens } from '../../src/http/tokens.ts'

interface Room {
  readonly data: string
  readonly clock: { ms: number }
  open(): Tokens
}
function room(t: TestContext): Room {
  const data = mkdtempSync(join(tmpdir(), 'sealtrail-tokens-'))
  t.after(() => {
    chmodSync(data, 0o700)
    rmSync(data, { recursive: true })
  })
  const clock = { ms: Date.parse('2030-01-01T00:00:00Z') }
  return { data, clock, open: () => new Tokens({ data, now: () => clock.ms, random: (n) => randomBytes(n) }) }
}
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

test('a token is known by its holder only: the file has its hash, mode 0600', (t) => {
  const { data, open } = room(t)
  const tokens = open()
  const { token, info } = tokens.create('siem', 'ingest', null)
  assert.match(token, /^st_[A-Za-z0-9_-]{43}$/)
  assert.deepEqual([info.name, info.role, info.valid], ['siem', 'ingest', true])
  assert.deepEqual(tokens.check(token), { name: 'siem', role: 'ingest' })
  const file = readFileSync(join(data, 'tokens.json'), 'utf8')
  assert.ok(!file.includes(token) && !file.includes(token.slice(3)))
  assert.equal(mode(join(data, 'tokens.json')), '600')
  assert.ok(!JSON.stringify(tokens.list()).includes('hash'))
})

test('every other text is nobody: each character changed, cut, longer, empty, huge, a prototype name', (t) => {
  const tokens = room(t).open()
  const { token } = tokens.create('a', 'admin', null)
  for (let i = 0; i < token.length; i++) assert.equal(tokens.check(`${token.slice(0, i)}${token[i] === 'A' ? 'B' : 'A'}${token.slice(i + 1)}`), null)
  for (const other of ['', token.slice(1), token.slice(0, -1), `${token} `, `${token}A`, token.repeat(100), '__proto__', 'constructor', 'hasOwnProperty'])
    assert.equal(tokens.check(other), null)
})

test('expiry by the injected clock, to the millisecond', (t) => {
  const { clock, open } = room(t)
  const tokens = open()
  const { token } = tokens.create('a', 'auditor', clock.ms + 1000)
  clock.ms += 999
  assert.ok(tokens.check(token))
  clock.ms += 1
  assert.equal(tokens.check(token), null)
  assert.equal(tokens.list()[0]?.valid, false)
})

test('names, roles and expiries are checked; one valid token a name, so two approvers are two names', (t) => {
  const { clock, open } = room(t)
  const tokens = open()
  tokens.create('ann', 'auditor', null)
  for (const [name, role, expires] of [
    ['ann', 'officer', null],
    ['', 'auditor', null],
    ['a b', 'auditor', null],
    ['x'.repeat(65), 'auditor', null],
    ['b', 'root', null],
    ['b', 'toString', null],
    ['b', 'auditor', clock.ms],
    ['b', 'auditor', Number.NaN],
  ] as const) {
    assert.throws(() => tokens.create(name, role, expires), { code: 'USAGE' })
  }
  assert.equal(tokens.revoke('ann'), true)
  assert.equal(tokens.revoke('ann'), false)
  tokens.create('ann', 'officer', null)
  assert.deepEqual(
    tokens.list().map((i) => [i.name, i.valid]),
    [
      ['ann', false],
      ['ann', true],
    ],
  )
})

test('a token made by another thread or process is known when it comes, one revoked there within a second', (t) => {
  const { clock, open } = room(t)
  const here = open()
  const there = open()
  const { token } = there.create('a', 'ingest', null)
  assert.equal(here.check(token), null)
  assert.equal(here.check(`st_${'A'.repeat(43)}`), null)
  clock.ms += 25
  assert.ok(here.check(token), 'a token made elsewhere is looked for when it comes')
  there.revoke('a')
  assert.equal(there.check(token), null)
  assert.ok(here.check(token))
  clock.ms += 1000
  assert.equal(here.check(token), null)
  const { token: next } = there.create('b', 'ingest', null)
  clock.ms -= 86_400_000
  assert.ok(here.check(next), 'a clock set back does not stop the reloading')
})

test('a change that leaves size and modification time as they were is seen', (t) => {
  const { data, clock, open } = room(t)
  const here = open()
  const { token } = here.create('a', 'ingest', null)
  const path = join(data, 'tokens.json')
  const { atime, mtime, size } = statSync(path)
  utimesSync(path, atime, mtime)
  clock.ms += 1000
  assert.equal(here.check(token)?.name, 'a')
  const next = join(data, 'next')
  writeFileSync(next, readFileSync(path, 'utf8').replace('"name": "a"', '"name": "b"'))
  utimesSync(next, atime, mtime)
  renameSync(next, path)
  assert.deepEqual([statSync(path).size, statSync(path).mtimeMs], [size, mtime.getTime()])
  clock.ms += 1000
  assert.equal(here.check(token)?.name, 'b')
})

test('two writers lose nothing', (t) => {
  const { open } = room(t)
  const [a, b] = [open(), open()]
  for (let i = 0; i < 20; i++) (i % 2 === 0 ? a : b).create(`n${i}`, 'ingest', null)
  assert.equal(open().list().length, 20)
})

test('a damaged file lets nobody in: at start, and while running', (t) => {
  const { data, clock, open } = room(t)
  const tokens = open()
  const { token } = tokens.create('a', 'admin', null)
  const path = join(data, 'tokens.json')
  const good = readFileSync(path, 'utf8')
  for (const bad of [
    '',
    '{}',
    '[]',
    'null',
    good.slice(0, -5),
    good.replace('"admin"', '"root"'),
    good.replace(/[0-9a-f]{64}/, 'abc'),
    good.replace('tokens/1', 'tokens/2'),
  ]) {
    writeFileSync(path, bad)
    assert.throws(open, { code: 'DATA_CORRUPT' })
    clock.ms += 1000
    assert.throws(() => tokens.check(token), { code: 'DATA_CORRUPT' })
    assert.throws(() => tokens.check(token), { code: 'DATA_CORRUPT' }, 'and stays so')
  }
  unlinkSync(path)
  clock.ms += 1000
  assert.equal(tokens.check(token), null)
})

test('admin.token is made once, 0600, and works; a revoked one is not brought back', (t) => {
  const { data, open } = room(t)
  const path = join(data, 'admin.token')
  open().ensureAdmin()
  const token = readFileSync(path, 'utf8').trim()
  assert.equal(mode(path), '600')
  const tokens = open()
  tokens.ensureAdmin()
  assert.equal(readFileSync(path, 'utf8').trim(), token)
  assert.deepEqual(tokens.check(token), { name: 'admin', role: 'admin' })
  tokens.revoke('admin')
  tokens.ensureAdmin()
  assert.equal(tokens.check(token), null)
  unlinkSync(path)
  tokens.ensureAdmin()
  assert.ok(tokens.check(readFileSync(path, 'utf8').trim()))
  assert.deepEqual(readdirSync(data).sort(), ['admin.token', 'tokens.json'])
})

test('a directory that cannot be written: a clear error, nothing changed', (t) => {
  const { data } = room(t)
  writeFileSync(join(data, 'file'), '')
  const tokens = new Tokens({ data: join(data, 'file'), now: () => 0, random: (n) => randomBytes(n) })
  assert.throws(() => tokens.create('b', 'admin', null), { code: 'DATA_UNWRITABLE' })
  assert.deepEqual(tokens.list(), [])
})

test('the lock of a writer that was killed does not stand for ever', (t) => {
  const { data, open } = room(t)
  const lock = join(data, 'tokens.json.next')
  writeFileSync(lock, '')
  utimesSync(lock, new Date(0), new Date(0))
  open().create('a', 'admin', null)
  assert.deepEqual(readdirSync(data), ['tokens.json'])
})
