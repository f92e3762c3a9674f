import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { KEYS } from '../../src/pack/compile.ts'
import { NAMES } from '../../src/pack/expression/scope.ts'
import { loadPack } from '../../src/pack/load.ts'
import { EVENT_KEYS } from '../../src/pack/rule.ts'
import { input } from './input.ts'

const DOCS = join(import.meta.dirname, '../../../../docs')
const packs = readFileSync(join(DOCS, 'packs.md'), 'utf8')
const genesys = readFileSync(join(DOCS, 'genesys.md'), 'utf8')
const scratch = mkdtempSync(join(tmpdir(), 'sealtrail-docs-'))
after(() => rmSync(scratch, { recursive: true }))

describe('docs/packs.md', () => {
  it('explains every key and every name', () => {
    for (const key of [...KEYS, ...EVENT_KEYS]) assert.ok(packs.includes(`\`${key}\``), key)
    for (const name of NAMES) assert.match(packs, new RegExp(`\`${name}(\`|\\.)`), name)
  })

  it('its pack in thirty lines works', () => {
    const yaml = /```yaml\n(name: parcel-desk[\s\S]*?)```/.exec(packs)![1]!
    const dir = join(scratch, 'parcel-desk')
    mkdirSync(dir)
    writeFileSync(join(dir, 'pack.yaml'), yaml)
    const result = loadPack(dir).apply(input({ kind: 'parcel.closed', body: { parcel: 'P-1', serial: 2, at: 0, mail: 'a@b.example' } }), { tenant: 'default' })
    assert.ok(result.kind === 'events')
    assert.deepEqual([result.events[0]!.id, result.events[0]!.type, result.events[0]!.order.rank], ['P-1/2', 'example.parcel.parcel.closed', 1])
  })
})

describe('docs/genesys.md', () => {
  it('asks for the topics the packs take, and no other', () => {
    const listed = genesys
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^v2\.[\w.{}]+$/.test(line))
    const taken = ['genesys-interactions', 'genesys-notifications'].flatMap((name) =>
      loadPack(join(DOCS, '../packs', name)).rules.flatMap((rule) => rule.topics),
    )
    for (const topic of listed) assert.ok(taken.includes(topic), topic)
    for (const topic of taken.filter((t) => t.startsWith('v2.detail.'))) assert.ok(listed.includes(topic), topic)
  })
})
