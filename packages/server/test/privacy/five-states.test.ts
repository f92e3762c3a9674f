// The five states of a value, apart in one place: an HTTP answer, `show`, `verify`; a bundle's are in packages/evidence/test/bundle/certificates.test.ts.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { auditIdBytes } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'
import { sealtrail } from '../cli/io.ts'
import type { Ran } from '../cli/io.ts'
import { Erased, ID } from './erased.ts'

const DAY = 86_400_000
const DETAIL = 'trails: { notifications: { retain: { detail: 30d }, protect: { agent_note: verify-only } } }'
const FIELD = 'customer_external_id'

describe('disclosed, sealed, erased, expired and missing', () => {
  let erased: Erased
  let behindMs = 90 * DAY
  before(async () => {
    erased = await Erased.open(1, DETAIL, () => Date.now() - behindMs)
    behindMs = 0
    for (const n of [1, 2, 3]) await erased.post(n)
    const { status, text } = await erased.world.send('/api/v1/retention/run', { clock_is_right: true })
    assert.equal(status, 200, text)
    await erased.erase([1])
    // Nothing says why this one is gone.
    await erased.world.local.sealing.vault.expire([auditIdBytes(erased.auditids[2]!)])
  })
  after(() => erased.world.end())

  it('in HTTP answers', async () => {
    const answers = await Promise.all(erased.auditids.map(async (auditid) => (await erased.world.get(`/api/v1/records/${auditid}`, 'auditor')).body))
    const stateOf = (answer: JsonObject): unknown => [
      answer['state'] ?? (answer['field_states'] as JsonObject)[FIELD],
      answer['expired'] ?? (answer['field_reasons'] as JsonObject | undefined)?.[FIELD] ?? null,
    ]
    const [expired, gone, missing, there] = answers.map(stateOf) as [[string, JsonObject], [string, JsonObject], unknown, unknown]
    assert.deepEqual(Object.keys(expired[1]).sort(), ['class', 'on'])
    assert.deepEqual([expired[0], gone[0], missing, there], ['expired', 'erased', ['missing', null], ['disclosed', null]])
    assert.deepEqual([gone[1]['state'], gone[1]['certificate']], ['erased', ID])
    assert.ok(Number.isFinite(Date.parse(String(gone[1]['on']))))
    // Kept so that it can be checked, and read by nobody.
    assert.equal((answers[3]!['field_states'] as JsonObject)['agent_note'], 'sealed')
  })

  it('in `show`, and in `verify`', async () => {
    await erased.world.closeAndAudit()
    const config = join(erased.world.folder, 'show.yaml')
    writeFileSync(config, `data: ${erased.world.data}\n${DETAIL}\n`)
    const show = (n: number): Promise<Ran> => sealtrail(['show', erased.auditids[n]!, '--config', config])
    const line = ({ out }: Ran, field = FIELD): string | undefined => new RegExp(`^  ${field} +(.*)$`, 'm').exec(out)?.[1]
    assert.equal(line(await show(3)), 'disclosed')
    assert.equal(line(await show(3), 'agent_note'), 'sealed: it is there, and not shown to you')
    assert.match(line(await show(1)) ?? '', new RegExp(`^erased on 20\\S+Z under the certificate ${ID}$`))
    assert.equal(line(await show(2)), 'MISSING without a reason: run `sealtrail verify`')
    const { out: gone } = await show(0)
    assert.match(gone, /^expired under \S+ on 20\S+: nothing of it can be shown any more/)
    assert.doesNotMatch(gone, /^verified/m)

    const { out, exit } = await sealtrail(['verify', erased.world.data])
    assert.equal(exit, 1)
    assert.match(out, /personal values: 1 record with every value in the vault as committed, 1 erased, 1 expired, 1 with problems/)
    assert.match(out, new RegExp(`1 record erased under ${ID}`))
    assert.match(out, /records 0 to 0 expired under \S+ on 20/)
    assert.match(out, /record 2: the record’s commitments have no disclosure in the vault\s+VAULT_ROW_MISSING/)
  })
})
