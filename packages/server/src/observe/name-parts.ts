/** Bytes of names that one line of a system record takes; a record holds 65,535. */
const PART_BYTES = 8_000
const LONGEST = 512

/** Names of fields in parts that fit a system record each. attacker: senders name fields; a name as long as an event is cut. */
export function nameParts(names: readonly string[]): string[][] {
  const parts: string[][] = []
  let room = 0
  for (const each of names) {
    const name = each.length <= LONGEST ? each : `${each.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, '')}…`
    const bytes = Buffer.byteLength(JSON.stringify(name)) + 1
    if (bytes > room) {
      parts.push([])
      room = PART_BYTES
    }
    parts.at(-1)?.push(name)
    room -= bytes
  }
  return parts
}
