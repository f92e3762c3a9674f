// Keys locked by AWS KMS, which moto plays: made, opened, stopped and started again.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { motoServer } from '../../../../scripts/key-services.ts'
import { AwsKms } from '../../src/keys/aws-kms/kms.ts'
import { kmsSuite, refuses } from '../keys/kms.suite.ts'
import { Program, freePort, scratch } from './outside.ts'
import { Served, command } from './served.ts'

const at = scratch()
const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' }
let moto: Program
let endpoint = ''
let client: KMSClient
let one = ''
let two = ''

before(async () => {
  endpoint = `http://127.0.0.1:${await freePort()}`
  await start()
  client = new KMSClient({ region: 'eu-central-1', endpoint, credentials, maxAttempts: 1 })
  one = await makeKey()
  two = await makeKey()
  Object.assign(process.env, { AUDIT_ID: credentials.accessKeyId, AUDIT_SECRET: credentials.secretAccessKey })
})
after(() => client.destroy())

async function start(): Promise<void> {
  moto = new Program(await motoServer(), ['-H', '127.0.0.1', '-p', new URL(endpoint).port])
  await moto.says(/Running on http/)
}

async function makeKey(): Promise<string> {
  const { KeyMetadata } = await client.send(new CreateKeyCommand({ KeySpec: 'SYMMETRIC_DEFAULT' }))
  return KeyMetadata?.KeyId ?? ''
}

const open = (keyId: string, timeoutMs = 5_000): AwsKms => new AwsKms({ keyId, region: 'eu-central-1', endpoint, credentials, timeoutMs })

kmsSuite('moto', { open: async () => open(one), other: async () => open(two) })

test('an alias is a name for a key; one that is not there is unknown', async () => {
  const name = { purpose: 'token', generation: 1, id: '00112233445566ff', created: '2026-11-22T10:00:00.000Z' } as const
  await client.send(new CreateAliasCommand({ AliasName: 'alias/audit', TargetKeyId: one }))
  const locked = await open('alias/audit').lock(new Uint8Array(32), name)
  assert.equal((await open(one).unlock(locked, name)).length, 32)
  await assert.rejects(open('alias/none').unlock(locked, name), refuses('KEY_UNKNOWN'))
})

test('a server starts with it, runs on without it, does not start without it, and starts again', async () => {
  const data = at('served', 'data')
  const yaml = `keys: { type: aws-kms, keyId: ${one}, region: eu-central-1, endpoint: "${endpoint}", accessKeyId: env:AUDIT_ID, secretAccessKey: env:AUDIT_SECRET, timeout: 1s }\n`
  const served = await Served.start(data, yaml)
  await served.seal(0, 5)
  for (const name of readdirSync(`${data}/keys`)) assert.match(readFileSync(`${data}/keys/${name}`, 'utf8'), /"locked":\{"service":"aws-kms"/)
  await moto.stop()
  await served.seal(5, 5)
  await served.stop()
  // moto forgets its keys when it ends, as nothing of AWS does: the ring is theirs no more, and that is an error, never an erasure.
  const away = await command(['doctor', '--data', data, '--config', `${data}.yaml`])
  assert.equal(away.exit, 1, away.out)
  assert.match(away.out, /fail +keys +AWS KMS: no answer/)
  assert.ok(!(away.out + away.err).includes('AKIAEXAMPLE'))
  await start()
  const other = await command(['key', 'list', '--data', data, '--config', `${data}.yaml`])
  assert.equal(other.exit, 3, other.out)
  assert.match(other.err, /KEY_UNKNOWN/)
})
