import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { HoldView } from '../../src/retain/hold.ts'
import { sealtrail } from './io.ts'

const folder = mkdtempSync(join(tmpdir(), 'hold-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const data = ['--data', join(folder, 'data')]

test('a hold from the command line: placed, listed, released, each in words and as JSON', async () => {
  const receipt = JSON.stringify({ message_uuid: 'm-1', delivery_status: 'READ', customer_external_id: 'c' })
  assert.equal((await sealtrail(['ingest', '-', ...data], { stdin: `${receipt}\n` })).exit, 0)
  const placed = await sealtrail(['hold', 'place', '--subject', 'm-1', '--reason', 'matter 7', '--scope', 'content', ...data])
  assert.equal(placed.exit, 0, placed.err)
  assert.match(placed.out, /^[0-9a-f]{32} {2}placed by command-line on \d{4}-.*, 1 objects\n$/)
  const id = placed.out.slice(0, 32)
  const twice = await sealtrail(['hold', 'place', '--subject', 'm-1', '--reason', 'matter 7', '--scope', 'content', ...data])
  assert.notEqual(twice.exit, 0)
  assert.match(twice.err, /HOLD_EXISTS/)
  assert.match((await sealtrail(['hold', 'list', ...data])).out, new RegExp(`^${id} {2}m-1 {2}content {2}placed by command-line`))
  const { holds } = JSON.parse((await sealtrail(['hold', 'list', '--json', ...data])).out) as { holds: HoldView[] }
  assert.deepEqual(
    holds.map(({ id: of, state, scope, subject }) => [of, state, scope, subject]),
    [[id, 'placed', 'content', 'm-1']],
  )
  const released = JSON.parse((await sealtrail(['hold', 'release', id, '--reason', 'closed', '--json', ...data])).out) as HoldView
  assert.deepEqual([released.state, released.objects, released.released?.reason], ['released', 1, 'closed'])
  assert.match((await sealtrail(['hold', 'approve', id, ...data])).err, /NOT_FOUND/)
})

test('wrong use says what is right', async () => {
  for (const args of [
    [],
    ['place'],
    ['place', '--subject', 'a', '--range', 'b:0..1', '--reason', 'x'],
    ['place', '--subject', 'a'],
    ['release'],
    ['release', 'a'],
    ['release', 'a', 'b'],
    ['lift'],
  ]) {
    const { exit, err } = await sealtrail(['hold', ...args, ...data])
    assert.equal(exit, 2, args.join(' '))
    assert.match(err, /hold/)
  }
})
