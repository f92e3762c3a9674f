import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  cosignatureVerifier,
  cosigner,
  decideAddCheckpoint,
  decodeUtf8,
  ed25519Signer,
  ed25519Verifier,
  emptyRoot,
  encodeBase64,
  encodeUtf8,
  formatAddCheckpoint,
  formatCheckpoint,
  formatCosignatures,
  formatVkey,
  MAX_TREE_SIZE,
  parseAddCheckpoint,
  parseTlogSize,
  readCosignatures,
  signNote,
  TYPE_ED25519,
  type WitnessDecision,
  type Witnessed,
} from '../src/index.ts'
import { flip, mth, refuses, STEP, subproof } from './oracle.ts'

const origin = 'log.example/calls'
const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const log = ed25519Signer(origin, seed(11))
const rotated = ed25519Signer(origin, seed(12))
const stranger = ed25519Signer('stranger.example', seed(13))
const keys = [ed25519Verifier(log.vkey), ed25519Verifier(rotated.vkey)]
const textOf = (size: number, root = mth(0, size)): string => formatCheckpoint({ origin, size: BigInt(size), root })
const signed = (size: number, root = mth(0, size), by = [log]): string => signNote(textOf(size, root), by)
const at = (size: number): Witnessed => ({ size: BigInt(size), root: mth(0, size) })
const body = (old: number, size: number, proof = subproofOf(old, size), note = signed(size)): Uint8Array =>
  encodeUtf8(`old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${note}`)
const subproofOf = (old: number, size: number): Uint8Array[] => (old === 0 || old >= size ? [] : subproof(old, 0, size, true))
const decide = (request: Uint8Array, latest: Witnessed | null): WitnessDecision =>
  decideAddCheckpoint(request, (name) => (name === origin ? { keys, latest } : null))
const statusOf = (request: Uint8Array, latest: Witnessed | null): number => decide(request, latest).status

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const nextLetter = (letter: string): string => ALPHABET[ALPHABET.indexOf(letter) + 1] as string

