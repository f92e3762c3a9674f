/** What an outsider gets: the package compiled, packed without our sources' condition, and the README's example run on it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'tlog-'))
const installed = join(home, 'node_modules/@sealtrail/tlog')
after(() => rmSync(home, { recursive: true, force: true }))

describe('the published package', () => {
  const example = /```ts\n([^]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))![1]!
  const expected = 'entry 1 of 3, seen at 1700000000\nnothing was changed, dropped, reordered or inserted\n'
  const run = (file: string, ...flags: string[]): string => execFileSync(process.execPath, [...flags, join(home, file)], { encoding: 'utf8', env: {} })

  it('compiles, without Node types, to JavaScript that runs the example of the README', () => {
    mkdirSync(installed, { recursive: true })
    execFileSync(process.execPath, [
      join(modules, 'typescript/bin/tsc'),
      '-p',
      root,
      '--outDir',
      join(installed, 'dist'),
      '--tsBuildInfoFile',
      join(home, 'info'),
    ])
    cpSync(join(root, 'package.json'), join(installed, 'package.json'))
    symlinkSync(join(modules, '@noble'), join(home, 'node_modules/@noble'))
    writeFileSync(join(home, 'example.mts'), example)
    assert.equal(run('example.mts'), expected)
  })

  it('runs it where the node condition is not set, as in a browser', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    for (const choice of Object.values<Record<string, unknown>>(manifest.imports)) delete choice['node']
    writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest))
    assert.equal(run('example.mts'), expected)
  })

  it('has types that compile for a strict user with no Node types', () => {
    writeFileSync(join(home, 'package.json'), '{"type":"module"}')
    const user = example
      .replaceAll('console.log(', 'void (')
      .replaceAll('crypto.getRandomValues(new Uint8Array(32))', 'new Uint8Array(32)')
      .replace('new TextEncoder().encode(text)', 'new Uint8Array(text.length)')
    writeFileSync(join(home, 'user.ts'), user)
    execFileSync(
      process.execPath,
      [
        join(modules, 'typescript/bin/tsc'),
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--module',
        'nodenext',
        '--target',
        'es2024',
        '--types',
        '',
        'user.ts',
      ],
      { cwd: home, stdio: 'pipe' },
    )
  })
})
