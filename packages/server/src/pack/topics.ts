/** A topic found: what the patterns of it lead to, what stood for `{id}`, and what follows it. */
export interface TopicMatch<T> {
  readonly value: T
  readonly pattern: string
  readonly id: string | null
  /** What follows `{id}.` in the pattern, or the whole topic. */
  readonly tail: string
}

/** Topics by hash: exact names, and patterns with one `{id}` by what stands before and after it. No pattern is tried in turn. */
export class TopicTable<T> {
  readonly #exact = new Map<string, T>()
  readonly #groups: { prefix: string; tails: Map<string, { readonly pattern: string; readonly value: T }> }[] = []

  /** @returns false when the pattern is there already or has more than one `{id}`. */
  add(pattern: string, value: T): boolean {
    const at = pattern.indexOf('{id}')
    if (at < 0) {
      if (this.#exact.has(pattern)) return false
      this.#exact.set(pattern, value)
      return true
    }
    const prefix = pattern.slice(0, at)
    const tail = pattern.slice(at + 4)
    if (tail.includes('{id}') || (tail !== '' && tail[0] !== '.')) return false
    let group = this.#groups.find((g) => g.prefix === prefix)
    if (group === undefined) this.#groups.push((group = { prefix, tails: new Map() }))
    if (group.tails.has(tail)) return false
    group.tails.set(tail, { pattern, value })
    return true
  }

  get(pattern: string): T | undefined {
    const at = pattern.indexOf('{id}')
    return at < 0 ? this.#exact.get(pattern) : this.#groups.find((g) => g.prefix === pattern.slice(0, at))?.tails.get(pattern.slice(at + 4))?.value
  }

  /** Also takes the template itself (`….{id}.customer.start`), which some senders put in place of the topic. */
  find(topic: string): TopicMatch<T> | null {
    const exact = this.#exact.get(topic)
    if (exact !== undefined) return { value: exact, pattern: topic, id: null, tail: topic }
    for (const { prefix, tails } of this.#groups) {
      if (!topic.startsWith(prefix)) continue
      const dot = topic.indexOf('.', prefix.length)
      const end = dot < 0 ? topic.length : dot
      const tail = topic.slice(end)
      const found = tails.get(tail)
      if (found !== undefined) return { value: found.value, pattern: found.pattern, id: topic.slice(prefix.length, end), tail: tail.slice(1) }
    }
    return null
  }
}
