import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { COMMANDS } from '../packages/server/src/cli/commands.ts'
import { ERRORS } from '../packages/server/src/errors.ts'
import { errorsDocument } from '../scripts/errors-doc.ts'
import { root, sources } from './tree.ts'

/** Codes of what is being built. */
const LATER: readonly string[] = []
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

test('every command that a text tells to run exists, with the word that follows it', () => {
  const commands = new Map(COMMANDS.map((command) => [command.name, command]))
  const documents = ['README.md', 'SECURITY.md', ...readdirSync(`${root}/docs`).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []))]
  const texts = [...code, ...documents.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')] as const)]
  const wrong: string[] = []
  let checked = 0
  for (const [path, text] of texts) {
    for (const [whole, name = '', word = ''] of text.matchAll(/(?:`|\b[Rr]un )sealtrail ([a-z][a-z-]*)(?: ([a-z]+)(?=[ `,.;:)]))?/g)) {
      if (name === 'turns') continue // a sentence about Sealtrail in a template literal
      checked++
      const command = commands.get(name)
      // A command either has words of its own, all of them in its usage, or takes values in capitals.
      const words = new Set(command?.usage.flatMap((line) => line.split(/[ |]/)).filter((each) => /^[a-z]+$/.test(each)))
      if (command === undefined || (word !== '' && words.size > 0 && !words.has(word))) wrong.push(`${path}: ${whole}`)
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(checked > 30)
})

test('no problem document quotes a value: titles and advice are fixed texts', () => {
  for (const [name, { status, title, todo }] of Object.entries(ERRORS)) {
    assert.match(name, /^[A-Z][A-Z_]+$/)
    assert.ok(status >= 200 && status < 600 && title.length > 0 && /[.)]$/.test(todo), name)
  }
})
