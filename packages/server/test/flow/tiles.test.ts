// A whole log read back through the routes by the tile format alone, and what happens when the disk under it changes.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ed25519Verifier, formatTilePath, leafHash, openCheckpoint, parseBundle, proveInclusionFromTiles, checkInclusion, type Tile } from '@sealtrail/tlog'
import { createApp } from '../../src/http/app.ts'
import { receipt } from '../cli/io.ts'
import { World } from './harness.ts'

const RECORDS = 600

describe('tiles', () => {
  let world: World
  before(async () => {
    world = await World.open('trails: { interactions: { public: true } }')
    await world.send(
      '/api/v1/events',
      Array.from({ length: RECORDS }, (_, i) => receipt(i)),
    )
    await world.flush()
  })
  after(() => world.end())

  const read = (path: string, role: 'auditor' | null = 'auditor', log = 'notifications'): Promise<Response> =>
    Promise.resolve(
      createApp(world.local.served.deps).request(
        `/log/${log}/${path}`,
        role === null ? {} : { headers: { authorization: `Bearer ${world.tokens.get(role)}` } },
      ),
    )
  const tile = async (each: Tile): Promise<Uint8Array> => {
    const answer = await read(formatTilePath(each))
    assert.equal(answer.status, 200, formatTilePath(each))
    return new Uint8Array(await answer.arrayBuffer())
  }

  it('every record is proved by nothing but checkpoint, bundles and tiles', async () => {
    const verifier = ed25519Verifier(world.local.sealing.vkey('notifications'))
    const { size, root } = openCheckpoint(await (await read('checkpoint', null)).text(), { origin: verifier.name, log: [verifier] })
    assert.equal(size, BigInt(RECORDS))
    let index = 0n
    for (const width of [256, 256, 88]) {
      for (const entry of parseBundle(await tile({ level: 'entries', index: index / 256n, width }), width)) {
        const proof = await proveInclusionFromTiles(index, size, (tiles) => Promise.all(tiles.map(tile)))
        checkInclusion(index, size, leafHash(entry), proof, root)
        assert.equal((JSON.parse(Buffer.from(entry).toString()) as { specversion: string }).specversion, '1.0')
        index++
      }
    }
    assert.equal(index, size)
  })

  it('a trail that is public is open to all, no other is, and system never', async () => {
    assert.equal((await read('tile/0/000.p/1', null)).status, 401)
    assert.equal((await read('tile/0/000.p/1', null, 'system')).status, 401)
    // Public, and empty.
    assert.equal((await read('tile/0/000.p/1', null, 'interactions')).status, 404)
    assert.equal((await read('checkpoint', null, 'interactions')).status, 200)
  })

  it('nothing that was read was noted', async () => {
    await world.restart('trails: { interactions: { public: true } }')
    assert.deepEqual(await world.system('read'), [])
  })

  it('a byte changed on the disk under the server: 500 with a stable code, never wrong bytes', async () => {
    const segments = join(world.data, 'store', 'notifications', 'segment')
    const segment = join(segments, readdirSync(segments)[0] as string)
    for (const [file, path] of [
      [segment, 'tile/entries/000'],
      [join(world.data, 'tiles', 'notifications', 'level-0'), 'tile/0/001'],
      [join(world.data, 'tiles', 'notifications', 'level-0'), 'tile/entries/001.p/200'],
      [join(world.data, 'tiles', 'notifications', 'level-1'), 'tile/1/000.p/2'],
    ] as const) {
      const right = readFileSync(file)
      const wrong = Buffer.from(right)
      const at = path.startsWith('tile/entries/000') ? statSync(file).size >> 1 : path.startsWith('tile/1') ? 40 : 300 * 32
      wrong[at] = (wrong[at] as number) ^ 1
      await world.restart()
      writeFileSync(file, wrong)
      const answer = await read(path)
      assert.equal(answer.status, 500, path)
      const body = (await answer.json()) as { code: string; detail: string }
      assert.equal(body.code, 'DATA_CORRUPT')
      assert.equal(answer.headers.get('access-control-allow-origin'), '*')
      assert.equal(answer.headers.get('cache-control'), 'no-store')
      writeFileSync(file, right)
      await world.restart()
      assert.equal((await read(path)).status, 200)
    }
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
