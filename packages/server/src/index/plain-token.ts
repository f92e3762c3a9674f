import { createHash } from 'node:crypto'

/** Search token of a value that is not personal: first 16 bytes of SHA-256 over kind and value. */
export function plainToken(kind: string, value: string): Uint8Array {
  return createHash('sha256').update(`${kind}\n${value}`).digest().subarray(0, 16)
}
