import { Buffer } from 'node:buffer'

/** Binds a wrapped key to its row. @param id 16 bytes, latin1 */
export function wrappedPlace(id: string): string {
  return 'sealtrail/vault-key/1\n' + Buffer.from(id, 'latin1').toString('hex')
}
