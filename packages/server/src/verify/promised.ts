import { ed25519Verifier, openCheckpoint, parseCheckpoint, parseNote } from '@sealtrail/tlog'
import type { Promised } from './branches.ts'
import type { KeptCheckpoint } from './policy.ts'

/**
 * The states that checkpoints speak of. What is no checkpoint, or is not signed with the key, is left out here: the audit
 * names it. @param vkey null: whoever brought them vouches for them
 */
export function promisedIn(kept: readonly KeptCheckpoint[], vkey: string | null): Promised[] {
  return kept.flatMap(({ object, note }) => {
    if (vkey !== null && !isSignedBy(note, vkey)) return []
    try {
      const { size, root } = parseCheckpoint(parseNote(note).text)
      return [{ object, size: Number(size), root: Buffer.from(root).toString('hex') }]
    } catch {
      return []
    }
  })
}

/** Whether the note is a checkpoint of the key's log, signed with it. */
export function isSignedBy(note: string, vkey: string): boolean {
  const verifier = ed25519Verifier(vkey)
  try {
    openCheckpoint(note, { origin: verifier.name, log: [verifier] })
    return true
  } catch {
    return false
  }
}
