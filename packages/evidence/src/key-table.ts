/**
 * A map from 64-bit keys to 32-bit numbers in flat memory: 12 bytes a slot, at most three quarters full. A JavaScript Map
 * of five million strings would take ten times that. Keys must be uniform (digests); an attacker who could choose them
 * would make it slow.
 */
export class KeyTable {
  #low = new Uint32Array(1024)
  #high = new Uint32Array(1024)
  #values = new Uint32Array(1024)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The number under the key, 0 when there is none. */
  get(low: number, high: number): number {
    return this.#values[this.#slot(low, high)] as number
  }

  /** @param value 1..2^32-1 */
  set(low: number, high: number, value: number): void {
    const slot = this.#slot(low, high)
    if (this.#values[slot] === 0) this.#size++
    this.#low[slot] = low
    this.#high[slot] = high
    this.#values[slot] = value
    if (this.#size * 4 > this.#values.length * 3) this.#grow()
  }

  /** Sets all its keys in the other table. */
  addTo(other: KeyTable): void {
    for (let i = 0; i < this.#values.length; i++) {
      if (this.#values[i] !== 0) other.set(this.#low[i] as number, this.#high[i] as number, this.#values[i] as number)
    }
  }

  /** Where the key is, or the free slot where it would go (its value is 0). */
  #slot(low: number, high: number): number {
    const mask = this.#values.length - 1
    let slot = (low ^ (high >>> 3)) & mask
    while (this.#values[slot] !== 0 && (this.#low[slot] !== low >>> 0 || this.#high[slot] !== high >>> 0)) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const [low, high, values] = [this.#low, this.#high, this.#values]
    this.#low = new Uint32Array(values.length * 2)
    this.#high = new Uint32Array(values.length * 2)
    this.#values = new Uint32Array(values.length * 2)
    this.#size = 0
    for (let i = 0; i < values.length; i++) if (values[i] !== 0) this.set(low[i] as number, high[i] as number, values[i] as number)
  }
}
