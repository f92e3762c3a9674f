// CPU cost of the vault on the sealing thread, and what its disk takes: `node --conditions=@sealtrail/source packages/server/bench/vault.ts`
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileKeys } from '../src/keys/files/keyring.ts'
import { LevelVault } from '../src/vault/level/vault.ts'
import type { VaultRow } from '../src/vault/vault.ts'

const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-vault-'))
const keys = openFileKeys({ folder: join(folder, 'keys'), create: true, now: Date.now, random: randomBytes })
const vault = await LevelVault.open(join(folder, 'vault'), { keys, now: Date.now, random: randomBytes })

async function measure(name: string, count: number, run: () => Promise<unknown>): Promise<void> {
  const before = performance.now()
  const start = process.threadCpuUsage()
  await run()
  const { user, system } = process.threadCpuUsage(start)
  console.log(
    `${name.padEnd(44)} ${((user + system) / count).toFixed(2)} µs CPU of this thread, ${((1000 * (performance.now() - before)) / count).toFixed(2)} µs in all`,
  )
}

const batches = 100
const size = 300
const owners = Array.from({ length: batches }, () => Array.from({ length: size }, () => [randomBytes(16).toString('latin1')]))
const rows = (): VaultRow[][] => Array.from({ length: batches }, () => Array.from({ length: size }, () => ({ key: randomBytes(24), value: randomBytes(700) })))
for (const round of ['first', 'second']) {
  const fresh = round === 'first' ? owners : owners.map((batch) => batch.map(() => [randomBytes(16).toString('latin1')]))
  await measure(`${round}: keysFor, all new`, batches * size, async () => {
    for (const batch of fresh) await vault.keysFor(batch)
  })
  await measure(`${round}: insert with those keys`, batches * size, async () => {
    for (const batch of rows()) await vault.insert(batch)
  })
}
await measure('keysFor, all remembered', batches * size, async () => {
  for (const batch of owners) await vault.keysFor(batch)
})
await measure('insert, no new keys', batches * size, async () => {
  for (const batch of rows()) await vault.insert(batch)
})
await vault.close()
const again = await LevelVault.open(join(folder, 'vault'), { keys, now: Date.now, random: randomBytes })
await measure('keysFor, all from disk', batches * size, async () => {
  for (const batch of owners) await again.keysFor(batch)
})
await again.close()
await rm(folder, { recursive: true })
