import { existsSync, readFileSync } from 'node:fs'
import { TYPE_ED25519, ed25519Verifier, formatVkey, openCheckpoint, parseNote, signNote } from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import { replaceDurably } from '../durable-file.ts'
import { publishedPath } from './published.ts'

/**
 * Adds the signatures of log keys that came after it to the published checkpoint, whose text and cosignatures stay: a log that
 * does not grow is published no more, and must verify under the new key once the old one is retired. Before it is read by
 * others. @param publicKeys of every log key there ever was
 */
export function signPublished(data: string, log: string, signers: readonly Signer[], publicKeys: readonly Uint8Array[]): void {
  const path = publishedPath(data, log)
  if (!existsSync(path)) return
  const text = readFileSync(path, 'utf8')
  const [first] = signers
  if (first === undefined) return
  try {
    // attacker: whoever writes the data directory; nothing is signed that no key of this log signed before.
    const { note } = openCheckpoint(text, { origin: first.name, log: publicKeys.map((key) => ed25519Verifier(formatVkey(first.name, TYPE_ED25519, key))) })
    const missing = signers.filter(({ name, keyId }) => !note.signatures.some((line) => line.name === name && line.keyId === keyId))
    if (missing.length > 0) replaceDurably(path, signNote(note.text, missing, note.signatures), 'the published checkpoint')
  } catch {
    // Another's, or damaged: the next round publishes a new one, and `verify` names this one.
  }
}

/** Whether the keys with these ids all signed the note, as its lines say. */
export function bears(note: string, signers: readonly Pick<Signer, 'keyId'>[]): boolean {
  const { signatures } = parseNote(note)
  return signers.every(({ keyId }) => signatures.some((line) => line.keyId === keyId))
}
