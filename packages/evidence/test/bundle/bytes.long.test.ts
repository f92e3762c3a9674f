// Every byte that proves something, turned, with the manifest made anew to fit: a forger who is careful about all but one byte.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { BundleAsked } from '@sealtrail/evidence'
import { LOG } from './maker.ts'

/** `SLOW=1`: every byte; else one in so many. */
const step = process.env['SLOW'] === '1' ? 1 : 41

const kinds: Array<[string, BundleAsked]> = [
  ['a range', { kind: 'range', log: LOG, from: 255, to: 258 }],
  ['a subject', { kind: 'subject', subject: 'call-one' }],
]

describe('a bundle', () => {
  for (const [what, asked] of kinds)
    test(`of ${what} with any byte turned is no longer good`, async () => {
      const thread = new Worker(new URL('./turned.ts', import.meta.url), { workerData: { asked, step } })
      const [{ turned, unnoticed }] = (await once(thread, 'message')) as [{ turned: number; unnoticed: string[] }]
      assert.deepEqual(unnoticed, [])
      assert.ok(turned > 100, String(turned))
    })
})
