/** What an outsider gets: the package as npm packs it, with its `prepack`, installed without our sources' condition, and both verifiers in it. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { buildPage } from '../web/build.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const EXAMPLE = join(ROOT, 'docs/example')
const home = mkdtempSync(join(tmpdir(), 'evidence-'))
const installed = join(home, 'outsider/node_modules/@sealtrail/evidence')
after(() => rmSync(home, { recursive: true, force: true }))

/** The parts of a checkout that the build needs: nothing built, and not the folders others are working in. */
function checkout(): void {
  cpSync(join(ROOT, 'tsconfig.base.json'), join(home, 'tsconfig.base.json'))
  for (const name of ['tlog', 'evidence'])
    cpSync(join(ROOT, 'packages', name), join(home, 'packages', name), { recursive: true, filter: (path) => !/[\\/](?:dist|test|bench)$/.test(path) })
  mkdirSync(join(home, 'node_modules/@sealtrail'), { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@sealtrail') symlinkSync(join(ROOT, 'node_modules', name), join(home, 'node_modules', name))
  for (const name of ['tlog', 'evidence']) symlinkSync(join(home, 'packages', name), join(home, 'node_modules/@sealtrail', name))
}

describe('the published package', { skip: process.platform === 'win32' ? 'npm is a script there' : false }, () => {
  before(() => {
    checkout()
    execFileSync('npm', ['pack', '--silent', '--pack-destination', home], { cwd: join(home, 'packages/evidence'), stdio: 'pipe' })
    const [archive] = readdirSync(home).filter((name) => name.endsWith('.tgz'))
    mkdirSync(installed, { recursive: true })
    execFileSync('tar', ['-xzf', join(home, archive as string), '-C', installed, '--strip-components=1'])
    symlinkSync(join(home, 'packages/tlog'), join(home, 'outsider/node_modules/@sealtrail/tlog'))
  })

  it('holds the licence, the page and what runs, and no notes of the build', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
    for (const name of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'dist/verify.html', 'src/index.ts'])
      assert.ok(files.includes(name), name)
    assert.deepEqual(
      files.filter((name) => name.endsWith('.tsbuildinfo') || name.startsWith('test')),
      [],
    )
    assert.equal(readFileSync(join(installed, 'LICENSE'), 'utf8'), readFileSync(join(ROOT, 'LICENSE'), 'utf8'))
  })

  it('has the page that a checkout builds, byte by byte', async () => {
    assert.equal(readFileSync(join(installed, 'dist/verify.html'), 'utf8'), await buildPage())
  })

  it('verifies the example by its command: established with the key, not without', () => {
    const verify = (...args: string[]): { exit: number | null; verdict: unknown } => {
      const { status, stdout } = spawnSync(process.execPath, [join(installed, 'dist/cli/main.js'), '--json', ...args], { encoding: 'utf8', env: {} })
      return { exit: status, verdict: (JSON.parse(stdout) as { verdict: unknown }).verdict }
    }
    const bundle = join(EXAMPLE, 'calls-0-2.zip')
    assert.deepEqual(verify(bundle, '--key', join(EXAMPLE, 'log.vkey')), { exit: 0, verdict: 'verified' })
    assert.deepEqual(verify(bundle), { exit: 1, verdict: 'consistent' })
  })

  it('is a library for whoever imports it', () => {
    const user = `import { verifyBundle } from '@sealtrail/evidence'
      import { readFileSync } from 'node:fs'
      const { problems, logs } = await verifyBundle(new Blob([readFileSync(process.argv[2])]))
      console.log(problems.length, logs.length)`
    writeFileSync(join(home, 'outsider/user.mjs'), user)
    assert.equal(execFileSync(process.execPath, [join(home, 'outsider/user.mjs'), join(EXAMPLE, 'calls-0-2.zip')], { encoding: 'utf8', env: {} }), '0 1\n')
  })
})
