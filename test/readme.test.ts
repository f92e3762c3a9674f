import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { test } from 'node:test'
import { COMMANDS, LATER } from '../packages/server/src/cli/commands.ts'
import { root } from './tree.ts'

const documents = [
  ...readdirSync(root),
  ...readdirSync(`${root}/docs`).map((name) => `docs/${name}`),
  ...readdirSync(`${root}/docs/decisions`).map((name) => `docs/decisions/${name}`),
].filter((name) => name.endsWith('.md'))
const text = (name: string): string => readFileSync(`${root}/${name}`, 'utf8')
const scripts = (JSON.parse(text('package.json')) as { scripts: Record<string, string> }).scripts

test('every relative link of every document leads somewhere', () => {
  const dead = documents.flatMap((name) =>
    [...text(name).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(resolve(root, dirname(name), target)))
      .map((target) => `${name} -> ${target}`),
  )
  assert.deepEqual(dead, [])
})

test('every npm script a document names exists', () => {
  const unknown = documents.flatMap((name) =>
    [...text(name).matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)]
      .map(([, script]) => script as string)
      .filter((script) => !Object.hasOwn(scripts, script))
      .map((script) => `${name}: npm run ${script}`),
  )
  assert.deepEqual(unknown, [])
  assert.match(text('README.md'), /npm ci && npm run demo/)
  assert.match(text('README.md'), /npm ci && npm test/)
})

test('every sealtrail command a document names exists, or is marked as not in this version', () => {
  const names = new Set(COMMANDS.map(({ name }) => name))
  const unknown = documents.flatMap((name) =>
    text(name)
      .split('\n')
      .flatMap((line) =>
        [...line.matchAll(/`(?:npm run -s )?sealtrail (?:-- )?([a-z][a-z-]*)/g)]
          .map(([, command]) => command as string)
          .filter((command) => !names.has(command) && !(LATER.has(command) && /not in this version|later version|recover/.test(line)))
          .map((command) => `${name}: ${command}`),
      ),
  )
  assert.deepEqual(unknown, [])
})

test('the README names every command', () => {
  const missing = COMMANDS.map(({ name }) => name).filter((name) => !text('README.md').includes(`\`${name}`))
  assert.deepEqual(missing, [])
})

test('every file a package script runs exists', () => {
  for (const [name, script] of Object.entries(scripts)) {
    for (const [path] of script.matchAll(/(?:scripts|packages)\/\S+\.ts/g))
      if (!path.includes('/bench/')) assert.ok(existsSync(`${root}/${path}`), `${name}: ${path}`)
  }
})

test('the list of decisions names every one', () => {
  const list = text('docs/decisions/README.md')
  const missing = readdirSync(`${root}/docs/decisions`).filter((name) => name !== 'README.md' && !list.includes(`](${name})`))
  assert.deepEqual(missing, [])
})
