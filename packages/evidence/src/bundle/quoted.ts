/** Longest stranger's text within a sentence. */
const MOST = 300

/** attacker: a stranger's text within a sentence of ours, between marks it cannot close, so that nobody takes its words for ours. */
export function quoted(text: string): string {
  const bare = text.replace(/["“”„‟«»]/g, "'")
  return `“${bare.length > MOST ? `${bare.slice(0, MOST)}…` : bare}”`
}
