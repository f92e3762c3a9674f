import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  cosignatureVerifier,
  cosignedMessage,
  cosigner,
  ed25519Signer,
  ed25519Verifier,
  emptyRoot,
  encodeBase64,
  formatCheckpoint,
  formatNote,
  MAX_TREE_SIZE,
  openCheckpoint,
  parseCheckpoint,
  parseCosignature,
  parseNote,
  signNote,
  type Checkpoint,
  type NoteSignature,
} from '../src/index.ts'
import { flip, mth, refuses } from './oracle.ts'

const origin = 'log.example/calls'
const log = ed25519Signer(origin, new Uint8Array(32).fill(11))
const logKey = ed25519Verifier(log.vkey)
const witnesses = [21, 22, 23].map((n) => cosigner(`witness${n}.example`, new Uint8Array(32).fill(n)))
const witnessKeys = witnesses.map(({ vkey }) => cosignatureVerifier(vkey))
const checkpoint: Checkpoint = { origin, size: 5n, root: mth(0, 5) }
const text = formatCheckpoint(checkpoint)
const root64 = encodeBase64(checkpoint.root)
const TIME = 1_700_000_000n
const cosigned = (n: number, time = TIME): string =>
  signNote(
    text,
    [log],
    witnesses.slice(0, n).map((witness) => witness.cosign(text, time)),
  )

describe('checkpoints', () => {
  it('are three lines, and given back (property: any size, root, origin)', () => {
    assert.equal(text, `${origin}\n5\n${root64}\n`)
    const anyOrigin = fc.stringMatching(/^[a-z0-9./ +-]{1,60}$/)
    fc.assert(
      fc.property(anyOrigin, fc.bigInt(1n, MAX_TREE_SIZE), fc.uint8Array({ minLength: 32, maxLength: 32 }), (name, size, root) => {
        assert.deepEqual(parseCheckpoint(formatCheckpoint({ origin: name, size, root })), { origin: name, size, root: Uint8Array.from(root), extensions: [] })
      }),
    )
    assert.equal(parseCheckpoint(formatCheckpoint({ origin, size: 0n, root: emptyRoot() })).size, 0n)
  })

  it('are refused when malformed', () => {
    for (const bad of [
      `${origin}\n5\n`,
      `${origin}\n5\n${root64}\n\n`,
      `\n5\n${root64}\n`,
      `${origin}\n\n${root64}\n`,
      `${origin}\n5\n\n`,
      `${origin}\n\n5\n${root64}\n`,
      '\n',
      '\n\n\n',
      `${origin}\n05\n${root64}\n`,
      `${origin}\n00\n${root64}\n`,
      `${origin}\n+5\n${root64}\n`,
      `${origin}\n-5\n${root64}\n`,
      `${origin}\n5 \n${root64}\n`,
      `${origin}\n 5\n${root64}\n`,
      `${origin}\n5.0\n${root64}\n`,
      `${origin}\n0x5\n${root64}\n`,
      `${origin}\n5e0\n${root64}\n`,
      `${origin}\n5n\n${root64}\n`,
      `${origin}\n٥\n${root64}\n`,
      `${origin}\n9223372036854775808\n${root64}\n`,
      `${origin}\n18446744073709551616\n${root64}\n`,
      `${origin}\n${'9'.repeat(100)}\n${root64}\n`,
      `${origin}\n5\n${root64.slice(0, -1)}\n`,
      `${origin}\n5\n${root64}=\n`,
      `${origin}\n5\n${root64} \n`,
      `${origin}\n5\n${encodeBase64(new Uint8Array(31))}\n`,
      `${origin}\n5\n${encodeBase64(new Uint8Array(33))}\n`,
      `${origin}\n5\n${encodeBase64(new Uint8Array(64))}\n`,
      `${origin}\n5\n${root64.replace(/.=$/, 'B=')}\n`,
      `${'a'.repeat(256)}\n5\n${root64}\n`,
      `${'ü'.repeat(128)}\n5\n${root64}\n`,
      `${origin}\n0\n${root64}\n`,
      `${origin}\n5\n${root64}\nextension\n`,
    ])
      refuses(() => parseCheckpoint(bad), 'CHECKPOINT_MALFORMED')
    for (const bad of ['', text.slice(0, -1), text.replaceAll('\n', '\r\n'), `${origin}\t\n5\n${root64}\n`, `${origin}\0\n5\n${root64}\n`])
      refuses(() => parseCheckpoint(bad), 'NOTE_MALFORMED')
    parseCheckpoint(`${'a'.repeat(255)}\n5\n${root64}\n`)
    parseCheckpoint(`${origin}\n${MAX_TREE_SIZE}\n${root64}\n`)
  })

  it('keep extension lines only when asked to', () => {
    assert.deepEqual(parseCheckpoint(`${text}one\ntwo\n`, { extensions: 'allow' }).extensions, ['one', 'two'])
    refuses(() => parseCheckpoint(`${text}one\n\ntwo\n`, { extensions: 'allow' }), 'CHECKPOINT_MALFORMED')
    refuses(() => parseCheckpoint(`${text}one\n`, { extensions: 'refuse' }), 'CHECKPOINT_MALFORMED')
  })

  it('are not made of what cannot be read back', () => {
    refuses(() => formatCheckpoint({ ...checkpoint, origin: '' }), 'CHECKPOINT_MALFORMED')
    refuses(() => formatCheckpoint({ ...checkpoint, origin: 'a\nb' }), 'CHECKPOINT_MALFORMED')
    refuses(() => formatCheckpoint({ ...checkpoint, origin: 'a\rb' }), 'NOTE_MALFORMED')
    refuses(() => formatCheckpoint({ ...checkpoint, origin: '\ud800' }), 'TEXT_ENCODING')
    refuses(() => formatCheckpoint({ ...checkpoint, size: -1n }), 'SIZE_OUT_OF_RANGE')
    refuses(() => formatCheckpoint({ ...checkpoint, size: 5 as unknown as bigint }), 'SIZE_OUT_OF_RANGE')
    refuses(() => formatCheckpoint({ ...checkpoint, size: 0n }), 'CHECKPOINT_MALFORMED')
    refuses(() => formatCheckpoint({ ...checkpoint, root: new Uint8Array(31) }), 'HASH_LENGTH')
  })
})

