const POOL = 16_384

/**
 * The same randomness in fewer calls: small requests are cut from 16 KiB at a time, each given out once as a copy and
 * wiped in the pool. @param random as `crypto.randomBytes`.
 */
export function randomPool(random: (bytes: number) => Uint8Array): (bytes: number) => Uint8Array {
  let pool = new Uint8Array(0)
  let used = 0
  return (bytes) => {
    if (bytes > 256) return random(bytes)
    if (used + bytes > pool.length) {
      pool = Uint8Array.from(random(POOL))
      used = 0
    }
    const given = pool.slice(used, used + bytes)
    pool.fill(0, used, used + bytes)
    used += bytes
    return given
  }
}
