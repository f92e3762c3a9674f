import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from '../src/index.ts'
import { refuses } from './oracle.ts'

describe('base64', () => {
  it('is that of RFC 4648 §10 and of the platform (property)', () => {
    const pairs = [
      ['', ''],
      ['f', 'Zg=='],
      ['fo', 'Zm8='],
      ['foo', 'Zm9v'],
      ['foob', 'Zm9vYg=='],
      ['fooba', 'Zm9vYmE='],
      ['foobar', 'Zm9vYmFy'],
    ] as const
    for (const [text, base64] of pairs) {
      assert.equal(encodeBase64(encodeUtf8(text)), base64)
      assert.equal(decodeUtf8(decodeBase64(base64)), text)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString('base64'))
        assert.deepEqual(decodeBase64(encodeBase64(bytes)), Uint8Array.from(bytes))
      }),
    )
  })

  it('has one text for each value: of all texts of four characters, those written for some bytes', () => {
    const alphabet = 'AQgwBRhx+/=-_ \n'
    for (const a of alphabet)
      for (const b of alphabet)
        for (const c of alphabet)
          for (const d of alphabet) {
            const text = a + b + c + d
            const canonical = Buffer.from(text, 'base64').toString('base64') === text
            if (canonical) assert.equal(encodeBase64(decodeBase64(text)), text)
            else refuses(() => decodeBase64(text), 'BASE64')
          }
    for (const text of ['A', 'AA', 'AAA', 'AA=', '=', '==', '====', 'A===', 'AAAA=', 'AAAA==', 'AAAA====', 'ÀAAA', 'AAA\u0141', 'AA==AAAA', 'Zg==\n'])
      refuses(() => decodeBase64(text), 'BASE64')
  })
})

describe('UTF-8', () => {
  it('is strict both ways and keeps a byte order mark', () => {
    assert.equal(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), '\ufeffa')
    refuses(() => encodeUtf8('\ud800'), 'TEXT_ENCODING')
    refuses(() => encodeUtf8('a\udfffb'), 'TEXT_ENCODING')
    refuses(() => decodeUtf8(Uint8Array.of(0xc3)), 'TEXT_ENCODING')
    refuses(() => decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80)), 'TEXT_ENCODING')
  })
})
