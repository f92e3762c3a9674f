// Our publisher before witnesses by others: litewitness and omniwitness cosign what grows, and refuse what has forked.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { cosigner, encodeBase64, openCheckpointByPolicy, parsePolicy } from '@sealtrail/tlog'
import type { VerifiedCheckpoint } from '@sealtrail/tlog'
import { litewitness, omniwitness } from './go-witnesses.ts'
import type { GoWitness } from './go-witnesses.ts'
import { Asked, freePort, outside, scratch } from './outside.ts'
import { command, LOG, Served } from './served.ts'

const found = await outside('litewitness', 'omniwitness', 'proofcheck')
const { tools } = found
const skip = found.skip !== false ? found.skip : spawnSync('ssh-agent', ['-?']).error === undefined ? false : 'ssh-agent is not here (Debian: openssh-client)'
const at = scratch()
const SETTINGS = 'interval: 200ms\n  timeout: 2s'

/** The newest published checkpoint once it has this size, opened by the policy, and as its note. */
async function published(server: Served, policy: string, size: number): Promise<{ note: string; opened: VerifiedCheckpoint }> {
  const limit = AbortSignal.timeout(60_000)
  for (let last = ''; ;) {
    const answer = await server.get(`/log/${LOG}/checkpoint`)
    const note = await answer.text()
    if (answer.ok && note !== last) {
      const opened = openCheckpointByPolicy(note, parsePolicy(policy))
      if (Number(opened.size) === size) return { note, opened }
      last = note
    }
    assert.ok(!limit.aborted, `nothing of size ${size} was published:\n${server.program.said}`)
    await delay(50)
  }
}

