import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporary } from './harness.ts'
import { noSmallDisk, onSmallDisk } from './small-disk.ts'

test(
  'the server with its threads on a full disk: 503 with Retry-After, reads go on, readiness says why, nothing acknowledged is lost',
  {
    skip: noSmallDisk,
    timeout: 240_000,
  },
  async () => {
    const { data, remove } = temporary()
    const disk = join(data, '..')
    try {
      const out = await onSmallDisk(disk, '', join(import.meta.dirname, 'full-served.ts'), disk, '[300000,0]')
      const said = JSON.parse(/^said (.*)$/m.exec(out)?.[1] as string) as {
        refused: Record<string, number>
        unfit: unknown[]
        whileFull: number
        cameBack: number
        restarts: number
        notReady: string[][]
        promised: number
        lost: number
        exit: number | null
      }
      assert.deepEqual(said.unfit, [])
      assert.deepEqual(
        Object.keys(said.refused).filter((code) => !['DATA_UNWRITABLE', 'NOT_DURABLE'].includes(code)),
        [],
      )
      assert.ok(Object.values(said.refused).reduce((a, b) => a + b, 0) >= 12, JSON.stringify(said.refused))
      // With a little room left the server may have come back by itself before it was asked.
      assert.ok(
        said.notReady.some((reasons) => reasons.some((reason) => /^(DATA_UNWRITABLE|NOT_DURABLE): /.test(reason))),
        JSON.stringify(said.notReady),
      )
      assert.equal(said.cameBack + said.restarts, 2)
      assert.ok(said.cameBack > 0)
      assert.ok(said.promised >= 3 * 2 * 31 + said.whileFull)
      assert.deepEqual([said.lost, said.exit], [0, 0])
    } finally {
      remove()
    }
  },
)
