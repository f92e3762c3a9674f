// The README's own commands, before files that a forger made to fit them: a shell has no verifier's habits.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { canonicalize } from '@sealtrail/evidence'
import type { BundleManifest } from '@sealtrail/evidence'
import { encodeBase64, formatCheckpoint, rootOf } from '@sealtrail/tlog'
import { disclosureOf, LOG, makeBundle, Maker, ORIGIN, stamp, stampName, testLog } from '../../../evidence/test/bundle/maker.ts'
import type { Parts } from '../../../evidence/test/bundle/maker.ts'
import { readme } from '../../src/export/readme.ts'

const tools = spawnSync('bash', ['-c', 'command -v openssl jq xxd basenc sha256sum']).status === 0
const maker = new Maker()
const log = testLog(10)
const at = (name: string): string => `log/${LOG}/${name}`
const root = (from: number, to: number): Uint8Array => rootOf(log.leaves.subarray(from * 32, to * 32))
const bundle = (size = 10): Parts => makeBundle({ asked: { kind: 'person' }, log, maker, size })

describe('the README’s commands', { skip: tools ? false : 'bash, jq, xxd, basenc or openssl is missing' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-readme-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  let runs = 0
  /** What they print in a folder of these files. */
  const run = (parts: Parts, change: (manifest: BundleManifest) => void = () => {}): string => {
    const manifest = parts.manifest as unknown as BundleManifest
    change(manifest)
    parts.finish()
    const own = join(folder, String(runs++))
    for (const [path, bytes] of parts.files) {
      mkdirSync(dirname(join(own, path)), { recursive: true })
      writeFileSync(join(own, path), bytes)
    }
    const script = [...readme(manifest).matchAll(/```sh\n([^]*?)```/g)].map(([, block]) => block).join('\n')
    return execFileSync('bash', ['-c', script], { cwd: own, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }
  const stamped = (parts: Parts, ...sizes: number[]): string =>
    run(parts, ({ logs }) => ((logs[0] as { timestamps: readonly string[] }).timestamps = sizes.map(stampName)))

  it('accept every record of a log of each size, and every earlier and later stamp', () => {
    for (const size of [1, 3, 8, 10]) {
      const parts = bundle(size)
      const sizes = [1, 2, 3, 7, 8, 9, 10]
      for (const each of sizes) stamp(parts, maker, log, size, each)
      const said = stamped(parts, ...sizes)
      assert.equal(said.match(/stamped at \d+ records, the same history/g)?.length, sizes.length, said)
      assert.match(said, /^files: same$/m)
      assert.doesNotMatch(said, /not proven|another history|does not commit/)
    }
  })

  it('find a record that is presented at another place', () => {
    const parts = bundle()
    const lone = (index: number, proof: readonly Uint8Array[]): string => {
      parts.setLines(at('records.ndjson'), [Buffer.from(log.records[9]!).toString()])
      parts.setLines(at('proofs.ndjson'), [canonicalize({ index, proof: proof.map((hash) => encodeBase64(hash)) })])
      return run(parts)
    }
    const proof = [root(8, 9), root(0, 8)]
    assert.doesNotMatch(lone(9, proof), /not proven/)
    for (const index of [1, 3, 8, 11]) assert.match(lone(index, proof), new RegExp(`record ${index} is not proven`))
    assert.match(lone(9, proof.slice(0, 1)), /record 9 is not proven/)
    assert.match(lone(9, [...proof, root(0, 1)]), /record 9 is not proven/)
  })

  it('find a time stamp that claims more records than there were', () => {
    const parts = bundle()
    const forge = (size: number, proof: readonly Uint8Array[], head: Uint8Array): string => {
      const folderOf = at(`timestamp/${stampName(size)}/`)
      parts.set(`${folderOf}checkpoint.txt`, formatCheckpoint({ origin: ORIGIN, size: BigInt(size), root: head }))
      parts.set(`${folderOf}consistency`, proof.map((hash) => `${encodeBase64(hash)}\n`).join(''))
      const said = stamped(parts, size)
      for (const path of parts.files.keys()) if (path.startsWith(folderOf)) parts.files.delete(path)
      return said
    }
    assert.match(forge(8, [root(8, 10)], root(0, 8)), /stamped at 8 records, the same history/)
    const said = forge(9, [root(0, 8), root(8, 10)], root(0, 8))
    assert.match(said, /the stamp at 9 records is of another history/)
    assert.doesNotMatch(said, /the same history/)
  })

  it('find a value that another record commits to', () => {
    for (const [index, of, found] of [
      [4, 4, false],
      [4, 2, true],
      [3, 2, true],
    ] as const) {
      const parts = bundle()
      parts.setLines(`disclosures/${LOG}.ndjson`, [canonicalize({ disclosures: [disclosureOf(of)], index })])
      assert.equal(run(parts).includes(`record ${index} does not commit to a disclosed value`), found)
    }
    const range = makeBundle({ asked: { kind: 'range', log: LOG, from: 3, to: 9 }, log, maker })
    assert.doesNotMatch(run(range), /does not commit/)
    range.setLines(`disclosures/${LOG}.ndjson`, [canonicalize({ disclosures: [disclosureOf(5)], index: 6 })])
    assert.match(run(range), /record 6 does not commit/)
  })
})
