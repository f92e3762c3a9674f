// `sealtrail witness serve` as the witness of a log that is not ours: Tessera, with its own witness client.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { cpSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { ed25519Signer, formatSkey, openCheckpointByPolicy, parsePolicy, TYPE_ED25519 } from '@sealtrail/tlog'
import { Asked, freePort, outside, Program, scratch } from './outside.ts'
import { running } from './served.ts'

const { tools, skip } = await outside('tesseralog', 'proofcheck')
const at = scratch()
const ORIGIN = 'tessera.example/log'

/** Our witness for these logs, at a port that stays the same when it is started again. */
async function witness(folder: string, port: number, vkey: string): Promise<{ program: Program; line: string; vkey: string }> {
  const program = running('witness', 'serve', '--data', folder, '--name', 'witness.example/ours', '--log', vkey, '--listen', `127.0.0.1:${port}`)
  const [, line] = await program.says(/^policy line: (.+)$/m)
  return { program, line: line as string, vkey: (line as string).split(' ')[2] as string }
}

test('Tessera publishes with our witness’s cosignature, again after a restart, and not once it has forked', { skip }, async (t) => {
  const seed = randomBytes(32)
  const { vkey } = ed25519Signer(ORIGIN, seed)
  writeFileSync(at('log.key'), formatSkey(ORIGIN, TYPE_ED25519, seed), { mode: 0o600 })
  const port = await freePort()
  const ours = await witness(at('witness'), port, vkey)
  const policy = `log ${vkey}\n${ours.line}\nquorum ${ours.line.split(' ')[1]}\n`
  writeFileSync(at('policy'), policy)
  const tessera = (folder: string): Asked => new Asked(tools.tesseralog, ['-dir', at(folder), '-key', at('log.key'), '-policy', at('policy')])
  const go = new Asked(tools.proofcheck)
  /** Adds entries; resolves to the size of the checkpoint that was published, once everybody has accepted its cosignature. */
  const add = async (log: Asked, label: string, count: number): Promise<bigint> => {
    const note = await log.ask<string>('add', { count, label, waitMs: 20_000 })
    const [cosignature] = await go.ask<{ name: string; time: number }[]>('cosignatures', { note, vkeys: [ours.vkey] })
    assert.equal(cosignature?.name, 'witness.example/ours')
    assert.ok(Math.abs((cosignature?.time ?? 0) - Date.now() / 1000) < 600)
    assert.deepEqual(await go.ask('policy', { policy, note }), { formats: true, tessera: true, torchwood: true })
    return openCheckpointByPolicy(note, parsePolicy(policy)).size
  }

  const log = tessera('log')
  await t.test('over several growths', async () => {
    let size = 0n
    for (const count of [1, 1, 3, 250, 2, 300]) {
      size += BigInt(count)
      assert.equal(await add(log, `first ${size}`, count), size)
    }
  })

  const backup = at('backup')
  let rest: Program
  await t.test('after the witness was killed and started again', async () => {
    await log.stop()
    cpSync(at('log'), backup, { recursive: true })
    await ours.program.stop('SIGKILL')
    const again = await witness(at('witness'), port, vkey)
    assert.equal(again.vkey, ours.vkey)
    rest = again.program
    const second = tessera('log')
    assert.equal(await add(second, 'second', 20), 577n)
    await second.stop()
  })

  await t.test('a backup that goes on by itself gets no cosignature, whether it is smaller, as large, or larger', async () => {
    const forked = tessera('backup')
    for (const [count, reason] of [
      [5, /replied with x\.tlog\.size 577, larger than log size 562/],
      [15, /consistency proof is bad: 422/],
      [40, /replied with x\.tlog\.size 577 != our hint 557, retrying\n.*\n.*consistency proof is bad: 422/],
    ] as const) {
      // The futures resolve only with a published checkpoint; none may come.
      assert.match(await forked.refuses('add', { count, label: `fork by ${count}`, waitMs: 1_500 }), /context deadline exceeded/)
      await forked.says(reason)
    }
    assert.match(rest.said, /a log signed two roots for one size; the checkpoint is kept as evidence/)
    await forked.stop()
    const third = tessera('log')
    assert.equal(await add(third, 'third', 1), 578n)
    await third.stop()
    await rest.stop()
    assert.equal(rest.child.exitCode, 0, rest.said)
  })
})
