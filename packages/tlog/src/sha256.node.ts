import { createHash, hash } from 'node:crypto'

/** Writes the 32 bytes of SHA-256(`bytes`) into `out` at `offset`. */
export function sha256Into(bytes: Uint8Array, out: Uint8Array, offset: number): void {
  // A latin1 string, not a Buffer: each Buffer is an external allocation, measured 2 to 8 times slower for 65 bytes.
  const digest = hash('sha256', bytes, 'binary')
  for (let i = 0; i < 32; i++) out[offset + i] = digest.charCodeAt(i)
}

/** SHA-256 (FIPS 180-4) of the bytes: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(32)
  sha256Into(bytes, out, 0)
  return out
}

/** SHA-256 of bytes that come in pieces: `update` with each, then `digest` once. */
export function sha256Hasher(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const hasher = createHash('sha256')
  return { update: (bytes) => void hasher.update(bytes), digest: () => Uint8Array.from(hasher.digest()) }
}
