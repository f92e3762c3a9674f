import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as index from '../src/index.ts'

const folder = new URL('../src/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
/** A file's code with comments taken out. */
const code = (name: string): string =>
  readFileSync(new URL(name, folder), 'utf8')
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, '')

describe('sources', () => {
  it('import Node only in *.node.ts, and libraries only in *.noble.ts', () => {
    for (const name of files.filter((file) => !file.endsWith('.d.ts'))) {
      for (const [, specifier] of code(name).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
        const allowed = name.endsWith('.node.ts') ? /^(\.\/|node:crypto$)/ : name.endsWith('.noble.ts') ? /^(\.\/|@noble\/)/ : /^(\.\/|#(sha256|ed25519)$)/
        assert.match(specifier!, allowed, `${name} imports ${specifier}`)
      }
    }
  })

  it('know no clock, no process, no Buffer, no randomness, no network', () => {
    for (const name of files) {
      assert.doesNotMatch(
        code(name),
        /\b(Date|performance|process|Buffer|globalThis|Math\.random|crypto\.getRandomValues|fetch|setTimeout|console|require)\b/,
        name,
      )
    }
  })

  it('have at most 250 lines each', () => {
    for (const name of files) assert.ok(readFileSync(new URL(name, folder), 'utf8').split('\n').length <= 250, name)
  })

  it('have the same names in both backends', async () => {
    for (const room of ['sha256', 'ed25519']) {
      const [node, noble] = [await import(`../src/${room}.node.ts`), await import(`../src/${room}.noble.ts`)]
      assert.deepEqual(Object.keys(node).sort(), Object.keys(noble).sort())
    }
  })

  it('throw only codes of the list, and every code of the list, and the README explains each', () => {
    const listed = [...code('errors.ts').matchAll(/\| '([A-Z0-9_]+)'/g)].map(([, name]) => name!)
    const thrown = files.filter((name) => name !== 'errors.ts').flatMap((name) => [...code(name).matchAll(/new TlogError\('([A-Z0-9_]+)'/g)].map(([, c]) => c!))
    assert.deepEqual([...new Set(thrown)].sort(), [...listed].sort())
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const name of listed) assert.ok(readme.includes(`\`${name}\``), `README does not explain ${name}`)
  })

  it('show the world these names and no others', () => {
    assert.deepEqual(Object.keys(index).sort(), PUBLIC.trim().split(/\s+/).sort())
  })
})

const PUBLIC = `
  TlogError sha256 sha256Hasher ed25519PublicKey ed25519Sign ed25519Verify decodeBase64 decodeUtf8 encodeBase64 encodeUtf8
  emptyRoot equalBytes HASH_SIZE leafHash leafHashInto MAX_TREE_SIZE nodeHash Frontier rootOf
  nodesInMemory rootFromNodes checkConsistency checkInclusion proveConsistency proveInclusion rootFromInclusion
  formatNote formatSignatureLine MAX_NOTE_BYTES MAX_NOTE_SIGNATURES parseNote parseSignatureLine signNote verifyNote
  ed25519Signer ed25519Verifier formatSkey formatVkey keyId parseSkey parseVkey TYPE_COSIGNATURE_V1 TYPE_ED25519 TYPE_ML_DSA_44
  cosignatureVerifier cosignedMessage cosigner parseCosignature formatCheckpoint openCheckpoint parseCheckpoint
  formatTilePath hashFromTile nodesFromTiles parseTilePath partialTiles proveConsistencyFromTiles proveInclusionFromTiles
  TILE_WIDTH tileOfNode tilesForConsistency tilesForInclusion tilesForRoot tileWidth
  formatBundle MAX_ENTRY_BYTES parseBundle formatTlogProof MAX_TLOG_PROOF_BYTES parseTlogProof verifyTlogProof
  checkpointPolicy formatPolicy isQuorumMet MAX_POLICY_BYTES MAX_POLICY_ITEMS openCheckpointByPolicy parsePolicy
  decideAddCheckpoint formatAddCheckpoint formatCosignatures MAX_ADD_CHECKPOINT_ANSWER_BYTES MAX_ADD_CHECKPOINT_BYTES MAX_WITNESS_PROOF
  parseAddCheckpoint parseTlogSize readCosignatures TYPE_TLOG_SIZE witnessVerifiers
`
