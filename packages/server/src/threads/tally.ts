/** Numbers by some names, given away now and then; kept when the taker fails. */
export class Tally {
  #since = new Map<string, number>()

  add(amount: number, ...names: readonly string[]): void {
    const key = names.join('\n')
    this.#since.set(key, (this.#since.get(key) ?? 0) + amount)
  }

  async handOver<T>(make: (amount: number, names: readonly string[]) => T, take: (all: T[]) => Promise<void>): Promise<void> {
    if (this.#since.size === 0) return
    const taken = this.#since
    this.#since = new Map()
    try {
      await take([...taken].map(([key, amount]) => make(amount, key.split('\n'))))
    } catch (error) {
      for (const [key, amount] of taken) this.add(amount, ...key.split('\n'))
      throw error
    }
  }
}