describe('opening a checkpoint', () => {
  it('takes it from the log named, signed by its key', () => {
    const opened = openCheckpoint(cosigned(0), { origin, log: [logKey] })
    assert.deepEqual([opened.origin, opened.size, opened.root, opened.cosignatures], [origin, 5n, checkpoint.root, []])
    refuses(() => openCheckpoint(cosigned(0), { origin: 'other', log: [logKey] }), 'ORIGIN_MISMATCH')
    refuses(() => openCheckpoint(cosigned(0), { origin, log: [] }), 'NOTE_UNVERIFIED')
    const other = ed25519Verifier(ed25519Signer(origin, new Uint8Array(32).fill(12)).vkey)
    refuses(() => openCheckpoint(cosigned(0), { origin, log: [other] }), 'NOTE_UNVERIFIED')
    assert.equal(openCheckpoint(cosigned(0), { origin, log: [other, logKey] }).size, 5n)
  })

  it('does not take witnesses in place of the log', () => {
    const unsigned = formatNote(
      text,
      witnesses.map((witness) => witness.cosign(text, TIME)),
    )
    refuses(() => openCheckpoint(unsigned, { origin, log: [logKey], witnesses: witnessKeys }), 'NOTE_UNVERIFIED')
  })

  it('counts witnesses against the quorum', () => {
    for (let signed = 0; signed <= 3; signed++) {
      for (let quorum = 0; quorum <= 3; quorum++) {
        const open = (): unknown => openCheckpoint(cosigned(signed), { origin, log: [logKey], witnesses: witnessKeys, quorum })
        if (signed >= quorum) open()
        else refuses(open, 'QUORUM_NOT_MET')
      }
    }
    const opened = openCheckpoint(cosigned(3), { origin, log: [logKey], witnesses: witnessKeys.slice(1) })
    assert.deepEqual(
      opened.cosignatures.map(({ name, time }) => [name, time]),
      [
        ['witness22.example', TIME],
        ['witness23.example', TIME],
      ],
    )
    for (const quorum of [-1, Number.NaN, 1.5])
      refuses(() => openCheckpoint(cosigned(3), { origin, log: [logKey], witnesses: witnessKeys, quorum }), 'INVALID_ARGUMENT')
  })

  it('does not count one key twice, under two names or as log and witness', () => {
    const twin = cosigner('twin.example', new Uint8Array(32).fill(21))
    const note = signNote(text, [log], [witnesses[0]!.cosign(text, TIME), twin.cosign(text, TIME)])
    refuses(() => openCheckpoint(note, { origin, log: [logKey], witnesses: [witnessKeys[0]!, cosignatureVerifier(twin.vkey)], quorum: 2 }), 'INVALID_ARGUMENT')
    const self = cosigner('self.example', new Uint8Array(32).fill(11))
    refuses(() => openCheckpoint(note, { origin, log: [logKey], witnesses: [cosignatureVerifier(self.vkey)] }), 'INVALID_ARGUMENT')
  })
})