test('litewitness and omniwitness cosign what grows and refuse what has forked', { skip }, async (t) => {
  let server = await Served.start(at('data'))
  const keys = (await command(['key', 'show'], server.env)).out.trim().split('\n')
  const vkey = await server.vkey()
  await server.stop()
  assert.ok(keys.length >= 3 && keys.includes(vkey), keys.join())

  const lite = await litewitness(tools.litewitness, at('lite'), keys)
  const omni = await omniwitness(tools.omniwitness, at('omni'), keys)
  const witnesses: Readonly<Record<string, GoWitness>> = { lite, omni }
  const go = new Asked(tools.proofcheck)
  // The third witness of the group is never there.
  const absent = `witness absent ${cosigner('absent.example/w', randomBytes(32)).vkey} http://127.0.0.1:${await freePort()}`
  const group = `${[lite.line, omni.line, absent].join('\n')}\ngroup enough 2 lite omni absent\nquorum enough\n`
  const policy = `log ${vkey}\n${group}`
  writeFileSync(at('witnesses.policy'), group)
  server = await Served.start(at('data'), `witnesses:\n  policy: file:${at('witnesses.policy')}\n  ${SETTINGS}\n`)

  let size = 0
  const ids: string[] = []
  const grow = async (count: number): Promise<void> => {
    ids.push(...(await server.seal(size, count)))
    size += count
  }

  await t.test('two of three over several growths; formats, Tessera and torchwood accept each cosignature, policy and proof', async () => {
    for (const count of [1, 1, 254, 1, 44, 700]) {
      await grow(count)
      const { note, opened } = await published(server, policy, size)
      assert.deepEqual(opened.cosignatures.map(({ name }) => name).sort(), ['lite.example/w', 'omni.example/w'])
      const told = await go.ask<{ name: string; time: number }[]>('cosignatures', { note, vkeys: [lite.vkey, omni.vkey] })
      for (const { time } of told) assert.ok(Math.abs(time - Date.now() / 1000) < 600)
      assert.deepEqual(await go.ask('policy', { policy, note }), { formats: true, tessera: true, torchwood: true })
      const id = ids[size >> 1] as string
      const proof = await server.text(`/api/v1/records/${id}/proof`)
      assert.deepEqual(await go.ask('proof', { proof, entry: encodeBase64(await server.entry(id)), vkey, policy }), { index: size >> 1, size, extra: null })
    }
  })

  await t.test('below two nothing is published and everything is sealed; when the second is back, it is made up for', async () => {
    await omni.program.stop('SIGKILL')
    const before = (await published(server, policy, size)).note
    await grow(10)
    await server.says(/witness policy is not met/)
    assert.equal(await server.checkpoint(), before)
    await omni.restart()
    await published(server, policy, size)
  })

  await t.test('witnesses that were killed go on where they were', async () => {
    await lite.restart()
    await omni.restart()
    await grow(3)
    await published(server, policy, size)
  })

  const forks: { name: string; count: number; witness: string; kind: string }[] = [
    { name: 'smaller', count: 5, witness: 'lite', kind: 'WITNESS_AHEAD' },
    { name: 'as large', count: 10, witness: 'lite', kind: 'WITNESS_REFUSED' },
    { name: 'larger', count: 15, witness: 'lite', kind: 'WITNESS_REFUSED' },
    { name: 'smaller', count: 5, witness: 'omni', kind: 'WITNESS_AHEAD' },
    { name: 'as large', count: 10, witness: 'omni', kind: 'WITNESS_CONFLICT' },
    { name: 'larger', count: 15, witness: 'omni', kind: 'WITNESS_REFUSED' },
  ]
  await t.test('a restored backup that seals on beside the log is refused by each, and stops itself', async (t) => {
    await server.stop()
    for (const [i] of forks.entries()) cpSync(at('data'), at(`backup-${i}`), { recursive: true })
    server = await Served.start(at('data'), `witnesses:\n  policy: file:${at('witnesses.policy')}\n  ${SETTINGS}\n`)
    const before = size
    await grow(10)
    writeFileSync(at('kept'), (await published(server, policy, size)).note)

    for (const [i, { name, count, witness, kind }] of forks.entries()) {
      await t.test(`${witness}: ${name}`, async () => {
        const data = at(`backup-${i}`)
        writeFileSync(at(`backup-${i}.policy`), `${witnesses[witness]?.line}\nquorum ${witness}\n`)
        const backup = await Served.start(data, `witnesses:\n  policy: file:${at(`backup-${i}.policy`)}\n  ${SETTINGS}\n`)
        await backup.seal(1_000_000 + i * 100, count)
        await backup.says(new RegExp(`the log has stopped sealing","log":"${LOG}"`))
        // It has stopped: nothing more is taken in for this log, and readiness says why.
        const refused = await backup.post([1])
        assert.equal(refused.status, 503)
        assert.match(await refused.text(), /FORKED/)
        assert.equal((await backup.get('/readyz')).status, 503)
        await backup.program.stop()
        const { exit, out } = await command(['witness', 'alarms', '--data', data, '--json'])
        const { alarms } = JSON.parse(out) as { alarms: { log: string; kind: string; witness: string }[] }
        assert.equal(exit, 1)
        assert.deepEqual(
          alarms.filter(({ log }) => log === LOG).map((alarm) => [alarm.kind, alarm.witness]),
          [[kind, witness]],
        )
        if (name !== 'larger') return
        // Nor does it forget by being started again.
        const again = await Served.start(data, `witnesses:\n  policy: file:${at(`backup-${i}.policy`)}\n  ${SETTINGS}\n`)
        assert.equal((await again.post([2])).status, 503)
        await again.program.stop()
      })
    }
    // None of it has disturbed the log that the witnesses know.
    assert.equal(size, before + 10)
    await grow(1)
    await published(server, policy, size)
  })

  await server.stop()

  await t.test('verify --policy accepts the log; with the checkpoint both witnesses cosigned, it finds each of the backups out', async () => {
    writeFileSync(at('policy'), policy)
    const verify = async (data: string): Promise<{ exit: number | null; codes: string[] }> => {
      const { exit, out, err } = await command(['verify', at(data), '--policy', at('policy'), '--checkpoint', at('kept'), '--log', LOG, '--json'])
      assert.ok(out !== '', err)
      const { problems } = JSON.parse(out) as { problems: { object: string; code: string }[] }
      return { exit, codes: problems.filter(({ object }) => object === 'kept').map(({ code }) => code) }
    }
    assert.deepEqual(await verify('data'), { exit: 0, codes: [] })
    for (const [i, { name }] of forks.entries()) {
      assert.deepEqual(await verify(`backup-${i}`), { exit: 1, codes: [name === 'smaller' ? 'CHECKPOINT_BEYOND' : 'CHECKPOINT_MISMATCH'] })
    }
  })
})