describe('add-checkpoint', () => {
  it('cosigns every growth there is, and nothing with a proof from or to another size', () => {
    for (let old = 0; old <= 40; old += STEP === 1 ? 1 : 7) {
      for (let size = Math.max(1, old); size <= 40; size++) {
        const latest = old === 0 ? null : at(old)
        const decision = decide(body(old, size), latest)
        assert.equal(decision.status, 200, `${old} to ${size}`)
        if (decision.status === 200) assert.deepEqual([decision.next.size, decision.text], [BigInt(size), textOf(size)])
        // The proof of a neighbour, a proof cut short, one hash more.
        if (old > 0 && old < size) {
          assert.equal(
            statusOf(body(old, size, subproofOf(old, size + 1)), latest) === 200,
            Buffer.concat(subproofOf(old, size + 1)).equals(Buffer.concat(subproofOf(old, size))),
          )
          assert.equal(statusOf(body(old, size, subproofOf(old, size).slice(0, -1)), latest), 422)
          assert.equal(statusOf(body(old, size, [...subproofOf(old, size), mth(0, 1)]), latest), 422)
        }
      }
    }
  })

  const fork = flip(mth(0, 8), 3)
  const big = (size: bigint, old = 0n): Uint8Array => encodeUtf8(`old ${old}\n\n${signNote(formatCheckpoint({ origin, size, root: mth(0, 9) }), [log])}`)
  const foreign = signNote(formatCheckpoint({ origin: 'stranger.example', size: 8n, root: mth(0, 8) }), [stranger])
  const emptyLie = signNote(`${origin}\n0\n${encodeBase64(mth(0, 3))}\n`, [log])
  const broken = signed(8).replace(/(\S{20})=\n$/, (all) => all.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')))
  const goodAndBroken = signNote(textOf(8), [log, { ...rotated, sign: () => new Uint8Array(64) }])
  const unknownToo = signNote(textOf(8), [log, stranger, cosigner('w.example', seed(9)) as never].slice(0, 2))
  const TABLE: ReadonlyArray<readonly [string, Uint8Array, Witnessed | null, number]> = [
    ['the first checkpoint', body(0, 8), null, 200],
    ['the same again', body(8, 8), at(8), 200],
    ['signed by the log’s other key', body(5, 8, subproofOf(5, 8), signed(8, mth(0, 8), [rotated])), at(5), 200],
    ['signed by both', body(5, 8, subproofOf(5, 8), signed(8, mth(0, 8), [log, rotated])), at(5), 200],
    ['with a line of a key nobody knows', body(5, 8, subproofOf(5, 8), unknownToo), at(5), 200],
    ['size 0 at first', body(0, 0), null, 200],
    ['size 0 after size 0', body(0, 0), at(0), 200],
    ['from a cosigned size 0', body(0, 8), at(0), 200],
    ['unknown origin', body(0, 8, [], foreign), null, 404],
    ['unknown origin, and everything else wrong', encodeUtf8(`old 9\n\n${foreign}`), null, 404],
    ['no signature of the log', body(0, 8, [], signed(8, mth(0, 8), [stranger])), null, 403],
    ['a broken signature', body(0, 8, [], broken), null, 403],
    ['a good and a broken signature', body(0, 8, [], goodAndBroken), null, 403],
    ['not signed, and the old size too large', body(9, 8, [], signed(8, mth(0, 8), [stranger])), null, 403],
    ['old size beyond the checkpoint', body(9, 8, []), at(9), 400],
    ['old size beyond, not the latest either', body(9, 8, []), at(5), 400],
    ['old size not the latest: too small', body(3, 8), at(5), 409],
    ['old size not the latest: too large', body(6, 8), at(5), 409],
    ['old size 0 to ask for it', body(0, 8), at(5), 409],
    ['old size 0, a proof, not the latest', body(0, 8, [mth(0, 1)]), at(5), 409],
    ['an older checkpoint', body(0, 3), at(5), 409],
    ['size 0 with another root', body(0, 0, [], emptyLie), null, 422],
    ['size 0 with another root, later', body(0, 0, [], emptyLie), at(5), 409],
    ['a proof from size 0', body(0, 8, [mth(0, 1)]), null, 422],
    ['a proof from a size to itself', body(8, 8, [mth(0, 1)]), at(8), 422],
    ['another root at the same size', body(8, 8, [], signed(8, fork)), at(8), 422],
    ['a fork that grew', body(5, 8, subproofOf(5, 8), signed(8, fork)), at(5), 422],
    [
      'a proof of a fork',
      body(
        5,
        8,
        subproofOf(5, 8).map((hash, i) => (i === 0 ? flip(hash, 1) : hash)),
      ),
      at(5),
      422,
    ],
    ['no proof where one is needed', body(5, 8, []), at(5), 422],
    ['the largest size there is', big(MAX_TREE_SIZE), null, 200],
    ['the largest size from a smaller one, no proof', big(MAX_TREE_SIZE, 5n), at(5), 422],
    ['nothing', new Uint8Array(0), null, 400],
    ['no UTF-8', Uint8Array.of(0xff, 0xfe), null, 400],
    ['no old line', encodeUtf8(`\n${signed(8)}`), null, 400],
    ['old with a leading zero', encodeUtf8(`old 08\n\n${signed(8)}`), null, 400],
    ['old -1', encodeUtf8(`old -1\n\n${signed(8)}`), null, 400],
    ['old 2^63', encodeUtf8(`old 9223372036854775808\n\n${signed(8)}`), null, 400],
    ['Old', encodeUtf8(`Old 0\n\n${signed(8)}`), null, 400],
    ['two spaces', encodeUtf8(`old  0\n\n${signed(8)}`), null, 400],
    ['CRLF', encodeUtf8(`old 0\r\n\r\n${signed(8)}`), null, 400],
    ['no empty line', encodeUtf8(`old 0\n${signed(8)}`), null, 400],
    ['no note', encodeUtf8('old 0\n\n'), null, 400],
    ['a note without signatures', encodeUtf8(`old 0\n\n${textOf(8)}`), null, 400],
    ['a checkpoint of two lines', encodeUtf8(`old 0\n\n${signNote(`${origin}\n8\n`, [log])}`), null, 400],
    ['a hash of 31 bytes', encodeUtf8(`old 5\n${encodeBase64(new Uint8Array(31))}\n\n${signed(8)}`), at(5), 400],
    ['a hash in other base64', encodeUtf8(`old 5\n${'A'.repeat(42)}B=\n\n${signed(8)}`), at(5), 400],
    [
      '64 hashes',
      body(
        5,
        8,
        Array.from({ length: 64 }, () => mth(0, 1)),
      ),
      at(5),
      400,
    ],
    [
      '63 hashes, none right',
      body(
        5,
        8,
        Array.from({ length: 63 }, () => mth(0, 1)),
      ),
      at(5),
      422,
    ],
    ['more than 16 KiB', encodeUtf8(`${decodeUtf8(body(0, 8))}${'— x AAAAAAAA\n'.repeat(2000)}`), null, 400],
    [
      'a signature in other base64',
      body(
        0,
        8,
        [],
        signed(8)
          .replace(/.==\n$/, (end) => `${end[0] === 'A' ? 'B' : nextLetter(end[0] as string)}==\n`)
          .replace(/([^=])=\n$/, (_, last: string) => `${nextLetter(last)}=\n`),
      ),
      null,
      403,
    ],
    ['a line that is no signature', body(0, 8, [], `${signed(8)}signed, me\n`), null, 403],
    ['the same signature line twice', encodeUtf8(`old 0\n\n${signed(8)}${signed(8).split('\n').at(-2)}\n`), null, 403],
  ]
  for (const [what, request, latest, status] of TABLE) {
    it(`${status}: ${what}`, () => {
      const decision = decide(request, latest)
      assert.equal(decision.status, status, 'reason' in decision ? decision.reason : '')
      if (decision.status === 409) {
        assert.deepEqual([decision.contentType, decision.body], ['text/x.tlog.size', `${latest?.size ?? 0n}\n`])
        assert.equal(parseTlogSize(encodeUtf8(decision.body)), latest?.size ?? 0n)
      }
      if ('contradiction' in decision) assert.equal(decision.contradiction, what === 'another root at the same size')
    })
  }

  it('never moves to a tree that does not begin with the one before, whatever is sent (property)', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.nat({ max: 30 }), fc.nat({ max: 30 }), fc.nat({ max: 255 }), fc.boolean(), (latest, old, size, bit, spoil) => {
        const root = spoil ? flip(mth(0, size), bit) : mth(0, size)
        if (size === 0 && spoil) return
        const decision = decide(body(old, size, subproofOf(old, size), signed(size, root)), at(latest))
        if (decision.status !== 200) return
        assert.equal(old, latest)
        assert.ok(latest === 0 || !spoil)
      }),
      { numRuns: 400 },
    )
  })

  it('is 200 for no request with one bit turned, except in what nobody reads', () => {
    const request = body(5, 8)
    const signatureStarts = decodeUtf8(request).indexOf('\u2014')
    for (let bit = 0; bit < request.length * 8; bit += STEP) assert.notEqual(statusOf(flip(request, bit), at(5)), 200, `bit ${bit} of ${signatureStarts}`)
  })

  it('bodies are made as they are read, and no larger than asked', () => {
    const made = formatAddCheckpoint({ oldSize: 5n, proof: subproofOf(5, 8), note: signed(8) })
    assert.deepEqual(encodeUtf8(made), body(5, 8))
    const parsed = parseAddCheckpoint(encodeUtf8(made))
    assert.deepEqual([parsed.oldSize, parsed.note, parsed.proof.map(encodeBase64)], [5n, signed(8), subproofOf(5, 8).map(encodeBase64)])
    refuses(() => formatAddCheckpoint({ oldSize: 0n, proof: [], note: 'x'.repeat(10_240) }, 10_240), 'REQUEST_MALFORMED')
    refuses(() => formatAddCheckpoint({ oldSize: 5n, proof: Array.from({ length: 64 }, () => mth(0, 1)), note: signed(8) }), 'REQUEST_MALFORMED')
    refuses(() => formatAddCheckpoint({ oldSize: 5n, proof: [new Uint8Array(31)], note: signed(8) }), 'HASH_LENGTH')
    refuses(() => formatAddCheckpoint({ oldSize: -1n, proof: [], note: signed(8) }), 'SIZE_OUT_OF_RANGE')
  })

  it('answers: cosignatures of known witnesses are verified, others ignored', () => {
    const text = textOf(8)
    const [a, b] = [21, 22].map((n) => cosigner(`w${n}.example`, seed(n))) as [ReturnType<typeof cosigner>, ReturnType<typeof cosigner>]
    const known = [cosignatureVerifier(a.vkey)]
    const answer = (...lines: ReturnType<typeof a.cosign>[]): Uint8Array => encodeUtf8(formatCosignatures(lines))
    assert.deepEqual(
      readCosignatures(answer(b.cosign(text, 7n), a.cosign(text, 7n)), text, known).map(({ name }) => name),
      [a.name],
    )
    refuses(() => readCosignatures(answer(b.cosign(text, 7n)), text, known), 'NOTE_UNVERIFIED')
    refuses(() => readCosignatures(answer(a.cosign(textOf(9), 7n)), text, known), 'SIGNATURE_INVALID')
    refuses(() => readCosignatures(answer({ ...a.cosign(text, 7n), signature: new Uint8Array(72) }), text, known), 'SIGNATURE_INVALID')
    for (const bad of ['', 'ok', 'ok\n', formatCosignatures([a.cosign(text, 7n)]).trimEnd(), `${formatCosignatures([a.cosign(text, 7n)])}\n`, '{"error":1}\n'])
      refuses(() => readCosignatures(encodeUtf8(bad), text, known), 'REQUEST_MALFORMED')
    refuses(() => readCosignatures(new Uint8Array(65_537), text, known), 'REQUEST_MALFORMED')
    refuses(() => formatCosignatures([]), 'INVALID_ARGUMENT')
    for (const bad of ['', '-1\n', '05\n', '5 \n', '5\n\n', '9223372036854775808\n', 'x\n', '1e3\n', '123456789012345678901\n'])
      assert.equal(parseTlogSize(encodeUtf8(bad)), null, bad)
    assert.equal(parseTlogSize(encodeUtf8('5')), 5n)
    assert.equal(emptyRoot().length, 32)
  })

  it('answers torchwood’s own conversation as the specification does', (t) => {
    let text: string
    try {
      text = readFileSync(new URL('../../../../shared/vectors/tlog-vectors.json', import.meta.url), 'utf8')
    } catch {
      return t.skip('the vectors are not here')
    }
    const { addCheckpointFlow: flow } = JSON.parse(text) as {
      addCheckpointFlow: { origin: string; logEd25519PublicKeyHex: string; steps: Array<{ body: string; specStatus: number; assert: string }> }
    }
    const key = ed25519Verifier(formatVkey(flow.origin, TYPE_ED25519, Buffer.from(flow.logEd25519PublicKeyHex, 'hex')))
    let latest: Witnessed | null = null
    for (const [i, step] of flow.steps.entries()) {
      const decision: WitnessDecision = decideAddCheckpoint(encodeUtf8(step.body), (name) => (name === flow.origin ? { keys: [key], latest } : null))
      assert.equal(decision.status, step.specStatus, `step ${i}: ${step.assert}`)
      if (decision.status === 200) latest = decision.next
    }
    assert.ok(flow.steps.length >= 5)
  })
})
