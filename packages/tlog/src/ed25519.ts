const P = 2n ** 255n - 19n

/** The y coordinates of the eight points of small order on Curve25519's Edwards form. */
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
])

/**
 * False for keys under which one signature fits many messages, or whose verdict differs between libraries: not 32 bytes,
 * y not below the field prime (a second spelling of a point), or a point of small order.
 * attacker: with a small-order key S = 0 and R = A verify for a large share of all messages.
 */
export function isUsablePublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false
  const y = publicKey.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n) & (2n ** 255n - 1n)
  return y < P && !SMALL_ORDER.has(y)
}
