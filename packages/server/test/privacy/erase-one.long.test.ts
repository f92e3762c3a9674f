// The bench in small: a server with all its threads, one of forty people erased while it runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eraseOne } from '../../bench/erase-run.ts'

test('one person of many is erased by a running server, and no byte of theirs is found on disk, in metrics, in a certificate', async () => {
  const said: string[] = []
  const problems = await eraseOne({ records: 3_000, people: 40, calls: 6, threads: 2, keep: false }, (line) => void said.push(line))
  assert.deepEqual(problems, [], said.join('\n'))
})