describe('cosignature/v1', () => {
  const witness = witnesses[0]!
  const key = witnessKeys[0]!
  const made = witness.cosign(text, TIME)

  it('signs header, time and the whole text', () => {
    assert.equal(new TextDecoder().decode(cosignedMessage(text, TIME)), `cosignature/v1\ntime 1700000000\n${text}`)
    assert.equal(made.signature.length, 72)
    assert.equal(parseCosignature(made.signature).time, TIME)
    assert.equal(key.verify(new TextEncoder().encode(text), made.signature), true)
    // Reads at the blob's own place, also in a larger buffer.
    assert.equal(parseCosignature(Uint8Array.from([9, 9, 9, ...made.signature]).subarray(3)).time, TIME)
  })

  it('is refused for any bit of time or signature turned, and any byte of the text', () => {
    const open = (signature: NoteSignature, body = text): unknown =>
      openCheckpoint(signNote(body, [log], [signature]), { origin, log: [logKey], witnesses: [key], quorum: 1 })
    open(made)
    for (let bit = 0; bit < 72 * 8; bit += 3) refuses(() => open({ ...made, signature: flip(made.signature, bit) }), 'SIGNATURE_INVALID')
    for (let length = 1; length < 72; length++) refuses(() => open({ ...made, signature: made.signature.subarray(0, length) }), 'SIGNATURE_INVALID')
    refuses(() => open({ ...made, signature: Uint8Array.from([...made.signature, 0]) }), 'SIGNATURE_INVALID')
    refuses(() => open(made, formatCheckpoint({ ...checkpoint, size: 6n })), 'SIGNATURE_INVALID')
    refuses(() => open({ ...made, name: 'mallory.example' }), 'QUORUM_NOT_MET')
  })

  it('has a time in 1..2^63-1', () => {
    assert.equal(parseCosignature(witness.cosign(text, MAX_TREE_SIZE).signature).time, MAX_TREE_SIZE)
    for (const time of [0n, -1n, MAX_TREE_SIZE + 1n]) refuses(() => witness.cosign(text, time), 'INVALID_ARGUMENT')
    refuses(() => parseCosignature(new Uint8Array(72).fill(0xff)), 'COSIGNATURE_MALFORMED')
    for (const length of [0, 7, 8]) refuses(() => parseCosignature(new Uint8Array(length)), 'COSIGNATURE_MALFORMED')
    // A rightly signed cosignature without a time is still refused.
    const timeless = ed25519Signer('x', new Uint8Array(32).fill(21)).sign(cosignedMessage(text, 0n))
    assert.equal(key.verify(new TextEncoder().encode(text), Uint8Array.from([...new Uint8Array(8), ...timeless])), false)
  })

  it('is not a log signature, nor the reverse, though made with one key', () => {
    const same = ed25519Signer('same', new Uint8Array(32).fill(21))
    const message = new TextEncoder().encode(text)
    assert.equal(ed25519Verifier(same.vkey).verify(message, made.signature.subarray(8)), false)
    assert.equal(key.verify(message, Uint8Array.from([...made.signature.subarray(0, 8), ...same.sign(message)])), false)
  })

  it('keeps the lines of keys nobody knows, ML-DSA-44 sized too', () => {
    const grease: NoteSignature = { name: 'grease.example', keyId: 1, signature: new Uint8Array(2428).fill(5) }
    const opened = openCheckpoint(signNote(text, [log], [made, grease]), { origin, log: [logKey], witnesses: [key], quorum: 1 })
    assert.equal(opened.note.signatures.length, 3)
    assert.equal(parseNote(cosigned(2)).signatures.length, 3)
  })
})
