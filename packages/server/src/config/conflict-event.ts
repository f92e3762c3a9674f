import { auditId } from '@sealtrail/evidence'
import type { SystemEvent } from '../threads/system-entry.ts'

/** What is sealed of two contents under one identity. */
export function conflictEvent(trail: string, standing: { identity: string; timeMs: number }, offered: { fingerprint: string }): SystemEvent {
  const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex')
  return {
    what: 'conflict',
    subject: `conflict/${trail}`,
    // Once per fingerprint: the same other content again is the same system record.
    id: `conflict/${trail}/${hex(standing.identity)}/${hex(offered.fingerprint)}`,
    data: { trail, code: 'IDENTITY_CONFLICT', auditid: auditId(standing.timeMs, standing.identity) },
  }
}
