// The key that auditors hold, rotated: those who have the old one and those who have the new one check the same log.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TYPE_ED25519, ed25519PublicKey, formatVkey, parseNote } from '@sealtrail/tlog'
import { auditDirectory, auditPlace } from '../../src/config/open-audit.ts'
import { recoverDirectory } from '../../src/config/recover-directory.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { isSignedBy } from '../../src/verify/promised.ts'
import { receipt } from '../cli/io.ts'
import { World } from './harness.ts'

describe('rotating the log key', () => {
  let world: World
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-log-key-'))
  const security = { role: 'security' } as const
  let [old, next] = ['', '']
  let oldNote = ''
  let n = 0
  const send = async (): Promise<void> => {
    n++
    assert.equal((await world.send('/api/v1/events?trail=notifications', receipt(n))).status, 201)
  }
  const logKeys = async (): Promise<JsonObject[]> =>
    ((await world.get('/api/v1/keys', 'security')).body['items'] as JsonObject[]).filter(({ purpose }) => purpose === 'log')
  const vkeyOf = (key: JsonObject | undefined): string => String((key?.['vkeys'] as JsonObject)['notifications'])
  const note = (log = 'notifications'): string => readFileSync(join(world.data, 'checkpoint', log), 'utf8')
  /** With the keyring and without it; what is wrong, by who looks with which key. */
  const audits = async (key: string): Promise<string[]> => {
    const copy = mkdtempSync(join(folder, 'copy-'))
    cpSync(world.data, join(copy, 'data'), { recursive: true })
    const own = await auditDirectory(join(copy, 'data'), { key, vault: false, now: Date.now })
    renameSync(join(copy, 'data', 'keys'), join(copy, 'keys'))
    const stranger = await auditDirectory(join(copy, 'data'), { key, vault: false, now: Date.now })
    const found = [...own, ...stranger]
    assert.ok(found.every(({ trust }) => trust === 'given') || found.some(({ problems }) => problems.length > 0))
    return found.flatMap(({ log, problems }) => problems.map(({ code }) => `${log} ${code}`))
  }
  before(async () => {
    world = await World.open()
    await send()
    await send()
  })
  after(async () => {
    await world.end()
    rmSync(folder, { recursive: true, force: true })
  })

  it('checkpoints carry both signatures from then on, and the announcement is sealed before the first', async () => {
    old = vkeyOf((await logKeys())[0])
    oldNote = note()
    assert.equal((await world.send('/api/v1/keys/log/rotate', undefined, security)).status, 200)
    const keys = await logKeys()
    assert.deepEqual(
      keys.map(({ state }) => state),
      ['previous', 'current'],
    )
    next = vkeyOf(keys[1])
    assert.notEqual(next, old)
    await send()
    for (const key of [old, next]) assert.ok(isSignedBy(note(), key), key)
    assert.ok(isSignedBy(oldNote, old) && !isSignedBy(oldNote, next))
    const [made] = (await world.system('key')).filter(({ key }) => (key as JsonObject)['purpose'] === 'log')
    assert.equal(formatVkey(old.split('+')[0] as string, TYPE_ED25519, Buffer.from(String((made?.['others'] as string[])[0]), 'base64')), old)
  })

  it('who has the old key and who has the new one find the same, with the keyring and without it', async () => {
    await world.restart()
    await send()
    await world.local.sealing.drained()
    for (const key of [old, next]) assert.deepEqual(await audits(key), [], key)
    const stranger = formatVkey(old.split('+')[0] as string, TYPE_ED25519, ed25519PublicKey(new Uint8Array(32).fill(9)))
    assert.ok((await audits(stranger)).includes('notifications CHECKPOINT_SIGNATURE'), 'a key that never signed')
  })

  it('a server and a recovery go on with both; a log that stood still has been signed anew', async () => {
    const lost = join(folder, 'lost')
    const keys = join(folder, 'back-up')
    cpSync(world.data, lost, { recursive: true })
    renameSync(join(lost, 'keys'), keys)
    for (const name of ['head.sqlite', 'head.sqlite-wal', 'head.sqlite-shm', 'tiles', 'checkpoint', 'ledger', 'index', 'vault', 'journal'])
      rmSync(join(lost, name), { recursive: true, force: true })
    const { logs } = await recoverDirectory({
      data: lost,
      store: { place: { type: 'files' }, timeoutMs: 1_000 },
      keys,
      key: null,
      kept: [],
      dryRun: false,
      now: Date.now,
      onProgress: () => {},
    })
    assert.deepEqual(
      logs.map(({ log, found }) => [log, found?.refused ?? null, found?.verdict.problems ?? []]),
      logs.map(({ log }) => [log, null, []]),
    )
    for (const log of ['interactions', 'notifications', 'system']) assert.equal(parseNote(note(log)).signatures.length, 2, log)
  })

  it('the old key is retired at the next start; its checkpoints still verify, and it vouches for nothing new', async () => {
    const [first, second] = await logKeys()
    const end = (key: JsonObject | undefined) => world.send(`/api/v1/keys/${String(key?.['id'])}/end`, undefined, security)
    assert.equal((await end(second)).body['code'], 'USAGE', 'the current one')
    assert.equal((await end(first)).body['state'], 'retired')
    await send()
    for (const key of [old, next]) assert.ok(isSignedBy(note(), key), 'until then both sign')
    await world.restart()
    await send()
    assert.ok(isSignedBy(note(), next) && !isSignedBy(note(), old))
    assert.deepEqual(await audits(next), [])
    assert.ok(isSignedBy(oldNote, old))
    const kept = await auditPlace(
      { place: { type: 'files', path: join(world.data, 'store') }, timeoutMs: 1_000 },
      { key: next, kept: [{ object: 'kept', note: oldNote }] },
    )
    assert.deepEqual(
      kept.flatMap(({ problems }) => problems).filter(({ code }) => code !== 'RECORDS_UNVOUCHED'),
      [],
      'an old checkpoint fits the log',
    )
    assert.ok((await audits(old)).includes('notifications CHECKPOINT_SIGNATURE'))
    const sealed = (await world.system('key')).filter(({ key }) => (key as JsonObject)['purpose'] === 'log').map(({ state }) => state ?? 'made')
    assert.deepEqual(sealed, ['made', 'retired'])
    assert.deepEqual(await world.closeAndAudit(), [])
  })
})
