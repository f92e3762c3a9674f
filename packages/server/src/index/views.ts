import type { Role } from '../http/ports.ts'

/**
 * Who sees which personal values in answers, where the vault still opens them. `customer_external_id` is how an auditor knows
 * that the record is the one asked for; everything else personal is for those who answer for it. `ingest` and `security` see none.
 * @param path dotted path of the field within the record's data
 */
export function maySee(role: Role, path: string): boolean {
  if (role === 'officer' || role === 'admin') return true
  return role === 'auditor' && path === 'customer_external_id'
}
