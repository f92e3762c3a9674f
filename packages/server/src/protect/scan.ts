/**
 * Whether bytes hold any of some words: one table look-up a byte, whatever the number of words (Aho and Corasick, 1975,
 * "Efficient string matching"). Letters match in either case; `0` in a word stands for any digit.
 */
export function scanner(words: readonly string[]): (bytes: Uint8Array) => boolean {
  const classes = new Uint8Array(256)
  let count = 1 // class 0: bytes in no word
  for (const char of new Set(words.join('').toLowerCase())) {
    const code = char.charCodeAt(0)
    if (char === '0') for (let digit = 48; digit < 58; digit++) classes[digit] = count
    else {
      classes[code] = count
      if (char >= 'a' && char <= 'z') classes[code - 32] = count
    }
    count++
  }
  const next: number[][] = [new Array<number>(count).fill(0)]
  const accepts = [false]
  for (const word of words) {
    let state = 0
    for (const char of word.toLowerCase()) {
      const row = next[state] as number[]
      const at = classes[char.charCodeAt(0)] as number
      row[at] ||= next.push(new Array<number>(count).fill(0)) - 1
      state = row[at] as number
    }
    accepts[state] = true
  }
  const table = flatten(next, accepts, count)
  const found = next.length * count
  const overlap = Math.max(...words.map((word) => word.length)) - 1
  return (bytes) => {
    // Four stretches at once, each running on into the next by a word: one state after another is a chain of loads that
    // waits for itself (measured: 1.9 to 0.8 µs for 1.1 KB).
    const stretch = bytes.length >> 2
    const to = stretch > overlap ? stretch : 0
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let i = 0; i < to; i++) {
      a = table[a + (classes[bytes[i] as number] as number)] as number
      b = table[b + (classes[bytes[i + stretch] as number] as number)] as number
      c = table[c + (classes[bytes[i + 2 * stretch] as number] as number)] as number
      d = table[d + (classes[bytes[i + 3 * stretch] as number] as number)] as number
      if (a === found || b === found || c === found || d === found) return true
    }
    if (to === 0) return runs(bytes, 0, 0, bytes.length)
    return (
      runs(bytes, a, to, to + overlap) ||
      runs(bytes, b, 2 * to, 2 * to + overlap) ||
      runs(bytes, c, 3 * to, 3 * to + overlap) ||
      runs(bytes, d, 4 * to, bytes.length)
    )
  }

  function runs(bytes: Uint8Array, row: number, from: number, to: number): boolean {
    for (let i = from; i < to; i++) {
      row = table[row + (classes[bytes[i] as number] as number)] as number
      if (row === found) return true
    }
    return false
  }
}

/** Fills in where each state goes on a mismatch, breadth first; a state is the offset of its row, one past the end means found. */
function flatten(next: number[][], accepts: boolean[], count: number): Uint32Array {
  const fail = new Array<number>(next.length).fill(0)
  const queue = (next[0] as number[]).filter((state) => state !== 0)
  for (const state of queue) {
    accepts[state] ||= accepts[fail[state] as number] as boolean
    for (let at = 0; at < count; at++) {
      const row = next[state] as number[]
      const otherwise = (next[fail[state] as number] as number[])[at] as number
      const child = row[at] as number
      if (child === 0) row[at] = otherwise
      else {
        fail[child] = otherwise
        queue.push(child)
      }
    }
  }
  const table = new Uint32Array(next.length * count)
  next.forEach((row, state) => row.forEach((to, at) => (table[state * count + at] = accepts[to] === true ? table.length : to * count)))
  return table
}
