// Somebody writes to the vault's files and gets every checksum right: what is said then is an alarm, never "erased", and never another's value.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { openDatabase } from '../../src/vault/level/database.ts'
import { aliasKey, decodeKeyRow, disclosureKey, encodeKeyRow, keyKey } from '../../src/vault/level/rows.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import { decodeRow, encodeRow } from '../../src/vault/row.ts'
import type { DataKey, Opened, VaultEntry, VaultRow } from '../../src/vault/vault.ts'
import { CERTIFICATE, auditidOf, latin1, randomToken, rowOf, stage } from './stage.ts'
import type { Stage } from './stage.ts'

interface Attacked {
  put(key: Uint8Array, value: Uint8Array): Promise<void>
  del(key: Uint8Array): Promise<void>
  /** A copy. */
  get(key: Uint8Array): Promise<Uint8Array>
}

interface Scene extends Stage {
  readonly alice: DataKey
  readonly bob: DataKey
  readonly gone: DataKey
  readonly names: { readonly alice: string; readonly bob: string; readonly gone: string }
  /** Both of them; only alice; one of somebody who was erased. */
  readonly both: VaultRow
  readonly hers: VaultRow
  readonly erased: VaultRow
  /** Changes files while the vault is closed, and opens it again. */
  attack(change: (db: Attacked) => Promise<void>): Promise<LevelVault>
}

async function scene(): Promise<Scene> {
  const staged = await stage()
  const names = { alice: randomToken(), bob: randomToken(), gone: randomToken() }
  const [alice, bob, gone] = (await staged.vault.keysFor([[names.alice], [names.bob], [names.gone]])) as [DataKey, DataKey, DataKey]
  const both = rowOf([
    { key: alice, disclosures: ['alice’s'] },
    { key: bob, disclosures: ['bob’s'] },
  ])
  const hers = rowOf([{ key: alice, disclosures: ['alice’s other'] }])
  const erased = rowOf([{ key: gone, disclosures: ['gone'] }])
  await staged.vault.insert([both, hers, erased])
  await staged.vault.destroyKeys([gone.id], 7, CERTIFICATE)
  await staged.vault.redact([erased.key], new Set([latin1(gone.id)]))
  await staged.vault.close()
  return {
    ...staged,
    alice,
    bob,
    gone,
    names,
    both,
    hers,
    erased,
    async attack(change) {
      const db = await openDatabase(staged.folder)
      await change({
        put: (key, value) => db.put(key, value),
        del: (key) => db.del(key),
        get: async (key) => Uint8Array.from((await db.get(key)) as Uint8Array),
      })
      await db.close()
      return staged.reopen()
    },
  }
}

const opened = async (vault: LevelVault, at: VaultRow): Promise<Opened[]> => {
  const [row] = await vault.rows(auditidOf(at))
  return row === undefined ? [] : vault.open(row, auditidOf(at))
}
const states = async (vault: LevelVault, at: VaultRow): Promise<string[]> => (await opened(vault, at)).map(({ state }) => state)
const entryOf = ({ key, value }: VaultRow): VaultEntry => decodeRow(key, value) as VaultEntry
const forged = (at: VaultRow, change: (parts: VaultEntry['parts']) => VaultEntry['parts']): Uint8Array =>
  encodeRow(at.key, { ...entryOf(at), parts: change(entryOf(at).parts) })

test('ciphertexts swapped within a row, between rows, a part added from another row: missing', async () => {
  const { both, hers, attack } = await scene()
  const [a, b] = entryOf(both).parts as [VaultEntry['parts'][number], VaultEntry['parts'][number]]
  const other = entryOf(hers).parts[0] as VaultEntry['parts'][number]
  const tries: Array<[string, VaultEntry['parts'], string[]]> = [
    [
      'swapped, with everything',
      [
        { ...b, keyId: a.keyId },
        { ...a, keyId: b.keyId },
      ],
      ['missing', 'missing'],
    ],
    [
      'only the ciphertexts',
      [
        { ...a, ciphertext: b.ciphertext },
        { ...b, ciphertext: a.ciphertext },
      ],
      ['missing', 'missing'],
    ],
    ['of the same key in another row', [other, b], ['missing', 'open']],
    ['one more, of another row', [a, b, other], ['open', 'open', 'missing']],
    ['the key’s own nonce reused', [{ ...a, nonce: other.nonce }, b], ['missing', 'open']],
  ]
  for (const [what, parts, expected] of tries) {
    const vault = await attack(({ put }) =>
      put(
        disclosureKey(both.key),
        forged(both, () => parts),
      ),
    )
    assert.deepEqual(await states(vault, both), expected, what)
    await vault.close()
  }
})

test('a row moved to another record, under its key and with a checksum that fits: missing', async () => {
  const { both, hers, attack } = await scene()
  const vault = await attack(async ({ put }) => {
    await put(disclosureKey(hers.key), both.value)
    await put(disclosureKey(both.key), encodeRow(both.key, entryOf(hers)))
  })
  assert.deepEqual(await states(vault, hers), ['missing'])
  assert.deepEqual(await states(vault, both), ['missing'])
  await vault.close()
})

