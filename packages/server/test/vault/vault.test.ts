import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import type { Keyring } from '../../src/keys/keyring.ts'
import { noncePool, sealRow } from '../../src/vault/encrypt.ts'
import { openDatabase } from '../../src/vault/level/database.ts'
import { decodeKeyRow, encodeKeyRow } from '../../src/vault/level/rows.ts'
import { LevelVaultReader } from '../../src/vault/level/reader.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import type { DataKey, VaultRow } from '../../src/vault/vault.ts'

const CERTIFICATE = '0123456789abcdef'.repeat(2)
const root = await mkdtemp(join(tmpdir(), 'sealtrail-vault-'))
after(() => rm(root, { recursive: true, force: true }))

let folders = 0
let clock = 1_000
const nonce = noncePool(randomBytes)

function makeKeys(folder: string): Keyring {
  return openFileKeys({ folder: join(folder, 'keys'), create: true, now: () => clock, random: randomBytes })
}

async function fresh(): Promise<{ folder: string; keys: Keyring; vault: LevelVault; reopen(): Promise<LevelVault> }> {
  const folder = join(root, String(folders++))
  const keys = makeKeys(folder)
  const options = { keys, now: () => clock, random: randomBytes }
  const vault = await LevelVault.open(join(folder, 'vault'), options)
  return { folder, keys, vault, reopen: () => LevelVault.open(join(folder, 'vault'), options) }
}

const token = (name: string): string => name.padEnd(16, '_')

function row(auditid: Uint8Array, owners: ReadonlyArray<{ key: DataKey; disclosures: readonly string[] }>): VaultRow {
  return sealRow(
    { tenant: 't', trail: 'calls', auditid, fingerprint: 'f'.repeat(16), firstDigest: randomBytes(32).toString('base64url'), tokens: [], owners },
    nonce,
  )
}

test('an owner keeps one key under all its names, also after a restart', async () => {
  const { vault, reopen } = await fresh()
  const [a] = await vault.keysFor([[token('phone')]])
  const [b, c, other] = await vault.keysFor([[token('phone'), token('mail')], [token('mail')], [token('else')]])
  assert.deepEqual(b, a)
  assert.deepEqual(c, a, 'a new name is linked to the known key')
  assert.notDeepEqual(other, a)
  await vault.insert([])
  await vault.close()
  const again = await reopen()
  assert.deepEqual(await again.keysFor([[token('mail')], [token('unknown'), token('phone')], [token('unknown')]]), [a, a, a])
  await again.close()
})

test('the first known name decides, and a name that has a key keeps it', async () => {
  const { vault } = await fresh()
  const [a, b] = await vault.keysFor([[token('a')], [token('b')]])
  assert.deepEqual(
    await vault.keysFor([
      [token('b'), token('a')],
      [token('a'), token('b')],
      [token('new'), token('b')],
    ]),
    [b, a, b],
  )
  assert.deepEqual(await vault.keysFor([[token('a')], [token('b')], [token('new')]]), [a, b, b])
  await vault.close()
})

test('a key asked for by many at once is made once', async () => {
  const { vault } = await fresh()
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => vault.keysFor([[token('same')], [token(`own${i % 5}`)]])))
  for (const [same] of answers) assert.deepEqual(same, answers[0]?.[0])
  for (const [i, [, own]] of answers.entries()) assert.deepEqual(own, answers[i % 5]?.[1])
  assert.equal(new Set(answers.flat().map((key) => Buffer.from(key.id).toString('hex'))).size, 6)
  await vault.close()
})

test('keys nobody inserted after are not durable; those before an insert are', async () => {
  const { vault, reopen } = await fresh()
  const [kept] = await vault.keysFor([[token('kept')]])
  await vault.insert([])
  const [lost] = await vault.keysFor([[token('lost')]])
  await vault.close()
  const again = await reopen()
  assert.deepEqual(await again.keysFor([[token('kept')]]), [kept])
  assert.notDeepEqual(await again.keysFor([[token('lost')]]), [lost])
  await again.close()
})

