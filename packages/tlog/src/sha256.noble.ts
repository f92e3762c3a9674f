import { sha256 as digest } from '@noble/hashes/sha2.js'

/** Writes the 32 bytes of SHA-256(`bytes`) into `out` at `offset`. */
export function sha256Into(bytes: Uint8Array, out: Uint8Array, offset: number): void {
  out.set(digest(bytes), offset)
}

/** SHA-256 (FIPS 180-4) of the bytes: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return digest(bytes)
}

/** SHA-256 of bytes that come in pieces: `update` with each, then `digest` once. */
export function sha256Hasher(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const hasher = digest.create()
  return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest() }
}
