import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { LogVerdict } from '../../src/verify/verdict.ts'
import { copyFolder } from '../copy-folder.ts'
import { Book, comesBackWhole, open, range, recordsOf, send, temporary } from './harness.ts'
import { noSmallDisk, onSmallDisk } from './small-disk.ts'

const skip = noSmallDisk

describe('the disk', { concurrency: 2 }, () => {
  test('full and free again, several times: refused, nothing acknowledged is lost, and it goes on or says that it must be restarted', { skip }, async () => {
    const { data, remove } = temporary()
    const disk = join(data, '..')
    try {
      const out = await onSmallDisk(disk, '', join(import.meta.dirname, 'full.ts'), disk, '[300000,4096]')
      const said = JSON.parse(/^said (.*)$/m.exec(out)?.[1] as string) as {
        refused: Record<string, number>
        cameBack: number
        restarts: number
        acknowledgedFull: number
        promised: number
      }
      assert.deepEqual(
        Object.keys(said.refused).filter((code) => !['DATA_UNWRITABLE', 'NOT_DURABLE'].includes(code)),
        [],
      )
      assert.ok(Object.values(said.refused).reduce((a, b) => a + b, 0) >= 8)
      assert.equal(said.cameBack + said.restarts, 2)
      assert.ok(said.cameBack > 0)
      assert.ok(said.promised >= 3 * 60 + said.acknowledgedFull)
    } finally {
      remove()
    }
  })

  test('read-only: it says so and ends', { skip }, async () => {
    const { data, remove } = temporary()
    const disk = join(data, '..')
    const script = `import('${new URL('./harness.ts', import.meta.url)}').then((m) => m.open(process.argv[1] + '/data')).then(() => console.log('open'), (e) => console.log('said', e.code, e.message))`
    try {
      const making = 'mount -o remount,ro "$1" && '
      assert.match(await onSmallDisk(disk, making, '-e', script, disk), /^said DATA_UNWRITABLE /m)
      // Made while it could be written, read-only since.
      const made = `"$2" --conditions=@sealtrail/source -e "import('${new URL('./harness.ts', import.meta.url)}').then((m) => m.open(process.argv[1] + '/data')).then((l) => l.close())" "$1" > /dev/null && `
      assert.match(await onSmallDisk(disk, made + making, '-e', script, disk), /^said DATA_UNWRITABLE /m)
    } finally {
      remove()
    }
  })
})

test('a commit that cannot be published is answered as held, said in readiness, and published once it can be', async () => {
  const { data, remove } = temporary()
  const book = new Book()
  const folder = join(data, 'checkpoint')
  try {
    const local = await open(data, { answerWithinMs: 100 })
    await send(local, book, 'notifications', range(0, 10))
    rmSync(folder, { recursive: true })
    writeFileSync(folder, 'in the way')
    await send(local, book, 'notifications', range(10, 20))
    assert.deepEqual(
      range(10, 20).map((serial) => book.promised.notifications.get(serial)?.index),
      range(10, 20).map(() => null),
    )
    assert.equal(local.sealing.trouble()?.code, 'NOT_DURABLE')
    await assert.rejects(send(local, new Book(), 'notifications', range(20, 30)), { code: 'NOT_DURABLE' })
    rmSync(folder)
    await local.sealing.drained()
    while (local.sealing.trouble() !== null) await new Promise((resolve) => setTimeout(resolve, 20))
    await send(local, book, 'notifications', range(20, 30))
    await local.close()
    await comesBackWhole(data, book)
  } finally {
    remove()
  }
})

