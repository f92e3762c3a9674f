import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ed25519Verifier, formatCheckpoint, openCheckpoint, signNote } from '@sealtrail/tlog'
import type { Signer } from '@sealtrail/tlog'
import type { Head } from '../head/head.ts'

/** The signed checkpoint of a head: always the same bytes for the same head and key. */
export function signCheckpoint(origin: string, head: Head, signer: Signer): string {
  return signNote(formatCheckpoint({ origin, size: BigInt(head.size), root: Buffer.from(head.root, 'hex') }), [signer])
}

/**
 * Puts the newest checkpoint where readers find it. Not synced: it is derived from head and key, and signed again at the
 * next start. The rename keeps readers from seeing half of it.
 */
export function publishCheckpoint(path: string, note: string): void {
  try {
    writeFileSync(path + '.next', note)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path + '.next', note)
  }
  renameSync(path + '.next', path)
}

/** The checkpoint in the file, if it is one of this log; attacker: whoever can write the data directory wrote it. */
export function readCheckpoint(path: string, vkey: string): { readonly note: string; readonly size: number; readonly root: string } | null {
  try {
    const verifier = ed25519Verifier(vkey)
    const note = readFileSync(path, 'utf8')
    const { size, root } = openCheckpoint(note, { origin: verifier.name, log: [verifier] })
    return { note, size: Number(size), root: Buffer.from(root).toString('hex') }
  } catch {
    return null
  }
}
