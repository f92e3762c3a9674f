import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LedgerWriter } from '../../src/ledger-writer.ts'
import type { ToLedger } from '../../src/ledger-writer.ts'

const commit = (size: number): ToLedger => ({ rows: [], subjects: new Map(), tokens: [], positions: [], marker: { size, root: '' } })

test('what is added in the very moment in which the last write ends is written too', { timeout: 60_000 }, async () => {
  for (let steps = 0; steps < 12; steps++) {
    const sizes: number[] = []
    const writer = new LedgerWriter({
      log: 'a',
      async write({ marker }) {
        sizes.push(marker.size)
      },
      async written({ marker }) {
        if (marker.size > 1) return
        let turn = Promise.resolve()
        for (let i = 0; i < steps; i++) turn = turn.then(() => {})
        void turn.then(() => writer.add(commit(2)))
      },
      onFailure: (cause) => assert.fail(String(cause)),
    })
    writer.add(commit(1))
    await writer.drained()
    await new Promise((resolve) => setImmediate(resolve))
    await writer.drained()
    assert.deepEqual(sizes, [1, 2], `${steps} turns of the queue later`)
  }
})
