import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { LogVerdict } from '../../src/verify/verdict.ts'

const samples = new URL('../../../../packs/genesys-interactions/samples/', import.meta.url)

test('what the whole server wrote is audited whole: log, keys, commitments; a directory in use or of nothing is refused', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-directory-'))
  const data = join(directory, 'data')
  const { config } = loadConfig(null, { cwd: directory, env: {}, data })
  const now = Date.now
  const local = await openLocal(config, { log: createLog({ level: 'error', now }) })
  const inputs = readdirSync(samples)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const bytes = readFileSync(new URL(name, samples))
      return {
        bytes,
        value: JSON.parse(bytes.toString()) as JsonObject,
        problem: null,
        context: null,
        trail: null,
        receivedMs: now(),
        provenance: 'pushed' as const,
      }
    })
  await local.served.intake.submit(inputs, { wait: 'durable', receipts: 'lean' })
  await local.sealing.flush()
  const key = local.sealing.vkey('interactions')
  await assert.rejects(auditDirectory(data, { key: null, vault: true, now }), { code: 'DATA_IN_USE' })
  await local.close()

  const audit = (more: { key?: string; vault?: boolean } = {}): Promise<LogVerdict[]> => auditDirectory(data, { key: null, vault: true, now, ...more })
  const verdicts = await audit({ key })
  assert.deepEqual(
    verdicts.map(({ log, ok, trust, problems }) => ({ log, ok, trust, problems })),
    ['interactions', 'notifications', 'system'].map((log) => ({ log, ok: true, trust: 'given', problems: [] })),
  )
  const [interactions] = verdicts
  assert.ok(interactions!.size > 20)
  assert.ok(interactions!.commitments!.disclosed > 20)
  assert.equal(interactions!.commitments!.missing, 0)
  assert.ok((await audit()).every(({ ok, trust }) => ok && trust === 'none'))
  assert.equal((await audit({ vault: false }))[0]!.commitments, null)

  // The keyring's own keys are checked even when nobody gives one.
  const path = join(data, 'checkpoint', 'interactions')
  const note = readFileSync(path, 'latin1')
  const at = note.lastIndexOf(' ') + 20
  writeFileSync(path, `${note.slice(0, at)}${note[at] === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`, 'latin1')
  assert.deepEqual((await audit({ vault: false }))[0]!.problems.map(({ code, object }) => [code, object])[0], [
    'CHECKPOINT_SIGNATURE',
    'checkpoint/interactions',
  ])
  writeFileSync(path, note, 'latin1')

  // A damaged vault is not opened: opening could throw away what is left of it.
  const table = readdirSync(join(data, 'vault'))
    .filter((name) => /\.(log|ldb)$/.test(name))
    .map((name) => join(data, 'vault', name))
    .find((file) => readFileSync(file).length > 1000)!
  const whole = readFileSync(table)
  whole[500]! ^= 1
  writeFileSync(table, whole)
  const damaged = await audit()
  assert.deepEqual(
    damaged.at(-1)!.problems.map(({ code }) => code),
    ['VAULT_UNREADABLE'],
  )
  assert.equal(damaged[0]!.commitments, null)
  assert.deepEqual(readFileSync(table), whole)

  // Where the keyring is and the vault is not, somebody took it away.
  rmSync(join(data, 'vault'), { recursive: true })
  assert.deepEqual(
    (await audit()).at(-1)!.problems.map(({ code, object }) => [code, object]),
    [['VAULT_UNREADABLE', 'vault']],
  )

  await assert.rejects(auditDirectory(directory, { key: null, vault: true, now }), { code: 'NOT_FOUND' })
  rmSync(directory, { recursive: true })
})
