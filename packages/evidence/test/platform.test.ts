import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import * as node from '../src/platform.node.ts'
import * as web from '../src/platform.web.ts'
import { decodeBase64url, encodeBase64url, encodeHex } from '../src/text.ts'

test('Node and the other runtimes compute the same', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'grapheme' }), (bytes, text) => {
      assert.equal(web.sha256Hex(bytes), node.sha256Hex(bytes))
      assert.equal(web.textToBase64url(text), node.textToBase64url(text))
      assert.equal(web.sha256Base64url(node.textToBase64url(text)), node.sha256Base64url(node.textToBase64url(text)))
    }),
  )
})

test('base64url and hex have one text for each value', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = encodeBase64url(bytes)
      assert.equal(text, Buffer.from(bytes).toString('base64url'))
      assert.deepEqual(Buffer.from(decodeBase64url(text)!), Buffer.from(bytes))
      assert.equal(encodeHex(bytes), Buffer.from(bytes).toString('hex'))
    }),
  )
  for (const bad of ['A', 'AB', 'AAB', 'A=', 'AA==', 'A+', 'A/', 'A A', 'AAAAA', 'é']) assert.equal(decodeBase64url(bad), null, bad)
})

test('only platform.node.ts, its declaration and the command line name Node, and nothing else reads a clock or random numbers', () => {
  const folder = new URL('../src/', import.meta.url)
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.startsWith('cli/')) continue
    const text = readFileSync(new URL(file, folder), 'utf8')
    if (!['platform.node.ts', 'node.d.ts'].includes(file)) assert.doesNotMatch(text, /'node:/, file)
    assert.doesNotMatch(text, /\bDate\.now\b|new Date\(\s*\)|(?<!new )\bDate\(|Math\.random|performance\.|\bprocess\./, file)
  }
})
