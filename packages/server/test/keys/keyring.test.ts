import assert from 'node:assert/strict'
import { createHmac, createPublicKey, randomBytes, verify } from 'node:crypto'
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { openFileKeys, openRing } from '../../src/keys/files/keyring.ts'
import type { FileKeysOptions } from '../../src/keys/files/keyring.ts'
import { passphraseKms } from '../../src/keys/files/passphrase.ts'
import { OVERLAP_MS, signText, thumbprint } from '../../src/keys/answers.ts'
import { keyedHash, keyedHashes } from '../../src/keys/hashes.ts'
import { randomPool } from '../../src/keys/random-pool.ts'
import { ADDED_LATER, PURPOSES } from '../../src/keys/ring.ts'
import { WRAPPED_LENGTH } from '../../src/keys/wrap.ts'

const root = await mkdtemp(join(tmpdir(), 'sealtrail-keys-'))
after(() => rm(root, { recursive: true, force: true }))
let folders = 0

function options(change: Partial<FileKeysOptions> = {}): FileKeysOptions {
  return { folder: join(root, `ring-${folders++}`, 'keys'), create: true, now: () => 1_000_000, random: randomBytes, ...change }
}

const throws = (code: ErrorCode) => (error: unknown) => error instanceof SealtrailError && error.code === code

function verifies(raw: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' })
  return verify(null, message, key, signature)
}

async function bytesOf(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const name of (await readdir(folder)).sort()) files[name] = await readFile(join(folder, name), 'utf8')
  return files
}

test('the first start makes every key, readable by the owner alone; the next one changes nothing', async () => {
  const opening = options()
  const made = openFileKeys(opening)
  assert.equal((await stat(opening.folder)).mode & 0o777, 0o700)
  const files = await bytesOf(opening.folder)
  assert.deepEqual(Object.keys(files), PURPOSES.map((purpose) => `${purpose}-0001.json`).sort())
  for (const name of Object.keys(files)) assert.equal((await stat(join(opening.folder, name))).mode & 0o777, 0o600)
  const again = openFileKeys(opening)
  assert.deepEqual(await bytesOf(opening.folder), files)
  assert.deepEqual(again.list(), made.list())
  assert.deepEqual(again.logPublicKey, made.logPublicKey)
  assert.equal(again.name('x'), made.name('x'))
  assert.deepEqual(await readdir(join(opening.folder, '..')), ['keys'], 'nothing is left beside it')
})

test('an absent keyring is made only when asked for', () => {
  assert.throws(() => openFileKeys(options({ create: false })), throws('KEY_UNKNOWN'))
})

test('anything group or others may do is refused, for the folder and each file', async () => {
  const opening = options()
  openFileKeys(opening)
  for (const mode of [0o701, 0o710, 0o704, 0o750, 0o777]) {
    await chmod(opening.folder, mode)
    assert.throws(() => openFileKeys(opening), throws('KEY_PERMISSIONS'))
  }
  await chmod(opening.folder, 0o700)
  for (const name of await readdir(opening.folder)) {
    await chmod(join(opening.folder, name), 0o640)
    assert.throws(() => openFileKeys(opening), throws('KEY_PERMISSIONS'))
    await chmod(join(opening.folder, name), 0o600)
  }
  openFileKeys(opening)
  const target = join(opening.folder, 'log-0001.json')
  await rename(target, join(root, 'elsewhere.json'))
  await symlink(join(root, 'elsewhere.json'), target)
  assert.throws(() => openFileKeys(opening), throws('KEY_PERMISSIONS'), 'a symbolic link')
})

test('a lost key is an error, never replaced', async () => {
  for (const purpose of PURPOSES.filter((each) => !ADDED_LATER.has(each))) {
    const opening = options()
    openFileKeys(opening)
    await rm(join(opening.folder, `${purpose}-0001.json`))
    assert.throws(() => openFileKeys(opening), throws('KEY_UNKNOWN'), purpose)
    assert.equal((await readdir(opening.folder)).length, PURPOSES.length - 1)
  }
})

