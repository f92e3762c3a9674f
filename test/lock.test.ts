import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { missingEntries } from '../scripts/complete-lock.ts'
import { root } from './tree.ts'

const text = readFileSync(`${root}/package-lock.json`, 'utf8')
const { packages } = JSON.parse(text) as { packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }> }

test('the lock file has every platform’s packages, so that npm ci takes it everywhere', () => {
  assert.deepEqual(Object.keys(missingEntries(packages)), [], 'run: node scripts/complete-lock.ts')
})

test('the lock file names no registry host', () => {
  assert.doesNotMatch(text, /"resolved": "https?:/)
})

test('the Node the repository brings is one version on every platform', () => {
  const nodes = packages['']?.optionalDependencies ?? {}
  assert.equal(new Set(Object.values(nodes)).size, 1)
  assert.equal(Object.keys(nodes).length, 5)
})
