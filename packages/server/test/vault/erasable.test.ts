import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openDatabase } from '../../src/vault/level/database.ts'
import { LevelVaultReader } from '../../src/vault/level/reader.ts'
import { disclosureKey } from '../../src/vault/level/rows.ts'
import { decodeRow } from '../../src/vault/row.ts'
import type { OwnedRow } from '../../src/vault/erasable.ts'
import type { LevelVault } from '../../src/vault/level/vault.ts'
import type { DataKey, VaultEntry, VaultRow } from '../../src/vault/vault.ts'
import { CERTIFICATE, auditidOf, filesWith, latin1, printed, randomToken, rowOf, stage } from './stage.ts'

async function all(rows: AsyncIterable<OwnedRow>): Promise<OwnedRow[]> {
  const found: OwnedRow[] = []
  for await (const row of rows) found.push(row)
  return found
}

const states = async (vault: LevelVault, row: VaultRow): Promise<string[]> => {
  const [stored] = await vault.rows(auditidOf(row))
  return stored === undefined ? ['no row'] : (await vault.open(stored, auditidOf(row))).map(({ state }) => state)
}

test('every row of a key is found, in order, among many, with what else is in it; the same again after redaction', async () => {
  const { vault } = await stage()
  const [mine, other] = (await vault.keysFor([[randomToken()], [randomToken()]])) as [DataKey, DataKey]
  const token = { kind: 'phone', token: randomToken(), owner: 0 }
  const rows = Array.from({ length: 3_000 }, (_, i) => {
    const both = i % 5 === 0 ? [mine, other] : i % 3 === 0 ? [mine] : [other]
    return rowOf(
      both.map((key) => ({ key, disclosures: ['x'] })),
      { tokens: [token] },
    )
  })
  await vault.insert(rows)
  const expected = rows.filter((_, i) => i % 5 === 0 || i % 3 === 0).sort((a, b) => Buffer.compare(a.key, b.key))
  const seen: number[] = []
  const found = await all(vault.rowsUnder(new Set([latin1(mine.id)]), (n) => seen.push(n)))
  assert.deepEqual(
    found.map(({ key }) => Buffer.from(key).toString('hex')),
    expected.map(({ key }) => Buffer.from(key).toString('hex')),
  )
  assert.equal(seen.at(-1), 3_000)
  assert.equal(found.filter(({ others }) => others === 1).length, 600)
  assert.ok(found.every(({ tokens, redacted }) => tokens.length === 1 && tokens[0]?.token === token.token && !redacted))
  assert.deepEqual(await all(vault.rowsUnder(new Set([randomToken()]))), [])
  await vault.destroyKeys([mine.id], 7, CERTIFICATE)
  const keys = found.map(({ key }) => key)
  for (let again = 0; again < 2; again++) await vault.redact([...keys, randomBytes(24)], new Set([latin1(mine.id)]))
  const after = await all(vault.rowsUnder(new Set([latin1(mine.id)])))
  assert.equal(after.length, found.length, 'the key id stays')
  assert.ok(after.every(({ tokens, redacted }) => tokens.length === 0 && redacted))
  assert.equal((await all(vault.rowsUnder(new Set([latin1(other.id)])))).length, 3_000 - expected.length + 600)
  await vault.close()
})

test('a redacted part has its key id and nothing else, the others’ parts and tokens stay as they were', async () => {
  const { vault } = await stage()
  const [mine, other] = (await vault.keysFor([[randomToken()], [randomToken()]])) as [DataKey, DataKey]
  const tokens = [0, 1, 0].map((owner) => ({ kind: 'phone', token: randomToken(), owner }))
  const row = rowOf(
    [
      { key: mine, disclosures: ['mine'] },
      { key: other, disclosures: ['theirs', 'too'] },
    ],
    { tokens },
  )
  await vault.insert([row])
  const before = decodeRow(row.key, row.value) as VaultEntry
  await vault.destroyKeys([mine.id], 7, CERTIFICATE)
  await vault.redact([row.key], new Set([latin1(mine.id)]))
  const [stored] = (await vault.rows(auditidOf(row))) as [VaultRow]
  const entry = decodeRow(stored.key, stored.value) as VaultEntry
  assert.deepEqual(
    [...entry.fingerprint, ...(entry.parts[0]?.commitment ?? []), ...(entry.parts[0]?.nonce ?? [])].filter((byte) => byte !== 0),
    [],
  )
  assert.equal(entry.parts[0]?.ciphertext.length, 0)
  assert.deepEqual(Buffer.from(entry.parts[0]?.keyId ?? []), Buffer.from(mine.id))
  assert.deepEqual(entry.parts[1], before.parts[1])
  assert.deepEqual(
    entry.tokens.map(({ token }) => latin1(token)),
    [tokens[1]?.token],
  )
  assert.equal(entry.context, before.context)
  assert.deepEqual(await vault.open(stored, auditidOf(row)), [
    { state: 'erased', erasedMs: 7, certificate: CERTIFICATE },
    { state: 'open', disclosures: ['theirs', 'too'] },
  ])
  await vault.close()
})

