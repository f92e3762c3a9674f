// Bundles of records whose data stands in an object beside them.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { canonicalize, verifyBundle } from '@sealtrail/evidence'
import type { BundleManifest, BundleVerdict, JsonObject, JsonValue } from '@sealtrail/evidence'
import { zipOf } from '../../../evidence/test/bundle/zip.ts'
import { World } from '../flow/harness.ts'
import { fetchExport } from './fetched.ts'
import type { Fetched } from './fetched.ts'

const flags = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`flag_number_${i}`, i % 3 === 0]))
const call = (event: string, payload: JsonObject): JsonObject => ({
  eventId: event,
  timestamp: '2026-03-01T09:00:00Z',
  eventType: 'call.stateChange',
  interactionId: 'large-call',
  payload,
})
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const codes = ({ problems }: BundleVerdict): string[] => [...new Set(problems.map(({ code }) => code))].sort()

describe('bundles of records that name an object', () => {
  let world: World
  let bundle: Fetched
  let path = ''
  const trust = (): { vkeys: string[] } => ({ vkeys: [world.local.sealing.vkey('interactions')] })
  before(async () => {
    world = await World.open()
    for (const event of [call('e-1', { caller: '+14155550199', ...flags }), call('e-2', { caller: '+14155550188' })]) await world.send('/api/v1/events', event)
    await world.flush()
    bundle = (await fetchExport(world, { range: 'interactions:0..2' })).unzip()
    path = bundle.paths().find((name) => name.includes('/object/')) as string
  })
  after(async () => {
    bundle.end()
    await world.end()
  })

  it('hold the object; its commitments are disclosed and checked, and SD-JWTs hold what their payload knows', async () => {
    const verdict = await bundle.verify(trust())
    assert.deepEqual(verdict.problems, [])
    assert.equal(verdict.conclusion, 'established')
    assert.equal(path, `log/interactions/object/${sha256(Buffer.from(bundle.text(path)))}`)
    const shown = bundle.lines('disclosures/interactions.ndjson').join('')
    const jwts = bundle.lines('disclosures/interactions.sd-jwt').map((line) => ({
      payload: Buffer.from(line.split('.')[1] as string, 'base64url').toString(),
      disclosures: line.split('~').slice(1, -1),
    }))
    // RFC 9901 section 7.1: a disclosure that no digest stands for makes an SD-JWT invalid.
    for (const { payload, disclosures } of jwts)
      for (const each of disclosures) assert.ok(payload.includes(createHash('sha256').update(each).digest('base64url')))
    const small = jwts.find(({ payload }) => !payload.includes('"dataobject"'))
    assert.ok((small?.disclosures.length ?? 0) > 0)
    for (const disclosure of small?.disclosures ?? []) assert.ok(shown.includes(disclosure))
    const caller = bundle.lines('disclosures/interactions.ndjson').flatMap((line) => (JSON.parse(line) as { disclosures: string[] }).disclosures)
    assert.ok(
      caller.some((text) => Buffer.from(text, 'base64url').toString().includes('+14155550199')),
      'a value within the object is disclosed',
    )
  })

  /** The bundle with one file changed or taken out, its manifest made to fit. */
  const forged = (change: (bytes: Buffer) => Buffer | null): Promise<BundleVerdict> => {
    const files = new Map<string, Buffer>(
      bundle
        .paths()
        .filter((name) => name !== 'manifest.json')
        .map((name) => [name, readFileSync(join(bundle.folder, name))]),
    )
    const bytes = change(files.get(path) as Buffer)
    if (bytes === null) files.delete(path)
    else files.set(path, bytes)
    const listed = bundle.manifest.files.flatMap((file) => {
      const content = files.get(file.path)
      return content === undefined ? [] : [{ path: file.path, size: content.length, sha256: sha256(content) }]
    })
    const manifest = { ...bundle.manifest, files: listed } satisfies BundleManifest
    const zip = zipOf([...files, ['manifest.json', Buffer.from(`${canonicalize(manifest as unknown as JsonValue)}\n`)]])
    return verifyBundle(new Blob([new Uint8Array(zip)]), trust())
  }

  it('are refused when the object is another, cut short or not there, however well the manifest fits', async () => {
    assert.deepEqual(codes(await forged((bytes) => bytes)), [])
    for (const [change, code] of [
      [() => null, 'OBJECT_MISSING'],
      [(bytes: Buffer) => Buffer.from(bytes.toString().replace('"flag_number_4":false', '"flag_number_4":true')), 'OBJECT_CHANGED'],
      [(bytes: Buffer) => bytes.subarray(0, -1), 'OBJECT_CHANGED'],
      [() => Buffer.from('{}'), 'OBJECT_CHANGED'],
    ] as const) {
      const verdict = await forged(change)
      assert.ok(codes(verdict).includes(code), codes(verdict).join())
      assert.notEqual(verdict.conclusion, 'established')
    }
  })
})
