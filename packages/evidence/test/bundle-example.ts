/**
 * The bundle of docs/format.md: records 0 and 1 of its example log. Run
 * `node --conditions=@sealtrail/source packages/evidence/test/bundle-example.ts` to write docs/example/calls-0-2.zip anew.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { canonicalize, flatten, recordBytes, tilesForRange, wrapRecord } from '@sealtrail/evidence'
import type { BundleManifest, JsonValue } from '@sealtrail/evidence'
import {
  ed25519PublicKey,
  ed25519Sign,
  formatTilePath,
  formatTlogProof,
  leafHash,
  nodesInMemory,
  parseCheckpoint,
  parseNote,
  proveInclusion,
} from '@sealtrail/tlog'
import { zipOf } from './bundle/zip.ts'
import { LOG, ORIGIN, commits, disclosure, makeExample } from './format-example.ts'

const wrapper = createHash('sha256').update('example wrapper key').digest()
const x = Buffer.from(ed25519PublicKey(wrapper)).toString('base64url')
const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url')
const RANGE = { from: 0, to: 2 }

/** Path → bytes, in the order of the zip. */
export function bundleFiles(): Map<string, Uint8Array> {
  const { checkpoint, vkey } = makeExample()
  const all = commits.flat().map((fields) => ({ fields, bytes: recordBytes(fields) }))
  const nodes = nodesInMemory(Buffer.concat(all.map(({ bytes }) => leafHash(bytes))))
  const chosen = all.slice(RANGE.from, RANGE.to)
  const files = new Map<string, Uint8Array>()
  const put = (path: string, text: string | Uint8Array): void => void files.set(path, Buffer.from(text))
  const json = (path: string, value: unknown): void => put(path, `${canonicalize(value as JsonValue)}\n`)
  const lines = (path: string, all_: readonly unknown[]): void => put(path, all_.map((each) => `${canonicalize(each as JsonValue)}\n`).join(''))
  put(`log/${LOG}/checkpoint`, checkpoint)
  chosen.forEach((_, index) =>
    put(`log/${LOG}/proof/${index}.tlog-proof`, formatTlogProof({ index: BigInt(index), hashes: proveInclusion(BigInt(index), 3n, nodes), checkpoint })),
  )
  for (const tile of tilesForRange(RANGE.from, RANGE.to, 3))
    put(`log/${LOG}/${formatTilePath(tile)}`, Buffer.concat(nodes(Array.from({ length: tile.width }, (_, i) => ({ level: 0, index: BigInt(i) })))))
  put(`log/${LOG}/records.ndjson`, chosen.map(({ bytes }) => `${Buffer.from(bytes).toString()}\n`).join(''))
  const fields = flatten(chosen[0]!.fields.data, []).fields.map(({ path, digest }) => ({ digest, path, state: 'disclosed' }))
  lines(`log/${LOG}/fields.ndjson`, [{ fields, index: 0 }])
  lines(`disclosures/${LOG}.ndjson`, [{ disclosures: [disclosure], index: 0 }])
  put(`disclosures/${LOG}.sd-jwt`, chosen.map(({ bytes }, i) => `${jws(bytes)}~${i === 0 ? `${disclosure}~` : ''}\n`).join(''))
  json('keys.json', {
    note: 'Hints. A key found beside what it signed says nothing about who signed: take the log key, policy or root from elsewhere.',
    logs: { [ORIGIN]: vkey.trim() },
    wrapper: { alg: 'EdDSA', crv: 'Ed25519', kid, kty: 'OKP', use: 'sig', x },
    segments: [],
  })
  put('CERTIFICATE-DRAFT.md', '# DRAFT\n')
  put('README.md', '# Evidence bundle\n')
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text)
  const manifest: BundleManifest = {
    format: 'sealtrail.bundle/1',
    created: '2026-03-02T08:00:00.000Z',
    tool: { name: 'example', version: '1' },
    asked: { kind: 'range', log: LOG, ...RANGE },
    requester: { name: 'ann', role: 'officer', purpose: 'case-1' },
    logs: [
      {
        log: LOG,
        origin: ORIGIN,
        size: Number(size),
        root: Buffer.from(root).toString('hex'),
        published: false,
        records: 2,
        first: RANGE.from,
        end: RANGE.to,
        range: RANGE,
        fields: { disclosed: 1, sealed: 0, erased: 0, expired: 0, missing: 0 },
        timestamps: [],
      },
    ],
    files: [...files]
      .map(([path, bytes]) => ({ path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  }
  json('manifest.json', manifest)
  return files
}

function jws(record: Uint8Array): string {
  const header = Buffer.from(`{"alg":"EdDSA","kid":"${kid}","typ":"sealtrail-record+sd-jwt"}`).toString('base64url')
  const input = `${header}.${Buffer.from(wrapRecord(record)).toString('base64url')}`
  return `${input}.${Buffer.from(ed25519Sign(wrapper, Buffer.from(input))).toString('base64url')}`
}

if (import.meta.main) writeFileSync(new URL('../../../docs/example/calls-0-2.zip', import.meta.url), zipOf(bundleFiles()))
