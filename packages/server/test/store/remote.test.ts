import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PATIENCE, Requests } from '../../src/store/remote.ts'

const busy = new Error('busy')
const passes = (error: unknown): boolean => error === busy

test('what may pass is tried again, so often and no oftener, after pauses that grow to a limit', async () => {
  for (const fails of [0, 1, 3, 4, 5, 9]) {
    const pauses: number[] = []
    const requests = new Requests({ ...PATIENCE, tries: 5, pauseMs: 100, pause: async (ms) => void pauses.push(ms), random: () => 0.5 })
    let asked = 0
    const answer = requests.make(async () => {
      if (++asked <= fails) throw busy
      return asked
    }, passes)
    if (fails < 5) assert.equal(await answer, fails + 1)
    else await assert.rejects(answer, busy)
    assert.equal(asked, Math.min(fails + 1, 5))
    assert.deepEqual(pauses, [50, 100, 200, 400].slice(0, Math.min(fails, 4)))
  }
  const pauses: number[] = []
  const patient = new Requests({ ...PATIENCE, tries: 9, pauseMs: 100, pause: async (ms) => void pauses.push(ms), random: () => 1 })
  await assert.rejects(
    patient.make(() => Promise.reject(busy), passes),
    busy,
  )
  assert.deepEqual(pauses, [100, 200, 400, 800, 1000, 1000, 1000, 1000])
})

test('what will not pass is asked once', async () => {
  let asked = 0
  const requests = new Requests({ ...PATIENCE, pause: () => assert.fail('no pause') })
  await assert.rejects(
    requests.make(async () => {
      asked++
      throw new Error('no')
    }, passes),
    /no/,
  )
  assert.equal(asked, 1)
})

test('no more requests are under way at once than may be, whatever fails, and all get their turn', async () => {
  for (const atOnce of [1, 3]) {
    const requests = new Requests({ ...PATIENCE, atOnce, pause: async () => {} })
    let underWay = 0
    let most = 0
    let failed = 0
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) =>
        requests.make(async () => {
          most = Math.max(most, ++underWay)
          await new Promise((resolve) => void setImmediate(resolve))
          underWay--
          if (i % 7 === 0) throw new Error('no')
          if (i % 3 === 0 && failed++ < 20) throw busy
          return i
        }, passes),
      ),
    )
    assert.equal(most, atOnce)
    assert.equal(answers.filter(({ status }) => status === 'rejected').length, 6)
  }
})