test('rows come back, open, and nothing of them is on disk in clear', async () => {
  const { folder, vault, keys } = await fresh()
  const [alice, call] = (await vault.keysFor([[token('alice')], [token('call')]])) as [DataKey, DataKey]
  const auditid = randomBytes(16)
  const secret = Buffer.from('["salt","+13175550142"]').toString('base64url')
  const stored = row(auditid, [
    { key: alice, disclosures: [secret, 'second'] },
    { key: call, disclosures: ['third'] },
  ])
  await vault.insert([stored])
  const rows = await vault.rows(auditid)
  assert.deepEqual(
    rows.map(({ key }) => Buffer.from(key).toString('hex')),
    [Buffer.from(stored.key).toString('hex')],
  )
  assert.deepEqual(await vault.open(rows[0] as VaultRow, auditid), [
    { state: 'open', disclosures: [secret, 'second'] },
    { state: 'open', disclosures: ['third'] },
  ])
  assert.deepEqual(await vault.has([stored.key, randomBytes(24)]), [true, false])
  assert.deepEqual(await vault.rows(randomBytes(16)), [])
  const reader = await LevelVaultReader.open(join(folder, 'vault'), (ids) => vault.keysById(ids))
  assert.deepEqual(await reader.open((await reader.rows(auditid))[0] as VaultRow, auditid), await vault.open(rows[0] as VaultRow, auditid))
  assert.deepEqual(await reader.has([stored.key]), [true])
  await reader.close()
  await vault.close()
  const clear = [secret, 'second', Buffer.from(alice.key).toString('latin1'), Buffer.from(call.key).toString('latin1'), keys.exportForIngest().token]
  for (const name of await readdir(join(folder, 'vault'))) {
    const bytes = await readFile(join(folder, 'vault', name))
    for (const text of clear) assert.equal(bytes.includes(typeof text === 'string' ? Buffer.from(text, 'latin1') : text), false, `${name} holds a secret`)
  }
})

test('an erased owner is erased, its rows say so, and a new key has nothing of the old', async () => {
  const { vault, reopen, folder } = await fresh()
  const [old, other] = (await vault.keysFor([[token('phone'), token('mail')], [token('other')]])) as [DataKey, DataKey]
  const auditid = randomBytes(16)
  await vault.insert([
    row(auditid, [
      { key: old, disclosures: ['x'] },
      { key: other, disclosures: ['y'] },
    ]),
  ])
  assert.deepEqual(
    (await vault.personOf([token('mail')])).keyIds.map((id) => Buffer.from(id, 'latin1')),
    [Buffer.from(old.id)],
  )
  await vault.destroyKeys([old.id], 77, CERTIFICATE)
  const [stored] = (await vault.rows(auditid)) as [VaultRow]
  const expected = [
    { state: 'erased', erasedMs: 77, certificate: CERTIFICATE },
    { state: 'open', disclosures: ['y'] },
  ]
  assert.deepEqual(await vault.open(stored, auditid), expected)
  assert.deepEqual(await vault.personOf([token('mail'), token('phone')]), { keyIds: [], tokens: [] })
  const [renewed] = (await vault.keysFor([[token('mail')]])) as [DataKey]
  assert.notDeepEqual(renewed.id, old.id)
  await vault.destroyKeys([old.id], 99, 'f'.repeat(32))
  assert.deepEqual(await vault.open(stored, auditid), expected, 'a tombstone is not renewed')
  await vault.close()
  const again = await reopen()
  assert.deepEqual(await again.open(stored, auditid), expected)
  assert.deepEqual(await again.keysFor([[token('mail')]]), [renewed])
  await again.close()
  for (const name of await readdir(join(folder, 'vault'))) assert.equal((await readFile(join(folder, 'vault', name))).includes(Buffer.from(old.key)), false)
})

