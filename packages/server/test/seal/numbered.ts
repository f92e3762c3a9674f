import { hash } from 'node:crypto'
import { auditId, spliceRecord } from '@sealtrail/evidence'
import type { JsonObject } from '@sealtrail/evidence'
import { NO_SESSION } from '../../src/event/entry.ts'
import type { Numbered } from '../../src/event/numbered.ts'

/** A numbered event as the sealer takes it, the first of a subject of its own; it says nothing of anybody. */
export function numbered(log: string, name: string, more: { data?: JsonObject; late?: boolean; sequence?: number; offset?: number } = {}): Numbered {
  const identity = hash('sha256', name, 'binary')
  const { text, lateAt, sequenceAt } = spliceRecord({
    auditid: auditId(1_750_000_000_000, identity),
    data: more.data ?? {},
    dataschema: 'urn:test:1',
    id: name,
    provenance: 'pushed',
    recordedtime: '2026-01-02T03:04:05.678Z',
    regulatorytag: null,
    source: 'urn:test',
    subject: name,
    time: null,
    type: 'test',
  })
  const token = '\0'.repeat(16)
  return {
    entry: {
      flags: 0,
      statusRank: 0,
      phase: 0,
      rank: 0,
      timeMs: NaN,
      receivedMs: 0,
      identity,
      fingerprint: token,
      subjectToken: token,
      session: NO_SESSION,
      vaultKey: null,
      log,
      subject: name,
      tokens: new Uint8Array(0),
      record: Buffer.from(text),
      lateAt,
      sequenceAt,
    },
    position: { file: 1, offset: more.offset ?? 16 },
    late: more.late ?? false,
    sequence: more.sequence ?? 1,
  }
}
