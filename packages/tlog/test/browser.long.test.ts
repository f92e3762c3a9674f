/** The same suites as they run in a browser: `#sha256` and `#ed25519` resolved as where there is no Node, and node:crypto out of the package's reach. */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { after, describe, it } from 'node:test'

const source = new URL('../src/', import.meta.url).href
const resolved: string[] = []

registerHooks({
  resolve(specifier, context, next) {
    if (!context.parentURL?.startsWith(source)) return next(specifier, context)
    if (specifier.startsWith('node:')) throw new Error(`${context.parentURL} imports ${specifier}`)
    if (!specifier.startsWith('#')) return next(specifier, context)
    resolved.push(specifier)
    return next(new URL(`${specifier.slice(1)}.noble.ts`, source).href, context)
  },
})
process.env['TLOG_TEST_BACKEND'] = 'noble'

for (const suite of ['tree', 'proof', 'tile', 'bundle', 'text', 'note', 'key', 'checkpoint', 'tlogproof', 'policy', 'witness', 'vectors'])
  await import(`./${suite}.test.ts`)

describe('browser flavour', () => {
  it('ran on the libraries and not on Node', () => {
    assert.deepEqual([...new Set(resolved)].sort(), ['#ed25519', '#sha256'])
  })
})
after(() => delete process.env['TLOG_TEST_BACKEND'])
