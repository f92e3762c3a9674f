import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Head, HeadStore } from '../../src/head/head.ts'

/** A place an adapter keeps heads, opened any number of times. */
export interface Place {
  open(): HeadStore
  remove(): void
}

export function headOf(size: number, tag = ''): Head {
  const hex = (text: string): string => Buffer.from(text.padEnd(32, '.')).toString('hex').slice(0, 64)
  return {
    size,
    root: hex(`root ${size} ${tag}`),
    segment: `calls/segment/${String(size).padStart(20, '0')}-${hex(tag).slice(0, 32)}`,
    digest: hex(`digest ${size} ${tag}`),
  }
}

/** What every compare-and-swap store of heads must do. */
export function headSuite(name: string, place: () => Place): void {
  const on = (title: string, run: (place: Place) => void): void =>
    void test(`${name}: ${title}`, () => {
      const here = place()
      try {
        run(here)
      } finally {
        here.remove()
      }
    })

  on('a log is unknown until created, created once, and stays', (here) => {
    const store = here.open()
    assert.equal(store.read('calls'), null)
    assert.deepEqual(store.logs(), [])
    assert.equal(store.swap('calls', headOf(0), headOf(1)), false)
    assert.equal(store.swap('calls', null, headOf(0)), true)
    assert.equal(store.swap('calls', null, headOf(1)), false)
    assert.deepEqual(store.read('calls'), headOf(0))
    assert.equal(store.swap('alarms', null, headOf(3)), true)
    store.close()
    const again = here.open()
    assert.deepEqual(again.logs(), ['alarms', 'calls'])
    assert.deepEqual(again.read('calls'), headOf(0))
    again.close()
  })

  on('a swap succeeds only from exactly the head that stands', (here) => {
    const store = here.open()
    const now = headOf(10)
    store.swap('calls', null, now)
    for (const wrong of [{ size: 11 }, { root: 'f'.repeat(64) }, { segment: '' }, { digest: '0'.repeat(64) }, { root: now.root.toUpperCase() }]) {
      assert.equal(store.swap('calls', { ...now, ...wrong }, headOf(20)), false)
      assert.deepEqual(store.read('calls'), now)
    }
    assert.equal(store.swap('other', now, headOf(20)), false)
    assert.equal(store.swap('calls', now, headOf(20)), true)
    assert.equal(store.swap('calls', now, headOf(20)), false)
    assert.deepEqual(store.read('calls'), headOf(20))
    store.close()
  })

  on('the version of the segment is kept with the head, and not compared', (here) => {
    const store = here.open()
    const [first, second] = [{ ...headOf(1), version: 'v1.~_/+x' }, headOf(2)]
    store.swap('calls', null, first)
    assert.deepEqual(store.read('calls'), first)
    assert.equal(store.swap('calls', headOf(1), second), true)
    assert.deepEqual(store.read('calls'), second)
    assert.equal(store.swap('calls', second, { ...headOf(3), version: '1700000000000000' }), true)
    store.close()
    const again = here.open()
    assert.equal(again.read('calls')?.version, '1700000000000000')
    again.close()
  })

  on('of two instances swapping from the same head exactly one wins, each time', (here) => {
    const [one, two] = [here.open(), here.open()]
    one.swap('calls', null, headOf(0))
    let head = headOf(0)
    for (let size = 1; size <= 100; size++) {
      const order = size % 2 === 0 ? [one, two] : [two, one]
      const won = order.map((store, i) => store.swap('calls', head, headOf(size, `writer ${i}`)))
      assert.deepEqual(won, [true, false])
      head = headOf(size, 'writer 0')
      for (const store of order) assert.deepEqual(store.read('calls'), head)
    }
    one.close()
    two.close()
  })

  on('a checkpoint is kept beside the head and replaced', (here) => {
    const store = here.open()
    assert.equal(store.checkpoint('calls'), null)
    store.swap('calls', null, headOf(0))
    store.saveCheckpoint('calls', 'note 1\n\n— x y\n')
    store.saveCheckpoint('calls', 'note 2\n\n— x y\n')
    assert.equal(store.checkpoint('calls'), 'note 2\n\n— x y\n')
    assert.equal(store.checkpoint('other'), null)
    store.close()
    const again = here.open()
    assert.equal(again.checkpoint('calls'), 'note 2\n\n— x y\n')
    again.close()
  })
}
