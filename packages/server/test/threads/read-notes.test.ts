import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalize } from '@sealtrail/evidence'
import type { JsonObject } from '../../src/event/json.ts'
import type { Shown, Viewer } from '../../src/http/ports.ts'
import { createLog } from '../../src/observe/log.ts'
import { ReadNotes } from '../../src/threads/read-notes.ts'
import type { SystemEvent } from '../../src/threads/system-entry.ts'

const viewer: Viewer = { name: 'ann', role: 'auditor', purpose: 'case-1' }

function desk(failing = false): { notes: ReadNotes; sealed: SystemEvent[] } {
  const sealed: SystemEvent[] = []
  const system = (event: SystemEvent): Promise<void> => {
    if (failing) return Promise.reject(new Error('not now'))
    sealed.push(event)
    return Promise.resolve()
  }
  return { notes: new ReadNotes({ system, thread: '0', now: () => 0, log: createLog({ now: () => 0, write: () => {} }) }), sealed }
}

/** What the records say was seen: audit id → names, over all lines of it. */
function told(events: readonly SystemEvent[]): Map<string, { disclosed: string[]; masked: string[] }> {
  const all = new Map<string, { disclosed: string[]; masked: string[] }>()
  for (const { data } of events)
    for (const read of data['reads'] as JsonObject[]) {
      const views = (read['views'] ?? []) as { disclosed: string[]; masked: string[] }[]
      for (const { auditid, view } of read['shown'] as { auditid: string; view?: number }[]) {
        const known = all.get(auditid) ?? { disclosed: [], masked: [] }
        known.disclosed.push(...(view === undefined ? [] : views[view]!.disclosed))
        known.masked.push(...(view === undefined ? [] : views[view]!.masked))
        all.set(auditid, known)
      }
    }
  return all
}

test('a read says of which fields the values were shown, the same set of fields once', async () => {
  const { notes, sealed } = desk()
  const shown: Shown[] = [
    { log: 'calls', auditid: 'A', disclosed: ['ani'], masked: ['dnis'] },
    { log: 'calls', auditid: 'B', disclosed: ['ani'], masked: ['dnis'] },
    { log: 'calls', auditid: 'C' },
    { log: 'system', auditid: 'D', disclosed: ['x'] },
  ]
  notes.note({ viewer, operation: 'listRecords', parameters: [], shown, atMs: 0 })
  await notes.handOver()
  const [read] = sealed[0]?.data['reads'] as JsonObject[]
  assert.deepEqual(read?.['views'], [{ disclosed: ['ani'], masked: ['dnis'] }])
  assert.deepEqual(read?.['shown'], [
    { auditid: 'A', log: 'calls', view: 0 },
    { auditid: 'B', log: 'calls', view: 0 },
    { auditid: 'C', log: 'calls' },
  ])
})

test('whatever is read, every name is told and every record fits', async () => {
  const { notes, sealed } = desk()
  const many = Array.from({ length: 5_000 }, (_, i) => `field${i}.\u0001${'é'.repeat(i % 40)}`)
  const shown: Shown[] = Array.from({ length: 1_500 }, (_, i) => ({ log: 'calls', auditid: `R${i}`, disclosed: [`own${i}`, 'ani'], masked: [`mask${i % 7}`] }))
  notes.note({
    viewer,
    operation: 'readRecord',
    parameters: ['a'],
    shown: [{ log: 'calls', auditid: 'BIG', disclosed: many, masked: many.slice(0, 900) }],
    atMs: 0,
  })
  notes.note({ viewer, operation: 'listRecords', parameters: [], shown, atMs: 0 })
  for (let i = 0; i < 300; i++) notes.note({ viewer, operation: 'readRecord', parameters: [], shown: [{ log: 'calls', auditid: `S${i}` }], atMs: 0 })
  await notes.handOver()
  for (const { data } of sealed) assert.ok(Buffer.byteLength(canonicalize(data)) < 64_000, 'fits a record with its attributes')
  const all = told(sealed)
  assert.equal(all.size, 1 + 1_500 + 300)
  assert.deepEqual(all.get('BIG'), { disclosed: many, masked: many.slice(0, 900) })
  for (let i = 0; i < 1_500; i++) assert.deepEqual(all.get(`R${i}`), { disclosed: [`own${i}`, 'ani'], masked: [`mask${i % 7}`] })
})

test('a name as long as an event is cut, so that what is noted can be sealed', async () => {
  const { notes, sealed } = desk()
  notes.note({
    viewer,
    operation: 'readRecord',
    parameters: [],
    shown: [{ log: 'calls', auditid: 'A', disclosed: ['n'.repeat(511) + '😀'.repeat(90_000)] }],
    atMs: 0,
  })
  await notes.handOver()
  assert.deepEqual(told(sealed).get('A')?.disclosed, [`${'n'.repeat(511)}…`])
})

test('what cannot be sealed waits', async () => {
  const { notes } = desk(true)
  notes.note({ viewer, operation: 'readRecord', parameters: [], shown: [{ log: 'calls', auditid: 'A' }], atMs: 0 })
  await notes.handOver()
  await notes.handOver()
})
