import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import {
  TYPE_ED25519,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verifier,
  emptyRoot,
  formatCheckpoint,
  formatVkey,
  keyId,
  openCheckpoint,
  signNote,
} from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import { publishedPath } from '../../src/publish/published.ts'
import { bears, signPublished } from '../../src/publish/sign-published.ts'

const data = mkdtempSync(join(tmpdir(), 'sealtrail-published-'))
after(() => rmSync(data, { recursive: true, force: true }))
const ORIGIN = 'audit.example.com/calls'
const seeds = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte))
const publicKeys = seeds.map((seed) => ed25519PublicKey(seed))
const signerOf = (i: number, name = ORIGIN): Signer => {
  const publicKey = publicKeys[i] as Uint8Array
  return { name, keyId: keyId(name, TYPE_ED25519, publicKey), sign: (text) => ed25519Sign(seeds[i] as Uint8Array, text) }
}
const [old, next, other] = [signerOf(0), signerOf(1), signerOf(2, 'witness.example.com')] as const
const text = formatCheckpoint({ origin: ORIGIN, size: 0n, root: emptyRoot() })

test('a published checkpoint gets the signature of a newer key, keeps what it has, and gets none that no key of the log signed', () => {
  const path = publishedPath(data, 'calls')
  const own = publicKeys.slice(0, 2)
  signPublished(data, 'calls', [old, next], own)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, signNote(text, [old, other]))
  signPublished(data, 'calls', [old, next], own)
  const signed = readFileSync(path, 'utf8')
  assert.ok(bears(signed, [old, next, other]))
  for (const key of own) assert.ok(openCheckpoint(signed, { origin: ORIGIN, log: [ed25519Verifier(formatVkey(ORIGIN, TYPE_ED25519, key))] }))
  signPublished(data, 'calls', [old, next], own)
  assert.equal(readFileSync(path, 'utf8'), signed, 'again: nothing is missing')
  // After the old one is retired.
  signPublished(data, 'calls', [next], own)
  assert.equal(readFileSync(path, 'utf8'), signed)
  for (const strange of [signNote(text, [other]), signNote(text.replace('calls', 'others'), [old]), 'nothing']) {
    writeFileSync(path, strange)
    signPublished(data, 'calls', [old, next], own)
    assert.equal(readFileSync(path, 'utf8'), strange)
  }
})
