import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  ed25519Signer,
  ed25519Verifier,
  encodeBase64,
  encodeUtf8,
  formatNote,
  formatSignatureLine,
  MAX_NOTE_BYTES,
  parseNote,
  parseSignatureLine,
  signNote,
  verifyNote,
  type NoteSignature,
  type Verifier,
} from '../src/index.ts'
import { flip, refuses } from './oracle.ts'

const alice = ed25519Signer('alice.example/log', new Uint8Array(32).fill(1))
const bob = ed25519Signer('bob.example/log', new Uint8Array(32).fill(2))
const [aliceKey, bobKey] = [ed25519Verifier(alice.vkey), ed25519Verifier(bob.vkey)]
const TEXT = 'A text\n\nwith an empty line and ünïcode — dash.\n'
const good = signNote(TEXT, [alice])

/** A note with these signature lines, written without the package's checks. */
const raw = (text: string, ...lines: string[]): string => `${text}\n${lines.map((line) => `${line}\n`).join('')}`
const line = (name: string, bytes: Uint8Array): string => `— ${name} ${encodeBase64(bytes)}`
const blob = (...start: number[]): Uint8Array => Uint8Array.from([...start, ...new Uint8Array(64)])

describe('signed notes', () => {
  it('are given back as they were signed, bytes or text', () => {
    for (const note of [good, encodeUtf8(good)]) {
      const parsed = parseNote(note)
      assert.equal(parsed.text, TEXT)
      assert.equal(formatNote(parsed.text, parsed.signatures), good)
      assert.equal(verifyNote(parsed, [aliceKey]).verified.length, 1)
    }
  })

  it('are told apart by known and unknown keys, in order', () => {
    const note = parseNote(signNote(TEXT, [bob], parseNote(signNote(TEXT, [alice])).signatures))
    assert.deepEqual(
      verifyNote(note, [bobKey, aliceKey]).verified.map(({ name }) => name),
      [alice.name, bob.name],
    )
    const one = verifyNote(note, [bobKey])
    assert.deepEqual([one.verified.map(({ name }) => name), one.unknown.map(({ name }) => name)], [[bob.name], [alice.name]])
    refuses(() => verifyNote(note, []), 'NOTE_UNVERIFIED')
    refuses(() => verifyNote(note, [aliceKey, aliceKey]), 'INVALID_ARGUMENT')
  })

  it('are refused for any byte changed in the text or in a known signature', () => {
    const bytes = encodeUtf8(good)
    const signatureAt = bytes.lastIndexOf(0x20) + 1
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [0, 1, 5, 7]) {
        const damaged = flip(bytes, at * 8 + bit)
        // Changed in name or key ID the line becomes a stranger's; elsewhere it is malformed or wrong. Never verified.
        refuses(() => verifyNote(parseNote(damaged), [aliceKey]), 'NOTE_MALFORMED', 'TEXT_ENCODING', 'SIGNATURE_INVALID', 'NOTE_UNVERIFIED')
      }
    }
    assert.ok(signatureAt > 0)
    for (let length = 0; length < bytes.length; length++) {
      refuses(() => verifyNote(parseNote(bytes.subarray(0, length)), [aliceKey]), 'NOTE_MALFORMED', 'TEXT_ENCODING')
    }
  })

  it('are condemned by one wrong signature under a known key, whatever else is right', () => {
    const [right] = parseNote(good).signatures
    const wrong = { ...parseNote(signNote('Another text\n', [bob])).signatures[0]! }
    const note = parseNote(formatNote(TEXT, [right!, wrong]))
    refuses(() => verifyNote(note, [aliceKey, bobKey]), 'SIGNATURE_INVALID')
    assert.equal(verifyNote(note, [aliceKey]).verified.length, 1)
  })

  it('belong to a key only if name and key ID both fit', () => {
    const [right] = parseNote(good).signatures
    for (const stranger of [
      { ...right!, name: 'mallory.example' },
      { ...right!, keyId: right!.keyId ^ 1 },
    ]) {
      refuses(() => verifyNote(parseNote(formatNote(TEXT, [stranger])), [aliceKey]), 'NOTE_UNVERIFIED')
    }
  })

  it('take no truthy answer of a verifier for true', () => {
    const sloppy = { ...aliceKey, verify: () => 'yes' } as unknown as Verifier
    refuses(() => verifyNote(parseNote(good), [sloppy]), 'SIGNATURE_INVALID')
  })

  it('are refused when malformed', () => {
    const signature = formatSignatureLine(parseNote(good).signatures[0]!)
    const ok = raw('text\n', signature)
    parseNote(ok)
    const malformed = [
      '',
      '\n',
      '\n\n',
      'text\n',
      'text\n\n',
      signature,
      `\n${signature}`,
      ok.slice(0, -1),
      `${ok}\n`,
      ok.replace('\n\n', '\n'),
      `${ok} \n`,
      `${ok}text\n`,
      raw('text', signature),
      raw('te\rxt\n', signature),
      raw('te\txt\n', signature),
      raw('te\0xt\n', signature),
      raw('te\x1fxt\n', signature),
      raw('te\x0bxt\n', signature),
      ok.replaceAll('\n', '\r\n'),
      raw('text\n', signature, signature),
      raw('text\n', signature.slice(1)),
      raw('text\n', signature.replace('—', '-')),
      raw('text\n', signature.replace('— ', '—')),
      raw('text\n', signature.replace('— ', '—  ')),
      raw('text\n', `${signature} `),
      raw('text\n', ` ${signature}`),
      raw('text\n', signature.replace(' ', '\u00a0')),
      raw('text\n', signature.slice(0, -1)),
      raw('text\n', signature.replace(/=+$/, '')),
      raw('text\n', `${signature}=`),
      raw('text\n', `— name`),
      raw('text\n', `— name `),
      raw('text\n', '— name AAAA'),
      raw('text\n', '— name AAAAAA=='),
      raw('text\n', '— name AAAAAB=='),
      raw('text\n', '—  AAAAAAA='),
      raw('text\n', line('na+me', blob(1, 2, 3, 4))),
      raw('text\n', line('na\u00a0me', blob(1, 2, 3, 4))),
      raw('text\n', line('na\u2003me', blob(1, 2, 3, 4))),
      raw('text\n', line('na\u0085me', blob(1, 2, 3, 4))),
      raw('text\n', line('na\u2028me', blob(1, 2, 3, 4))),
      raw('text\n', `— name ${encodeBase64(blob(1, 2, 3, 4)).replace('A', '-')}`),
      raw('text\n', `— name ${encodeBase64(blob(255, 255, 255, 255)).replaceAll('/', '_')}`),
      raw('text\n', `— name ${encodeBase64(blob(1, 2, 3, 4)).replace('A', '\nA')}`),
    ]
    for (const note of malformed) refuses(() => parseNote(note), 'NOTE_MALFORMED')
  })

  it('are refused when not UTF-8, in bytes or as lone surrogates', () => {
    const bytes = encodeUtf8(good)
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x80]]) {
      refuses(() => parseNote(Uint8Array.from([...bad, ...bytes])), 'TEXT_ENCODING')
    }
    refuses(() => parseNote(`\ud800${good}`), 'TEXT_ENCODING')
    refuses(() => signNote('\udc00\n', [alice]), 'TEXT_ENCODING')
    // A byte order mark is part of the text, not swallowed: the signature then no longer fits.
    refuses(() => verifyNote(parseNote(Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes])), [aliceKey]), 'SIGNATURE_INVALID')
  })

  it('are refused beyond 100 signatures or 1 MiB, and taken up to there', () => {
    const lines = Array.from({ length: 101 }, (_, i) => line(`witness${i}`, blob(0, 0, 0, i)))
    assert.equal(parseNote(raw('text\n', ...lines.slice(1))).signatures.length, 100)
    refuses(() => parseNote(raw('text\n', ...lines)), 'NOTE_TOO_LARGE')
    const tail = raw('\n', lines[0]!)
    const most = MAX_NOTE_BYTES - encodeUtf8(tail).length
    assert.equal(parseNote('a'.repeat(most) + tail).signatures.length, 1)
    refuses(() => parseNote('a'.repeat(most + 1) + tail), 'NOTE_TOO_LARGE')
    refuses(() => parseNote('ü'.repeat(most / 2 + 1) + tail), 'NOTE_TOO_LARGE')
    refuses(() => parseNote(encodeUtf8('a'.repeat(most + 1) + tail)), 'NOTE_TOO_LARGE')
  })

  it('are not made of what cannot be read back', () => {
    const fits: NoteSignature = { name: 'n', keyId: 0, signature: Uint8Array.of(1) }
    assert.deepEqual(parseSignatureLine(formatSignatureLine(fits)), fits)
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\tb', 'a\0b']) refuses(() => formatSignatureLine({ ...fits, name }), 'INVALID_ARGUMENT')
    for (const keyId of [-1, 2 ** 32, 0.5, Number.NaN]) refuses(() => formatSignatureLine({ ...fits, keyId }), 'INVALID_ARGUMENT')
    refuses(() => formatSignatureLine({ ...fits, signature: new Uint8Array(0) }), 'INVALID_ARGUMENT')
    refuses(() => formatNote('text', [fits]), 'NOTE_MALFORMED')
    refuses(() => formatNote('te\rxt\n', [fits]), 'NOTE_MALFORMED')
    refuses(() => formatNote('text\n', []), 'INVALID_ARGUMENT')
    refuses(() => formatNote('text\n', [fits, fits]), 'NOTE_MALFORMED')
  })

  it('survive a round trip whatever the text (property), also with empty lines and lines that look like signatures', () => {
    const text = fc.array(fc.oneof(fc.constant(''), fc.constant(good.split('\n').at(-2)!), fc.string({ unit: 'grapheme' })), { maxLength: 6 })
    fc.assert(
      fc.property(text, (lines) => {
        const body = `${lines.map((l) => [...l].filter((c) => c >= ' ').join('')).join('\n')}\n`
        const note = parseNote(signNote(body, [alice, bob]))
        assert.equal(note.text, body)
        assert.equal(verifyNote(note, [aliceKey, bobKey]).verified.length, 2)
      }),
      { numRuns: 40 },
    )
  })
})
