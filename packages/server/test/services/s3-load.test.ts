// A served process over a real S3 server: under load, while the gateway stands still, dies and comes back, and when nothing but the bucket is left.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { throughS3 } from '../../bench/through-s3.ts'
import { Ceph, cephMissing } from './ceph.ts'
import { command, LOG, Served } from './served.ts'

const missing = cephMissing()
const ceph = missing === null ? await Ceph.start() : null
after(() => ceph?.stop())

if (ceph === null) test('Ceph', { skip: missing ?? '' }, () => {})
else {
  test('fifty thousand events, the data directory deleted, made again from the bucket: the same root', async (t) => {
    const { events, seconds, commits, requests, stored, eventBytes, tree, recovered, putsPerMillion } = await throughS3(ceph, 50_000, 0, () => {})
    t.diagnostic(`${events} events in ${seconds.toFixed(0)} s, ${putsPerMillion} puts a million, ${stored.bucket.toFixed(0)} bytes an event in the bucket`)
    assert.deepEqual([recovered.recover, recovered.size, recovered.root], [0, tree.size, tree.root])
    const verdicts = recovered.said.trim().split('\n')
    assert.deepEqual(
      verdicts.map((line) => (JSON.parse(line) as { log: string; ok: boolean }).ok),
      [true, true, false],
      recovered.said,
    )
    assert.match(recovered.said, /VAULT_UNREADABLE/, 'the vault was on the disk alone, and that is said')
    // One commit each 100 ms at most, one put a commit, and the hash packs and the server's own records.
    assert.ok(commits <= seconds * 10 + 2, `${commits} commits`)
    assert.ok((requests['PutObject'] ?? 0) <= commits + seconds + 10, JSON.stringify(requests))
    assert.ok(stored.bucket < eventBytes / 4, `${stored.bucket} bytes`)
  })

  test('the gateway stands still, is killed and comes back, the server is killed meanwhile: nothing lost, nothing twice', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = ceph.user.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = ceph.user.secretAccessKey
    const bucket = `b-${randomUUID()}`
    const s3 = new S3Client({ endpoint: ceph.endpoint, region: 'us-east-1', forcePathStyle: true, credentials: ceph.user })
    await s3.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }))
    s3.destroy()
    const folder = mkdtempSync(join(tmpdir(), 'sealtrail-outage-'))
    const data = join(folder, 'data')
    const yaml = `store: { type: s3, bucket: ${bucket}, region: us-east-1, endpoint: "${ceph.endpoint}", timeout: 1s }\nlimits: { answerWithin: 500ms }\n`
    let server = await Served.start(data, yaml)
    const acknowledged = new Map<number, string>()
    const said = { held: 0, refused: 0 }
    let next = 1
    /** The next fifty; false when they were refused, and then they are the next again. */
    const send = async (): Promise<boolean> => {
      const numbers = Array.from({ length: 50 }, (_, i) => next + i)
      const answer = await server.post(numbers)
      const text = await answer.text()
      if (answer.status === 503) {
        assert.ok(Number(answer.headers.get('retry-after')) > 0)
        said.refused++
        return false
      }
      assert.ok(answer.ok, text)
      ;(JSON.parse(text) as { auditid: string; outcome: string }[]).forEach(({ auditid, outcome }, i) => {
        if (outcome === 'held') said.held++
        const before = acknowledged.get(next + i)
        assert.ok(before === undefined || before === auditid)
        acknowledged.set(next + i, auditid)
      })
      next += 50
      return true
    }
    const until = async (passes: () => boolean | Promise<boolean>): Promise<void> => {
      for (const end = Date.now() + 60_000; Date.now() < end; await pause(100)) if (await passes()) return
      assert.fail(server.program.said)
    }
    try {
      await until(send)
      for (const [stop, again] of [
        [() => ceph.signalGateway('SIGSTOP'), async () => ceph.signalGateway('SIGCONT')],
        [() => ceph.signalGateway('SIGKILL'), () => ceph.startGateway()],
      ] as const) {
        said.refused = said.held = 0
        stop()
        await until(async () => {
          await send()
          return said.held > 0 && said.refused > 0
        })
        await again()
        await until(send)
      }
      // The server dies while what it promised is in its journal alone.
      ceph.signalGateway('SIGSTOP')
      said.held = 0
      await until(async () => (await send()) && said.held > 0)
      server.program.child.kill('SIGKILL')
      ceph.signalGateway('SIGCONT')
      server = await Served.start(data, yaml)
      await until(send)
      await until(async () => {
        const sizes = /^sealtrail_log_size\{log="notifications"\} (\d+)$/m.exec(await server.text('/metrics'))
        return Number(sizes?.[1]) === acknowledged.size
      })
      assert.equal(new Set(acknowledged.values()).size, acknowledged.size)
      for (const auditid of acknowledged.values()) await server.entry(auditid)
      const vkey = await server.vkey()
      await server.stop()
      const { exit, out, err } = await command(['verify', data, '--key', vkey, '--store-locks', '--config', `${data}.yaml`])
      assert.equal(exit, 0, out + err)
      assert.match(out, new RegExp(LOG))
    } finally {
      server.program.child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