test('every byte of every row flipped: missing, with why; never erased, never a throw', async () => {
  const { vault } = await fresh()
  const [a, b] = (await vault.keysFor([[token('a')], [token('b')]])) as [DataKey, DataKey]
  const auditid = randomBytes(16)
  const good = sealRow(
    {
      tenant: 't',
      trail: 'calls',
      auditid,
      fingerprint: 'f'.repeat(16),
      firstDigest: randomBytes(32).toString('base64url'),
      tokens: [{ kind: 'phone', token: token('x'), owner: 1 }],
      owners: [
        { key: a, disclosures: ['one', 'two'] },
        { key: b, disclosures: ['three'] },
      ],
    },
    nonce,
  )
  await vault.insert([good])
  const swapped = row(randomBytes(16), [{ key: a, disclosures: ['swapped'] }])
  for (let at = 0; at < good.value.length; at++) {
    const value = Uint8Array.from(good.value)
    value[at] = (value[at] as number) ^ 0x40
    for (const opened of await vault.open({ key: good.key, value }, auditid)) assert.equal(opened.state, 'missing', `byte ${at}`)
    for (const opened of await vault.open({ key: good.key, value: good.value.subarray(0, at) }, auditid)) assert.equal(opened.state, 'missing')
  }
  assert.equal((await vault.open({ key: good.key, value: swapped.value }, auditid))[0]?.state, 'missing')
  assert.equal((await vault.open(good, randomBytes(16)))[0]?.state, 'missing')
  await vault.close()
})

test('key rows flipped, deleted, swapped: missing for readers; writers get a new key; no keyring is an error', async () => {
  const { folder, vault, reopen } = await fresh()
  const [a, b] = (await vault.keysFor([[token('a')], [token('b')]])) as [DataKey, DataKey]
  const auditid = randomBytes(16)
  const stored = row(auditid, [{ key: a, disclosures: ['x'] }])
  await vault.insert([stored])
  await vault.close()
  const at = (key: DataKey): Buffer => Buffer.concat([Buffer.from('k'), key.id])
  const read = async (): Promise<string> => {
    const again = await reopen()
    const [opened] = await again.open(stored, auditid)
    await again.close()
    return opened?.state ?? 'none'
  }
  const change = async (value: Uint8Array | null): Promise<void> => {
    const db = await openDatabase(join(folder, 'vault'))
    if (value === null) await db.del(at(a))
    else await db.put(at(a), value)
    await db.close()
  }
  const db = await openDatabase(join(folder, 'vault'))
  const right = Uint8Array.from((await db.get(at(a))) as Uint8Array)
  const others = Uint8Array.from((await db.get(at(b))) as Uint8Array)
  await db.close()
  for (const i of [0, 1, 2, 10, 41, 42, 60, 114, right.length - 5, right.length - 1]) {
    const value = Uint8Array.from(right)
    value[i] = (value[i] as number) ^ 3
    await change(value)
    assert.equal(await read(), 'missing', `byte ${i}`)
  }
  await change(others)
  assert.equal(await read(), 'missing', 'another key in its place')
  const parsed = decodeKeyRow(Buffer.from(a.id).toString('latin1'), right)
  assert.ok(parsed?.state === 'live')
  await change(encodeKeyRow(Buffer.from(a.id).toString('latin1'), { ...parsed, commitment: randomBytes(32) }))
  assert.equal(await read(), 'missing', 'forged, with a right CRC, to commit to another key')
  await change(null)
  assert.equal(await read(), 'missing', 'deleted')
  const again = await reopen()
  const [renewed] = (await again.keysFor([[token('a')]])) as [DataKey]
  assert.notDeepEqual(renewed.id, a.id)
  assert.deepEqual(
    (await again.personOf([token('a')])).keyIds.map((id) => Buffer.from(id, 'latin1')),
    [Buffer.from(renewed.id), Buffer.from(a.id)],
    'an erasure still reaches the lost key',
  )
  await again.insert([])
  await again.close()
  await change(right)
  assert.equal(await read(), 'open', 'restored')
  const stranger = await LevelVault.open(join(folder, 'vault'), { keys: makeKeys(join(folder, 'other')), now: () => clock, random: randomBytes })
  await assert.rejects(stranger.open(stored, auditid), (error) => error instanceof SealtrailError && error.code === 'KEY_UNKNOWN')
  await assert.rejects(stranger.keysFor([[token('a')]]), (error) => error instanceof SealtrailError && error.code === 'KEY_UNKNOWN')
  await stranger.close()
})

