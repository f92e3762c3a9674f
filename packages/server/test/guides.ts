// The blocks of the two integration guides Sealtrail answers to, as printed there.

/** First guide: what to subscribe to. */
export const SUBSCRIPTION = `{
  "name": "AuditTrailEventStream",
  "eventTypes": [
    "call.stateChange",
    "message.stateChange",
    "email.stateChange"
  ],
  "destinationType": "KinesisDataFirehose",
  "destinationId": "arn:aws:kinesis:us-east-1:123456789012:firehose/audit-delivery",
  "filterExpression": "event_type == 'stateChange'"
}`

/** First guide: the body of its PutObject call. */
export const PUT_BODY = `{
  "audit_id": "evt_98765",
  "timestamp": "2023-10-27T10:00:00Z",
  "data": { ... }
}`

/** Second guide: its filter expression. */
export const FILTER = 'event.status == "DELIVERED" || event.status == "READ" || event.status == "FAILED" || event.status == "EXPIRED"'

/** Second guide: its Transform block. */
export const TRANSFORM = `{
"audit_id": "{{event.id}}",
"message_uuid": "{{event.message_id}}",
"customer_external_id": "{{event.recipient.external_id}}",
"communication_type": "{{event.type}}",
"delivery_status": "{{event.status}}",
"carrier_receipt_timestamp": "{{event.timestamp}}",
"carrier_error_code": "{{event.error_code}}",
"originating_workflow_id": "{{event.workflow_id}}",
"originating_agent_id": "{{event.agent_id}}",
"regulatory_tag": "COMPLIANCE_ARCHIVE_V1",
"platform_tenant_id": "{{tenant.id}}",
"ingestion_timestamp": "{{now()}}"
}`

/** Second guide: the request that reads a receipt. */
export const RETRIEVAL = `GET /api/v1/audit/notifications?message_uuid=8f3a9c21-4b5e-4d7f-9a1c-2e8f7b6d5c4a&customer_external_id=CUST_99281 HTTP/1.1
Host: audit-gateway.yourcompany.com
Authorization: Bearer [service_account_token]
Accept: application/json`

/** Second guide: the answer to it. */
export const ANSWER = `{
"status": "verified",
"audit_record": {
"audit_id": "evt_8f3a9c21_1715429201",
"message_uuid": "8f3a9c21-4b5e-4d7f-9a1c-2e8f7b6d5c4a",
"customer_external_id": "CUST_99281",
"communication_type": "outbound_message_status_update",
"delivery_status": "DELIVERED",
"carrier_receipt_timestamp": "2024-05-10T14:32:01Z",
"carrier_error_code": null,
"originating_workflow_id": "wf_policy_update_v2",
"originating_agent_id": null,
"regulatory_tag": "COMPLIANCE_ARCHIVE_V1",
"platform_tenant_id": "tenant_prod_01",
"ingestion_timestamp": "2024-05-10T14:32:03Z",
"integrity_hash": "sha256:a1b2c3d4e5f6..."
},
"verification_timestamp": "2024-05-11T09:15:00Z"
}`

/** The flat record in the answer. */
export const RECORD: string = /"audit_record": (\{[^}]*\})/.exec(ANSWER)?.[1] as string

/** What the answer was made of: the event before the Transform block. */
export const RAW = {
  id: 'evt_8f3a9c21_1715429201',
  type: 'outbound_message_status_update',
  status: 'DELIVERED',
  message_id: '8f3a9c21-4b5e-4d7f-9a1c-2e8f7b6d5c4a',
  recipient: { external_id: 'CUST_99281', address: '+13175550164' },
  timestamp: '2024-05-10T14:32:01Z',
  workflow_id: 'wf_policy_update_v2',
}