test('every byte of a key file changed is noticed or changes nothing of the key', async () => {
  const opening = options()
  const before = openFileKeys(opening).name('x')
  const path = join(opening.folder, 'naming-0001.json')
  const right = await readFile(path)
  for (let at = 0; at < right.length; at++) {
    const wrong = Buffer.from(right)
    wrong[at] = (wrong[at] as number) ^ 1
    await writeFile(path, wrong, { mode: 0o600 })
    let name = before
    try {
      name = openFileKeys(opening).name('x')
    } catch (error) {
      assert.ok(throws('DATA_CORRUPT')(error), `byte ${at}: ${error}`)
    }
    // Without a passphrase nothing authenticates the secret itself, nor its time: a changed secret is another key.
    const inSecret = at > right.indexOf('"secret":"') + 9
    if (!inSecret) assert.equal(name, before, `byte ${at}`)
  }
  await writeFile(path, right.subarray(0, 40))
  assert.throws(() => openFileKeys(opening), throws('DATA_CORRUPT'))
  await copyFile(join(opening.folder, 'token-0001.json'), path)
  assert.throws(() => openFileKeys(opening), throws('DATA_CORRUPT'), 'another purpose under the name')
})

test('two that start at once use one keyring; leftovers of a crash change nothing', async () => {
  const opening = options()
  await mkdir(`${opening.folder}.new-0000`, { recursive: true })
  await mkdir(opening.folder, { recursive: true, mode: 0o700 })
  let inner: string | null = null
  const outer = openFileKeys({
    ...opening,
    // The rival starts and finishes while the first is still making its keys.
    random: (bytes) => {
      inner ??= ((inner = ''), openFileKeys(opening).name('x'))
      return randomBytes(bytes)
    },
  })
  assert.equal(outer.name('x'), inner)
})

test('wrapped keys open in their place, also after rotations, and nowhere else', async () => {
  const opening = options()
  const keys = openFileKeys(opening)
  const secret = randomBytes(32)
  const wrapped = [keys.wrap(secret, 'here')]
  await keys.rotate('wrapping')
  wrapped.push(keys.wrap(secret, 'here'))
  assert.notDeepEqual(wrapped[0]?.subarray(1, 9), wrapped[1]?.subarray(1, 9), 'the new key wraps')
  for (const ring of [keys, openFileKeys(opening)]) for (const each of wrapped) assert.deepEqual(Buffer.from(ring.unwrap(each, 'here')), secret)
  const one = wrapped[1] as Uint8Array
  assert.equal(one.length, WRAPPED_LENGTH)
  assert.throws(() => keys.unwrap(one, 'there'), throws('DATA_CORRUPT'))
  for (let at = 0; at < one.length; at++) {
    const changed = Uint8Array.from(one)
    changed[at] = (changed[at] as number) ^ 1
    assert.throws(() => keys.unwrap(changed, 'here'), throws(at >= 1 && at <= 8 ? 'KEY_UNKNOWN' : 'DATA_CORRUPT'), `byte ${at}`)
    assert.throws(() => keys.unwrap(one.subarray(0, at), 'here'), throws('DATA_CORRUPT'))
  }
  assert.throws(() => openFileKeys(options()).unwrap(one, 'here'), throws('KEY_UNKNOWN'), 'a strange keyring')
})