test('a damaged row that mentions the key is found and emptied as a whole: missing as before, never erased', async () => {
  const { vault, folder, reopen } = await stage()
  const [mine] = (await vault.keysFor([[randomToken()]])) as [DataKey]
  const rows = Array.from({ length: 4 }, () => rowOf([{ key: mine, disclosures: ['x'] }], { tokens: [{ kind: 'phone', token: randomToken(), owner: 0 }] }))
  await vault.insert(rows)
  await vault.close()
  const db = await openDatabase(folder)
  // Its checksum, the length of its context, of its tokens; the last one stays whole.
  for (const [i, at] of [
    [0, rows[0]?.value.length as number],
    [1, 2],
    [2, 25],
  ] as const) {
    const { key, value } = rows[i] as VaultRow
    const wrong = Uint8Array.from(value)
    wrong[at - 1] = (wrong[at - 1] as number) ^ 0x15
    await db.put(disclosureKey(key), wrong)
  }
  await db.close()
  const again = await reopen()
  const ids = new Set([latin1(mine.id)])
  const found = await all(again.rowsUnder(ids))
  assert.equal(found.length, 4)
  await again.destroyKeys([mine.id], 7, CERTIFICATE)
  await again.redact(
    found.map(({ key }) => key),
    ids,
  )
  assert.equal((await all(again.rowsUnder(ids))).length, 1)
  assert.deepEqual(await Promise.all(rows.map((row) => states(again, row))), [['missing'], ['missing'], ['missing'], ['erased']])
  await again.close()
})

test('from the moment keys are condemned no row under them is taken, of a batch none; what was taken before is durable', async () => {
  const { vault, reopen } = await stage()
  const phone = randomToken()
  const [mine, other] = (await vault.keysFor([[phone], [randomToken()]])) as [DataKey, DataKey]
  const [before, late, beside] = [mine, mine, other].map((key) => rowOf([{ key, disclosures: ['x'] }])) as [VaultRow, VaultRow, VaultRow]
  assert.equal(vault.condemning, false)
  const inserted = vault.insert([before])
  let durable = false
  void inserted.then(() => (durable = true))
  const condemned = vault.condemn([latin1(mine.id)])
  await assert.rejects(vault.insert([beside, late]), { code: 'PERSON_ERASED' })
  await condemned
  assert.equal(durable, true, 'not before what was taken is durable')
  assert.deepEqual([vault.condemns(late), vault.condemns(beside), vault.condemning], [true, false, true])
  assert.deepEqual(await vault.has([before.key, late.key, beside.key]), [true, false, false])
  const [renewed] = (await vault.keysFor([[phone]])) as [DataKey]
  assert.notDeepEqual(renewed.id, mine.id, 'nor is the key given to anybody')
  await vault.insert([rowOf([{ key: renewed, disclosures: ['x'] }])])
  await vault.close()
  const again = await reopen()
  await again.insert([late])
  assert.deepEqual(await again.has([late.key]), [true], 'after a restart it has to be said again')
  await again.close()
})

test('condemning tells the other threads, once what was taken is durable', async () => {
  const said: string[] = []
  const { vault } = await stage({
    threads: { forget: async () => void said.push('forget'), settled: async () => void said.push('settled'), renew: async () => {} },
  })
  const [mine] = (await vault.keysFor([[randomToken()]])) as [DataKey]
  const inserted = vault.insert([rowOf([{ key: mine, disclosures: ['x'] }])]).then(() => said.push('durable'))
  await vault.condemn([latin1(mine.id)])
  await inserted
  assert.deepEqual(said, ['durable', 'forget', 'settled'])
  await vault.close()
})

