/** The name that differs least from the one written, if it is near enough to be what was meant. */
export function nearest(written: string, names: Iterable<string>): string | null {
  let best: string | null = null
  let least = Math.max(2, Math.floor(written.length / 3)) + 1
  for (const name of names) {
    const edits = difference(written.toLowerCase(), name.toLowerCase())
    if (edits < least) {
      least = edits
      best = name
    }
  }
  return best
}

/** Edits from one to the other; fewer when they begin alike (`retention`, `retain`). */
function difference(a: string, b: string): number {
  let alike = 0
  while (alike < a.length && alike < b.length && a[alike] === b[alike]) alike++
  return Math.min(distance(a, b), alike >= 3 && alike * 2 >= Math.min(a.length, b.length) ? 2 : Number.POSITIVE_INFINITY)
}

/** Levenshtein's distance, a row at a time. */
function distance(a: string, b: string): number {
  if (a.length > 64) return Number.POSITIVE_INFINITY
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
