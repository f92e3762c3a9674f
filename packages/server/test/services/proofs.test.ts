// Our proof files, cosignatures and policies before transparency-dev's formats, merkle and Tessera, and before torchwood.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { cosigner, encodeBase64, formatNote, formatTlogProof, openCheckpointByPolicy, parseNote, parsePolicy, parseTlogProof, TlogError } from '@sealtrail/tlog'
import { Asked, outside, scratch, bent } from './outside.ts'
import { Served } from './served.ts'

const { tools, skip } = await outside('proofcheck')
const at = scratch()
const COUNT = 600
const witnesses = ['one', 'two', 'three', 'four'].map((name) => cosigner(`witness.example/${name}`, randomBytes(32)))
const TIME = 1_950_000_000n

/** The note with the cosignatures of those witnesses after the log's own line. */
function cosigned(note: string, by: readonly number[]): string {
  const { text, signatures } = parseNote(note)
  return formatNote(text, [...signatures, ...by.map((i) => (witnesses[i] as (typeof witnesses)[number]).cosign(text, TIME))])
}

function policyOf(vkey: string, quorum: string): string {
  const lines = witnesses.map(({ vkey: key }, i) => `witness w${i} ${key} https://witness.example/${i}`)
  return `log ${vkey}\n${lines.join('\n')}\n${quorum}\n`
}

test('formats and torchwood read our proof files as we mean them, and no other', { skip }, async (t) => {
  const server = await Served.start(at('data'))
  const vkey = await server.vkey()
  const ids = await server.seal(0, COUNT)
  const go = new Asked(tools.proofcheck)
  const proofOf = (index: number): Promise<string> => server.text(`/api/v1/records/${ids[index]}/proof`)
  const entryOf = async (index: number): Promise<string> => encodeBase64(await server.entry(ids[index] as string))
  /** Both must find it wrong. */
  const refused = async (question: object): Promise<void> => {
    const said = await go.refuses('proof', question)
    assert.match(said, /^formats: /, JSON.stringify(question))
    assert.match(said, /^torchwood: /m, JSON.stringify(question))
  }

  await t.test('the proof of a record', async () => {
    for (const index of [0, 1, 255, 256, 511, 512, 599]) {
      const question = { proof: await proofOf(index), entry: await entryOf(index), vkey }
      assert.deepEqual(await go.ask('proof', question), { index, size: COUNT, extra: null })
      await refused({ ...question, entry: await entryOf(index === 0 ? 1 : index - 1) })
      await refused({ ...question, vkey: vkey.replace(/^[^+]+/, 'another.example') })
    }
  })

  await t.test('one that carries something extra', async () => {
    const proof = parseTlogProof(await proofOf(5))
    const extra = randomBytes(70)
    const question = { proof: formatTlogProof({ ...proof, extra }), entry: await entryOf(5), vkey }
    assert.deepEqual(await go.ask('proof', question), { index: 5, size: COUNT, extra: encodeBase64(extra) })
  })

  await t.test('not one character of the file may change, none be lost, no line change places', async () => {
    const question = { proof: await proofOf(300), entry: await entryOf(300), vkey }
    for (let i = 0; i < question.proof.length; i++) await refused({ ...question, proof: bent(question.proof, i) })
    for (let i = 0; i < question.proof.length; i += 7) await refused({ ...question, proof: question.proof.slice(0, i) })
    const lines = question.proof.split('\n')
    for (let i = 0; i + 1 < lines.length; i++) {
      await refused({ ...question, proof: lines.toSpliced(i, 2, lines[i + 1] as string, lines[i] as string).join('\n') })
      await refused({ ...question, proof: lines.toSpliced(i, 1).join('\n') })
    }
  })

  await t.test('cosignatures and k of n: formats, Tessera and torchwood answer as we do for every set of witnesses', async () => {
    const note = await server.checkpoint()
    const proof = parseTlogProof(await proofOf(7))
    const entry = await entryOf(7)
    assert.equal(proof.checkpoint, note)
    const quorums = [
      'group q 2 w0 w1 w2 w3\nquorum q',
      'group q all w0 w1 w2 w3\nquorum q',
      'group a any w0 w1\ngroup b 2 w2 w3 a\nquorum b',
      'quorum w2',
      'quorum none',
    ]
    for (const quorum of quorums) {
      const policy = policyOf(vkey, quorum)
      for (let set = 0; set < 16; set++) {
        const by = [0, 1, 2, 3].filter((i) => (set & (1 << i)) !== 0)
        const signed = cosigned(note, by)
        let met = true
        try {
          openCheckpointByPolicy(signed, parsePolicy(policy))
        } catch (error) {
          assert.ok(error instanceof TlogError && error.code === 'QUORUM_NOT_MET', String(error))
          met = false
        }
        assert.deepEqual(await go.ask('policy', { policy, note: signed }), { formats: met, tessera: met, torchwood: met }, `${quorum}: ${by.join()}`)
        const question = { proof: formatTlogProof({ ...proof, checkpoint: signed }), entry, vkey, policy }
        if (met) assert.equal((await go.ask<{ size: number }>('proof', question)).size, COUNT)
        else await refused(question)
      }
    }
  })

  await t.test('cosignatures: who and when; not one character may change', async () => {
    const signed = cosigned(await server.checkpoint(), [1, 3])
    const vkeys = [witnesses[1]?.vkey, witnesses[3]?.vkey]
    const expected = [1, 3].map((i) => ({ name: witnesses[i]?.name, time: Number(TIME) }))
    assert.deepEqual(await go.ask('cosignatures', { note: signed, vkeys }), expected)
    const { text, signatures } = parseNote(signed)
    const ends = signatures.length + 1
    const own =
      signed.length -
      signed
        .split('\n')
        .slice(-ends + 1)
        .join('\n').length
    for (let i = 0; i < signed.length; i++) {
      // The log's own line is nothing to a witness's key.
      if (i >= text.length + 1 && i < own) continue
      await go.refuses('cosignatures', { note: bent(signed, i), vkeys })
    }
  })

  await server.stop()
})
