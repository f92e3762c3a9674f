import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { after, before, beforeEach, test } from 'node:test'
import { AwsKms } from '../../src/keys/aws-kms/kms.ts'
import { countedKms } from '../../src/keys/counted.ts'
import type { ErrorCode } from '../../src/errors.ts'
import type { KeyName } from '../../src/keys/ring.ts'
import { KmsServer } from './kms-server.ts'
import type { Instead } from './kms-server.ts'
import { kmsSuite, refuses } from './kms.suite.ts'

const ONE = '11111111-1111-4111-8111-111111111111'
const TWO = '22222222-2222-4222-8222-222222222222'
const NAME: KeyName = { purpose: 'token', generation: 2, id: '00112233445566ff', created: '2026-11-22T10:00:00.000Z' }
const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'not-to-be-seen' }
const server = new KmsServer()

before(async () => {
  server.makeKey(ONE)
  server.makeKey(TWO)
  await server.start()
})
after(() => server.stop())
beforeEach(() => {
  server.asked.length = 0
  server.instead.length = 0
  server.disabled.clear()
})

const open = (keyId = ONE, timeoutMs = 2_000): AwsKms => new AwsKms({ keyId, region: 'eu-central-1', endpoint: server.endpoint, credentials, timeoutMs })

kmsSuite('AWS KMS', {
  open: async () => open(),
  other: async () => open(TWO),
  async away() {
    await server.stop()
    return () => server.start()
  },
})

test('the encryption context names the key, and nothing secret', async () => {
  const kms = open()
  await kms.unlock(await kms.lock(new Uint8Array(32), NAME), NAME)
  const context = { application: 'sealtrail', purpose: 'token', generation: '2', id: NAME.id }
  assert.deepEqual(
    server.asked.map(({ operation, body }) => [operation, body['KeyId'], body['EncryptionContext']]),
    [
      ['Encrypt', ONE, context],
      ['Decrypt', ONE, context],
    ],
  )
  assert.match(server.asked[0]?.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE\/\d+\/eu-central-1\/kms\//)
})

test('what may pass is asked three times, what may not once; no answer is bounded in time', async () => {
  const patient = open()
  const hasty = open(ONE, 150)
  const kms = patient
  const locked = await kms.lock(new Uint8Array(32), NAME)
  const tries = async (instead: Instead, code: ErrorCode, kms = patient): Promise<number> => {
    server.asked.length = 0
    server.instead.splice(0, 9, instead, instead, instead)
    await assert.rejects(kms.unlock(locked, NAME), refuses(code), JSON.stringify(instead))
    server.instead.length = 0
    return server.asked.length
  }
  assert.equal(await tries({ status: 500, type: 'KMSInternalException' }, 'KEY_UNAVAILABLE'), 3)
  assert.equal(await tries({ status: 400, type: 'ThrottlingException' }, 'KEY_UNAVAILABLE'), 3)
  assert.equal(await tries('cut', 'KEY_UNAVAILABLE'), 3)
  // A busy machine may give up before it has sent.
  assert.ok((await tries('hang', 'KEY_UNAVAILABLE', hasty)) <= 3)
  assert.equal(await tries({ status: 400, type: 'AccessDeniedException' }, 'KEY_UNKNOWN'), 1)
  assert.equal(await tries({ status: 400, type: 'KMSInvalidStateException' }, 'KEY_UNAVAILABLE'), 1)
  assert.equal(await tries({ status: 400, type: 'NotFoundException' }, 'KEY_UNKNOWN'), 1)
  assert.equal(await tries({ status: 400, type: 'InvalidKeyUsageException' }, 'CONFIG_INVALID'), 1)
  // Whatever answers at the address: a key of another length is none.
  assert.equal(await tries({ plaintext: 'AAAA' }, 'KEY_UNKNOWN'), 1)
  server.instead.push('cut', { status: 503, type: 'X' })
  assert.equal((await kms.unlock(locked, NAME)).length, 32, 'the third time')
})

test('a disabled key is unavailable, not gone; no error has a text of the service or a secret in it', async () => {
  const kms = open()
  const locked = await kms.lock(new Uint8Array(32), NAME)
  server.disabled.add(ONE)
  await assert.rejects(kms.unlock(locked, NAME), (error: Error) => {
    assert.ok(refuses('KEY_UNAVAILABLE')(error))
    for (const never of ['123456789012', credentials.secretAccessKey, credentials.accessKeyId]) assert.ok(!inspect(error).includes(never))
    return true
  })
  assert.ok(!inspect(kms, { depth: 1 }).includes(credentials.secretAccessKey))
})

test('calls are counted by outcome', async () => {
  const told: string[] = []
  const kms = countedKms(open(), { call: (...of) => told.push(of.join(' ')) })
  const locked = await kms.lock(new Uint8Array(32), NAME)
  server.disabled.add(ONE)
  await assert.rejects(kms.unlock(locked, NAME))
  assert.deepEqual(told, ['aws-kms lock ok', 'aws-kms unlock KEY_UNAVAILABLE'])
})
