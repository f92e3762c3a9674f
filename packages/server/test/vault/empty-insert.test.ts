import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'

test('an insert of nothing neither blocks later inserts nor closing', { timeout: 10_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-vault-'))
  const keys = openFileKeys({ folder: join(directory, 'keys'), create: true, now: Date.now, random: randomBytes })
  const vault = await LevelVault.open(join(directory, 'vault'), { keys, random: randomBytes, now: Date.now })
  await vault.insert([])
  const row = { key: new Uint8Array(24).fill(1), value: new Uint8Array(3) }
  await vault.insert([row])
  assert.deepEqual(await vault.has([row.key]), [true])
  await vault.insert([])
  await vault.close()
  rmSync(directory, { recursive: true })
})
