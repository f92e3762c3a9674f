/**
 * The certificate of docs/format.md, section 19: of the one value in its example log. The same bytes each time: run
 * `node --conditions=@sealtrail/source packages/evidence/test/certificate-example.ts` to write docs/example/certificate.json anew.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { ed25519Signer } from '@sealtrail/tlog'
import { integrityHash, recordBytes } from '@sealtrail/evidence'
import type { CertificateBody, CertificateFile } from '@sealtrail/evidence'
import type { House } from './bundle/sample-log.ts'
import { bytesOf, certificateDraft, sealCertificate } from './certificate/maker.ts'
import { commits, LOG, ORIGIN } from './format-example.ts'

/** Signs with the key of the example log, under the name of the server's own log. */
const system = ed25519Signer(ORIGIN.replace(LOG, 'system'), createHash('sha256').update('example log key').digest())
const house = { system, witnesses: [] as House['witnesses'] } as House
const record = commits[0]![0]!
const digest = (record.data['caller'] as unknown as [{ '...': string }])[0]['...']

export const certificateBody: CertificateBody = {
  format: 'sealtrail.certificate/1',
  id: '5ea17a115ea17a115ea17a115ea17a11',
  origin: system.name,
  tenant: 'default',
  requested: { by: 'olga', at: '2026-04-01T08:00:00.000Z', ground: 'GDPR Art. 17(1)(b)', reference: 'T-4711' },
  approved: { by: 'pavel', at: '2026-04-01T09:00:00.000Z' },
  started: '2026-04-01T09:00:01.000Z',
  completed: '2026-04-01T09:00:03.000Z',
  method: {
    name: 'cryptographic erase',
    reference: 'NIST SP 800-88 Rev. 2',
    keys: 'files',
    destroyed: { person: 1, interactions: 0 },
    removed: { aliases: 1, rows: 1, tokens: 1, exports: 0 },
  },
  searched: { files: 41, bytes: 1_048_576, patterns: 6, found: [] },
  records: [
    {
      log: LOG,
      index: 0,
      auditid: record.auditid,
      hash: integrityHash(recordBytes(record)),
      type: record.type,
      time: record.time,
      status: null,
      fields: [{ path: '/caller', digest }],
    },
  ],
  notReached: [{ what: 'memory', at: null, detail: 'of the running server, until it is used again' }],
}

export function certificateExample(): CertificateFile {
  return sealCertificate({ ...certificateDraft(house, certificateBody), places: [1, 2], size: 4 })
}

if (import.meta.main) writeFileSync(new URL('../../../docs/example/certificate.json', import.meta.url), bytesOf(certificateExample()))