describe('damaged databases', () => {
  const made = temporary()
  const book = new Book()
  /** A copy of a server's directory: 30 interactions and 20 receipts sealed, 10 interactions held. */
  before(async () => {
    const local = await open(made.data)
    await send(local, book, 'interactions', range(0, 30))
    await send(local, book, 'notifications', range(0, 20))
    await local.sealing.flush()
    await send(local, book, 'interactions', range(30, 40))
    await local.close()
    // Once more, so that everything written stands in tables, and a little in logs.
    await (await open(made.data)).close()
  })
  after(() => made.remove())

  async function damaged(harm: (data: string) => void, then: (data: string) => Promise<void>): Promise<void> {
    const { data, remove } = temporary()
    try {
      copyFolder(made.data, data)
      harm(data)
      await then(data)
    } finally {
      remove()
    }
  }

  const files = (folder: string, kind: RegExp): string[] => readdirSync(folder).filter((name) => kind.test(name) && statSync(join(folder, name)).size > 0)
  function flip(path: string, share = 0.3): void {
    const bytes = readFileSync(path)
    const at = Math.floor(bytes.length * share)
    bytes[at] = (bytes[at] as number) ^ 0x40
    writeFileSync(path, bytes)
  }
  /** In which of the vault's tables or logs most of its rows stand. */
  const largest = (folder: string): string =>
    files(folder, /\.(ldb|log)$/).sort((a, b) => statSync(join(folder, b)).size - statSync(join(folder, a)).size)[0] as string
  const audit = (data: string): Promise<LogVerdict[]> => auditDirectory(data, { key: null, vault: true, now: Date.now })

  test('the head: refused with what to do, never begun anew; put back, all is there', async () => {
    const harms: Record<string, (path: string) => void> = {
      header: (path) => flip(path, 0.001),
      rows: (path) => {
        const bytes = readFileSync(path)
        for (let at = bytes.length - 4096 * 2; at < bytes.length; at++) if ((bytes[at] as number) !== 0) bytes[at] = (bytes[at] as number) ^ 1
        writeFileSync(path, bytes)
      },
      half: (path) => truncateSync(path, statSync(path).size >> 1),
      empty: (path) => truncateSync(path, 0),
    }
    for (const [name, harm] of Object.entries(harms)) {
      await damaged(
        (data) => harm(join(data, 'head.sqlite')),
        async (data) => {
          await assert.rejects(open(data), { code: name === 'empty' ? 'HEAD_MISSING' : 'DATA_CORRUPT' }, name)
          for (const file of ['head.sqlite-wal', 'head.sqlite-shm']) rmSync(join(data, file), { force: true })
          cpSync(join(made.data, 'head.sqlite'), join(data, 'head.sqlite'))
          await comesBackWhole(data, book)
        },
      )
    }
  })

  test('ledger and index: rebuilt, reported, and as good as before', async () => {
    for (const folder of ['ledger', 'index']) {
      const harms: Record<string, (path: string) => void> = {
        flipped: (path) => flip(join(path, largest(path))),
        manifest: (path) => flip(join(path, files(path, /^MANIFEST/)[0] as string)),
        current: (path) => rmSync(join(path, 'CURRENT')),
        gone: (path) => rmSync(path, { recursive: true }),
      }
      for (const [name, harm] of Object.entries(harms)) {
        if (folder === 'index' && name === 'current') continue
        await damaged(
          (data) => harm(join(data, folder)),
          async (data) => {
            const found = (await comesBackWhole(data, book)).join('\n')
            if (folder === 'ledger')
              assert.match(
                found,
                name === 'gone' ? /interactions: ledger state caught up from size 0 to 30/ : /ledger state rebuilt: (\d+\.|MANIFEST|CURRENT)/,
                name,
              )
            else {
              const again = await open(data)
              await again.indexed()
              const { body } = await again.served.deps.reader.records({ log: 'interactions', limit: 1_000 }, { name: 'test', role: 'auditor', purpose: null })
              assert.equal((body['records'] as unknown[]).length, 40, name)
              assert.equal(body['lag'], 0)
              await again.close()
            }
          },
        )
      }
    }
  })

  test('the vault: reported, repaired, kept aside, never emptied; held events are sealed all the same', async () => {
    const nothingLost: Record<string, (path: string) => void> = {
      current: (path) => rmSync(join(path, 'CURRENT')),
      manifest: (path) => truncateSync(join(path, files(path, /^MANIFEST/)[0] as string), 20),
    }
    for (const [name, harm] of Object.entries(nothingLost)) {
      await damaged(
        (data) => harm(join(data, 'vault')),
        async (data) => {
          const found = (await comesBackWhole(data, book)).join('\n')
          assert.match(found, /vault (CURRENT|MANIFEST-\d+): .*personal values may be lost/, name)
          assert.match(found, /vault: repaired/)
        },
      )
    }
    await damaged(
      (data) => flip(join(data, 'vault', largest(join(data, 'vault')))),
      async (data) => {
        const local = await open(data)
        assert.match(local.sealing.findings.join('\n'), /vault \d+\.(ldb|log): another checksum/)
        const aside = readdirSync(data).find((name) => name.startsWith('vault-damaged-')) as string
        assert.ok(existsSync(join(data, aside, 'CURRENT')))
        await send(local, book, 'interactions', range(0, 40))
        await local.sealing.flush()
        assert.equal((await recordsOf(local.sealing, 'interactions')).length, 40)
        await local.close()
        const codes = new Set((await audit(data)).flatMap(({ problems }) => problems.map(({ code }) => code)))
        assert.ok(codes.size > 0 && [...codes].every((code) => code.startsWith('VAULT_ROW_')), [...codes].join())
        // What was found is said once; the repaired vault is whole again as far as LevelDB can tell.
        const again = await open(data)
        assert.doesNotMatch(again.sealing.findings.join('\n'), /vault/)
        await again.close()
      },
    )
    await damaged(
      (data) => rmSync(join(data, 'vault'), { recursive: true }),
      async (data) => {
        const local = await open(data)
        assert.match(local.sealing.findings.join('\n'), /vault: the folder is gone/)
        assert.match(
          local.sealing.findings.join('\n'),
          /60 journal entries have lost their vault row; those not sealed yet are sealed without their personal values/,
        )
        await local.sealing.flush()
        assert.equal((await recordsOf(local.sealing, 'interactions')).length, 40)
        await local.close()
      },
    )
  })

  test('the journal: damage stops the server, lost files are reported and their numbers not used again', async () => {
    await damaged(
      (data) => flip(join(data, 'journal', files(join(data, 'journal'), /journal$/)[0] as string), 0.5),
      (data) => assert.rejects(open(data), { code: 'DATA_CORRUPT', message: /journal 00000001.journal offset \d+/ }),
    )
    await damaged(
      (data) => rmSync(join(data, 'journal'), { recursive: true }),
      async (data) => {
        const left = new Book()
        for (const serial of range(0, 40)) left.sent.interactions.add(serial)
        for (const serial of range(0, 30))
          left.promised.interactions.set(serial, book.promised.interactions.get(serial) as { auditid: string; index: number | null })
        for (const serial of range(0, 20)) left.sent.notifications.add(serial)
        const found = (await comesBackWhole(data, left)).join('\n')
        assert.match(found, /journal: its files are gone/)
        assert.deepEqual(readdirSync(join(data, 'journal')), ['00000002.journal'])
      },
    )
  })
})

