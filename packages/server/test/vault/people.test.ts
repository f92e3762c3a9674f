import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../src/vault/level/database.ts'
import { aliasKey, keyKey } from '../../src/vault/level/rows.ts'
import type { DataKey } from '../../src/vault/vault.ts'
import { CERTIFICATE, latin1, randomToken, rowOf, stage } from './stage.ts'

const sorted = (list: readonly string[]): string[] => [...list].sort()
const idsOf = (keys: readonly DataKey[]): string[] => keys.map(({ id }) => latin1(id))

test('a person is everything that aliases and keys lead to, from any of the aliases', async () => {
  const { vault } = await stage()
  const [phone, mail, other, stranger] = [randomToken(), randomToken(), randomToken(), randomToken()]
  const [key] = (await vault.keysFor([[phone, mail]])) as [DataKey]
  await vault.keysFor([[other, phone]])
  await vault.keysFor([[stranger]])
  for (const from of [[phone], [mail], [other], [mail, other]]) {
    const person = await vault.personOf(from)
    assert.deepEqual(person.keyIds, idsOf([key]))
    assert.deepEqual(sorted(person.tokens), sorted([phone, mail, other]))
  }
  assert.deepEqual(await vault.personOf([randomToken()]), { keyIds: [], tokens: [] }, 'nobody')
  await vault.close()
})

test('two who are merged are one from then on, also after a restart; the first one’s key is the current one', async () => {
  const { vault, reopen } = await stage()
  const [a1, a2, b1, b2, c] = [randomToken(), randomToken(), randomToken(), randomToken(), randomToken()]
  const [a, b] = (await vault.keysFor([[a1, a2], [b1, b2], [c]])) as [DataKey, DataKey]
  assert.deepEqual((await vault.personOf([a1])).keyIds, idsOf([a]))
  await vault.merge([[a2], [b1]])
  const check = async (each: typeof vault): Promise<void> => {
    for (const from of [a1, a2, b1, b2]) {
      const person = await each.personOf([from])
      assert.deepEqual(person.keyIds, idsOf([a, b]))
      assert.deepEqual(sorted(person.tokens), sorted([a1, a2, b1, b2]))
      assert.deepEqual(await each.keysFor([[from]]), [a])
    }
    assert.equal((await each.personOf([c])).keyIds.length, 1)
  }
  await check(vault)
  await vault.close()
  const again = await reopen()
  await check(again)
  // Erased, nothing of either is left, and whoever comes back is somebody new under each name.
  const { keyIds } = await again.personOf([b2])
  await again.destroyKeys(
    keyIds.map((id) => Buffer.from(id, 'latin1')),
    7,
    CERTIFICATE,
  )
  for (const from of [a1, a2, b1, b2]) assert.deepEqual(await again.personOf([from]), { keyIds: [], tokens: [] })
  const renewed = (await again.keysFor([[a1], [b1]])) as [DataKey, DataKey]
  assert.notDeepEqual(renewed[0].id, renewed[1].id, 'nothing says that they were one')
  for (const key of renewed) assert.ok(!keyIds.includes(latin1(key.id)))
  await again.close()
})

test('an alias that is split off is somebody else’s at once, and stays so in an event with the others', async () => {
  const { vault, reopen } = await stage()
  const [phone, mail] = [randomToken(), randomToken()]
  const [key] = (await vault.keysFor([[mail, phone]])) as [DataKey]
  await vault.insert([])
  assert.equal(await vault.split([phone]), 1)
  assert.equal(await vault.split([randomToken()]), 0, 'nobody')
  await assert.rejects(vault.split([mail]), { code: 'BAD_REQUEST' }, 'what is under the key could not be found by anything')
  await vault.close()
  const again = await reopen()
  assert.deepEqual((await again.personOf([mail])).tokens, [mail])
  const [of, together, back] = (await again.keysFor([[phone], [mail, phone], [phone, mail]])) as [DataKey, DataKey, DataKey]
  assert.notDeepEqual(of.id, key.id)
  assert.deepEqual(together.id, key.id)
  assert.deepEqual(back.id, of.id)
  assert.deepEqual((await again.personOf([phone])).keyIds, idsOf([of]))
  assert.deepEqual((await again.personOf([mail])).keyIds, idsOf([key]))
  await again.close()
})

test('an alias two people share is the first one’s; the second keeps a key of their own, and neither is reached from the other', async () => {
  const { vault } = await stage()
  const [desk, ann, bob] = [randomToken(), randomToken(), randomToken()]
  const [first, second] = (await vault.keysFor([[ann, desk], [bob]])) as [DataKey, DataKey]
  assert.deepEqual(await vault.keysFor([[bob, desk]]), [second])
  assert.deepEqual((await vault.personOf([bob])).keyIds, idsOf([second]))
  assert.deepEqual((await vault.personOf([desk])).keyIds, idsOf([first]))
  // Somebody unknown with the shared alias is counted as its owner: what only the alias says, nobody can tell apart.
  const stranger = randomToken()
  assert.deepEqual(await vault.keysFor([[stranger, desk]]), [first])
  assert.deepEqual(sorted((await vault.personOf([ann])).tokens), sorted([ann, desk, stranger]))
  await vault.close()
})

