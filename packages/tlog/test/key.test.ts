import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  cosignatureVerifier,
  cosigner,
  decodeBase64,
  ed25519PublicKey,
  ed25519Signer,
  ed25519Verifier,
  encodeBase64,
  formatSkey,
  formatVkey,
  keyId,
  parseSkey,
  parseVkey,
  TYPE_COSIGNATURE_V1,
  TYPE_ED25519,
  TYPE_ML_DSA_44,
} from '../src/index.ts'
import { flip, refuses } from './oracle.ts'

const seed = new Uint8Array(32).map((_, i) => i * 7)
const publicKey = ed25519PublicKey(seed)
const vkey = formatVkey('log.example/a', TYPE_ED25519, publicKey)
const skey = formatSkey('log.example/a', TYPE_ED25519, seed)
const [, name, id, material] = /^(.+?)\+(.{8})\+(.+)$/.exec(vkey) as unknown as [string, string, string, string]

describe('vkeys and skeys', () => {
  it('are given back, for every type the package names', () => {
    for (const [type, bytes] of [
      [TYPE_ED25519, publicKey],
      [TYPE_COSIGNATURE_V1, publicKey],
      [TYPE_ML_DSA_44, new Uint8Array(1312).fill(3)],
    ] as const) {
      const text = formatVkey('log.example/a', type, bytes)
      assert.deepEqual(parseVkey(text), { name: 'log.example/a', keyId: keyId('log.example/a', type, bytes), type, publicKey: bytes })
    }
    assert.deepEqual(parseSkey(skey), { name: 'log.example/a', type: TYPE_ED25519, seed })
    assert.equal(ed25519Signer('log.example/a', seed).vkey, vkey)
    assert.equal(cosigner('log.example/a', seed).vkey, formatVkey('log.example/a', TYPE_COSIGNATURE_V1, publicKey))
  })

  it('are split at the first two plus signs only', () => {
    // Seeds are tried until base64 holds a plus sign.
    for (let i = 0; ; i++) {
      const key = ed25519PublicKey(seed.map((byte) => byte ^ i))
      const text = formatVkey('n', TYPE_ED25519, key)
      assert.deepEqual(parseVkey(text).publicKey, key)
      if (text.split('+').length > 3) break
    }
  })

  it('are refused when the key ID is not that of the key: every digit, every character', () => {
    for (let i = 0; i < 8; i++) {
      const digit = (Number.parseInt(id[i]!, 16) ^ 1).toString(16)
      refuses(() => parseVkey(`${name}+${id.slice(0, i)}${digit}${id.slice(i + 1)}+${material}`), 'KEY_MALFORMED')
    }
    for (let i = 0; i < 33; i++) {
      const damaged = encodeBase64(flip(decodeBase64(material), i * 8 + 2))
      refuses(() => parseVkey(`${name}+${id}+${damaged}`), 'KEY_MALFORMED', 'KEY_UNSUPPORTED')
    }
    refuses(() => parseVkey(`other+${id}+${material}`), 'KEY_MALFORMED')
    refuses(() => parseSkey(skey.replace('log.example/a', 'log.example/b')), 'KEY_MALFORMED')
  })

  it('are refused when malformed', () => {
    for (const text of [
      '',
      '+',
      '++',
      name,
      `${name}+${id}`,
      `${name}+${id}+`,
      `+${id}+${material}`,
      `${name}+${id.toUpperCase()}+${material}`,
      `${name}+${id.slice(1)}+${material}`,
      `${name}+0${id}+${material}`,
      `${name}+${id}+${material.slice(1)}`,
      `${name}+${id}+${material}=`,
      `${name}+${id}+${material}\n`,
      ` ${name}+${id}+${material}`,
      `na me+${id}+${material}`,
      `${name}+${id}+AQ==`,
      skey,
    ])
      refuses(() => parseVkey(text), 'KEY_MALFORMED')
    for (const text of ['', vkey, skey.slice(1), skey.replace('PRIVATE+KEY+', 'private+key+'), skey.slice(0, -4), `${skey}A`])
      refuses(() => parseSkey(text), 'KEY_MALFORMED')
    for (const type of [0x00, 0x02, 0x03, 0x05, 0xfa, 0xff]) {
      refuses(() => formatVkey('n', type, publicKey), 'KEY_UNSUPPORTED')
      const id2 = keyId('n', type, publicKey).toString(16).padStart(8, '0')
      refuses(() => parseVkey(`n+${id2}+${encodeBase64(Uint8Array.from([type, ...publicKey]))}`), 'KEY_UNSUPPORTED')
    }
    for (const length of [0, 31, 33, 64]) refuses(() => formatVkey('n', TYPE_ED25519, new Uint8Array(length).fill(9)), 'KEY_MALFORMED')
    for (const length of [0, 31, 33, 64]) {
      refuses(() => ed25519Signer('n', new Uint8Array(length)), 'KEY_MALFORMED')
      refuses(() => cosigner('n', new Uint8Array(length)), 'KEY_MALFORMED')
      refuses(() => formatSkey('n', TYPE_ED25519, new Uint8Array(length)), 'KEY_MALFORMED')
    }
  })

  it('are refused when of small order: anyone can sign under such a key', () => {
    for (const y of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31)), Uint8Array.of(0xec, ...new Uint8Array(30).fill(0xff), 0x7f)]) {
      const id2 = keyId('n', TYPE_ED25519, y).toString(16).padStart(8, '0')
      refuses(() => parseVkey(`n+${id2}+${encodeBase64(Uint8Array.from([TYPE_ED25519, ...y]))}`), 'KEY_MALFORMED')
    }
  })

  it('are not taken for another type: a log key cannot cosign and the reverse', () => {
    refuses(() => cosignatureVerifier(vkey), 'KEY_UNSUPPORTED')
    refuses(() => ed25519Verifier(cosigner('n', seed).vkey), 'KEY_UNSUPPORTED')
    refuses(() => ed25519Verifier(formatVkey('n', TYPE_ML_DSA_44, new Uint8Array(1312))), 'KEY_UNSUPPORTED')
  })
})
