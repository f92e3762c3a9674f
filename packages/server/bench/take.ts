// CPU of the ingest half, one thread, by stage and trail: `node --conditions=@sealtrail/source packages/server/bench/take.ts [rounds]`
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Draft } from '../src/event/draft.ts'
import { fingerprintOf } from '../src/event/fingerprint.ts'
import type { Input } from '../src/event/input.ts'
import type { MappedEvent } from '../src/event/mapped.ts'
import { take } from '../src/flow.ts'
import { keyedHashes } from '../src/keys/hashes.ts'
import { loadPack } from '../src/pack/load.ts'
import { protectEnv } from '../src/protect/env.ts'
import { protect } from '../src/protect/protect.ts'
import { sensitiveFields } from '../src/protect/sensitive.ts'
import { decode } from '../src/source/decode.ts'
import { encodeBatch } from '../src/threads/encode-batch.ts'
import { ingestSteps } from '../src/threads/ingest-steps.ts'
import { noncePool } from '../src/vault/encrypt.ts'
import type { DataKey } from '../src/vault/vault.ts'

const PACKS = join(import.meta.dirname, '../../../packs')
const TENANT = { tenant: 'default' }
const BATCH = 500
const BATCHES = 20
const ROUNDS = Number(process.argv[2] ?? 6)
const LIMITS = { maxEventBytes: 1 << 20, maxDepth: 64, maxEvents: 10_000 }

for (const [trail, name, samples] of [
  ['interactions', 'genesys-interactions', /^topic-(?!09|17)/],
  ['notifications', 'genesys-notifications', /^(plain-receipt|queue-message-(delivery|read|sent|queued))/],
] as const) {
  const hashes = keyedHashes({ naming: randomBytes(32), token: randomBytes(32), fingerprint: randomBytes(32) })
  const pack = loadPack(join(PACKS, name), { trail })
  const known = new Map<string, DataKey>()
  const env = protectEnv(TENANT.tenant, hashes, randomBytes)
  const vault = { tenant: TENANT.tenant, nonce: noncePool(randomBytes) }
  const steps = ingestSteps({
    ...vault,
    packs: new Map([[trail, [pack]]]),
    route: (name) => name,
    hashes,
    protect: env,
    onHits() {},
    // One object for one key, as `rememberKeys` gives, so that its derivation counts once.
    keys: {
      forget() {},
      async keysFor(owners) {
        return owners.map((tokens) => {
          const owner = tokens[0] as string
          let key = known.get(owner)
          if (key === undefined) known.set(owner, (key = { id: randomBytes(16), key: randomBytes(32) }))
          return key
        })
      },
    },
  })
  const files = readdirSync(join(PACKS, name, 'samples')).filter((file) => samples.test(file))
  const bodies = requests(files.map((file) => JSON.stringify(JSON.parse(readFileSync(join(PACKS, name, 'samples', file), 'utf8')))))
  const events = BATCH * BATCHES
  console.log(`${trail}: ${Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / events)} bytes an event`)
  const times = new Map<string, number[]>()
  const meter = <T>(stage: string, run: () => T): T => {
    const before = process.threadCpuUsage()
    const result = run()
    note(stage, before)
    return result
  }
  const note = (stage: string, before: NodeJS.CpuUsage): void => {
    const { user, system } = process.threadCpuUsage(before)
    const list = times.get(stage) ?? []
    list[list.length - 1] = (list.at(-1) ?? 0) + user + system
    times.set(stage, list)
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const list of times.values()) list.push(0)
    for (const body of bodies) {
      const inputs = meter(
        'decode',
        () =>
          decode({ headers: new Headers({ 'content-type': 'application/json' }), body, limits: LIMITS, trail, receivedMs: Date.now(), provenance: 'pushed' })
            .inputs,
      )
      const before = process.threadCpuUsage()
      await take(inputs, steps)
      note('take', before)
    }
    // The same again, stage by stage; each stage's results stay for the next.
    for (const body of bodies) {
      const inputs = decode({
        headers: new Headers({ 'content-type': 'application/json' }),
        body,
        limits: LIMITS,
        trail,
        receivedMs: Date.now(),
        provenance: 'pushed',
      }).inputs
      const mapped = meter('  filter, map', () => inputs.map((input) => pack.apply(input, TENANT)))
      const pairs: Array<[Input, MappedEvent]> = mapped.flatMap((result, i) =>
        result.kind === 'events' ? result.events.map((event): [Input, MappedEvent] => [inputs[i] as Input, event]) : [],
      )
      meter('  sensitive fields', () => pairs.map(([input, { data }]) => [sensitiveFields(input.value, input.bytes), sensitiveFields(data)]))
      meter('  protect', () => pairs.map(([, event]) => protect(event, pack.fields, env)))
      meter('  fingerprint', () => pairs.map(([, event]) => fingerprintOf(event, hashes)))
      const drafts: Draft[] = meter('  protect to draft', () => pairs.map(([input, event], i) => steps.protect(event, input, i)))
      const keys = await steps.keysFor(drafts.flatMap((draft) => draft.owners.map((owner) => owner.tokens)))
      meter('  encode, encrypt', () => encodeBatch(drafts, keys, vault))
    }
  }
  for (const [stage, list] of times) console.log(`${stage.padEnd(20)} ${(Math.min(...list) / events).toFixed(2).padStart(7)} µs`)
}

/** Bodies of many events: each sample in turn, with a conversation, a message and a caller of its own. */
function requests(samples: readonly string[]): Buffer[] {
  return Array.from({ length: BATCHES }, () => {
    const events = Array.from({ length: BATCH }, (_, i) =>
      (samples[i % samples.length] as string)
        .replaceAll(/0000(?:1001|1101|b0\w\w)-5a1e-4c0d-8b7a-\w{12}/g, randomUUID())
        .replaceAll(/\+1317555\d{4}/g, () => `+1317555${String(randomInt(4000)).padStart(4, '0')}`),
    )
    return Buffer.from(`[${events.join(',')}]`)
  })
}
