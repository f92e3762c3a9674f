import type { JsonObject } from '../../src/event/json.ts'

let sent = 0

/** A flat receipt of a message of its own, for somebody known by an id. */
export function flatReceipt(customer: string, more: JsonObject = {}): JsonObject {
  return {
    audit_id: `evt_${++sent}`,
    message_uuid: `m-${sent}`,
    customer_external_id: customer,
    communication_type: 'outbound_message_status_update',
    delivery_status: 'DELIVERED',
    carrier_receipt_timestamp: '2026-02-03T08:15:30Z',
    carrier_error_code: null,
    originating_workflow_id: 'wf',
    originating_agent_id: null,
    regulatory_tag: null,
    platform_tenant_id: 'emea',
    ingestion_timestamp: '2026-02-03T08:15:31Z',
    ...more,
  }
}
