// Time stamps in bundles: which are taken along, and that our verifier, OpenSSL and the README's commands accept them.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { certificatePem } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'
import { makeCertificate, makeToken } from '../../../evidence/test/timestamp/forge.ts'
import { encodeStored } from '../../src/publish/timestamp/stored.ts'
import { writeForReaders } from '../../src/publish/timestamp/reader-files.ts'
import { World } from '../flow/harness.ts'
import { Fetched, fetchExport } from './fetched.ts'

const AT = Date.UTC(2026, 5, 1)
const DAY = 86_400_000
const span = { notBefore: AT - DAY, notAfter: AT + 400 * DAY }
const root = makeCertificate({ name: 'Test Root', issuer: null, kind: 'ca', ...span })
const authorities = Object.fromEntries(['one', 'two'].map((name) => [name, makeCertificate({ name: `TSA ${name}`, issuer: root, kind: 'tsa', ...span })]))
const batch = (from: number, count: number): JsonObject[] =>
  Array.from({ length: count }, (_, i) => ({ message_uuid: `m-${from + i}`, customer_external_id: 'CUST_5', delivery_status: 'DELIVERED' }))

describe('time stamps in bundles', () => {
  let world: World
  const open: Fetched[] = []
  const fetch = async (body: JsonObject): Promise<Fetched> => {
    const fetched = await fetchExport(world, body)
    open.push(fetched)
    return fetched
  }
  const grow = async (from: number, count: number): Promise<void> => {
    await world.send('/api/v1/events', batch(from, count), { role: 'ingest' })
    await world.flush()
  }
  /** Stamps the log as it stands, `days` after the first day. */
  const stamp = async (authority: string, days: number, over?: string): Promise<void> => {
    const checkpoint = await world.local.served.deps.reader.checkpoint('notifications')
    assert.ok(checkpoint !== null)
    const text = Buffer.from(`${checkpoint.split('\n\n')[0]}\n`)
    const signer = authorities[authority]!
    const nonce = Uint8Array.of(1)
    const token = makeToken({
      text: over === undefined ? text : Buffer.from(over),
      nonce,
      signer,
      genTimeMs: AT + days * DAY,
      certificates: [signer.der, root.der],
    })
    const size = Number(checkpoint.split('\n')[1])
    const parts = {
      log: 'notifications',
      size,
      authority,
      checkpoint,
      token,
      nonce,
      chain: [signer.der, root.der],
      lists: [],
      requested: new Date(AT).toISOString(),
    }
    for (const { key, bytes } of encodeStored(parts)) writeForReaders(world.data, key, bytes)
  }

  before(async () => {
    world = await World.open()
    await grow(0, 5)
    await stamp('one', 0)
    // Not over this checkpoint: it may not stand in the way of a good one.
    await stamp('two', 0, 'something else')
    await grow(5, 4)
    await stamp('one', 1)
    await stamp('two', 2)
    await grow(9, 4)
    await stamp('one', 3)
    await grow(13, 2)
  })
  after(async () => {
    for (const each of open) each.end()
    await world.end()
  })

  it('are the earliest over all records, those over the first, and the newest where none covers all', async () => {
    for (const [range, sizes, since] of [
      ['notifications:0..3', [5, 9], '2026-06-01'],
      ['notifications:2..8', [5, 9, 9], '2026-06-02'],
      ['notifications:6..13', [9, 9, 13], '2026-06-04'],
      ['notifications:6..15', [9, 9, 13], null],
      ['notifications:13..15', [9, 13], null],
    ] as const) {
      world.lines.length = 0
      const verdict = await (await fetch({ range })).verify({ tsaRoots: [root.der], vkeys: [world.local.sealing.vkey('notifications')] })
      assert.deepEqual(verdict.problems, [], range)
      const unfit = world.lines.filter((line) => line.includes('do not verify')).map((line) => JSON.parse(line) as { stamps: number; code: string })
      assert.deepEqual(
        unfit.map(({ stamps, code }) => [stamps, code]),
        sizes[0] === 5 ? [[1, 'TIMESTAMP_IMPRINT']] : [],
        range,
      )
      const [log] = verdict.logs
      assert.deepEqual(
        log?.timestamps.map(({ size }) => size).sort((a, b) => a - b),
        sizes,
        range,
      )
      assert.equal(log?.since?.time.slice(0, 10) ?? null, since, range)
      assert.equal(verdict.questions.find(({ id }) => id === 'time')?.answer, since === null ? 'unknown' : 'yes')
    }
  })

  it(
    'are accepted by OpenSSL and the README’s commands',
    { skip: spawnSync('sh', ['-c', 'command -v openssl unzip jq xxd basenc']).status === 0 ? false : 'tools missing' },
    async () => {
      const bundle = (await fetch({ subject: 'm-6' })).unzip()
      const script = [...bundle.text('README.md').matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block).join('\n')
      const said = execFileSync('bash', ['-c', script], { cwd: bundle.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      const names = bundle.manifest.logs[0]!.timestamps
      assert.equal(said.match(/stamped at \d+ records, the same history/g)?.length, names.length)
      writeFileSync(join(bundle.folder, 'root.pem'), certificatePem(root.der))
      for (const name of names) {
        const at = (file: string): string => `log/notifications/timestamp/${name}/${file}`
        const args = [
          'ts',
          '-verify',
          '-token_in',
          '-in',
          at('token.tst'),
          '-data',
          at('checkpoint.txt'),
          '-untrusted',
          at('chain.pem'),
          '-CAfile',
          'root.pem',
          '-attime',
          String(AT / 1000 + 10 * 86_400),
        ]
        assert.match(spawnSync('openssl', args, { cwd: bundle.folder, encoding: 'utf8' }).stdout, /Verification: OK/, name)
      }
    },
  )
})
