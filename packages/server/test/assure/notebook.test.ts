import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Notebook } from '../../src/assure/notebook.ts'
import { asObservation, observationOf, sawTheSame } from '../../src/assure/observation.ts'
import type { Observation } from '../../src/assure/observation.ts'

const STORE = 's3://evidence/'
const seen = (n: number, assurance: Observation['assurance'] = 'store-enforced'): Observation => ({
  store: STORE,
  assurance,
  observedMs: 1_800_000_000_000 + n,
  checks: [{ name: 'delete-version', result: assurance === 'none' ? 'broken' : 'held', seen: '403', decisive: true }],
})

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-notebook-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'assurance.json')
}
const open = (path: string, store = STORE): { notebook: Notebook; damaged: number } => {
  const result = { damaged: 0 }
  return Object.assign(result, { notebook: Notebook.open(path, store, () => void result.damaged++) })
}

test('what is noted is there at the next start, and what is sealed no longer asked for', (t) => {
  const path = file(t)
  const { notebook } = open(path)
  assert.deepEqual({ ...notebook.notes }, { last: null, sealed: null, unsealed: [], leftOut: 0 })
  notebook.note(seen(1), 'start')
  notebook.note(seen(2), null)
  notebook.note(seen(3, 'none'), 'changed')
  const again = open(path).notebook
  assert.deepEqual(again.notes, notebook.notes)
  assert.deepEqual(
    again.notes.unsealed.map(({ why, observation }) => [why, observation.observedMs - seen(0).observedMs]),
    [
      ['start', 1],
      ['changed', 3],
    ],
  )
  assert.deepEqual(again.notes.last, seen(3, 'none'))
  again.sealedFirst()
  assert.deepEqual(
    open(path).notebook.notes.unsealed.map(({ why }) => why),
    ['changed'],
  )
})

test('of another store nothing is believed, and its findings are still sealed', (t) => {
  const path = file(t)
  open(path).notebook.note(seen(1), 'start')
  const { notes } = open(path, 's3://other/').notebook
  assert.deepEqual([notes.last, notes.sealed, notes.unsealed.length], [null, null, 1])
})

test('every cut and every turned byte of the file is a verdict of it or none, never a failed start', (t) => {
  const path = file(t)
  open(path).notebook.note(seen(1, 'none'), 'start')
  const whole = readFileSync(path)
  for (let length = 0; length < whole.length - 1; length++) {
    writeFileSync(path, whole.subarray(0, length))
    const { notebook, damaged } = open(path)
    assert.deepEqual([damaged, notebook.notes.last], [1, null], `cut at ${length}`)
  }
  for (let at = 0; at < whole.length; at++) {
    const turned = Buffer.from(whole)
    turned[at]! ^= 1
    writeFileSync(path, turned)
    const last: Observation | null = open(path).notebook.notes.last
    if (last !== null) assert.deepEqual(asObservation(last), last)
  }
})

test('a store that changes its mind while nothing can be sealed fills no disk: first and newest stay, the rest is counted', (t) => {
  const path = file(t)
  const { notebook } = open(path)
  for (let i = 0; i < 100; i++) notebook.note(seen(i, i % 2 === 0 ? 'none' : 'store-enforced'), 'changed')
  const { unsealed, leftOut } = open(path).notebook.notes
  assert.deepEqual([unsealed.length, leftOut], [32, 68])
  assert.deepEqual([unsealed[0]?.observation.observedMs, unsealed.at(-1)?.observation.observedMs], [seen(0).observedMs, seen(99).observedMs])
})

test('what a store answers is bounded and printable before it goes anywhere', () => {
  const seenText = `\x1b[31m${'x'.repeat(1_000)}\n`
  const checks = Array.from({ length: 100 }, (_, i) => ({
    name: i === 0 ? '../Evil Name' : `check-${i}`,
    result: 'held' as const,
    seen: seenText,
    decisive: true,
  }))
  const observation = observationOf(STORE, { assurance: 'store-enforced', observedMs: 1, checks })
  assert.equal(observation.checks.length, 40)
  assert.equal(observation.checks[0]?.name, 'unnamed')
  assert.ok(observation.checks.every(({ seen: text }) => text.length <= 300 && /^[\x20-\x7e]*$/.test(text)))
})

test('what is no observation is none', () => {
  for (const value of [
    null,
    1,
    [],
    {},
    { ...seen(1), assurance: 'sure' },
    { ...seen(1), observedMs: Number.NaN },
    { ...seen(1), observedMs: 9e15 },
    { ...seen(1), checks: {} },
    { ...seen(1), checks: [{ name: 'x', result: 'maybe', seen: '', decisive: true }] },
    { ...seen(1), checks: [null] },
    { ...seen(1), store: 'x'.repeat(3_000) },
  ])
    assert.equal(asObservation(value), null, JSON.stringify(value))
  assert.deepEqual(asObservation(JSON.parse(JSON.stringify(seen(1)))), seen(1))
  assert.ok(sawTheSame(seen(1), { ...seen(2), checks: [{ ...seen(2).checks[0]!, seen: 'other words' }] }))
  assert.ok(!sawTheSame(seen(1), seen(1, 'none')))
})
