import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS, LATER } from '../../src/cli/commands.ts'
import { sealtrail } from './io.ts'

test('no command, an unknown one, a later one: exit 2, and what was meant', async () => {
  assert.deepEqual([(await sealtrail([])).exit, (await sealtrail(['--help'])).exit], [2, 0])
  const slip = await sealtrail(['verfy', 'x'])
  assert.equal(slip.exit, 2)
  assert.match(slip.err, /did you mean verify\?/)
  assert.equal(slip.out, '')
  for (const later of LATER) {
    const { exit, err } = await sealtrail([later])
    assert.equal(exit, 2, later)
    assert.match(err, /not in this version/)
  }
  // attacker: a secret typed where the command belongs is not repeated.
  assert.doesNotMatch((await sealtrail(['st_SECRET0123456789'])).err, /SECRET/)
})

test('every command has help, says its usage, and refuses options it does not have', async () => {
  for (const { name, options } of COMMANDS) {
    const { exit, out } = await sealtrail([name, '--help'])
    assert.equal(exit, 0)
    assert.match(out, new RegExp(`usage: sealtrail ${name}`))
    for (const option of [...Object.keys(options), 'json', 'help']) assert.ok(out.includes(`--${option}`), `${name} --${option}`)
    const wrong = await sealtrail([name, '--no-such-option'])
    assert.equal(wrong.exit, 2, name)
    assert.match(wrong.err, /no-such-option/)
  }
})

test('errors with --json are one JSON object on stderr', async () => {
  const { exit, out, err } = await sealtrail(['verify', '/no/such/place', '--json'])
  assert.equal(exit, 2)
  assert.equal(out, '')
  const { error } = JSON.parse(err) as { error: Record<string, string> }
  assert.deepEqual([error['code'], typeof error['message'], typeof error['todo']], ['USAGE', 'string', 'string'])
})

test('wrong use of each command is exit 2', async () => {
  const lines = [
    ['serve', 'now'],
    ['serve', '--port', '70000'],
    ['serve', '--port', 'x'],
    ['ingest'],
    ['ingest', '/no/such/file'],
    ['verify'],
    ['verify', 'a', 'b'],
    ['verify', 'ftp://bucket'],
    ['verify', 'https://example.com'],
    ['verify', '/', '--store-locks'],
    ['show'],
    ['query', 'x'],
    ['query', '--data', '/no/such/place'],
    ['pack'],
    ['pack', 'test', '/no/such/place'],
    ['schema'],
    ['schema', 'add', 'x'],
    ['schema', 'check', '/no/such/file'],
    ['quarantine', 'x'],
    ['token', 'create'],
    ['token', 'x'],
    ['key', 'x'],
    ['key', 'rotate'],
    ['doctor', 'x'],
    ['rebuild-index', '--data', '/no/such/place'],
    ['query', '--url', 'ftp://x'],
    ['query', '--url', 'http://127.0.0.1:1', '--data', 'x'],
    ['demo', 'x'],
  ]
  for (const line of lines) assert.equal((await sealtrail(line)).exit, 2, line.join(' '))
})

test('no server there: exit 3', async () => {
  const { exit, err } = await sealtrail(['query', '--url', 'http://127.0.0.1:9'])
  assert.equal(exit, 3)
  assert.match(err, /no server answers/)
})
