import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'

const parse = (text: string): Loaded => parseConfig(text, 'sealtrail.yaml', '/', { cwd: '/', env: {} })

test('dual control is a matter of yes, no, or of duties', () => {
  const duties = (text: string): readonly string[] => parse(`auth: { dualControl: ${text} }`).config.auth.dualControl
  assert.deepEqual([duties('true'), duties('false'), duties('hold'), duties('[hold, erase]')], [['hold', 'erase', 'disclose'], [], ['hold'], ['hold', 'erase']])
  for (const text of ['[]', 'maybe', '7', '{ hold: true }', '[hold, holt]'])
    assert.throws(() => parse(`auth: { dualControl: ${text} }`), { code: 'CONFIG_INVALID', message: /auth.dualControl: / }, text)
  assert.throws(() => parse('auth: { approveWithin: 0s }'), { message: /approveWithin: must be longer than nothing/ })
})