describe('the clock', () => {
  const DAY = 86_400_000
  test('set back a day it is refused, said and sealed; once right again events are taken', async () => {
    const { data, remove } = temporary()
    const book = new Book()
    let skew = 0
    const now = (): number => Date.now() + skew
    try {
      let local = await open(data, { now })
      await send(local, book, 'notifications', range(0, 10))
      await local.sealing.drained()
      // While it runs.
      skew = -DAY
      await assert.rejects(send(local, new Book(), 'notifications', range(10, 20)), { code: 'CLOCK_BACKWARDS' })
      assert.equal(local.sealing.trouble()?.code, 'CLOCK_BACKWARDS')
      assert.equal(local.sealing.sizes.get('notifications'), 10)
      await local.close()
      // And at a start.
      local = await open(data, { now })
      await assert.rejects(send(local, new Book(), 'interactions', range(0, 10)), { code: 'CLOCK_BACKWARDS' })
      assert.deepEqual(
        local.served.deps.flow.ready().reasons.map((reason) => reason.slice(0, 15)),
        ['CLOCK_BACKWARDS'],
      )
      // What is accepted after them is sealed after them.
      await local.sealing.system({ what: 'test', subject: 'test', id: 'test/1', data: {} })
      await local.sealing.drained()
      const said = (await recordsOf(local.sealing, 'system')).filter(({ type }) => type === 'sealtrail.system.clock')
      assert.equal(said.length, 2, 'one for each time it was found')
      assert.ok(Math.abs(Date.parse(said[0]?.data['newest_sealed'] as string) - Date.now()) < 60_000)
      // A step of the kind time servers make is none of it.
      skew = -4 * 60_000
      await send(local, book, 'interactions', range(0, 10))
      skew = 0
      await send(local, book, 'notifications', range(10, 20))
      assert.equal(local.sealing.trouble(), null)
      await local.close()
      await comesBackWhole(data, book)
    } finally {
      remove()
    }
  })

  test('that was ahead and was corrected holds nothing back once its operator says so', async () => {
    const { data, remove } = temporary()
    const book = new Book()
    try {
      const ahead = await open(data, { now: () => Date.now() + DAY })
      await send(ahead, book, 'notifications', range(0, 10))
      await ahead.close()
      const refused = await open(data)
      await assert.rejects(send(refused, new Book(), 'notifications', range(10, 20)), { code: 'CLOCK_BACKWARDS' })
      await refused.close()
      const accepted = await open(data, { clock: { acceptMs: Date.now() + 2 * DAY } })
      await send(accepted, book, 'notifications', range(10, 20))
      assert.equal(accepted.sealing.trouble(), null)
      const start = (await recordsOf(accepted.sealing, 'system')).at(-1)
      assert.equal(start?.type, 'sealtrail.system.start')
      assert.ok(((start?.data['config'] as { clock: { acceptMs: number } }).clock.acceptMs ?? 0) > Date.now(), 'and that is sealed')
      await accepted.close()
    } finally {
      remove()
    }
  })
})
