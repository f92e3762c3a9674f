// Our notes, proofs and tiles before the Go project's own packages for its checksum database.
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { decodeBase64, encodeBase64, formatTilePath, parseTlogProof, proveConsistencyFromTiles } from '@sealtrail/tlog'
import type { TileReader } from '@sealtrail/tlog'
import { Asked, outside, scratch, bent } from './outside.ts'
import { command, LOG, Served, treeOf } from './served.ts'
import type { Tree } from './served.ts'

const { tools, skip } = await outside('notecheck')
const at = scratch()
/** On both sides of a tile, and beyond 256 of them is for the log of 300,000 records. */
const SIZES = [1, 2, 3, 255, 256, 257, 300, 1_000, 2_049]

interface Walked {
  readonly size: number
  readonly entries: number
  readonly proofs: number
}

/** The same text with one character changed; never only in bits that a lenient base64 decoder ignores. */
function flipped(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes[offset] = (bytes[offset] as number) ^ 1
  writeFileSync(path, bytes)
}

test('Go’s sumdb/note and sumdb/tlog accept what the log says at every size, and nothing else', { skip }, async (t) => {
  const server = await Served.start(at('data'))
  const go = new Asked(tools.notecheck)
  const vkey = await server.vkey()
  const notes: string[] = []
  const trees: Tree[] = []
  const ids: string[] = []
  const walk = (base: string): Promise<Walked> => go.ask('walk', { base, token: server.token, vkey, older: trees })
  const unwalkable = (base: string, older: readonly Tree[] = trees): Promise<string> => go.refuses('walk', { base, token: '', vkey, older })

  await t.test('live over HTTP, while it grows', async () => {
    for (const size of SIZES) {
      ids.push(...(await server.seal(ids.length, size - ids.length)))
      const note = await server.checkpoint()
      const opened = await go.ask<{ text: string; verified: string[] }>('note', { note, vkeys: [vkey] })
      const tree = treeOf(server.open(note, vkey))
      assert.equal(tree.size, size)
      assert.equal(opened.text, note.slice(0, note.lastIndexOf('\n\n') + 1))
      assert.deepEqual(opened.verified, [vkey.split('+')[0]])
      notes.push(note)
      trees.push(tree)
      const walked = await walk(server.prefix)
      assert.deepEqual([walked.size, walked.entries], [size, size])
    }
  })

  const last = SIZES.length - 1
  const tree = trees[last] as Tree

  await t.test('notes: not one character may change', async () => {
    const note = notes[last] as string
    for (let i = 0; i < note.length; i++) {
      // A line whose key nobody knows is skipped by the rules; then no known one is left.
      await go.refuses('note', { note: bent(note, i), vkeys: [vkey] })
    }
    const other = vkey.replace(/^[^+]+/, 'another.example')
    await go.refuses('note', { note, vkeys: [other] })
    for (const whole of [note.slice(0, -1), `${note}\n`, note.replace('\n', '\r\n'), note.slice(0, note.indexOf('\n\n') + 2)]) {
      await go.refuses('note', { note: whole, vkeys: [vkey] })
    }
  })

  await t.test('inclusion: proof files of records, and every lie in them', async () => {
    for (const index of [0, 1, 254, 255, 256, 299, 1_023, 2_048]) {
      const id = ids[index] as string
      const proof = parseTlogProof(await server.text(`/api/v1/records/${id}/proof`))
      const hashes = proof.hashes.map((hash) => encodeBase64(hash))
      const question = { tree, index, entry: encodeBase64(await server.entry(id)), proof: hashes }
      assert.equal(Number(proof.index), index)
      assert.equal(await go.ask('inclusion', question), true)
      for (const wrong of [
        { ...question, index: index ^ 1 },
        { ...question, entry: encodeBase64(Buffer.concat([decodeBase64(question.entry), Buffer.from(' ')])) },
        { ...question, tree: trees[last - 1] },
        { ...question, proof: hashes.slice(1) },
        { ...question, proof: [...hashes, hashes[0]] },
        ...hashes.map((_, i) => ({ ...question, proof: hashes.map((hash, j) => (i === j ? bent(hash, 3) : hash)) })),
      ]) {
        await go.refuses('inclusion', wrong)
      }
    }
  })

  const exported = at('static')
  await t.test('static files: the same log, and not one byte of it may change', async () => {
    const { exit, err } = await command(['tiles', 'export', exported, '--log', LOG, '--url', server.url], server.env)
    assert.equal(exit, 0, err)
    const whole = await walk(`${exported}/${LOG}`)
    assert.deepEqual([whole.size, whole.entries], [tree.size, tree.size])

    const forged = (path: string, offset: number): string => {
      const folder = at(`forged-${path.replaceAll('/', '-')}-${offset}`)
      cpSync(`${exported}/${LOG}`, folder, { recursive: true })
      flipped(`${folder}/${path}`, offset)
      return folder
    }
    for (const [path, offset] of [
      ['checkpoint', 40],
      ['tile/0/000', 0],
      ['tile/0/000', 8_191],
      ['tile/0/008.p/1', 31],
      ['tile/1/000.p/8', 100],
      ['tile/entries/000', 2],
      ['tile/entries/004', 1_000],
      ['tile/entries/008.p/1', 0],
    ] as const) {
      await unwalkable(forged(path, offset))
    }
  })

  await t.test('consistency: from every size to every later one, and with no other root', async () => {
    const read: TileReader = (tiles) =>
      Promise.all(tiles.map(async (tile) => new Uint8Array(await (await server.get(`/log/${LOG}/${formatTilePath(tile)}`)).arrayBuffer())))
    for (let i = 0; i < trees.length; i++) {
      for (let j = i + 1; j < trees.length; j++) {
        const [from, to] = [trees[i] as Tree, trees[j] as Tree]
        const proof = (await proveConsistencyFromTiles(BigInt(from.size), BigInt(to.size), read)).map((hash) => encodeBase64(hash))
        assert.equal(await go.ask('consistency', { from, to, proof }), true)
        await go.refuses('consistency', { from: { ...from, root: bent(from.root, 0) }, to, proof })
        await go.refuses('consistency', { from, to: { ...to, root: bent(to.root, 0) }, proof })
        if (proof.length > 0) await go.refuses('consistency', { from, to, proof: [...proof.slice(0, -1), bent(proof.at(-1) as string, 7)] })
      }
    }
    const rewritten = { ...(trees[3] as Tree), root: (trees[2] as Tree).root }
    await unwalkable(`${exported}/${LOG}`, [rewritten])
    await unwalkable(`${exported}/${LOG}`, [{ ...tree, size: tree.size + 1 }])
  })

  await server.stop()
})
