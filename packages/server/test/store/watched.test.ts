import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { SealtrailError } from '../../src/errors.ts'
import { StoreAround } from '../../src/store/around.ts'
import type { Operation } from '../../src/store/around.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { WatchedStore } from '../../src/store/watched.ts'
import { within } from './place.ts'
import { LOCK } from './store.suite.ts'

/** A real store whose calls fail as told. */
class Failing extends StoreAround {
  fails: { readonly operation: Operation; readonly error: SealtrailError } | null = null

  protected override async pass<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    if (this.fails?.operation === operation) throw this.fails.error
    return run()
  }
}

test('what is seen in passing: outages from their beginning to their end, locks that are not shown, and nothing else', () =>
  within(async (directory) => {
    const inner = new Failing(await FileStore.open(directory))
    const unlocked: string[] = []
    let now = 1_000
    const store = new WatchedStore(inner, { observed: () => 'store-enforced', unlocked: (operation) => void unlocked.push(operation), now: () => now })
    const bytes = randomBytes(20)
    const key = `calls/object/${hash('sha256', bytes, 'hex')}`
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      put: () => store.put(key, bytes, LOCK),
      get: () => store.get(key),
      held: () => store.held(key),
      extend: () => store.extend(key, LOCK),
      hold: () => store.hold(key, true),
    }
    await calls['put']?.()
    for (const [operation, call] of Object.entries(calls)) {
      for (const code of ['NOT_DURABLE', 'STORE_UNREADABLE'] as const) {
        inner.fails = { operation: operation as Operation, error: new SealtrailError(code) }
        for (now of [2_000, 3_000]) {
          await assert.rejects(call(), { code })
          assert.deepEqual(store.trouble, { code, sinceMs: 2_000 })
        }
        inner.fails = null
        await call()
        assert.equal(store.trouble, null)
      }
      unlocked.length = 0
      inner.fails = { operation: operation as Operation, error: new SealtrailError('STORE_NOT_LOCKED') }
      await assert.rejects(call(), { code: 'STORE_NOT_LOCKED' })
      assert.deepEqual(unlocked, operation === 'put' || operation === 'extend' ? [operation] : [], operation)
      assert.equal(store.trouble, null)
      inner.fails = null
    }
    // An answer about one object ends an outage as any other does.
    inner.fails = { operation: 'get', error: new SealtrailError('STORE_UNREADABLE') }
    await assert.rejects(store.get(key))
    await assert.rejects(store.extend(`calls/object/${'0'.repeat(64)}`, LOCK), { code: 'NOT_FOUND' })
    assert.equal(store.trouble, null)
    await store.close()
  }))
