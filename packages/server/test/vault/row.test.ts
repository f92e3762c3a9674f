import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { deriveKey, keyCommitment } from '../../src/vault/data-key.ts'
import { noncePool, openRow, sealRow } from '../../src/vault/encrypt.ts'
import { decodeRow, encodeRow } from '../../src/vault/row.ts'
import type { DataKey, VaultEntry } from '../../src/vault/vault.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const entries: fc.Arbitrary<VaultEntry> = fc.record({
  context: fc.string({ maxLength: 40 }),
  fingerprint: bytes(16),
  tokens: fc.array(fc.record({ kind: fc.string({ maxLength: 20 }), token: bytes(16), owner: fc.nat(255) }), { maxLength: 4 }),
  parts: fc.array(fc.record({ keyId: bytes(16), commitment: bytes(16), nonce: bytes(12), ciphertext: fc.uint8Array({ maxLength: 200 }) }), { maxLength: 4 }),
})

const plain = (entry: VaultEntry): unknown =>
  JSON.parse(
    JSON.stringify(entry, (_, value) => (value instanceof Uint8Array || value?.type === 'Buffer' ? Buffer.from(value.data ?? value).toString('hex') : value)),
  )

test('a row is read back as it was written, and only under its own key', () => {
  fc.assert(
    fc.property(bytes(24), entries, (key, entry) => {
      const value = encodeRow(key, entry)
      assert.deepEqual(plain(decodeRow(key, value) as VaultEntry), plain(entry))
      const other = Uint8Array.from(key)
      other[0] = (other[0] as number) ^ 1
      assert.equal(decodeRow(other, value), null)
    }),
  )
})

test('forged rows with a right CRC are refused, not read past their end', async () => {
  const { crc32 } = await import('node:zlib')
  const key = randomBytes(24)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 120 }), (tail) => {
      const body = Buffer.concat([Buffer.from([1]), tail])
      const value = Buffer.alloc(body.length + 4)
      value.set(body)
      value.writeUInt32LE(crc32(body, crc32(key)), body.length)
      const entry = decodeRow(key, value)
      if (entry !== null) assert.deepEqual(Buffer.from(encodeRow(key, entry)), value)
    }),
    { numRuns: 2000 },
  )
})

const key = (): DataKey => ({ id: randomBytes(16), key: randomBytes(32) })

test('a part opens only under its key, audit id, tenant and trail', () => {
  const nonce = noncePool(randomBytes)
  const owner = key()
  const auditid = randomBytes(16)
  const draft = {
    tenant: 't',
    trail: 'a',
    auditid,
    fingerprint: 'f'.repeat(16),
    firstDigest: randomBytes(32).toString('base64url'),
    tokens: [],
    owners: [{ key: owner, disclosures: ['one', 'two'] }],
  }
  const row = sealRow(draft, nonce)
  const live = (each: DataKey) => () => [{ state: 'live' as const, key: each }]
  assert.deepEqual(openRow(row, auditid, live(owner)), [{ state: 'open', disclosures: ['one', 'two'] }])
  assert.equal(openRow(row, auditid, live(key()))[0]?.state, 'missing')
  assert.equal(openRow(row, auditid, live({ id: owner.id, key: randomBytes(32) }))[0]?.state, 'missing')
  assert.equal(openRow(row, auditid, () => [])[0]?.state, 'missing')
  const entry = decodeRow(row.key, row.value) as VaultEntry
  const forge = (change: Partial<VaultEntry>, at = row.key): string =>
    openRow({ key: at, value: encodeRow(at, { ...entry, ...change }) }, at.subarray(0, 16), live(owner))[0]?.state ?? 'none'
  assert.equal(forge({}), 'open')
  assert.equal(forge({ context: 't\nb' }), 'missing')
  assert.equal(forge({ context: 'u\na' }), 'missing')
  const elsewhere = Uint8Array.from(row.key)
  elsewhere[3] = (elsewhere[3] as number) ^ 1
  assert.equal(forge({}, elsewhere), 'missing', 'another event')
  const part = entry.parts[0] as VaultEntry['parts'][number]
  for (const name of ['keyId', 'commitment', 'nonce', 'ciphertext'] as const) {
    for (let i = 0; i < part[name].length; i++) {
      const changed = Uint8Array.from(part[name])
      changed[i] = (changed[i] as number) ^ 1
      assert.equal(forge({ parts: [{ ...part, [name]: changed }] }), 'missing', `${name} ${i}`)
    }
  }
  assert.equal(forge({ parts: [{ ...part, ciphertext: part.ciphertext.subarray(0, 10) }] }), 'missing')
})

test('a ciphertext under another key with the right key id is refused before it is decrypted', () => {
  const owner = key()
  const impostor: DataKey = { id: owner.id, key: randomBytes(32) }
  const auditid = randomBytes(16)
  const row = sealRow(
    { tenant: 't', trail: 'a', auditid, fingerprint: 'f'.repeat(16), firstDigest: null, tokens: [], owners: [{ key: impostor, disclosures: ['x'] }] },
    noncePool(randomBytes),
  )
  assert.deepEqual(
    openRow(row, auditid, () => [{ state: 'live', key: owner }]),
    [{ state: 'missing', why: 'the ciphertext was made under another key' }],
  )
  assert.notDeepEqual(deriveKey(owner).commitment, deriveKey(impostor).commitment)
})

test('a data key expands as HKDF-Expand says', () => {
  const owner = key()
  const derived = deriveKey(owner)
  const info = Buffer.concat([Buffer.from('sealtrail/vault/1'), owner.id])
  const first = createHmac('sha256', owner.key).update(info).update(Buffer.of(1)).digest()
  const second = createHmac('sha256', owner.key).update(first).update(info).update(Buffer.of(2)).digest()
  assert.deepEqual(derived.encrypt.export(), first)
  assert.deepEqual(derived.commitment, second)
  assert.deepEqual(keyCommitment(Buffer.from(owner.id).toString('latin1'), owner.key), second)
})

test('nonces never repeat', () => {
  const nonce = noncePool(randomBytes)
  const seen = new Set(Array.from({ length: 5000 }, () => Buffer.from(nonce()).toString('hex')))
  assert.equal(seen.size, 5000)
})
