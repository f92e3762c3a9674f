import { certificateDigest, parseCertificate, verifyCertificate } from '@sealtrail/evidence'
import type { JsonObject } from '../../event/json.ts'
import { some } from '../output.ts'
import { CALLER } from './call.ts'
import { messageId } from './envelope.ts'
import type { Ids } from './envelope.ts'
import type { DemoClient } from './http.ts'
import type { Story } from './story.ts'

/** The caller is erased: every record stays and verifies, and the erasure itself is evidence, checked without the server. */
export async function tellErasure(story: Story, http: DemoClient, ids: Ids, systemKey: string): Promise<void> {
  story.step('The caller asks to be forgotten')
  story.say(
    'What the vault holds of the caller is under a key of the caller’s own. The key is destroyed, and with it values, search tokens and aliases; the log keeps every record.',
  )
  const before = await http.get(messagePath(ids))
  const asked = await http.post('/api/v1/erasures', { person: [`phone:${CALLER.phone}`], ground: 'GDPR Art. 17(1)(b)', reference: 'demo' })
  const id = String(asked.body['id'])
  const erasure = await http.until(`/api/v1/erasures/${id}`, (body) => body['state'] === 'completed')
  const { body: file } = await http.get(`/api/v1/certificates/${id}`)
  const parsed = parseCertificate(Buffer.from(JSON.stringify(file)))
  const { records, method, searched } = parsed.certificate
  const values = records.reduce((sum, { fields }) => sum + fields.length, 0)
  story.check(
    `${some(values, 'value')} of ${some(records.length, 'record')} erased, ${some(method.destroyed.person + method.destroyed.interactions, 'key')} destroyed; ${some(searched.files, 'file')} searched afterwards, ${searched.found.length === 0 ? 'nothing left' : 'something left'}`,
    erasure['state'] === 'completed' && values > 0 && searched.found.length === 0,
  )
  const after = await http.get(messagePath(ids))
  const states = (after.body['field_states'] ?? {}) as JsonObject
  story.check(
    `the message: still "${String(after.body['status'])}", same hash, same status; its customer is "${String(states['customer_external_id'])}"`,
    after.body['status'] === 'verified' && sealedOf(after.body) === sealedOf(before.body) && states['customer_external_id'] === 'erased',
  )
  const verdict = verifyCertificate(parsed, { vkeys: [systemKey] })
  story.check(
    `the certificate of the erasure is checked without the server: sealed in the log, signed (sha256:${verdict.sha256.slice(0, 16)}…)`,
    verdict.problems.length === 0 && verdict.conclusion === 'established',
  )
  const forged = { ...parsed, certificate: { ...parsed.certificate, records: records.slice(1) } }
  story.check(
    'with one record left out of it, it is caught',
    certificateDigest(forged.certificate) !== verdict.sha256 && verifyCertificate(forged, { vkeys: [systemKey] }).problems.length > 0,
  )
}

function messagePath(ids: Ids): string {
  return `/api/v1/audit/notifications?message_uuid=${messageId(ids)}`
}

/** What an erasure must not change of the answer. */
function sealedOf(body: JsonObject): string {
  const { delivery_status: status, integrity_hash: hash } = (body['audit_record'] ?? {}) as JsonObject
  return `${String(status)} ${String(hash)}`
}
