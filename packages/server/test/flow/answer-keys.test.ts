// The keys that sign answers, over the life of a data directory.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { World } from './harness.ts'

const WELL_KNOWN = '/.well-known/http-message-signatures-directory'

describe('keys that sign answers', () => {
  let world: World
  const listed = async (): Promise<string[]> => ((await world.get(WELL_KNOWN)).body['keys'] as JsonObject[]).map(({ kid }) => String(kid))
  const sealed = async (): Promise<string[]> =>
    (await world.system('key')).map(({ key }) => (key as JsonObject)['keyid']).filter((keyid): keyid is string => typeof keyid === 'string')
  before(async () => {
    world = await World.open()
  })
  after(() => world.end())

  it('are sealed once each, however often the server starts', async () => {
    await world.restart()
    await world.restart()
    assert.deepEqual(await sealed(), await listed())
    assert.equal((await world.send('/api/v1/keys/answers/rotate', undefined, { role: 'security' })).status, 200)
    await world.restart()
    assert.deepEqual((await sealed()).sort(), (await listed()).sort())
    assert.equal((await listed()).length, 2)
    assert.equal((await world.send('/api/v1/keys/naming/rotate', undefined, { role: 'security' })).body['code'], 'USAGE')
  })

  it('are made where an earlier version made none, or they are lost; the log tells the new from the old', async () => {
    const before = await sealed()
    for (const file of ['answers-0001.json', 'answers-0002.json']) rmSync(join(world.data, 'keys', file))
    await world.restart()
    const now = await listed()
    assert.equal(now.length, 1)
    assert.ok(!before.includes(now[0] as string))
    assert.deepEqual((await sealed()).sort(), [...before, ...now].sort())
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
