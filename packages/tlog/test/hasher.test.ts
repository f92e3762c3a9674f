import assert from 'node:assert/strict'
import { it } from 'node:test'
import * as noble from '../src/sha256.noble.ts'
import * as node from '../src/sha256.node.ts'

it('hashes in pieces as it does at once', () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255)
  for (const { sha256, sha256Hasher } of [node, noble]) {
    for (const cut of [0, 1, 63, 64, 65, 999, 1000]) {
      const hasher = sha256Hasher()
      hasher.update(bytes.subarray(0, cut))
      hasher.update(bytes.subarray(cut))
      assert.deepEqual(hasher.digest(), sha256(bytes))
    }
  }
})
