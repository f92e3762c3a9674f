// How fast an erasure reads the whole vault: `node --conditions=@sealtrail/source packages/server/bench/rows-under.ts`
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileKeys } from '../src/keys/files/keyring.ts'
import { noncePool, sealRow } from '../src/vault/encrypt.ts'
import { LevelVault } from '../src/vault/level/vault.ts'
import type { DataKey } from '../src/vault/vault.ts'

const ROWS = 200_000
const PEOPLE = 10_000

const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-rows-'))
const keys = openFileKeys({ folder: join(folder, 'keys'), create: true, now: Date.now, random: randomBytes })
const vault = await LevelVault.open(join(folder, 'vault'), { keys, now: Date.now, random: randomBytes })
const people = await vault.keysFor(Array.from({ length: PEOPLE }, () => [randomBytes(16).toString('latin1')]))
const nonce = noncePool(randomBytes)
for (let at = 0; at < ROWS; at += 1_000)
  await vault.insert(
    Array.from({ length: 1_000 }, (_, i) =>
      sealRow(
        {
          tenant: 'default',
          trail: 'notifications',
          auditid: randomBytes(16),
          fingerprint: 'f'.repeat(16),
          firstDigest: null,
          tokens: [{ kind: 'external-id', token: 't'.repeat(16), owner: 0 }],
          owners: [{ key: people[(at + i) % PEOPLE] as DataKey, disclosures: ['x'.repeat(300)] }],
        },
        nonce,
      ),
    ),
  )
const started = process.threadCpuUsage()
const before = performance.now()
let found = 0
for await (const _ of vault.rowsUnder(new Set([Buffer.from((people[17] as DataKey).id).toString('latin1')]))) found++
const seconds = (performance.now() - before) / 1000
const { user, system } = process.threadCpuUsage(started)
console.log(`${found} of ${ROWS} rows: ${Math.round(ROWS / seconds)} rows/s, ${((user + system) / ROWS).toFixed(2)} µs of this thread each`)
await vault.close()
await rm(folder, { recursive: true })
