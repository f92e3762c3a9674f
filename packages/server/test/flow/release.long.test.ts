// The journal is the only place that has an event between its acknowledgement and its commit: no commit may let go of it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, watch } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { Flow } from '../../src/flow.ts'
import { FILE_HEADER } from '../../src/journal/files/frame.ts'
import { openJournal } from '../../src/journal/files/journal.ts'
import { Marks } from '../../src/journal/marks.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { replayJournal } from '../../src/replay.ts'
import { openLedger } from '../../src/sequence/level/ledger.ts'
import { systemBatch } from '../../src/threads/system-entry.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import type { Vault } from '../../src/vault/vault.ts'
import { World } from './harness.ts'

/** Each unclassified member leaves a digest in the record: this many events are more than the journal writes at once. */
const EVENTS = 700
const MEMBERS = 250

function event(interaction: string, n: number, members: number): JsonObject {
  const payload = Object.fromEntries(Array.from({ length: members }, (_, i) => [`custom_${i}`, i]))
  const timestamp = new Date(Date.UTC(2026, 4, 6, 7, 8, 9, n)).toISOString()
  return { eventId: `${interaction}-${n}`, timestamp, eventType: 'v2.detail.events.conversation.{id}.customer.start', interactionId: interaction, payload }
}

/** Resolves to the newest journal file once it is a later one than `file` and entries are in it. */
async function writtenBehind(folder: string, file: string): Promise<string> {
  const watcher = watch(folder)
  try {
    for (;;) {
      const newest = newestOf(folder)
      if (newest > file && statSync(join(folder, newest)).size > FILE_HEADER) return newest
      await once(watcher, 'change')
    }
  } finally {
    watcher.close()
  }
}

const newestOf = (folder: string): string => readdirSync(folder).toSorted().at(-1) as string

test('entries stay in the journal while their rows are being written, whatever is sealed meanwhile', { timeout: 120_000 }, async () => {
  const world = await World.open('', { journal: { rotateBytes: 64 * 1024 } })
  const folder = join(world.data, 'journal')
  const vault = world.local.sealing.vault as { insert: Vault['insert'] }
  const insert = vault.insert.bind(vault)
  const gate = Promise.withResolvers<void>()
  try {
    assert.equal((await world.send('/api/v1/events', event('earlier', 0, 1), { role: 'ingest' })).status, 202)
    const before = newestOf(folder)

    vault.insert = async (rows) => {
      await gate.promise
      return insert(rows)
    }
    const written = writtenBehind(folder, before)
    const many = world.send(
      '/api/v1/events',
      Array.from({ length: EVENTS }, (_, n) => event('later', n, MEMBERS)),
      { role: 'ingest' },
    )
    // The first half of one append is in a file that is not the last any more; none of it is acknowledged or known to the marks.
    const newest = await written
    assert.ok(newest > before)

    // The event before is sealed, and with it everything the marks know of: its commit releases what it may.
    await world.local.sealing.flush()
    assert.equal((await world.records('interactions')).length, 1)
    assert.ok(existsSync(join(folder, before)), 'the file with the first of what is being written')

    gate.resolve()
    const outcomes = ((await many).body as unknown as JsonObject[]).map((each) => each['outcome'])
    assert.deepEqual(
      outcomes,
      Array.from({ length: EVENTS }, () => 'held'),
    )
    // Held events have their bytes nowhere else.
    await world.flush()
    assert.equal(world.local.sealing.trouble(), null)
    assert.equal((await world.records('interactions')).length, EVENTS + 1)
    assert.equal(existsSync(join(folder, before)), false, 'sealed, all of it')
    assert.deepEqual(await world.closeAndAudit(), [])
  } finally {
    gate.resolve()
    await world.end()
  }
})

test('entries stay in the journal until a start has read them all, though the first are sealed by then', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-release-'))
  const keys = openFileKeys({ folder: join(folder, 'keys'), create: true, now: () => 0, random: randomBytes })
  const { ledger } = await openLedger(join(folder, 'ledger'))
  const vault = await LevelVault.open(join(folder, 'vault'), { keys, random: randomBytes, now: () => 0 })
  const journal = await openJournal(join(folder, 'journal'), { rotateBytes: 64 * 1024 })
  const marks = new Marks()
  const releases: Array<Promise<void>> = []
  let placed = 0
  const flow: Flow = new Flow({
    ledger,
    vault,
    journal,
    place(_log, entries) {
      placed += entries.length
      for (const { position } of entries) marks.add(position)
      // As if sealed at once, and the ledger had it.
      for (const { position } of entries) marks.done(position)
      releases.push(journal.release(marks.low(flow.writingFrom ?? journal.end)))
    },
    storeObject: () => Promise.reject(new Error('no entry has an object')),
    refusal: () => null,
    checkpoint: () => '',
    homes: null,
    keepLonger: async () => {},
    conflict: () => {},
    answerWithinMs: 60_000,
  })
  try {
    const COUNT = 5_000
    for (let n = 0; n < COUNT; n += 100) {
      const entries = Array.from(
        { length: 100 },
        (_, i) => systemBatch({ what: 'test', subject: 's', id: `test/${n + i}`, data: {} }, 1_000, 'default', keys).entries,
      )
      await journal.append(entries)
    }
    assert.ok(journal.end.file > 10)
    await replayJournal(journal, vault, flow, { vaultDamaged: false, report: () => {} })
    assert.ok(releases.length > 1, 'it is read in steps')
    assert.equal(placed, COUNT)
    await Promise.all(releases)
    assert.equal(readdirSync(join(folder, 'journal')).length, journal.end.file, 'nothing is let go before the last is read')
    await journal.release(marks.low(flow.writingFrom ?? journal.end))
    assert.equal(readdirSync(join(folder, 'journal')).length, 1)
  } finally {
    await journal.close()
    await vault.close()
    await ledger.close()
    rmSync(folder, { recursive: true })
  }
})
