// Two servers on one directory, and two writers of one log: one runs, the other harms nothing.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileStore } from '../../src/store/files/store.ts'
import { sealtrail } from '../cli/io.ts'
import { openOn, withServer } from '../store/s3/open.ts'
import { Book, Child, comesBackWhole, open, range, temporary } from './harness.ts'
import { race } from './race.ts'

/** Digest of the files nobody but an idle server's next commit would change; its index may still be following. */
function fingerprint(data: string): string {
  const sum = createHash('sha256')
  for (const folder of ['keys', 'store', 'journal', 'tiles', 'checkpoint']) {
    for (const name of readdirSync(join(data, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(data, folder, name)
      if (statSync(path).isFile()) sum.update(path).update(readFileSync(path))
    }
  }
  return sum.digest('hex')
}

test('a second server on the data directory refuses and harms nothing, even where the first one found damage', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  const child = new Child(data, book)
  try {
    await child.open()
    await child.submit('interactions', range(0, 20))
    await child.flush()
    const before = fingerprint(data)
    await assert.rejects(open(data), { code: 'DATA_IN_USE' })
    assert.equal(fingerprint(data), before)
    const { exit, err } = await sealtrail(['serve', '--data', data, '--port', '0'])
    assert.equal(exit, 3)
    assert.match(err, /DATA_IN_USE/)
    // What the server would rebuild at its own next start is not thrown away by another one while it runs.
    const ledger = readdirSync(join(data, 'ledger')).sort()
    writeFileSync(join(data, 'ledger', 'DAMAGED'), 'a row\n')
    await assert.rejects(open(data), { code: 'DATA_IN_USE' })
    rmSync(join(data, 'ledger', 'DAMAGED'))
    assert.deepEqual(readdirSync(join(data, 'ledger')).sort(), ledger)
    await child.submit('interactions', range(20, 30))
    await child.submit('notifications', range(0, 10))
    await child.flush()
    await child.close()
    assert.equal(book.size, 40)
    await comesBackWhole(data, book)
  } finally {
    child.kill()
    remove()
  }
})

test('of two servers that make a data directory at the same moment one runs', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  const children = [new Child(data, book), new Child(data, book)]
  try {
    const opened = await Promise.allSettled(children.map((child) => child.open()))
    const [winner] = children.filter((_, i) => opened[i]?.status === 'fulfilled')
    const [lost] = opened.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    assert.match(String(lost?.reason), /DATA_IN_USE/)
    await winner?.submit('interactions', range(0, 10))
    assert.equal(book.size, 10)
    for (const child of children) child.kill()
    await Promise.all(children.map(({ ended }) => ended))
    await comesBackWhole(data, book)
  } finally {
    for (const child of children) child.kill()
    remove()
  }
})

test('two writers race for the head of one log: one stops, nothing is signed for it, the log is whole', async () => {
  const { data, remove } = temporary()
  try {
    await race(data, 40, () => FileStore.open(join(data, 'store')))
  } finally {
    remove()
  }
})

test('the same over one bucket, each with a client of its own, while the store loses answers', () =>
  withServer(async (server) => {
    const { data, remove } = temporary()
    try {
      let puts = 0
      server.fault({ does: 'cut-after', on: ({ operation }) => operation === 'PutObject' && puts++ % 5 === 0, times: Infinity })
      await race(data, 12, async () => openOn(server))
      // Found by reading: not one is sent again.
      assert.equal(puts, 36)
    } finally {
      remove()
    }
  }))
