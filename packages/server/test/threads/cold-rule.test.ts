import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../../src/observe/log.ts'
import type { Lifecycle } from '../../src/store/lifecycle.ts'
import type { Assurance, Probe } from '../../src/store/store.ts'
import { ColdRule } from '../../src/threads/cold-rule.ts'
import type { SystemEvent } from '../../src/threads/system-entry.ts'

const quiet = createLog({ level: 'debug', now: Date.now, write: () => {} })
const seen = (assurance: Assurance): Probe => ({ assurance, observedMs: 0, checks: [] })

test('the rule is written after a probe that saw the lock hold, sealed once, and its absence is told', async () => {
  const sealed: SystemEvent[] = []
  const asked: boolean[] = []
  let fails = false
  let standing = true
  const lifecycle = async (_: unknown, apply: boolean): Promise<Lifecycle> => {
    asked.push(apply)
    if (fails) throw new Error('no')
    return { id: 'sealtrail-cold', rule: '{"a":1}', standing }
  }
  const deps = { cold: { afterMs: 86_400_000, storageClass: 'COOL' }, log: quiet, system: async (event: SystemEvent) => void sealed.push(event) }
  const rule = new ColdRule({ ...deps, store: { lifecycle } })
  for (const assurance of ['none', 'declared'] as const) {
    await rule.after(seen(assurance))
    assert.match(rule.notes().join(), /not seen enforced/)
  }
  assert.deepEqual([asked, sealed], [[], []])
  for (let i = 0; i < 2; i++) await rule.after(seen('store-enforced'))
  assert.deepEqual(asked, [true, true])
  assert.equal(new Set(sealed.map(({ id }) => id)).size, 1)
  assert.deepEqual(rule.notes(), [])
  standing = false
  await rule.after(seen('store-enforced'))
  assert.match(rule.notes().join(), /does not stand/)
  assert.equal(sealed.length, 2)
  fails = true
  await rule.after(seen('store-enforced'))
  assert.match(rule.notes().join(), /could not be written/)

  const without = new ColdRule({ ...deps, store: {} })
  await without.after(seen('store-enforced'))
  assert.match(without.notes().join(), /no classes/)
  const unasked = new ColdRule({ ...deps, cold: null, store: { lifecycle } })
  await unasked.after(seen('store-enforced'))
  assert.deepEqual(unasked.notes(), [])
})