test('sweep deletes what nobody refers to and nothing else', async () => {
  const { vault } = await fresh()
  const [key] = (await vault.keysFor([[token('a')]])) as [DataKey]
  const rows = Array.from({ length: 2500 }, () => row(randomBytes(16), [{ key, disclosures: ['x'] }]))
  await vault.insert(rows)
  const referred = new Set(rows.filter((_, i) => i % 3 === 0).map(({ key: at }) => Buffer.from(at).toString('hex')))
  assert.equal(await vault.sweep((at) => referred.has(Buffer.from(at).toString('hex'))), rows.length - referred.size)
  assert.deepEqual(
    await vault.has(rows.map(({ key: at }) => at)),
    rows.map((_, i) => i % 3 === 0),
  )
  assert.deepEqual(await vault.keysFor([[token('a')]]), [key])
  await vault.close()
})

test('inserts under way when it closes are finished, later ones refused', async () => {
  const { vault, reopen } = await fresh()
  const [key] = (await vault.keysFor([[token('a')]])) as [DataKey]
  const rows = Array.from({ length: 40 }, () => row(randomBytes(16), [{ key, disclosures: ['x'] }]))
  const inserts = rows.map((each) => vault.insert([each]))
  await vault.close()
  await Promise.all(inserts)
  await assert.rejects(vault.insert(rows), SealtrailError)
  await assert.rejects(vault.keysFor([[token('b')]]), SealtrailError)
  const again = await reopen()
  assert.ok((await again.has(rows.map((each) => each.key))).every(Boolean))
  await again.close()
})

test('a failed write fails every waiter, nothing is written until healed, and its keys are written by the next', async () => {
  const { vault, folder, reopen } = await fresh()
  const [key] = (await vault.keysFor([[token('a')]])) as [DataKey]
  const shared = await openDatabase(join(folder, 'vault'))
  const prototype = Object.getPrototypeOf(shared) as { _batch: unknown }
  const original = prototype._batch
  prototype._batch = async () => {
    throw new Error('No space left on device')
  }
  const failed = await Promise.allSettled([vault.insert([row(randomBytes(16), [{ key, disclosures: ['x'] }])]), vault.insert([])])
  prototype._batch = original
  for (const each of failed) assert.equal(each.status === 'rejected' && each.reason instanceof SealtrailError && each.reason.code, 'DATA_UNWRITABLE')
  await assert.rejects(vault.insert([]), { code: 'DATA_UNWRITABLE' })
  assert.equal(vault.failed?.code, 'DATA_UNWRITABLE')
  assert.equal(await vault.heal(), true)
  assert.equal(vault.failed, null)
  await vault.insert([])
  await shared.close()
  await vault.close()
  const again = await reopen()
  assert.deepEqual(await again.keysFor([[token('a')]]), [key])
  await again.close()
})

test('all rows of an audit id are found among those of many, though the database hands them out in short runs', async () => {
  const { vault } = await fresh()
  const [key] = (await vault.keysFor([[token('a')]])) as [DataKey]
  const auditids = Array.from({ length: 40 }, () => randomBytes(16))
  // Attempts that were never sealed leave rows of their own; each of these fills most of a run.
  await vault.insert(
    auditids.flatMap((auditid) => Array.from({ length: 3 }, () => row(auditid, [{ key, disclosures: [randomBytes(7_000).toString('base64url')] }]))),
  )
  assert.deepEqual(
    (await vault.rowsOf(auditids)).map((found) => found.length),
    auditids.map(() => 3),
  )
  await vault.close()
})
