// What a server hands out – bundles, proofs, receipts – before the verifier an examiner runs.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JsonObject } from '@sealtrail/evidence'
import { run } from '../../../evidence/src/cli/run.ts'
import { callEvents, PERSON } from '../flow/fixtures/call.ts'
import { World } from '../flow/harness.ts'
import { fetchExport } from './fetched.ts'

const LARGE = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`flag_number_${i}`, i % 3 === 0]))

describe('sealtrail-verify before what a server hands out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-verifier-'))
  let world: World
  let key = ''
  let size = 0
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content)
    return name
  }
  const verify = async (...args: string[]): Promise<{ exit: number; out: string }> => {
    let out = ''
    const exit = await run(args, { stdout: (text) => void (out += text), stderr: (text) => void (out += text), cwd: folder, terminal: false })
    return { exit, out }
  }
  const bundle = async (name: string, asked: JsonObject): Promise<string> => {
    const fetched = await fetchExport(world, asked)
    after(() => fetched.end())
    return file(name, fetched.bytes)
  }

  before(async () => {
    world = await World.open()
    await world.send('/api/v1/events', callEvents(2), { role: 'ingest' })
    const large = {
      eventId: 'e-large',
      timestamp: '2026-03-01T09:00:00Z',
      eventType: 'call.stateChange',
      interactionId: 'large-1',
      payload: { caller: '+14155550199', ...LARGE },
    }
    await world.send('/api/v1/events', large)
    await world.flush()
    key = file('log.vkey', world.local.sealing.vkey('interactions'))
    size = Number(world.local.sealing.sizes.get('interactions'))
  })
  after(async () => {
    await world.end()
    rmSync(folder, { recursive: true, force: true })
  })

  it('a range: verified with the log’s key, and every record is listed with its values', async () => {
    const zip = await bundle('range.zip', { range: `interactions:0..${size}` })
    const { exit, out } = await verify(zip, '--key', key, '--range', `interactions:0..${size}`, '--records')
    assert.equal(exit, 0, out.slice(0, 2_000))
    assert.match(out, /^VERIFIED/)
    assert.equal(out.match(/^record \d/gm)?.length, size)
    assert.match(out, new RegExp(`\\${PERSON.phone}.* {2}\\(disclosed\\)`))
    // Data beside the record is the record's too.
    assert.match(out, /payload › flag_number_0: true\n/)
    assert.equal((await verify(zip)).exit, 1)
    assert.equal((await verify(zip, '--key', key, '--range', `interactions:0..${size + 1}`)).exit, 1)
  })

  it('a subject and a person', async () => {
    const [record] = await world.records('interactions')
    const subject = String(record?.['subject'])
    const { exit, out } = await verify(await bundle('subject.zip', { subject }), '--key', key, '--subject', subject)
    assert.equal(exit, 0, out)
    assert.equal((await verify(await bundle('person.zip', { person: PERSON.phone }), '--key', key)).exit, 0)
  })

  it('the proof and the receipt of each record, with the answer about it or the record itself', async () => {
    for (const { auditid } of await world.records('interactions')) {
      const answer = await world.get(`/api/v1/records/${String(auditid)}`)
      const proof = await world.get(`/api/v1/records/${String(auditid)}/proof`)
      const name = file('e.tlog-proof', proof.text)
      for (const record of [file('answer.json', answer.text), file('record.json', `${String(answer.body['leaf'])}\n`)]) {
        const { exit, out } = await verify(name, '--record', record, '--key', key)
        assert.equal(exit, 0, out)
      }
      const { body } = await world.get(`/api/v1/events/${String(auditid)}`)
      const receipt = file('receipt.json', JSON.stringify(body))
      const { exit, out } = await verify(receipt, '--record', 'answer.json', '--key', key)
      assert.equal(exit, 0, out)
    }
  })
})
