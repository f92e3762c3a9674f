import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeEntry } from '../../src/event/entry.ts'
import type { Journalled } from '../../src/event/entry.ts'
import { Flow } from '../../src/flow.ts'
import { openJournal } from '../../src/journal/files/journal.ts'
import { Marks } from '../../src/journal/marks.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { openLedger } from '../../src/sequence/level/ledger.ts'
import { systemBatch } from '../../src/threads/system-entry.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import type { Vault } from '../../src/vault/vault.ts'

test('the journal is kept from an entry on until it is placed: while its row is written, and while the journal is read at a start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-release-'))
  const keys = openFileKeys({ folder: join(folder, 'keys'), create: true, now: () => 0, random: randomBytes })
  const { ledger } = await openLedger(join(folder, 'ledger'))
  const real = await LevelVault.open(join(folder, 'vault'), { keys, random: randomBytes, now: () => 0 })
  // A file takes one append.
  const journal = await openJournal(join(folder, 'journal'), { rotateBytes: 100 })
  const marks = new Marks()
  const placed: Journalled[] = []
  const gate = Promise.withResolvers<void>()
  const vault = new Proxy(real, { get: (target, name) => (name === 'insert' ? async (rows: []) => (await gate.promise, target.insert(rows)) : (target[name as keyof LevelVault] as () => unknown).bind(target)) }) as Vault
  const flow = new Flow({
    ledger,
    vault,
    journal,
    place(_, entries) {
      placed.push(...entries)
      for (const { position } of entries) marks.add(position)
    },
    refusal: () => null,
    checkpoint: () => '',
    conflict: () => {},
    answerWithinMs: 60_000,
  })
  const low = (): number => marks.low(flow.writingFrom ?? journal.end).file
  const send = (n: number): Promise<unknown> => flow.accept(systemBatch({ what: 'test', subject: 's', id: `test/${n}`, data: {} }, 1_000 + n, 'default', keys))
  try {
    assert.equal(flow.writingFrom, null)
    const first = send(1)
    // Its entry is in the journal, and others of other logs may follow, before its row is in the vault.
    while (journal.end.offset === 16) await new Promise((resolve) => setImmediate(resolve))
    await journal.append([Buffer.alloc(200, 1)])
    await journal.append([Buffer.alloc(200, 1)])
    assert.equal(journal.end.file, 3)
    assert.equal(low(), 1)
    await journal.release({ file: low(), offset: 0 })
    gate.resolve()
    await first
    assert.equal(placed[0]?.position.file, 1)
    assert.equal(flow.writingFrom, null)
    assert.equal(low(), 1)
    marks.done({ file: 1, offset: 16 })
    assert.equal(low(), 3)

    const again = new Flow({ ledger, vault: real, journal, place: () => {}, refusal: () => null, checkpoint: () => '', conflict: () => {}, answerWithinMs: 60_000 })
    assert.equal(await again.replay([{ entry: decodeEntry(Buffer.from(journal.read({ file: 1, offset: 16 }))), position: { file: 1, offset: 16 } }]), 1)
    assert.deepEqual(again.writingFrom, { file: 0, offset: 0 }, 'what was not read yet comes after it')
    again.replayed()
    assert.equal(again.writingFrom, null)
  } finally {
    gate.resolve()
    await journal.close()
    await real.close()
    await ledger.close()
    rmSync(folder, { recursive: true })
  }
})
