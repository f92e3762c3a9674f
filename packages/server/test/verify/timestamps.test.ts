// What a stored time stamp is said to establish: no more than its token, its lists and the log bear out.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { int, makeCertificate, makeCrl, makeToken, seq } from '../../../evidence/test/timestamp/forge.ts'
import type { TokenWish } from '../../../evidence/test/timestamp/forge.ts'
import { writeForReaders } from '../../src/publish/timestamp/reader-files.ts'
import { encodeStored } from '../../src/publish/timestamp/stored.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { auditTimestamps } from '../../src/verify/timestamps.ts'
import type { TimestampSummary } from '../../src/verify/verdict.ts'

const AT = Date.UTC(2026, 5, 1)
const DAY = 86_400_000
const span = { notBefore: AT - DAY, notAfter: AT + DAY }
const root = makeCertificate({ name: 'Root', issuer: null, kind: 'ca', ...span })
const signer = makeCertificate({ name: 'TSA', issuer: root, kind: 'tsa', ...span })
const lists = [3, 2].map((days, i) => ({
  url: `http://crl.example/${i}`,
  der: makeCrl({ issuer: root, thisUpdate: AT - days * DAY, nextUpdate: AT + DAY }),
}))

let data = ''
let store: FileStore
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'sealtrail-stamped-'))
  store = await FileStore.open(join(data, 'store'))
})
afterEach(async () => {
  await store.close()
  rmSync(data, { recursive: true })
})

async function stamp(size: number, wish: Partial<TokenWish> = {}, kept: typeof lists = []): Promise<void> {
  const text = `audit.example/calls\n${size}\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n`
  const nonce = Uint8Array.of(1)
  const token = makeToken({ text: Buffer.from(text), nonce, signer, genTimeMs: AT, ...wish })
  const chain = [signer.der, root.der]
  const parts = { log: 'calls', size, authority: 'one', checkpoint: `${text}\n— audit.example/calls AAAA\n`, token, nonce, chain, lists: kept }
  for (const { key, bytes } of encodeStored({ ...parts, requested: new Date(AT).toISOString() })) {
    await store.put(key, bytes, { mode: 'COMPLIANCE', retainUntilMs: AT })
    writeForReaders(data, key, bytes)
  }
}

async function summary(accepted: (object: string) => boolean = () => true): Promise<NonNullable<TimestampSummary['newest']> | null> {
  const audit = await auditTimestamps(data, 'calls', store, [root.der])
  assert.deepEqual(audit.problems, [])
  return audit.summary(accepted)?.newest ?? null
}

test('the latest time is the token’s and its accuracy', async () => {
  await stamp(1)
  assert.equal((await summary())?.latest, '2026-06-01T00:00:00Z')
  await stamp(2, { accuracy: seq(int(2)) })
  assert.equal((await summary())?.latest, '2026-06-01T00:00:02.000Z')
  await stamp(3, { genTime: '20260601000000.1239Z', accuracy: seq(int(1)) })
  assert.equal((await summary())?.latest, '2026-06-01T00:00:01.124Z')
})

test('a stamp of a checkpoint that the log does not bear out says no time, and the next one does', async () => {
  await stamp(5)
  await stamp(9)
  assert.equal((await summary())?.size, 9)
  assert.equal((await summary((object) => !object.includes('00009-')))?.size, 5)
  assert.equal(await summary(() => false), null)
})

test('what the lists say comes with the date of the newest that clears the certificate', async () => {
  await stamp(1)
  assert.deepEqual([(await summary())?.revocation, (await summary())?.revocationAsOf], ['unknown', null])
  await stamp(2, {}, lists)
  assert.deepEqual([(await summary())?.revocation, (await summary())?.revocationAsOf], ['good', '2026-05-30T00:00:00Z'])
})
