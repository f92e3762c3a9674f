import assert from 'node:assert/strict'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { clearAlarm, readAlarm, readCleared } from '../../src/publish/alarm.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { copyFolder } from '../copy-folder.ts'
import { log, odd, publishing, real } from './stage.ts'
import type { Publishing } from './world.ts'

describe('fork alarm', () => {
  async function alarmed(world: Publishing, kind: string, evidence: boolean): Promise<void> {
    const before = world.published?.note
    await world.round()
    assert.deepEqual(
      world.forks.map((alarm) => alarm.kind),
      [kind],
    )
    const standing = readAlarm(log.data, 'calls')
    assert.deepEqual([standing?.kind, standing?.evidence !== null], [kind, evidence])
    assert.equal(world.published?.note, before, 'nothing is published once the alarm stands')
    assert.equal(world.metric('sealtrail_forked')[0], 'sealtrail_forked{log="calls"} 1')
    assert.ok(world.lines.some((line) => line.includes('FORK ALARM') && line.includes('FORKED')))
    // Told once, and nobody is asked any more.
    log.grow(log.files.size + 1)
    await world.round()
    assert.equal(world.forks.length, 1)
  }

  test('a log set back to a backup and grown again: the real witness refuses, with proof under our own key', async () => {
    const witness = await real(1)
    const world = publishing([witness.line])
    log.grow(10)
    await world.round()
    const backup = join(log.folder, 'backup')
    copyFolder(log.data, backup)
    log.grow(20)
    await world.round()
    await world.publisher.close()
    // Everything in the directory goes back, what we remember of the witness included.
    log.files.close()
    rmSync(log.data, { recursive: true })
    copyFolder(backup, log.data)
    log.files = HashFiles.open(join(log.data, 'tiles', 'calls'))
    const again = publishing([witness.line])
    log.grow(15, 'other')
    await alarmed(again, 'WITNESS_AHEAD', true)
    assert.match(readAlarm(log.data, 'calls')?.evidence ?? '', /\n20\n/)
  })

  test('grown past the witness on another history: refused (422), with proof', async () => {
    const witness = await real(1)
    log.grow(10)
    await publishing([witness.line]).round()
    rmSync(join(log.data, 'published'), { recursive: true })
    rmSync(join(log.data, 'witnesses'), { recursive: true })
    log.forkAt(5, 30)
    await alarmed(publishing([witness.line]), 'WITNESS_REFUSED', true)
  })

  test('another root at the same size: 422 of the real one, 409 without a size of omniwitness', async () => {
    const witness = await real(1)
    log.grow(10)
    await publishing([witness.line]).round()
    rmSync(join(log.data, 'published'), { recursive: true })
    rmSync(join(log.data, 'witnesses'), { recursive: true })
    log.forkAt(9, 10)
    await alarmed(publishing([witness.line]), 'WITNESS_REFUSED', true)
    assert.equal(readFileSync(join(witness.data, 'evidence', readdirSync(join(witness.data, 'evidence'))[0] as string), 'utf8').includes('\n10\n'), true)

    clearAlarm(log.data, 'calls', { at: '2031-01-01T00:00:00.000Z', reason: 'test' })
    const omni = await odd(2)
    omni.answer = (body, response) => {
      if (body.startsWith('old 0\n')) omni.status(response, 409, '11\n', 'text/x.tlog.size')
      else omni.status(response, 409, 'root mismatch')
    }
    await alarmed(publishing([omni.line]), 'WITNESS_CONFLICT', false)
  })

  test('what was published is no beginning of what is committed: found without any witness', async () => {
    const witness = await odd(1)
    const world = publishing([witness.line])
    log.grow(10)
    await world.round()
    const { requests } = witness
    requests.length = 0
    log.forkAt(5, 30)
    await alarmed(world, 'PUBLISHED_CONTRADICTED', true)
    assert.deepEqual(requests, [])
  })

  test('a committed log shorter than what was published', async () => {
    const witness = await odd(1)
    const world = publishing([witness.line])
    log.grow(10)
    await world.round()
    log.files.truncate(5)
    log.sign()
    rmSync(join(log.data, 'checkpoint', 'calls'))
    log.sign()
    await world.round()
    assert.deepEqual(
      world.forks.map(({ kind }) => kind),
      ['PUBLISHED_CONTRADICTED'],
    )
  })

  test('one liar stops the log even when the others cosign, and what it says is kept', async () => {
    const liar = await odd(1, (_, response) => liar.status(response, 409, '1000000\n', 'text/x.tlog.size'))
    const good = await real(2)
    const world = publishing([liar.line, good.line], { quorum: '1', graceMs: 2_000 })
    log.grow(10)
    await alarmed(world, 'WITNESS_AHEAD', false)
    assert.ok(
      liar.requests.some((request) => /^GET \/prefix\/[0-9a-f]{64}\/checkpoint$/.test(request)),
      'its evidence was asked for',
    )
    // The operator has looked.
    assert.equal(clearAlarm(log.data, 'calls', { at: '2031-01-01T00:00:00.000Z', reason: 'the witness was reset by its owner' })?.kind, 'WITNESS_AHEAD')
    assert.equal(readAlarm(log.data, 'calls'), null)
    assert.equal(readCleared(log.data)[0]?.cleared.reason, 'the witness was reset by its owner')
    liar.answer = (body, response) => liar.cosign(body, response)
    assert.equal((await publishing([liar.line, good.line]).round())?.cosignatures.length, 2)
  })

  test('an alarm that cannot be read stands; the first one is not overwritten', async () => {
    const liar = await odd(1, (_, response) => liar.status(response, 409, '1000000\n', 'text/x.tlog.size'))
    log.grow(10)
    await publishing([liar.line]).round()
    const path = join(log.data, 'forked', 'calls.json')
    const first = readFileSync(path, 'utf8')
    assert.equal(JSON.parse(first).witness, 'odd1.example')
    writeFileSync(path, first.slice(0, 20))
    assert.match(readAlarm(log.data, 'calls')?.detail ?? '', /damaged/)
    const other = await odd(2)
    assert.equal(await publishing([other.line]).round(), null)
    assert.deepEqual(other.requests, [], 'nobody is asked while an alarm stands')
  })
})
