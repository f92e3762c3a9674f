import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryArena } from '../../src/event/entry-arena.ts'
import { NO_SESSION, decodeEntry } from '../../src/event/entry.ts'
import type { EntryDraft } from '../../src/event/entry.ts'

function draft(text: string): EntryDraft {
  return {
    flags: 1,
    statusRank: 2,
    phase: 3,
    rank: 4,
    timeMs: 5,
    receivedMs: 6,
    identity: 'i'.repeat(32),
    fingerprint: 'f'.repeat(16),
    subjectToken: 's'.repeat(16),
    session: NO_SESSION,
    log: 'calls',
    subject: 'c-1',
    tokens: [{ kind: 'phone', token: 't'.repeat(16) }],
    recordText: text,
    recordBytes: Buffer.byteLength(text),
    lateAt: 1,
    sequenceAt: 2,
  }
}

test('entries stay as they were written, whatever is written behind them, across chunks and larger than one', () => {
  const arena = new EntryArena()
  const key = Uint8Array.from({ length: 24 }, (_, i) => i + 1)
  const texts = Array.from({ length: 900 }, (_, i) => `{"n":${i},"é":"${'x'.repeat((i * 37) % 1500)}"}`)
  texts.splice(450, 0, 'y'.repeat(300_000))
  const written = texts.map((text) => arena.write(draft(text), key))
  written.forEach((bytes, i) => {
    const entry = decodeEntry(Buffer.from(bytes))
    assert.equal(Buffer.from(entry.record).toString(), texts[i])
    assert.deepEqual(Uint8Array.from(entry.vaultKey!), key)
    assert.equal(entry.subject, 'c-1')
  })
  assert.equal(decodeEntry(Buffer.from(arena.write(draft('{}'), null))).vaultKey, null)
})
