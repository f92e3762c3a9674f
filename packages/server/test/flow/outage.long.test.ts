// The store fails under load in every way there is, and comes back: nothing lost, nothing twice, senders told, order kept, memory bounded.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject } from '../../src/event/json.ts'
import type { Fault, S3Server, Seen } from '../store/s3/server.ts'
import { BUCKET, withServer } from '../store/s3/open.ts'
import { recordsOf } from '../crash/harness.ts'
import { World } from './harness.ts'

process.env['AWS_ACCESS_KEY_ID'] = 'AKIATEST'
process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
const PATH = '/api/v1/events'
const yaml = (endpoint: string): string => `
store: { type: s3, bucket: ${BUCKET}, region: us-east-1, prefix: audit/eu, endpoint: "${endpoint}", timeout: 250ms, unlocked: go-on }
limits: { answerWithin: 150ms }
seal: { maxDelay: 5ms }
`
const BATCH = 20
/** Events under way that a store which fails may pile up before senders are refused: those of the senders' batches that were waiting. */
const MOST_UNDER_WAY = 4_000

const receipt = (n: number): JsonObject => ({ message_uuid: `m-${n}`, customer_external_id: `CUST_${n % 7}`, delivery_status: 'DELIVERED' })

/** One sender: batches in turn, each sent again until it is taken, as the answer tells it to. */
class Sender {
  /** Numbers in the order in which they were acknowledged, with what was said. */
  readonly acknowledged = new Map<number, string>()
  refused = 0
  held = 0
  #next: number
  readonly #world: World

  constructor(world: World, first: number) {
    this.#world = world
    this.#next = first
  }

  /** Whether the next batch was taken; if not, it is the next again. */
  async send(): Promise<boolean> {
    const numbers = Array.from({ length: BATCH }, (_, i) => this.#next + i)
    const { status, headers, body, text } = await this.#world.send(PATH, numbers.map(receipt), { role: 'ingest' })
    if (status === 503) {
      assert.ok(Number(headers.get('retry-after')) > 0, 'a refusal says when to come again')
      assert.ok(['NOT_DURABLE', 'OVERLOADED', 'NOT_READY'].includes(String(body['code'])), text)
      this.refused++
      return false
    }
    assert.ok(status === 200 || status === 202, text)
    ;(body as unknown as JsonObject[]).forEach(({ outcome, auditid }, i) => {
      assert.ok(['sealed', 'held', 'duplicate'].includes(String(outcome)), text)
      if (outcome === 'held') this.held++
      this.acknowledged.set(numbers[i] as number, String(auditid))
    })
    this.#next += BATCH
    return true
  }
}

interface Outage {
  readonly name: string
  /** Lets it begin; returns what ends it. */
  begin(server: S3Server): Promise<() => unknown>
  /** Senders are refused before it ends; else they are only kept waiting. */
  readonly refuses: boolean
}

const faulty =
  (does: Fault['does'], on?: (request: Seen) => boolean): ((server: S3Server) => Promise<() => unknown>) =>
  async (server) =>
    server.fault({ does, times: Infinity, ...(on === undefined ? {} : { on }) })
const put = ({ operation }: Seen): boolean => operation === 'PutObject'
const get = ({ operation }: Seen): boolean => operation === 'GetObject'

const OUTAGES: readonly Outage[] = [
  { name: 'slow', begin: faulty(60), refuses: false },
  { name: 'answers 500', begin: faulty('internal-error'), refuses: true },
  { name: 'answers 503', begin: faulty('slow-down', put), refuses: true },
  { name: 'does not answer', begin: faulty('hang'), refuses: true },
  { name: 'stores, and does not answer', begin: faulty('hang-after', put), refuses: false },
  { name: 'stores, and cuts the connection', begin: faulty('cut-after', put), refuses: false },
  { name: 'stores, and can be read by half', begin: faulty('cut-answer', get), refuses: true },
  {
    name: 'gone',
    async begin(server) {
      await server.goAway()
      return () => server.comeBack()
    },
    refuses: true,
  },
]

describe('the store', { concurrency: 4, timeout: 120_000 }, () => {
  for (const { name, begin, refuses } of OUTAGES)
    it(`${name}, and comes back`, () =>
      withServer(async (server) => {
        const world = await World.open(yaml(server.endpoint))
        try {
          const senders = [0, 100_000, 200_000].map((first) => new Sender(world, first))
          for (const sender of senders) assert.ok(await sender.send())
          const end = await begin(server)
          let most = 0
          // Each sends on until it is refused; where the store only dawdles, a few batches.
          await Promise.all(
            senders.map(async (sender) => {
              for (let sent = 0; refuses ? sender.refused < 3 : sent < 5; sent++) {
                assert.ok(sent < 2_000)
                if (!(await sender.send())) await pause(20)
                most = Math.max(most, world.local.sealing.flow.underWay)
              }
            }),
          )
          if (refuses) {
            assert.equal(world.local.sealing.trouble('notifications')?.code, 'NOT_DURABLE')
            // Readiness is a second old at most.
            for (let again = 0; (await world.get('/readyz', 'admin')).status !== 503; again++) {
              assert.ok(again < 100)
              await pause(50)
            }
          }
          assert.ok(most <= MOST_UNDER_WAY, `${most} events under way`)
          assert.ok(server.mostUnderWay <= 24, `${server.mostUnderWay} requests at once`)
          await end()
          for (const sender of senders) for (let again = 0; !(await sender.send()) && again < 400; again++) await pause(20)
          await world.local.sealing.drained()
          assert.equal(world.local.sealing.trouble('notifications'), null)

          const records = (await recordsOf(world.local.sealing, 'notifications')).map(({ auditid }) => auditid)
          assert.equal(records.length, new Set(records).size, 'nothing twice')
          const at = new Map(records.map((auditid, index) => [auditid, index]))
          for (const sender of senders) {
            const places = [...sender.acknowledged.values()].map((auditid) => at.get(auditid) ?? assert.fail(`${auditid} was promised`))
            assert.deepEqual(
              places,
              [...places].sort((a, b) => a - b),
              'in the order in which they were sent',
            )
          }
          const promised = senders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
          assert.equal(records.length, promised, 'what was refused was not sealed all the same')
          for (const key of new Set(
            server
              .bucket(BUCKET)
              .all()
              .map((version) => version.key),
          ))
            assert.equal(server.bucket(BUCKET).of(key).length, 1, key)
          assert.deepEqual(await world.closeAndAudit(), [])
        } finally {
          await world.end()
        }
      }))
})
