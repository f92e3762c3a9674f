import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ERRORS } from '../packages/server/src/errors.ts'
import { errorsDocument } from '../scripts/errors-doc.ts'
import { root, sources } from './tree.ts'

/** Codes of erasure, which is not in this version. */
const LATER = ['PERSON_ERASED']
const code = [...sources('packages/server/src'), ...sources('packages/evidence/src')].map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')] as const)

test('docs/errors.md is what the table of codes says', () => {
  assert.equal(readFileSync(`${root}/docs/errors.md`, 'utf8'), errorsDocument(), 'run: npm run docs')
})

test('every code of the table is used in the source, and every code used is in the table', () => {
  const used = new Set<string>()
  for (const [path, text] of code) {
    if (path.endsWith('/errors.ts')) continue
    for (const [, found] of text.matchAll(/'([A-Z][A-Z_]{3,})'/g)) if (found !== undefined && Object.hasOwn(ERRORS, found)) used.add(found)
    for (const [, found] of text.matchAll(/new SealtrailError\(\s*'([A-Z_]+)'/g)) assert.ok(Object.hasOwn(ERRORS, found as string), `${path} throws ${found}`)
  }
  assert.deepEqual(
    Object.keys(ERRORS).filter((each) => !used.has(each) && !LATER.includes(each)),
    [],
    'in the table and nowhere else',
  )
})

test('no problem document quotes a value: titles and advice are fixed texts', () => {
  for (const [name, { status, title, todo }] of Object.entries(ERRORS)) {
    assert.match(name, /^[A-Z][A-Z_]+$/)
    assert.ok(status >= 200 && status < 600 && title !== '' && /[.)]$/.test(todo), name)
  }
})
