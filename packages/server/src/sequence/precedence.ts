/**
 * True when a receipt of rank `incoming` becomes the current status over one of rank `current` (0: none yet). A lower
 * status that arrives later changes nothing current: it is superseded. The same status again becomes the current one, as
 * its newest receipt.
 */
export function supersedes(incoming: number, current: number): boolean {
  return incoming >= current
}
