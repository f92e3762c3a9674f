// How long is kept, in which class, and on which clause.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/config.ts'

const parse = (text: string): { config: Config } => parseConfig(text, 'sealtrail.yaml', '/', { cwd: '/', env: {} })
function refused(text: string): Error {
  try {
    parse(text)
  } catch (error) {
    return error as Error
  }
  return assert.fail(`taken: ${text}`)
}

test('an obligation to keep content names its clause, and lasts no longer than what is kept in full', () => {
  const at = (retain: string): string => refused(`trails: { calls: { pack: genesys-interactions, retain: ${retain} } }`).message
  assert.match(at('{ content: { period: 1d } }'), /1:\d+: trails.calls.retain.content.basis is missing: without a clause nobody is obliged/)
  assert.match(at('{ content: { basis: x } }'), /content.basis: the clause, in 3 to 200 characters/)
  assert.match(at('{ content: { basis: "a\\nb c" } }'), /content.basis: the clause/)
  assert.match(at('{ content: { basis: any, period: 0s } }'), /content.period: must be longer than nothing/)
  assert.match(at('{ period: P1Y, content: { basis: any, period: P2Y } }'), /content.period: the records are kept in full for less/)
  assert.match(at('{ period: P1Y, detail: 30d, content: { basis: any } }'), /content.period: the records are kept in full for less; make detail longer/)
  assert.match(at('{ classes: { a: { period: P1Y, content: { basis: any, period: P2Y } } } }'), /classes.a.content.period: the records are kept/)
  const { retain } = parse('trails: { interactions: { retain: { content: { basis: any }, classes: { a: { period: P2Y } } } } }').config.trails['interactions']!
  assert.deepEqual([retain.content, retain.classes[0]?.content], [{ basis: 'any', periodMs: 366 * 86_400_000 }, null], 'a class needs a basis of its own')
})

test('mistakes in retention classes are named where they stand', () => {
  const at = (classes: string): string => refused(`trails: { calls: { pack: genesys-interactions, retain: { classes: ${classes} } } }`).message
  assert.match(at('{ a: {} }'), /1:\d+: trails.calls.retain.classes.a.period is missing/)
  assert.match(at('{ a: { period: 0s } }'), /classes.a.period: must be longer than nothing/)
  assert.match(at('{ a: { period: P1Y, tags: [X, x] } }'), /classes.a.tags: a tag is written twice/)
  assert.match(at('{ a: { period: P1Y, tags: B }, b: { period: P1Y } }'), /classes.b.tags: the class a has one of these tags/)
  assert.match(at('{ a: { period: P1Y, mode: COMPLY } }'), /COMPLIANCE/)
  assert.match(at('{ A: { period: P1Y } }'), /classes: a name has lower-case letters/)
  assert.match(at('{ a: { period: P1Y, tag: x } }'), /did you mean "tags"/)
  const long = 'x'.repeat(63)
  const message = refused(`tenant: ${long}\ntrails: { ${long}: { pack: genesys-interactions, retain: { classes: { a: { period: 1d } } } } }`).message
  assert.match(message, /longer than 128 characters/)
})
