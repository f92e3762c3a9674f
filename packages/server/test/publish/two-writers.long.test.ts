import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ed25519Signer, openCheckpointByPolicy, parsePolicy } from '@sealtrail/tlog'
import type { JsonObject } from '../../src/event/json.ts'
import { copyFolder } from '../copy-folder.ts'
import { receipt, sealtrail } from '../cli/io.ts'
import { World } from '../flow/harness.ts'
import { OddWitness, RealWitness } from './world.ts'

const LOGS = ['interactions', 'notifications', 'system']
const YAML = 'witnesses:\n  policy: file:witnesses.policy\n'
const send = async (world: World, n: number): Promise<JsonObject> => {
  const { status, body } = await world.send('/api/v1/events?trail=notifications', receipt(n))
  assert.equal(status, 201, JSON.stringify(body))
  return body['receipt'] as JsonObject
}
/** A second writer: another process's whole data directory, as a backup or a snapshot gives it. */
const restored = (from: World, backup: string): World => {
  const world = new World()
  copyFolder(backup, world.data)
  for (const [role, token] of from.tokens) world.tokens.set(role, token)
  return world
}

describe('two writers on a restored backup', () => {
  let a: World
  let b: World
  let witness: RealWitness
  let policyText = ''
  before(async () => {
    a = await World.open()
    const vkeys = LOGS.map((log) => a.local.sealing.vkey(log))
    witness = await RealWitness.start('w.example', join(a.folder, 'witness'), vkeys)
    policyText = `${witness.line}\nquorum w.example\n`
    writeFileSync(join(a.folder, 'witnesses.policy'), policyText)
    await a.restart(YAML)
  })
  after(async () => {
    await b?.end()
    await a.end()
    await witness.stop()
  })

  test('committed and published are told apart in receipts, answers, proofs and the checkpoint served', async () => {
    const first = await send(a, 1)
    assert.equal(first['published'], false, 'sealed, and nobody has cosigned it yet')
    assert.equal((await a.get('/log/notifications/checkpoint')).status, 404, 'nothing is published')
    await a.local.publisher?.round()
    const served = await a.get('/log/notifications/checkpoint')
    const policy = parsePolicy(`log ${a.local.sealing.vkey('notifications')}\n${policyText}`)
    assert.deepEqual([openCheckpointByPolicy(served.text, policy).size, openCheckpointByPolicy(served.text, policy).cosignatures.length], [1n, 1])
    await a.flush()
    const again = (await a.get(`/api/v1/events/${String(first['auditid'])}`)).body['receipt'] as JsonObject
    assert.deepEqual([again['published'], again['checkpoint']], [true, served.text])
    const proof = await a.get(`/api/v1/records/${String(first['auditid'])}/proof`)
    assert.ok(proof.text.endsWith(served.text), 'the proof is against what is published')
    // A resend is answered with the record that stands, published by now.
    const resent = (await a.send('/api/v1/events?trail=notifications', receipt(1))).body['receipt'] as JsonObject
    assert.deepEqual([resent['published'], resent['checkpoint']], [true, served.text])
    // A newer one is proved against the committed checkpoint, and says that it is not published.
    const second = await send(a, 2)
    await a.flush()
    const newer = (await a.get(`/api/v1/records/${String(second['auditid'])}`)).body['receipt'] as JsonObject
    assert.equal(newer['published'], false)
    assert.match(String(newer['checkpoint']), /^sealtrail\.localhost\/notifications\n2\n/)
    assert.equal((await a.get('/log/notifications/checkpoint')).text, served.text)
    assert.match((await a.get('/metrics', 'admin')).text, /sealtrail_published_size\{log="notifications"\} 1/)
  })

  test('the witness refuses the second writer, whose logs stop, and stay stopped over a restart', async () => {
    await a.closeAndAudit()
    const backup = join(a.folder, 'backup')
    copyFolder(a.data, backup)
    b = restored(a, backup)
    mkdirSync(b.folder, { recursive: true })
    writeFileSync(join(b.folder, 'witnesses.policy'), policyText)
    await a.start(YAML)
    for (const n of [3, 4, 5]) await send(a, n)
    await a.local.publisher?.round()
    await b.start(YAML)
    for (const n of [6, 7]) await send(b, n)
    await b.local.publisher?.round()

    assert.equal(b.local.sealing.trouble('notifications')?.code, 'FORKED')
    const refused = await b.send('/api/v1/events?trail=notifications', receipt(8))
    assert.deepEqual([refused.status, refused.body['code']], [503, 'FORKED'])
    await b.restart(YAML)
    const still = await b.send('/api/v1/events?trail=notifications', receipt(8))
    assert.deepEqual([still.status, still.body['code']], [503, 'FORKED'])
    const ready = await b.get('/readyz')
    assert.equal(ready.status, 503)
    assert.match(ready.text, /FORKED: \w+: witness w\.example: /)
    assert.match((await b.get('/metrics', 'admin')).text, /sealtrail_forked\{log="notifications"\} 1/)
    // Reading goes on, the records since the backup too.
    await b.local.indexed()
    assert.equal((await b.records('notifications')).length, 4)
    // The first writer goes on undisturbed.
    await send(a, 9)
    await a.local.publisher?.round()
    assert.equal(a.local.sealing.trouble(), null)
    assert.match((await a.get('/log/notifications/checkpoint')).text, /\n6\n/)
  })

  test('verify --policy: the first writer’s data pass; the second’s do not, nor against a checkpoint anybody kept', async () => {
    const kept = join(a.folder, 'kept.checkpoint')
    writeFileSync(kept, (await a.get('/log/notifications/checkpoint')).text)
    const own = readFileSync(join(b.data, 'checkpoint', 'notifications'), 'utf8')
    const forked = join(a.folder, 'forked.checkpoint')
    writeFileSync(forked, own)
    const policy = join(a.folder, 'auditor.policy')
    const vkey = a.local.sealing.vkey('notifications')
    writeFileSync(policy, `log ${vkey}\n${policyText}`)
    await a.closeAndAudit()
    await b.closeAndAudit()
    const codes = async (data: string, ...more: string[]): Promise<[number, string[]]> => {
      const { exit, out, err } = await sealtrail(['verify', data, '--policy', policy, '--log', 'notifications', '--json', ...more])
      assert.notEqual(out, '', err)
      return [exit, (JSON.parse(out) as { problems: { code: string }[] }).problems.map(({ code }) => code)]
    }
    assert.deepEqual(await codes(a.data), [0, []])
    assert.deepEqual(await codes(a.data, '--checkpoint', kept, '--ask-witnesses'), [0, []])
    // Each history alone is consistent and signed by the log's own key; only what somebody kept tells.
    assert.deepEqual(await codes(b.data), [0, []])
    assert.deepEqual(await codes(b.data, '--checkpoint', kept), [1, ['CHECKPOINT_BEYOND']])
    assert.deepEqual(await codes(b.data, '--ask-witnesses'), [1, ['CHECKPOINT_BEYOND']])
    assert.deepEqual(await codes(a.data, '--checkpoint', forked), [1, ['CHECKPOINT_MISMATCH']])
    // All three logs of the server, by the one policy.
    const all = await sealtrail(['verify', a.data, '--policy', policy])
    assert.equal(all.exit, 0, all.out)
    assert.match(all.out, /witnesses vouch for records 0 to/)
    // A policy nobody met.
    const stranger = await new OddWitness(5).start()
    writeFileSync(policy, `log ${vkey}\n${stranger.line}\nquorum ${stranger.key.name}\n`)
    await stranger.stop()
    assert.deepEqual(await codes(a.data), [1, ['POLICY_UNMET']])
    // And a forged cosignature or a missing file.
    writeFileSync(policy, `log ${vkey}\n${policyText}`)
    const path = join(a.data, 'published', 'notifications')
    const good = readFileSync(path, 'utf8')
    writeFileSync(path, good.split('\n').slice(0, -2).join('\n') + '\n')
    assert.deepEqual(await codes(a.data), [1, ['POLICY_UNMET']])
    writeFileSync(path, good)
  })

  test('the operator looks, clears with a reason, and a real fork is found again', async () => {
    const shown = await sealtrail(['witness', 'alarms', '--data', b.data])
    assert.equal(shown.exit, 1)
    assert.match(shown.out, /log notifications has stopped sealing: WITNESS_/)
    assert.match(shown.out, /signed by the key of this log, and contradicting it/)
    assert.equal((await sealtrail(['witness', 'clear', 'notifications', '--data', b.data])).exit, 2, 'a reason is asked for')
    for (const log of LOGS) await sealtrail(['witness', 'clear', log, '--data', b.data, '--reason', 'two servers ran; this one is the copy'])
    assert.equal((await sealtrail(['witness', 'alarms', '--data', b.data])).out, 'no fork alarm stands\n')
    assert.equal((await sealtrail(['witness', 'clear', 'notifications', '--data', b.data, '--reason', 'again'])).exit, 1)
    await b.start(YAML)
    assert.equal((await sealtrail(['witness', 'clear', 'notifications', '--data', b.data, '--reason', 'while it runs'])).exit, 3)
    assert.equal(b.local.sealing.trouble(), null)
    const cleared = await b.system('fork-cleared')
    assert.ok(cleared.some(({ log, reason }) => log === 'notifications' && reason === 'two servers ran; this one is the copy'))
    assert.ok((await b.system('fork')).some(({ log, kind }) => log === 'notifications' && String(kind).startsWith('WITNESS_')))
    await send(b, 20)
    await b.local.publisher?.round()
    assert.equal(b.local.sealing.trouble('notifications')?.code, 'FORKED')
  })
})

