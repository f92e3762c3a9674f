import { parseReceipt, verifyReceipt } from '@sealtrail/evidence'
import type { JsonObject, JsonValue } from '../../event/json.ts'
import { callEvents } from './call.ts'
import { messageId } from './envelope.ts'
import type { Ids } from './envelope.ts'
import type { DemoClient } from './http.ts'
import { receiptEvent } from './message.ts'
import type { Story } from './story.ts'

/** A text message whose READ comes in before its DELIVERED; then its retrieval. */
export async function tellMessage(story: Story, http: DemoClient, ids: Ids, sentMs: number): Promise<void> {
  story.step('A text message: READ is reported before DELIVERED')
  const read = await http.post('/api/v1/events', receiptEvent(ids, 'read', 1, sentMs + 9_000))
  const delivered = await http.post('/api/v1/events', receiptEvent(ids, 'delivery-success', 2, sentMs + 2_000))
  story.check('READ is sealed, and answered with a receipt only after its commit to the store', read.status === 201 && read.body['outcome'] === 'sealed')
  story.check(
    'DELIVERED comes too late to be the current status: sealed all the same, marked superseded',
    delivered.status === 201 && delivered.body['superseded'] === true,
  )

  story.step('The message is retrieved, and verified while it is read')
  const { body } = await http.get(`/api/v1/audit/notifications?message_uuid=${messageId(ids)}`)
  const current = (body['audit_record'] ?? {}) as JsonObject
  for (const each of (body['history'] as JsonObject[] | undefined) ?? [])
    story.show(
      `${String(each['subjectsequence'])}  ${String(each['delivery_status']).padEnd(10)} ${each['superseded'] === true ? 'superseded' : 'current   '}  ${String(each['integrity_hash']).slice(0, 31)}…`,
    )
  story.check(
    `status "${String(body['status'])}", delivery status ${String(current['delivery_status'])}, both receipts in its history`,
    body['status'] === 'verified' && current['delivery_status'] === 'READ' && (body['history'] as JsonValue[]).length === 2,
  )
}

/** The same event again is answered with the first one's receipt. */
export async function tellDuplicate(story: Story, http: DemoClient, ids: Ids, startMs: number): Promise<void> {
  story.step('The same event comes a second time')
  const again = await http.post('/api/v1/events', callEvents(ids, startMs)[0])
  const receipt = again.body['receipt'] as JsonObject | undefined
  story.check(
    `recognised: "${String(again.body['outcome'])}", with the first receipt (record ${String(receipt?.['index'])}); nothing is stored twice`,
    again.status === 200 && again.body['outcome'] === 'duplicate' && again.headers.get('idempotent-replayed') === 'true' && receipt !== undefined,
  )
}

/** A receipt is checked without the server: by the evidence package alone, with a key from elsewhere. */
export async function tellReceipt(story: Story, http: DemoClient, auditid: string, vkey: string): Promise<void> {
  story.step('The receipt is checked without asking the server anything')
  const { body } = await http.get(`/api/v1/records/${auditid}`)
  const receipt = parseReceipt(body['receipt'] as JsonObject)
  const record = Buffer.from(String(body['leaf']))
  const verdict = verifyReceipt(receipt, { record }, vkey)
  story.say('Whoever sent an event, or was shown a record, keeps its receipt. The evidence package checks it on any machine, without network:')
  story.show(`key        ${vkey}`)
  story.show(`record     ${receipt.integrity_hash}`)
  story.show(`proof      ${receipt.proof.length} hashes lead to the signed state of the log (${String(verdict.size)} records)`)
  story.check('record, proof and signature fit together', verdict.ok && verdict.trust === 'given')
  const changed = Buffer.from(record)
  const at = changed.indexOf('recordedtime') + 20
  changed[at] = (changed[at] as number) ^ 1
  story.check('with one letter of the record changed, they do not', !verifyReceipt(receipt, { record: changed }, vkey).ok)
}
