/** CRC-32 as zip has it (ISO 3309, reflected polynomial EDB88320): it finds accidents, never forgeries. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** The CRC-32 of what `crc` was made over and these bytes after it; unsigned. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  let value = ~crc
  for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ (TABLE[(value ^ (bytes[i] as number)) & 255] as number)
  return ~value >>> 0
}