test('parts emptied while their key lives, is gone or damaged: missing, an alarm', async () => {
  const empty = (part: VaultEntry['parts'][number]): VaultEntry['parts'][number] => ({
    keyId: part.keyId,
    commitment: new Uint8Array(16),
    nonce: new Uint8Array(12),
    ciphertext: new Uint8Array(0),
  })
  for (const key of ['lives', 'gone', 'damaged'] as const) {
    const { alice, both, attack } = await scene()
    const vault = await attack(async ({ put, get }) => {
      await put(
        disclosureKey(both.key),
        forged(both, ([a, b]) => [empty(a as never), b as never]),
      )
      const at = keyKey(latin1(alice.id))
      const row = await get(at)
      if (key === 'damaged') row[60] = (row[60] as number) ^ 1
      if (key !== 'lives') await put(at, key === 'gone' ? new Uint8Array(0) : row)
    })
    const [first, second] = await opened(vault, both)
    assert.equal(first?.state, 'missing', key)
    if (key === 'lives') assert.match((first as { why: string }).why, /not destroyed/)
    assert.equal(second?.state, 'open')
    await vault.close()
  }
})

test('no flipped bit and no cut of a key row makes a tombstone, nor does another’s tombstone in its place', async () => {
  const { alice, gone, hers, erased, folder, attack } = await scene()
  const db = await openDatabase(folder)
  const id = latin1(alice.id)
  const row = Uint8Array.from((await db.get(keyKey(id))) as Uint8Array)
  const tombstone = Uint8Array.from((await db.get(keyKey(latin1(gone.id)))) as Uint8Array)
  await db.close()
  for (let bit = 0; bit < row.length * 8; bit++) {
    const wrong = Uint8Array.from(row)
    wrong[bit >> 3] = (wrong[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.equal(decodeKeyRow(id, wrong), null, `bit ${bit}`)
  }
  for (let length = 0; length < row.length; length++) {
    assert.equal(decodeKeyRow(id, row.subarray(0, length)), null)
    const dressed = Uint8Array.from(row.subarray(0, length))
    if (length > 1) dressed[1] = 2
    assert.equal(decodeKeyRow(id, dressed), null, `as a tombstone of ${length}`)
  }
  const vault = await attack(({ put }) => put(keyKey(id), tombstone))
  assert.deepEqual(await states(vault, hers), ['missing'], 'a tombstone is for its own key')
  await vault.close()
  const again = await attack(({ put }) => put(keyKey(latin1(gone.id)), row))
  assert.deepEqual(await states(again, erased), ['missing'], 'and a living key for its own')
  await again.close()
  // With a checksum made for it a tombstone says "erased": what it cannot forge is the sealed completion, which `verify` asks for.
  const forgery = await attack(({ put }) => put(keyKey(id), encodeKeyRow(id, { state: 'erased', erasedMs: 1, certificate: 'f'.repeat(32) })))
  assert.deepEqual(await opened(forgery, hers), [{ state: 'erased', erasedMs: 1, certificate: 'f'.repeat(32) }])
  await forgery.close()
})

test('a key row copied over another’s, also with a checksum made for it: missing, and no value opens under a stranger’s key', async () => {
  const { alice, bob, both, hers, attack } = await scene()
  const vault = await attack(async ({ put, get }) => put(keyKey(latin1(alice.id)), await get(keyKey(latin1(bob.id)))))
  assert.deepEqual(await states(vault, both), ['missing', 'open'])
  await vault.close()
  const again = await attack(async ({ put, get }) => {
    const theirs = decodeKeyRow(latin1(bob.id), await get(keyKey(latin1(bob.id))))
    assert.ok(theirs !== null)
    await put(keyKey(latin1(alice.id)), encodeKeyRow(latin1(alice.id), theirs))
  })
  assert.deepEqual(await states(again, hers), ['missing'])
  await again.close()
})

test('another wrapping key, under another id or under the same: an error or missing', async () => {
  const { alice, hers, folder, attack } = await scene()
  const stranger = openFileKeys({ folder: `${folder}-other`, create: true, now: () => 1, random: randomBytes })
  const other = await LevelVault.open(folder, { keys: stranger, now: () => 1, random: randomBytes })
  await assert.rejects(opened(other, hers), { code: 'KEY_UNKNOWN' })
  await other.close()
  const vault = await attack(async ({ put, get }) => {
    const id = latin1(alice.id)
    const known = decodeKeyRow(id, await get(keyKey(id)))
    assert.ok(known?.state === 'live')
    const wrapped = Uint8Array.from(known.wrapped)
    // Behind version and id of the wrapping key: as if that had other bytes.
    wrapped.set(randomBytes(wrapped.length - 9), 9)
    await put(keyKey(id), encodeKeyRow(id, { ...known, wrapped }))
  })
  assert.deepEqual(await states(vault, hers), ['missing'])
  await vault.close()
})

test('an alias row put in the place of another’s: nobody is erased for somebody else', async () => {
  const { names, alice, bob, attack } = await scene()
  const vault = await attack(async ({ put, get }) => put(aliasKey(names.alice), await get(aliasKey(names.bob))))
  await assert.rejects(vault.personOf([names.alice]), { code: 'DATA_CORRUPT' })
  assert.deepEqual((await vault.personOf([names.bob])).keyIds, [latin1(bob.id)])
  // An officer mends it: the alias is led back to the key that knows it.
  await vault.split([names.alice])
  assert.deepEqual(await vault.personOf([names.alice]), { keyIds: [latin1(alice.id)], tokens: [names.alice] })
  await vault.close()
  const again = await attack(async ({ put, get }) => put(aliasKey(names.alice), await get(aliasKey(names.bob))))
  const [key] = (await again.keysFor([[names.alice]])) as [DataKey]
  assert.ok(latin1(key.id) !== latin1(bob.id), 'nor is anything of hers encrypted under his key')
  await assert.rejects(again.personOf([names.alice]), { code: 'DATA_CORRUPT' })
  await again.split([names.alice])
  assert.deepEqual(new Set((await again.personOf([names.alice])).keyIds), new Set([latin1(alice.id), latin1(key.id)]), 'what came in meanwhile is hers, too')
  await again.close()
})
