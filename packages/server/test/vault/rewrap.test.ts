import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import type { Keyring } from '../../src/keys/keyring.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import type { DataKey } from '../../src/vault/vault.ts'

const root = await mkdtemp(join(tmpdir(), 'sealtrail-rewrap-'))
after(() => rm(root, { recursive: true, force: true }))
let made = 0

async function fresh(): Promise<{ folder: string; keys: Keyring; vault: LevelVault; open(ring?: Keyring): Promise<LevelVault> }> {
  const folder = join(root, String(made++))
  const keys = openFileKeys({ folder: join(folder, 'keys'), create: true, now: () => 1_000, random: randomBytes })
  const open = (ring = keys): Promise<LevelVault> => LevelVault.open(join(folder, 'vault'), { keys: ring, random: randomBytes, now: () => 1_000 })
  return { folder, keys, vault: await open(), open }
}

const owner = (n: number): string[] => [`person-${n}`.padEnd(16, '_')]
const ask = async (vault: LevelVault, count: number): Promise<DataKey[]> => vault.keysFor(Array.from({ length: count }, (_, n) => owner(n)))
const asText = (keys: readonly DataKey[]): string[] => keys.map(({ id, key }) => Buffer.concat([id, key]).toString('hex'))

test('every key is wrapped under the current one, those made meanwhile too; erased ones stay erased; then the old key goes', async () => {
  const { folder, keys, vault, open } = await fresh()
  const count = 2_500
  const before = asText(await ask(vault, count))
  await vault.insert([])
  const [gone] = await vault.keysFor([owner(0)])
  await vault.destroyKeys([gone?.id as Uint8Array], 5, '0123456789abcdef'.repeat(2))
  const first = keys.wrappingId
  const rotated = await keys.rotate('wrapping')
  assert.equal(keys.wrappingId, rotated.id)
  // Not durable yet, made before and after the rotation.
  await vault.keysFor([['made-after______']])
  assert.deepEqual(
    await vault.wrapped().then(({ under }) => [...under].sort()),
    [
      [first, count - 1],
      [rotated.id, 1],
    ].sort(),
  )
  assert.throws(() => keys.end(rotated.id, 'destroyed'), { code: 'USAGE' })
  assert.equal(await vault.rewrap(rotated.id), count - 1)
  assert.equal(await vault.rewrap(rotated.id), 0, 'again: nothing is left')
  assert.deepEqual([...(await vault.wrapped()).under], [[rotated.id, count]])
  assert.deepEqual(asText(await ask(vault, count)).slice(1), before.slice(1))
  await vault.close()

  assert.equal(keys.end(first, 'destroyed').state, 'destroyed')
  assert.equal(keys.end(first, 'destroyed').ended, keys.list().find(({ id }) => id === first)?.ended, 'again: it stays as it was')
  const files = await Promise.all((await readdir(join(folder, 'keys'))).map((name) => readFile(join(folder, 'keys', name), 'utf8')))
  assert.equal(files.filter((text) => text.includes(first)).length, 1)
  const ring = openFileKeys({ folder: join(folder, 'keys'), create: false, now: () => 1_000, random: randomBytes })
  assert.deepEqual(
    ring.list().flatMap(({ purpose, state }) => (purpose === 'wrapping' ? [state] : [])),
    ['destroyed', 'current'],
  )
  const again = await open(ring)
  assert.deepEqual(asText(await ask(again, count)).slice(1), before.slice(1))
  assert.deepEqual((await again.keysById([gone?.id as Uint8Array]))[0]?.state, 'erased')
  await again.close()
})

test('a back-up of the vault from before the key was destroyed is an error, and never reads as erased', async () => {
  const { keys, vault } = await fresh()
  const wrapped = keys.wrap(randomBytes(32), 'here')
  const first = keys.wrappingId
  await keys.rotate('wrapping')
  keys.end(first, 'destroyed')
  assert.throws(
    () => keys.unwrap(wrapped, 'here'),
    (error: unknown) => error instanceof SealtrailError && error.code === 'KEY_UNKNOWN' && /destroyed on/.test(error.message),
  )
  await vault.close()
})

test('a destruction that died before the key file was gone is ended by the next who holds the ring alone', async () => {
  const { folder, keys, vault } = await fresh()
  await vault.close()
  const first = keys.wrappingId
  const path = join(folder, 'keys', 'wrapping-0001.json')
  const text = await readFile(path)
  await keys.rotate('wrapping')
  keys.end(first, 'destroyed')
  const { writeFile } = await import('node:fs/promises')
  await writeFile(path, text, { mode: 0o600 })
  const opening = { folder: join(folder, 'keys'), create: false, now: () => 1_000, random: randomBytes }
  const reading = openFileKeys(opening)
  assert.throws(() => reading.unwrap(keysWrap(keys, first), 'here'), { code: 'KEY_UNKNOWN' })
  assert.ok((await readdir(opening.folder)).includes('wrapping-0001.json'), 'whoever only reads removes nothing')
  openFileKeys({ ...opening, complete: true })
  assert.ok(!(await readdir(opening.folder)).includes('wrapping-0001.json'))
})

/** Something that says it is wrapped under a key. */
function keysWrap(keys: Keyring, id: string): Uint8Array {
  const wrapped = keys.wrap(randomBytes(32), 'here')
  wrapped.set(Buffer.from(id, 'hex'), 1)
  return wrapped
}