test('thumbprints are those of RFC 8037 appendix A.3', () => {
  assert.equal(thumbprint('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

test('keys that sign answers rotate; the older ones keep their public half, and end a little later', async () => {
  let now = 1_000_000
  const opening = options({ now: () => now })
  const keys = openFileKeys(opening)
  const first = keys.answerKeys()
  assert.ok(verifies(Buffer.from(first.published[0].x, 'base64url'), Buffer.from('text'), Buffer.from(signText(first.secret, 'text'), 'base64')))
  now += 5_000
  const made = await keys.rotate('answers')
  const { published, secret } = keys.answerKeys()
  assert.deepEqual(published[1], { ...first.published[0], notAfterMs: now + OVERLAP_MS })
  assert.deepEqual([published.length, published[0].notBeforeMs, published[0].notAfterMs, published[0].keyid], [2, now, null, made.keyid])
  assert.equal(published[0].keyid, thumbprint(published[0].x))
  assert.ok(verifies(Buffer.from(published[0].x, 'base64url'), Buffer.from('text'), Buffer.from(signText(secret, 'text'), 'base64')))
  assert.deepEqual(openFileKeys(opening).answerKeys().published, published)
})

test('a keyring of an earlier version gets the key it lacks from whoever writes, nobody else, and locked like the others', async () => {
  for (const services of [[], [passphraseKms('correct horse battery')]]) {
    const opening = options()
    const made = await openRing(opening, services)
    for (const purpose of ADDED_LATER) await rm(join(opening.folder, `${purpose}-0001.json`))
    const before = await readdir(opening.folder)
    const lacking = await openRing(opening, services)
    assert.throws(() => lacking.answerKeys(), throws('KEY_UNKNOWN'))
    assert.deepEqual(await readdir(opening.folder), before)
    const completed = await openRing({ ...opening, complete: true }, services)
    assert.deepEqual(completed.logPublicKey, made.logPublicKey)
    assert.notEqual(completed.answerKeys().published[0].keyid, made.answerKeys().published[0].keyid)
    assert.deepEqual((await openRing(opening, services)).answerKeys().published, completed.answerKeys().published)
    assert.equal((await stat(join(opening.folder, 'answers-0001.json'))).mode & 0o777, 0o600)
    assert.equal((await readFile(join(opening.folder, 'answers-0001.json'), 'utf8')).includes('"locked"'), services.length > 0)
  }
})

test('signing keys sign as Ed25519 says, and what cannot be rotated says why', async () => {
  const opening = options()
  const keys = openFileKeys(opening)
  const message = Buffer.from('message')
  assert.ok(verifies(keys.logPublicKey, message, keys.signLog(message)))
  assert.ok(verifies(keys.segmentPublicKey, message, keys.signSegment(message)))
  assert.ok(!verifies(keys.segmentPublicKey, message, keys.signLog(message)))
  const [before] = keys.segmentPublicKeys
  await keys.rotate('segment')
  assert.ok(verifies(keys.segmentPublicKey, message, keys.signSegment(message)))
  assert.deepEqual(keys.segmentPublicKeys, [keys.segmentPublicKey, before])
  assert.deepEqual(openFileKeys(opening).segmentPublicKeys, keys.segmentPublicKeys)
  for (const purpose of ['naming', 'fingerprint'] as const)
    await assert.rejects(keys.rotate(purpose), (error: Error) => throws('USAGE')(error) && /resend/.test(error.message))
  await assert.rejects(keys.rotate('none' as 'log'), throws('USAGE'))
})

test('a key whose announcement is not sealed is never kept, and every key signs beside the older ones until these are retired', async () => {
  const opening = options()
  const keys = openFileKeys(opening)
  const files = await bytesOf(opening.folder)
  const list = keys.list()
  for (const purpose of ['log', 'segment', 'token', 'wrapping', 'answers'] as const) {
    const seen: string[] = []
    const refused = keys.rotate(purpose, async (made) => {
      seen.push(made.purpose, made.state)
      assert.deepEqual(await bytesOf(opening.folder), files, 'not there before it is announced')
      throw new SealtrailError('NOT_DURABLE')
    })
    await assert.rejects(refused, throws('NOT_DURABLE'))
    assert.deepEqual(seen, [purpose, 'current'])
    assert.deepEqual([await bytesOf(opening.folder), keys.list()], [files, list], purpose)
  }
  const first = keys.logPublicKey
  const made = await keys.rotate('log')
  assert.deepEqual(keys.logPublicKey, first, 'the older one vouches for both')
  const both = [first, Uint8Array.from(Buffer.from(String(made.publicKey), 'base64'))]
  for (const ring of [keys, openFileKeys(opening)]) {
    assert.deepEqual(
      ring.logSigners.map(({ publicKey }) => publicKey),
      both,
    )
    for (const { publicKey, sign } of ring.logSigners) assert.ok(verifies(publicKey, Buffer.from('m'), sign(Buffer.from('m'))))
  }
  keys.end(String(list.find(({ purpose }) => purpose === 'log')?.id), 'retired')
  assert.equal(keys.logSigners.length, 2, 'until the next start')
  const again = openFileKeys(opening)
  assert.deepEqual([again.logPublicKey, again.logSigners.length], [both[1], 1])
  assert.deepEqual(again.logPublicKeys, [both[1], both[0]], 'what the retired one signed is still known to be ours')
})

test('the list tells keys apart and says nothing of their secrets', async () => {
  const opening = options()
  const keys = openFileKeys(opening)
  await keys.rotate('wrapping')
  const list = keys.list()
  assert.equal(list.length, PURPOSES.length + 1)
  assert.equal(new Set(list.map(({ id }) => id)).size, list.length)
  assert.equal(new Set(list.map(({ fingerprint }) => fingerprint)).size, list.length)
  assert.deepEqual(
    list.filter(({ purpose }) => purpose === 'wrapping').map(({ state }) => state),
    ['previous', 'current'],
  )
  for (const text of Object.values(await bytesOf(opening.folder))) assert.ok(!JSON.stringify(list).includes((JSON.parse(text) as { secret: string }).secret))
})

test('keyed hashes are HMAC-SHA-256, for every length around a block and the scratch memory', () => {
  const key = randomBytes(32)
  const mine = keyedHash(key)
  const lengths = [...Array(140).keys(), 2729, 2730, 2731, 8190, 8191, 8192, 8193, 100_000]
  for (const length of lengths) {
    for (const text of ['a'.repeat(length), 'é'.repeat(length), '漢'.repeat(length), '😀'.repeat(length)]) {
      assert.equal(mine(text), createHmac('sha256', key).update(text, 'utf8').digest('binary'))
    }
    const bytes = randomBytes(length)
    assert.equal(mine(bytes), createHmac('sha256', key).update(bytes).digest('binary'))
  }
  assert.throws(() => keyedHash(randomBytes(31)), RangeError)
})

test('pooled randomness gives each byte once and keeps none', () => {
  let counter = 0
  const pools: Uint8Array[] = []
  const random = randomPool((bytes) => {
    const pool = Uint8Array.from({ length: bytes }, () => (counter = (counter + 1) % 251) + 1)
    pools.push(pool)
    return pool
  })
  let expected = 0
  const check = (bytes: Uint8Array): void => {
    for (const byte of bytes) assert.equal(byte, (expected = (expected + 1) % 251) + 1)
  }
  for (let i = 0; i < 1024; i++) check(random(16))
  assert.equal(pools.length, 1)
  check(random(32))
  assert.equal(random(1000).length, 1000)
  assert.equal(random(0).length, 0)
})

test('a worker computes the same hashes from what is exported for it, and gets no other key', () => {
  const keys = openFileKeys(options())
  const exported = keys.exportForIngest()
  assert.deepEqual(Object.keys(exported).sort(), ['fingerprint', 'naming', 'token'])
  const worker = keyedHashes(structuredClone(exported))
  assert.equal(worker.name('x'), keys.name('x'))
  assert.equal(worker.token('x'), keys.token('x'))
  assert.equal(worker.fingerprint(Buffer.from('x')), keys.fingerprint('x'))
  assert.deepEqual([keys.name('x').length, keys.token('x').length, keys.fingerprint('x').length], [32, 16, 16])
  assert.equal(new Set([keys.name('x').slice(0, 16), keys.token('x'), keys.fingerprint('x')]).size, 3)
})
