// Tessera's fsck, unchanged, on a log of 300,000 records: it derives the root from the entries and compares every tile.
import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readdirSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCheckpoint, parseNote } from '@sealtrail/tlog'
import { fsck } from './fsck.ts'
import { outside, scratch } from './outside.ts'
import { command, LOG, Served } from './served.ts'

const RECORDS = 300_000
const SENDERS = 4

const { tools, skip } = await outside('fsck')
const at = scratch()

/** Runs with one bit changed in the middle of a file. */
async function bent(path: string, run: () => Promise<void>): Promise<void> {
  const fd = openSync(path, 'r+')
  const middle = fstatSync(fd).size >> 1
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, middle)
  writeSync(fd, Buffer.from([(byte[0] as number) ^ 1]), 0, 1, middle)
  try {
    await run()
  } finally {
    writeSync(fd, byte, 0, 1, middle)
    closeSync(fd)
  }
}

test(`Tessera’s fsck on a log of ${RECORDS} records`, { skip }, async (t) => {
  const server = await Served.start(at('data'))
  writeFileSync(at('vkey'), await server.vkey())
  const live = (): Promise<string | null> => fsck(tools.fsck, server.prefix, at('vkey'), server.token)
  const still = (): Promise<string | null> => fsck(tools.fsck, `file://${at('static', LOG)}`, at('vkey'), '')

  await t.test('made by the whole flow', async () => {
    const each = RECORDS / SENDERS
    const started = performance.now()
    await Promise.all(Array.from({ length: SENDERS }, (_, i) => server.seal(i * each, each)))
    t.diagnostic(`${RECORDS} records sealed in ${((performance.now() - started) / 1000).toFixed(1)} s`)
    assert.equal(parseCheckpoint(parseNote(await server.checkpoint()).text).size, BigInt(RECORDS))
  })

  await t.test('passes live over HTTP', async () => {
    assert.equal(await live(), null)
  })

  await t.test('passes on the exported files', async () => {
    const { exit, err } = await command(['tiles', 'export', at('static'), '--log', LOG, '--data', server.data])
    assert.equal(exit, 0, err)
    assert.equal(await still(), null)
  })

  await t.test('fails on the exported files after one flipped byte, in a tile, in a partial tile, in a bundle', async () => {
    for (const path of ['tile/0/700', 'tile/1/002', 'tile/1/004.p/147', 'tile/2/000.p/4', 'tile/0/x001/171.p/224', 'tile/entries/700'])
      await bent(at('static', LOG, ...path.split('/')), async () => assert.match((await still()) ?? 'passed', /fsck failed/, path))
    assert.equal(await still(), null)
  })

  await t.test('fails live after one flipped byte under the server: what does not lead to the root is not handed out', async () => {
    const segments = join(server.data, 'store', LOG, 'segment')
    for (const path of [join(server.data, 'tiles', LOG, 'level-0'), join(segments, readdirSync(segments).sort()[0] as string)])
      await bent(path, async () => assert.match((await live()) ?? 'passed', /fsck failed/, path))
  })

  await t.test('a token that may not read, or none, reads nothing', async () => {
    assert.match((await fsck(tools.fsck, server.prefix, at('vkey'), '')) ?? 'passed', /fsck failed/)
  })
  await server.stop()
})
