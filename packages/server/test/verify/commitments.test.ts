import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { auditIdBytes, commitmentOf, disclosureDigest, keepSalt, makeDisclosure, openDisclosure, parseRecord } from '@sealtrail/evidence'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { noncePool, sealRow } from '../../src/vault/encrypt.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import type { VaultRow } from '../../src/vault/vault.ts'
import { checkCommitments, CommitmentSum, type DisclosureSource } from '../../src/verify/commitments.ts'
import { auditData } from '../../src/verify/data.ts'
import type { LogVerdict } from '../../src/verify/verdict.ts'
import { LogWriter, sampleRecord } from './writer.ts'

const OWNERS = 3
const nonce = noncePool(randomBytes)

/** A log of 12 records, two values committed in each, of three owners; returns the rows by index. */
async function build(directory: string): Promise<{ rows: VaultRow[]; records: Uint8Array[]; ids: Uint8Array[] }> {
  const keys = openFileKeys({ folder: join(directory, 'keys'), create: true, now: Date.now, random: randomBytes })
  const vault = await LevelVault.open(join(directory, 'vault'), { keys, random: randomBytes, now: Date.now })
  const owners = await vault.keysFor(Array.from({ length: OWNERS }, (_, i) => [`person ${i}`.padEnd(16)]))
  const writer = await LogWriter.create(directory)
  const rows: VaultRow[] = []
  for (let n = 0; n < 12; n++) {
    const disclosures = [`name ${n}`, n].map((value) => makeDisclosure(randomBytes(16).toString('base64url'), value))
    const [name, number] = disclosures.map((each) => commitmentOf(disclosureDigest(each)))
    const record = sampleRecord(n, { data: { plain: true, name: name!, deep: [{ number: number! }] } })
    const auditid = auditIdBytes(parseRecord(record).auditid)
    // Of every second record one value is verify-only: its salt is there, itself it is not.
    const salted = disclosures.map((each, i) => (i === 1 && n % 2 === 0 ? keepSalt(disclosureDigest(each), openDisclosure(each).salt) : each))
    const part = { key: owners[n % OWNERS]!, disclosures: salted }
    rows.push(
      sealRow(
        { tenant: 't', trail: 'calls', auditid, fingerprint: 'f'.repeat(16), firstDigest: disclosureDigest(disclosures[0]!), tokens: [], owners: [part] },
        nonce,
      ),
    )
    await writer.commit([record])
  }
  await writer.commit([sampleRecord(12)])
  await vault.insert(rows)
  const { records } = writer
  await writer.close()
  await vault.close()
  return { rows, records, ids: owners.map(({ id }) => id) }
}

async function audit(directory: string, change?: (vault: LevelVault) => Promise<void> | DisclosureSource): Promise<LogVerdict[]> {
  const keys = openFileKeys({ folder: join(directory, 'keys'), create: false, now: Date.now, random: randomBytes })
  const vault = await LevelVault.open(join(directory, 'vault'), { keys, random: randomBytes, now: Date.now })
  const source = (change === undefined ? undefined : await change(vault)) ?? vault
  const store = await FileStore.open(join(directory, 'store'), { readOnly: true })
  const heads = SqliteHead.open(join(directory, 'head.sqlite'), { readOnly: true })
  try {
    return await auditData(directory, {
      store,
      heads,
      key: null,
      own: null,
      openCommitments: async () => () => new CommitmentSum((key, first, ndjson) => checkCommitments(key, first, ndjson, source), 4),
    })
  } finally {
    heads.close()
    await store.close()
    await vault.close()
  }
}