test('several people in one event: each part is its owner’s, also of one person in two roles under two names', async () => {
  const { vault } = await stage()
  const [phone, mail, agent, call] = [randomToken(), randomToken(), randomToken(), randomToken()]
  await vault.keysFor([[phone, mail]])
  const [asCaller, asGuest, other, own] = (await vault.keysFor([[phone], [mail], [agent], [call]])) as [DataKey, DataKey, DataKey, DataKey]
  assert.deepEqual(asCaller.id, asGuest.id, 'one key')
  const row = rowOf(
    [
      { key: asCaller, disclosures: ['caller'] },
      { key: other, disclosures: ['agent'] },
      { key: asGuest, disclosures: ['guest'] },
      { key: own, disclosures: ['nobody’s'] },
    ],
    { tokens: [0, 1, 2, 3].map((owner) => ({ kind: 'name', token: randomToken(), owner })) },
  )
  await vault.insert([row])
  const found = []
  for await (const each of vault.rowsUnder(new Set(idsOf([asCaller])))) found.push(each)
  assert.equal(found.length, 1)
  assert.deepEqual(found[0]?.keyIds, idsOf([asCaller]))
  assert.equal(found[0]?.tokens.length, 2)
  assert.equal(found[0]?.others, 2)
  assert.equal(found[0]?.redacted, false)
  await vault.close()
})

test('what a key row does not say is found from the alias rows: a damaged one, one that is gone, one that is full', async () => {
  for (const harm of ['damaged', 'gone', 'full'] as const) {
    const { vault, folder, reopen } = await stage()
    const names = Array.from({ length: harm === 'full' ? 300 : 3 }, randomToken)
    const [key] = (await vault.keysFor([[names[0] as string]])) as [DataKey]
    for (const name of names.slice(1)) await vault.keysFor([[names[0] as string, name]])
    await vault.insert([])
    await vault.close()
    if (harm !== 'full') {
      const db = await openDatabase(folder)
      const at = keyKey(latin1(key.id))
      if (harm === 'gone') await db.del(at)
      else {
        const value = Uint8Array.from((await db.get(at)) as Uint8Array)
        value[50] = (value[50] as number) ^ 1
        await db.put(at, value)
      }
      await db.close()
    }
    const again = await reopen()
    const person = await again.personOf([names[1] as string])
    assert.deepEqual(person.keyIds, idsOf([key]), harm)
    assert.deepEqual(sorted(person.tokens), sorted(names), harm)
    await again.destroyKeys([key.id], 7, CERTIFICATE)
    assert.deepEqual(await again.personOf(names), { keyIds: [], tokens: [] }, harm)
    await again.close()
    const db = await openDatabase(folder)
    for (const name of names) assert.equal(await db.get(aliasKey(name)), undefined, `${harm}: an alias row is left`)
    await db.close()
  }
})

test('more aliases than a key can name are not merged, and nothing changes', async () => {
  const { vault } = await stage()
  const many = Array.from({ length: 200 }, randomToken)
  const more = Array.from({ length: 60 }, randomToken)
  await vault.keysFor([many, more])
  await assert.rejects(vault.merge([[many[0] as string], [more[0] as string]]), { code: 'TOO_LARGE' })
  assert.equal((await vault.personOf([many[0] as string])).tokens.length, 200)
  await vault.close()
})

test('an alias that came back while its old key was being erased keeps its new key, and nothing of the old', async () => {
  const { vault, reopen } = await stage()
  const [phone, mail] = [randomToken(), randomToken()]
  const [old] = (await vault.keysFor([[phone, mail]])) as [DataKey]
  await vault.condemn(idsOf([old]))
  const [renewed] = (await vault.keysFor([[phone]])) as [DataKey]
  assert.notDeepEqual(renewed.id, old.id)
  assert.deepEqual((await vault.personOf([phone])).keyIds, idsOf([renewed]), 'nothing links the two')
  await vault.destroyKeys([old.id], 7, CERTIFICATE)
  await vault.close()
  const again = await reopen()
  assert.deepEqual(await again.personOf([phone]), { keyIds: idsOf([renewed]), tokens: [phone] })
  assert.deepEqual(await again.personOf([mail]), { keyIds: [], tokens: [] })
  assert.deepEqual(await again.keysFor([[phone]]), [renewed])
  await again.close()
})
