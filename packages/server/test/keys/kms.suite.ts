import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { moveKeys } from '../../src/config/move-keys.ts'
import { SealtrailError } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { openFileKeys, openRing } from '../../src/keys/files/keyring.ts'
import type { FileKeysOptions } from '../../src/keys/files/keyring.ts'
import type { Keyring } from '../../src/keys/keyring.ts'
import type { Kms } from '../../src/keys/kms.ts'
import { PURPOSES } from '../../src/keys/ring.ts'
import type { KeyName } from '../../src/keys/ring.ts'

export const refuses =
  (...codes: ErrorCode[]) =>
  (error: unknown): boolean =>
    error instanceof SealtrailError && codes.includes(error.code)

export interface KmsUnderTest {
  /** The service with the key of this ring, and with another one (another passphrase, token key, KMS key). */
  open(): Promise<Kms>
  other(): Promise<Kms>
  /** Takes the service away until the function returned is called; left out: it cannot be away. */
  away?(): Promise<() => Promise<void>>
}

const NAME: KeyName = { purpose: 'wrapping', generation: 3, id: '0011223344556677', created: '2026-11-22T10:00:00.000Z' }

/** What every key service has to do, whatever is behind it. */
export function kmsSuite(called: string, service: KmsUnderTest, options: { readonly skip?: string | false } = {}): void {
  const folders: string[] = []
  after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))
  const ring = async (change: Partial<FileKeysOptions> = {}): Promise<FileKeysOptions> => {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-kms-'))
    folders.push(folder)
    return { folder: join(folder, 'keys'), create: true, now: () => 1_000_000, random: randomBytes, ...change }
  }
  const filesOf = async (folder: string): Promise<string[]> => Promise.all((await readdir(folder)).sort().map((name) => readFile(join(folder, name), 'utf8')))
  const says = (keys: Keyring): unknown => [
    keys.name('x'),
    keys.token('x'),
    keys
      .list()
      .map(({ id, fingerprint, publicKey }) => `${id} ${fingerprint} ${publicKey}`)
      .sort(),
  ]
  const named = (what: string): string => `${called}: ${what}`

  test(named('a key opens under its own name and no other, and not when a byte of it was changed'), options, async () => {
    const kms = await service.open()
    const secret = randomBytes(32)
    const locked = await kms.lock(secret, NAME)
    assert.ok(!JSON.stringify(locked).includes(secret.toString('base64')))
    assert.deepEqual(Buffer.from(await kms.unlock(locked, NAME)), secret)
    for (const change of [{ purpose: 'token' }, { generation: 4 }, { id: '1011223344556677' }] as const)
      await assert.rejects(kms.unlock(locked, { ...NAME, ...change }), refuses('KEY_UNKNOWN', 'DATA_CORRUPT'), JSON.stringify(change))
    const bytes = Buffer.from(locked['secret'] as string, 'base64')
    for (const at of new Set([0, 1, bytes.length >> 1, bytes.length - 1])) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      await assert.rejects(kms.unlock({ ...locked, secret: changed.toString('base64') }, NAME), refuses('KEY_UNKNOWN', 'DATA_CORRUPT'), `byte ${at}`)
    }
    for (const broken of [undefined, 7, '', '!', 'AAAA'.repeat(4_000)])
      await assert.rejects(kms.unlock({ ...locked, secret: broken }, NAME), refuses('DATA_CORRUPT'), String(broken).slice(0, 9))
    assert.deepEqual(Buffer.from(await kms.unlock(locked, NAME)), secret, 'and it is still there')
    await kms.close()
  })

  test(named('another key does not open it, and says so'), options, async () => {
    const kms = await service.open()
    const other = await service.other()
    const locked = await kms.lock(randomBytes(32), NAME)
    await assert.rejects(other.unlock(locked, NAME), refuses('KEY_UNKNOWN'))
    await kms.close()
    await other.close()
  })

  test(named('a ring is made, opened again and rotated; its files alone are worth nothing'), options, async () => {
    const kms = await service.open()
    const opening = await ring()
    const made = await openRing(opening, [kms])
    const secrets = Object.values(made.exportForIngest() as unknown as Record<string, Uint8Array>).map((each) => Buffer.from(each).toString('base64'))
    const wrapped = made.wrap(randomBytes(32), 'here')
    for (const purpose of ['wrapping', 'segment', 'answers'] as const) await made.rotate(purpose)
    const signature = made.signSegment(Buffer.from('m'))
    const files = await filesOf(opening.folder)
    assert.equal(files.length, PURPOSES.length + 3)
    for (const text of files) {
      assert.ok(/"locked"|"held"/.test(text) && !text.includes('"secret":"' + secrets[0]), text.slice(0, 80))
      for (const secret of secrets) assert.ok(!text.includes(secret))
    }
    const again = await openRing({ ...opening, create: false }, [kms])
    assert.deepEqual(says(again), says(made))
    assert.deepEqual(again.signSegment(Buffer.from('m')), signature, 'Ed25519 is deterministic: a head signed again gives the same checkpoint')
    assert.equal(again.unwrap(wrapped, 'here').length, 32)
    const other = await service.other()
    await assert.rejects(openRing({ ...opening, create: false }, [other]), refuses('KEY_UNKNOWN'))
    await assert.rejects(openRing({ ...opening, create: false }, []), refuses('KEY_UNKNOWN'))
    assert.deepEqual(await filesOf(opening.folder), files, 'and nothing was changed by who could not open it')
    await kms.close()
    await other.close()
  })

  test(named('a ring in clear is moved in, dying before any key: the same again ends it, and never is a key without one that opens it'), options, async () => {
    const kms = await service.open()
    const opening = await ring()
    const before = says(openFileKeys(opening))
    const count = PURPOSES.length
    for (let dies = 0; dies <= count; dies++) {
      // One key more each time, none the first time.
      let left = Math.min(dies, 1)
      const dying = (bytes: number): Uint8Array => {
        if (left-- <= 0) throw new Error('dies')
        return randomBytes(bytes)
      }
      const run = moveKeys(opening.folder, [], [kms], dies === count ? randomBytes : dying)
      if (dies < count) await assert.rejects(run, /dies/)
      else assert.equal((await run).moved + (await run).kept, count)
      assert.deepEqual(says(await openRing({ ...opening, create: false }, [kms])), before, `after ${dies}`)
      if (dies === 0) assert.deepEqual(says(openFileKeys(opening)), before, 'untouched')
    }
    for (const text of await filesOf(opening.folder)) assert.match(text, /"locked"/)
    // And to another key of the same service, back and out.
    const other = await service.other()
    assert.equal((await moveKeys(opening.folder, [kms], [other], randomBytes)).moved, count)
    await assert.rejects(openRing(opening, [kms]), refuses('KEY_UNKNOWN'))
    assert.deepEqual(says(await openRing(opening, [other])), before)
    await assert.rejects(moveKeys(opening.folder, [kms], [], randomBytes), refuses('KEY_UNKNOWN'))
    assert.equal((await moveKeys(opening.folder, [other], [], randomBytes)).moved, count)
    assert.deepEqual(says(openFileKeys(opening)), before)
    await kms.close()
    await other.close()
  })

  const { away } = service
  if (away === undefined) return
  test(named('a service that is away is an error that says so, changes nothing, and ends with its absence'), options, async () => {
    const kms = await service.open()
    const opening = await ring()
    const before = says(await openRing(opening, [kms]))
    const files = await filesOf(opening.folder)
    const back = await away()
    await assert.rejects(
      (async () => {
        const again = await service.open()
        await openRing({ ...opening, create: false }, [again])
      })(),
      refuses('KEY_UNAVAILABLE'),
    )
    await assert.rejects(openRing({ ...opening, create: false, complete: true }, [kms]), refuses('KEY_UNAVAILABLE'))
    assert.deepEqual(await filesOf(opening.folder), files)
    await back()
    assert.deepEqual(says(await openRing({ ...opening, create: false }, [kms])), before, 'by itself, with the service that was open before')
    await kms.close()
  })
}