test('of one person alone, whose keys bound every table: nothing in the list of files or in LevelDB’s log either, with a reading half-way', async () => {
  for (let i = 0; i < 4; i++) {
    const { vault, folder } = await stage()
    const aliases = [randomToken(), randomToken(), randomToken()]
    const [mine] = (await vault.keysFor([aliases])) as [DataKey]
    const id = latin1(mine.id)
    const rows = Array.from({ length: 600 }, () => rowOf([{ key: mine, disclosures: [randomBytes(40).toString('base64url')] }]))
    await vault.insert(rows)
    const needles = [
      ...aliases.flatMap((token) => [Buffer.from(token, 'latin1').subarray(4), printed(Buffer.from(token, 'latin1')).subarray(8)]),
      ...(await vault.traces([id])).map(({ bytes }) => Buffer.from(bytes)),
      ...rows.flatMap(({ key, value }) => (decodeRow(key, value) as VaultEntry).parts.map(({ ciphertext }) => Buffer.from(ciphertext))),
    ]
    // A snapshot for this one would keep what it may still read.
    const reading = vault.rowsUnder(new Set([id]))[Symbol.asyncIterator]()
    const first = (await reading.next()).value as OwnedRow
    await vault.condemn([id])
    const keys = rows.map(({ key }) => key)
    await vault.destroyKeys([mine.id], 7, CERTIFICATE)
    await vault.redact(keys, new Set([id]))
    await vault.scrub({ rowKeys: keys, keyIds: [id], tokens: aliases })
    assert.deepEqual(filesWith(folder, needles), [])
    const rest: OwnedRow[] = []
    for (let next = await reading.next(); next.done !== true; next = await reading.next()) rest.push(next.value)
    assert.deepEqual(
      [first, ...rest].map(({ key }) => Buffer.from(key).toString('hex')),
      keys.map((key) => Buffer.from(key).toString('hex')).sort(),
      'it goes on where it was',
    )
    await vault.close()
  }
})

test('after the scrubbing no file has a token, a wrapped key or a ciphertext of the person, while others write and read on', async () => {
  const { vault, folder, reopen } = await stage()
  const reader = await LevelVaultReader.open(folder, (ids) => vault.keysById(ids))
  const people = Array.from({ length: 300 }, () => [randomToken(), randomToken()])
  const keys = await vault.keysFor(people)
  const make = (key: DataKey): VaultRow =>
    rowOf([{ key, disclosures: [randomBytes(300).toString('base64url')] }], { tokens: [{ kind: 'phone', token: randomToken(), owner: 0 }] })
  const rows = keys.flatMap((key) => Array.from({ length: 10 }, () => make(key)))
  for (let at = 0; at < rows.length; at += 500) await vault.insert(rows.slice(at, at + 500))
  const mine = keys[17] as DataKey
  const id = latin1(mine.id)
  const found = await all(vault.rowsUnder(new Set([id])))
  assert.equal(found.length, 10)
  const theirs = rows.filter((_, i) => keys[Math.floor(i / 10)] === mine)
  const needles = [
    ...(people[17] as string[]).map((token) => Buffer.from(token, 'latin1').subarray(4)),
    ...found.flatMap(({ tokens }) => tokens.map(({ token }) => Buffer.from(token, 'latin1'))),
    ...(await vault.traces([id])).map(({ bytes }) => Buffer.from(bytes)),
    ...theirs.flatMap(({ key, value }) => (decodeRow(key, value) as VaultEntry).parts.map(({ ciphertext }) => Buffer.from(ciphertext))),
  ]
  assert.equal(needles.length, 2 + 10 + 2 + 10)
  assert.notDeepEqual(filesWith(folder, needles), [])
  let busy = true
  let written = 0
  const beside = [
    (async () => {
      while (busy) {
        const others = Array.from({ length: 20 }, () => [randomToken()])
        await vault.insert((await vault.keysFor(others)).map(make))
        written += 20
      }
    })(),
    (async () => {
      while (busy) {
        const row = rows[Math.floor(Math.random() * 100)] as VaultRow
        assert.deepEqual(await reader.rows(auditidOf(row)), await vault.rows(auditidOf(row)))
      }
    })(),
  ]
  await vault.condemn([id])
  await vault.destroyKeys([mine.id], 7, CERTIFICATE)
  await vault.redact(
    found.map(({ key }) => key),
    new Set([id]),
  )
  const what = { rowKeys: found.map(({ key }) => key), keyIds: [id], tokens: people[17] as string[] }
  await vault.scrub(what)
  busy = false
  await Promise.all(beside)
  assert.deepEqual(filesWith(folder, needles), [])
  assert.ok(written > 0)
  await vault.scrub(what)
  for (const row of theirs) assert.deepEqual(await states(vault, row), ['erased'])
  for (const row of rows.slice(0, 100)) assert.deepEqual(await states(vault, row), ['open'])
  await reader.close()
  await vault.close()
  const again = await reopen()
  let total = 0
  for await (const row of again.rowsUnder(new Set([id]), (read) => (total = read))) assert.ok(row.redacted)
  assert.equal(total, rows.length + written, 'nothing was lost')
  await again.close()
})