async function within(run: (directory: string, built: Awaited<ReturnType<typeof build>>) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-commitments-'))
  try {
    await run(directory, await build(directory))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

test('every commitment of a good log is disclosed; erased people are as they should be', () =>
  within(async (directory, { ids }) => {
    const [good] = await audit(directory)
    assert.deepEqual(good!.problems, [])
    assert.deepEqual(good!.commitments, { disclosed: 12, erased: 0, missing: 0, erasedUnder: new Map() })
    const [erased] = await audit(directory, (vault) => vault.destroyKeys([ids[1]!], 1, 'c'.repeat(32)))
    assert.equal(erased!.ok, true)
    assert.deepEqual(erased!.commitments, { disclosed: 8, erased: 4, missing: 0, erasedUnder: new Map([['c'.repeat(32), 4]]) })
  }))

/** The vault with one row's place taken by others. */
const instead = (vault: LevelVault, of: VaultRow, rows: readonly VaultRow[]): DisclosureSource => ({
  rowsOf: async (auditids) =>
    (await vault.rowsOf(auditids)).map((found, i) => (Buffer.compare(auditids[i]!, of.key.subarray(0, 16)) === 0 ? [...rows] : found)),
  keysById: (ids) => vault.keysById(ids),
})

test('every row: gone, any byte flipped, cut, or swapped with another: the record is named', () =>
  within(async (directory, { rows }) => {
    for (const [index, row] of [...rows.entries()].filter(([index]) => index % 5 === 0)) {
      const other = rows[(index + OWNERS) % rows.length]!
      const harms: [string, VaultRow[]][] = [
        ['VAULT_ROW_MISSING', []],
        ['VAULT_ROW_MISSING', [other]],
        ['VAULT_ROW_DAMAGED', [{ key: row.key, value: other.value }]],
        ['VAULT_ROW_DAMAGED', [{ key: row.key, value: row.value.subarray(0, -1) }]],
        ['VAULT_ROW_DAMAGED', [{ key: row.key, value: new Uint8Array(0) }]],
      ]
      for (const [code, offered] of harms) {
        const [verdict] = await audit(directory, (vault) => instead(vault, row, offered) as never)
        assert.deepEqual(
          verdict!.problems.map((problem) => [problem.code, problem.index]),
          [[code, index]],
        )
        assert.deepEqual(verdict!.commitments, { disclosed: 11, erased: 0, missing: 1, erasedUnder: new Map() })
      }
    }
  }))

test('each byte of one row flipped is found', () =>
  within(async (directory, { rows, records }) => {
    const keys = openFileKeys({ folder: join(directory, 'keys'), create: false, now: Date.now, random: randomBytes })
    const vault = await LevelVault.open(join(directory, 'vault'), { keys, random: randomBytes, now: Date.now })
    const row = rows[4]!
    const ndjson = Buffer.concat([Buffer.from('{}\n'), records[4]!, Buffer.from('\n{}\n')])
    const clean = await checkCommitments('k', 4, ndjson, vault)
    assert.deepEqual(clean, { counts: { disclosed: 1, erased: 0, missing: 0, erasedUnder: new Map() }, problems: [] })
    for (let at = 0; at < row.value.length; at++) {
      const value = Uint8Array.from(row.value)
      value[at]! ^= 1 << (at % 8)
      const { problems } = await checkCommitments('k', 4, ndjson, instead(vault, row, [{ key: row.key, value }]))
      assert.deepEqual(
        problems.map(({ code, index, object }) => [code, index, object]),
        [['VAULT_ROW_DAMAGED', 4, 'k']],
        `byte ${at}`,
      )
    }
    await vault.close()
  }))

test('a row nobody refers to beside the right one is passed over', () =>
  within(async (directory, { rows, ids }) => {
    const [verdict] = await audit(directory, async (vault) => {
      const [live] = await vault.keysById([ids[0]!])
      assert.ok(live?.state === 'live')
      const stray = makeDisclosure('x'.repeat(22), 'never sealed')
      await vault.insert([
        sealRow(
          {
            tenant: 't',
            trail: 'calls',
            auditid: rows[0]!.key.subarray(0, 16),
            fingerprint: 'f'.repeat(16),
            firstDigest: disclosureDigest(stray),
            tokens: [],
            owners: [{ key: live.key, disclosures: [stray] }],
          },
          nonce,
        ),
      ])
    })
    assert.equal(verdict!.ok, true)
  }))

test('a row that holds more than the record commits to is reported', () =>
  within(async (directory, { rows, ids }) => {
    const row = rows[0]!
    const [verdict] = await audit(directory, async (vault) => {
      const [answer] = await vault.keysById([ids[0]!])
      assert.ok(answer!.state === 'live')
      const [opened] = await vault.open(row, row.key.subarray(0, 16))
      assert.ok(opened!.state === 'open')
      const more = [...opened!.disclosures, makeDisclosure('y'.repeat(22), 'slipped in')]
      const firstDigest = disclosureDigest(more[0]!)
      const longer = sealRow(
        {
          tenant: 't',
          trail: 'calls',
          auditid: row.key.subarray(0, 16),
          fingerprint: 'f'.repeat(16),
          firstDigest,
          tokens: [],
          owners: [{ key: answer!.key, disclosures: more }],
        },
        nonce,
      )
      return instead(vault, row, [longer]) as never
    })
    assert.deepEqual(
      verdict!.problems.map(({ code, index }) => [code, index]),
      [['VAULT_ROW_DAMAGED', 0]],
    )
  }))

test('files of the vault: flipped bytes and cuts are found without opening them', () =>
  within(async (directory) => {
    const folder = join(directory, 'vault')
    const found = async (): Promise<LogVerdict[]> => {
      const store = await FileStore.open(join(directory, 'store'), { readOnly: true })
      const heads = SqliteHead.open(join(directory, 'head.sqlite'), { readOnly: true })
      const verdicts = await auditData(directory, { store, heads, key: null, own: null, openCommitments: null })
      heads.close()
      await store.close()
      return verdicts
    }
    const file = readdirSync(folder)
      .filter((name) => /\.(log|ldb)$/.test(name))
      .map((name) => join(folder, name))
      .find((path) => readFileSync(path).length > 1000)!
    const whole = readFileSync(file)
    for (let at = 100; at < whole.length; at += 97) {
      const broken = Buffer.from(whole)
      broken[at]! ^= 1
      writeFileSync(file, broken)
      const verdicts = await found()
      assert.deepEqual(
        verdicts.at(-1)!.problems.map(({ code }) => code),
        ['VAULT_UNREADABLE'],
        `byte ${at}`,
      )
      assert.equal(verdicts[0]!.ok, true)
    }
    truncateSync(file, 0)
  }))
