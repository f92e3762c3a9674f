import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ErasureFiles } from '../../src/privacy/work-file.ts'
import type { ErasureFile } from '../../src/privacy/work-file.ts'

const ID = '00112233445566778899aabbccddeeff'
const OTHER = 'ff112233445566778899aabbccddeeff'
const bytes = (seed: number): string => Buffer.from(Array.from({ length: 16 }, (_, i) => (seed * 37 + i * 11) % 256)).toString('latin1')

const person = { keyIds: [bytes(1), bytes(2)], tokens: [bytes(3)] }
const asked: ErasureFile = {
  id: ID,
  asked: [
    { token: bytes(3), keyIds: [bytes(1)] },
    { token: bytes(7), keyIds: [] },
  ],
  person,
  work: null,
}
const running: ErasureFile = {
  id: ID,
  person,
  work: {
    interactions: [bytes(4)],
    tokens: [bytes(3), bytes(5)],
    rows: [
      { key: Buffer.alloc(24, 7), digests: ['NrMxsqBOf0CEpciWQ_B1otEw8mQUjHyQX6lyRVtu0GA'], tokens: [bytes(6)] },
      { key: Buffer.alloc(24, 8), digests: null, tokens: [] },
    ],
    patterns: [{ what: 'wrapped key', bytes: Buffer.alloc(73, 9) }],
    exports: [OTHER],
  },
}

/** Under the keys of these names, the current one first. */
const keyed = (...names: string[]): { tokens(text: string): string[] } => ({
  tokens: (text) => names.map((name) => createHmac('sha256', name).update(text).digest('latin1').slice(0, 16)),
})

describe('the work file of an erasure', () => {
  test('says what was written, durably replaced, and nobody else may read it', () =>
    inFolder((data) => {
      const files = new ErasureFiles(data, 'here/system', keyed('a'))
      assert.deepEqual([files.list(), files.read(ID)], [[], null])
      for (const file of [asked, running]) {
        files.write(file)
        assert.deepEqual(files.read(ID), file)
      }
      assert.deepEqual(files.list(), [ID])
      assert.equal(statSync(join(data, 'erasures', `${ID}.json`)).mode & 0o777, 0o600)
      assert.equal(statSync(join(data, 'erasures')).mode & 0o777, 0o700)
      files.remove(ID)
      files.remove(ID)
      assert.deepEqual([files.list(), files.read(ID)], [[], null])
    }))

  test('cut at any byte, or with any byte turned, it is damaged and never somebody else', () =>
    inFolder((data) => {
      const files = new ErasureFiles(data, 'here/system', keyed('a'))
      files.write(running)
      const path = join(data, 'erasures', `${ID}.json`)
      const whole = readFileSync(path)
      for (let end = 0; end < whole.length; end++) {
        writeFileSync(path, whole.subarray(0, end))
        assert.throws(() => files.read(ID), { code: 'DATA_CORRUPT' }, `cut at ${end}`)
      }
      for (let at = 0; at < whole.length; at++) {
        const turned = Buffer.from(whole)
        turned[at] = (turned[at] as number) ^ 1
        writeFileSync(path, turned)
        assert.throws(() => files.read(ID), { code: 'DATA_CORRUPT' }, `turned at ${at}`)
      }
    }))

  test('made up by who has no keys it is refused, and one from before the token key was rotated is not', () =>
    inFolder((data) => {
      const open = (...names: string[]): ErasureFiles => new ErasureFiles(data, 'here/system', keyed(...names))
      open('a').write(asked)
      assert.deepEqual(open('b', 'a').read(ID), asked)
      assert.throws(() => open('b').read(ID), { code: 'DATA_CORRUPT' })
      open('b', 'a').write(asked)
      assert.deepEqual(open('b').read(ID), asked)
    }))

  test('of another erasure, or of another server, it is refused', () =>
    inFolder((data) => {
      const files = new ErasureFiles(data, 'here/system', keyed('a'))
      files.write(running)
      const whole = readFileSync(join(data, 'erasures', `${ID}.json`))
      writeFileSync(join(data, 'erasures', `${OTHER}.json`), whole)
      assert.throws(() => files.read(OTHER), { code: 'DATA_CORRUPT' })
      assert.throws(() => new ErasureFiles(data, 'there/system', keyed('a')).read(ID), { code: 'DATA_CORRUPT' })
      assert.deepEqual(files.list().sort(), [ID, OTHER])
    }))
})

function inFolder(work: (data: string) => void): void {
  const data = mkdtempSync(join(tmpdir(), 'sealtrail-erasures-'))
  try {
    work(data)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}
