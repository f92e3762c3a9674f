/** The members of the flat audit record, in its order: a contract with whoever reads it. All but the hash have the same names in a receipt's data. */
export const AUDIT_RECORD = [
  'audit_id',
  'message_uuid',
  'customer_external_id',
  'communication_type',
  'delivery_status',
  'carrier_receipt_timestamp',
  'carrier_error_code',
  'originating_workflow_id',
  'originating_agent_id',
  'regulatory_tag',
  'platform_tenant_id',
  'ingestion_timestamp',
  'integrity_hash',
] as const
