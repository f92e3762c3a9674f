import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { PatternSearch } from '../../src/privacy/patterns.ts'
import { searchFiles } from '../../src/privacy/search.ts'
import type { Pattern } from '../../src/privacy/work-file.ts'

/** What `indexOf` finds of each pattern, everywhere. */
function naive(bytes: Buffer, patterns: readonly Pattern[]): string[] {
  const found: string[] = []
  for (const { what, bytes: wanted } of patterns) for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) found.push(`${at} ${what}`)
  return found.sort()
}

const found = (bytes: Buffer, patterns: readonly Pattern[]): string[] =>
  [...new PatternSearch(patterns).in(bytes)].map(({ at, pattern }) => `${at} ${pattern.what}`).sort()

describe('the search for many patterns', () => {
  test('finds what indexOf finds, in texts of few different bytes too', () => {
    const byte = fc.constantFrom(0, 1, 255)
    const piece = fc.array(byte, { minLength: 8, maxLength: 20 }).map((list) => Buffer.from(list))
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), fc.array(fc.oneof(piece, fc.nat(11)), { maxLength: 30 }), (wanted, parts) => {
        const patterns = wanted.map((bytes, i) => ({ what: `p${i}`, bytes }))
        const text = Buffer.concat(parts.map((part) => (typeof part === 'number' ? (wanted[part % wanted.length] as Buffer) : part)))
        assert.deepEqual(found(text, patterns), naive(text, patterns))
      }),
      { numRuns: process.env['SLOW'] === '1' ? 5_000 : 300 },
    )
  })

  test('finds each of thousands of patterns at any place, and none that is one bit off', () => {
    const patterns = Array.from({ length: 3_000 }, (_, i) => ({ what: `p${i}`, bytes: randomBytes(12 + (i % 30)) }))
    const search = new PatternSearch(patterns)
    const text = randomBytes(400_000)
    const wanted = new Set<string>()
    patterns.forEach(({ what, bytes }, i) => {
      if (i % 3 === 0) return
      const planted = Buffer.from(bytes)
      if (i % 3 === 1) wanted.add(what)
      else planted[i % 12] = (planted[i % 12] as number) ^ 0x10
      text.set(planted, i * 100 + (i % 50))
    })
    assert.deepEqual(new Set([...search.in(text)].map(({ pattern }) => pattern.what)), wanted)
  })

  test('refuses patterns so short that they would be found by chance, and finds nothing with none', () => {
    assert.throws(() => new PatternSearch([{ what: 'short', bytes: Buffer.alloc(7) }]), RangeError)
    assert.deepEqual(found(Buffer.alloc(100), []), [])
  })
})

describe('the search of a directory', () => {
  const token = { what: 'alias token', bytes: randomBytes(16) }
  const head = { what: 'ciphertext', bytes: randomBytes(40) }

  test('names each file and what stands in it: across two pieces, at both ends, in folders within folders', () =>
    inFolder(async (data) => {
      mkdirSync(join(data, 'vault', 'lost'), { recursive: true })
      const piece = 4 * 1024 * 1024
      const across = randomBytes(2 * piece + 30)
      across.set(head.bytes, piece - 39)
      across.set(token.bytes, 2 * piece - 1)
      writeFileSync(join(data, 'across'), across)
      writeFileSync(join(data, 'vault', 'first'), Buffer.concat([token.bytes, randomBytes(5)]))
      writeFileSync(join(data, 'vault', 'lost', 'last'), Buffer.concat([randomBytes(5), head.bytes, token.bytes]))
      writeFileSync(join(data, 'vault', 'cut'), head.bytes.subarray(0, 39))
      writeFileSync(join(data, 'work.json'), token.bytes)
      writeFileSync(join(data, 'empty'), '')
      symlinkSync(join(data, 'work.json'), join(data, 'link'))
      const { files, bytes, patterns, found: names } = await searchFiles(data, [token, head], ['work.json'])
      assert.deepEqual(names, [
        { file: 'across', what: 'alias token' },
        { file: 'across', what: 'ciphertext' },
        { file: 'vault/first', what: 'alias token' },
        { file: 'vault/lost/last', what: 'alias token' },
        { file: 'vault/lost/last', what: 'ciphertext' },
      ])
      assert.deepEqual([files, bytes, patterns], [5, 2 * piece + 30 + 21 + 61 + 39, 2])
    }))

  test('a file that cannot be read is an error, never searched', { skip: process.getuid?.() === 0 ? 'root reads everything' : false }, () =>
    inFolder(async (data) => {
      writeFileSync(join(data, 'closed'), 'x')
      chmodSync(join(data, 'closed'), 0)
      await assert.rejects(searchFiles(data, [token], []), { code: 'DATA_UNWRITABLE' })
    }),
  )
})

async function inFolder(work: (data: string) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'sealtrail-search-'))
  try {
    await work(data)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}
