import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { receipt } from '../cli/io.ts'
import { fetchExport } from '../export/fetched.ts'
import { World } from '../flow/harness.ts'
import { OddWitness } from './world.ts'

const YAML = 'witnesses:\n  policy: file:witnesses.policy\n  failOpen: true\n'
let world: World
const ending: OddWitness[] = []
let second: OddWitness

async function witness(n: number): Promise<OddWitness> {
  const made = await new OddWitness(n).start()
  made.answer = (body, response) => made.cosign(body, response)
  ending.push(made)
  return made
}

before(async () => {
  const first = await witness(1)
  second = await witness(2)
  second.answer = (_, response) => second.status(response, 503)
  world = new World()
  mkdirSync(world.folder, { recursive: true })
  writeFileSync(join(world.folder, 'witnesses.policy'), `${first.line}\n${second.line}\ngroup both all ${first.key.name} ${second.key.name}\nquorum both\n`)
  await world.start(YAML)
})
after(async () => {
  await world.end()
  for (const each of ending) await each.stop()
})

/** What the server says of one record, in each of the ways it can be asked; all against the checkpoint served. */
async function said(auditid: string): Promise<unknown[]> {
  const served = await world.get('/log/notifications/checkpoint')
  assert.equal(served.status, 200, 'it is let out')
  const answers = [
    (await world.send('/api/v1/events?trail=notifications', receipt(1))).body,
    (await world.get(`/api/v1/events/${auditid}`)).body,
    (await world.get(`/api/v1/records/${auditid}`)).body,
  ].map((body) => body['receipt'] as JsonObject)
  for (const { checkpoint } of answers) assert.equal(checkpoint, served.text)
  const bundle = await fetchExport(world, { range: 'notifications:0..1' })
  try {
    const { manifest, problems } = await bundle.verify()
    assert.deepEqual(problems, [])
    return [...answers, ...(manifest?.logs ?? [])].map((each) => each['published' as keyof typeof each])
  } finally {
    bundle.end()
  }
}

test('a checkpoint let out under failOpen counts as published nowhere, and one whose policy is met everywhere', async () => {
  const { status, body } = await world.send('/api/v1/events?trail=notifications', receipt(1))
  assert.equal(status, 201, JSON.stringify(body))
  const { auditid } = body['receipt'] as JsonObject
  await world.local.publisher?.round()
  await world.flush()
  assert.deepEqual(await said(String(auditid)), [false, false, false, false])
  assert.match((await world.get('/metrics', 'admin')).text, /sealtrail_witness_policy_unmet\{log="notifications"\} 1/)

  second.answer = (text, response) => second.cosign(text, response)
  // A fresh publisher asks the second one at once.
  await world.restart(YAML)
  await world.local.publisher?.round()
  assert.deepEqual(await said(String(auditid)), [true, true, true, true])
})