describe('an alarm of one log', () => {
  test('stops that log only, and is sealed in the system trail at once', async () => {
    const liar = await new OddWitness(1).start()
    const world = new World()
    mkdirSync(world.folder, { recursive: true })
    writeFileSync(join(world.folder, 'witnesses.policy'), `${liar.line}\nquorum ${liar.key.name}\n`)
    liar.answer = (body, response) =>
      body.includes('/notifications\n') ? liar.status(response, 409, '999\n', 'text/x.tlog.size') : liar.cosign(body, response)
    try {
      await world.start(YAML)
      await send(world, 1)
      await world.local.publisher?.round()
      assert.equal(world.local.sealing.trouble('notifications')?.code, 'FORKED')
      assert.equal(world.local.sealing.trouble('interactions'), null)
      assert.equal(world.local.sealing.trouble('system'), null)
      // Told while the round goes on: it is in the journal a moment later.
      let [alarm] = await world.system('fork')
      while (alarm === undefined) [alarm] = await world.system('fork')
      assert.deepEqual([alarm?.['log'], alarm?.['kind'], alarm?.['witness'], alarm?.['evidence']], ['notifications', 'WITNESS_AHEAD', liar.key.name, null])
      // Once, whatever happens afterwards.
      await world.restart(YAML)
      assert.equal((await world.system('fork')).length, 1)
    } finally {
      await world.end()
      await liar.stop()
    }
  })

  test('a policy of another log, or with another key for ours, is refused at the start', async () => {
    const world = await World.open()
    const witness = await new OddWitness(1).start()
    const vkey = world.local.sealing.vkey('notifications')
    const other = new OddWitness(9).key.vkey
    try {
      for (const [line, message] of [
        [`log ${vkey.replace(/^[^+]+/, 'elsewhere.example/notifications')}`, /line 1: the key ID/],
        [
          `log ${ed25519Signer('elsewhere.example/log', new Uint8Array(32).fill(3)).vkey}`,
          /its log line is of elsewhere\.example\/log, and the logs of this server are/,
        ],
        [`log ${ed25519Signer('sealtrail.localhost/notifications', new Uint8Array(32).fill(3)).vkey}`, /another key for sealtrail\.localhost\/notifications/],
        [`witness x ${other}`, /no URL stands on the line of x/],
      ] as const) {
        writeFileSync(join(world.folder, 'witnesses.policy'), `${line}\n${witness.line}\nquorum ${witness.key.name}\n`)
        await assert.rejects(world.restart(YAML), (error: Error & { code: string }) => error.code === 'CONFIG_INVALID' && message.test(error.message), line)
      }
      writeFileSync(join(world.folder, 'witnesses.policy'), `log ${vkey}\n${witness.line}\nquorum ${witness.key.name}\n`)
      await world.start(YAML)
    } finally {
      await world.end()
      await witness.stop()
    }
  })
})
