import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ed25519Verifier, formatCheckpoint, openCheckpoint, signNote } from '@sealtrail/tlog'
import type { Signer, Verifier } from '@sealtrail/tlog'
import type { Head } from '../head/head.ts'

/** The folder of the committed checkpoints of a data directory: a file a log, under its name. */
export function checkpointFolder(data: string): string {
  return join(data, 'checkpoint')
}

/** Where a log's committed checkpoint lies. */
export function checkpointPath(data: string, log: string): string {
  return join(checkpointFolder(data), log)
}

/** The signed checkpoint of a head: always the same bytes for the same head and keys. */
export function signCheckpoint(origin: string, head: Head, signers: readonly Signer[]): string {
  return signNote(formatCheckpoint({ origin, size: BigInt(head.size), root: Buffer.from(head.root, 'hex') }), signers)
}

/**
 * Puts the newest checkpoint where readers find it. Not synced: it is derived from head and key, and signed again at the
 * next start. Written in place, since a new file and its name for each commit would be so much for the file system to
 * journal that every fdatasync beside it waits; who reads half of it sees that by the signature and reads again.
 */
export function writeCheckpoint(path: string, note: string): void {
  const bytes = Buffer.from(note, 'utf8')
  try {
    const fd = openSync(path, 'r+')
    try {
      // A note only grows, by digits of the size; anything else is another log's.
      if (fstatSync(fd).size <= bytes.length && writeSync(fd, bytes, 0, bytes.length, 0) === bytes.length) return
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  try {
    writeFileSync(path + '.next', note)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path + '.next', note)
  }
  renameSync(path + '.next', path)
}

/** The checkpoint in the file, if it is one of this log, signed with one of its keys; attacker: whoever can write the data directory wrote it. */
export function readCheckpoint(
  path: string,
  ...vkeys: readonly [string, ...string[]]
): { readonly note: string; readonly size: number; readonly root: string } | null {
  const verifiers = vkeys.map((vkey) => ed25519Verifier(vkey))
  const origin = (verifiers[0] as Verifier).name
  for (let note = read(path); note !== null;) {
    try {
      const { size, root } = openCheckpoint(note, { origin, log: verifiers })
      return { note, size: Number(size), root: Buffer.from(root).toString('hex') }
    } catch {
      // Half of it was being written: then it is another text by now.
      const again = read(path)
      if (again === note) return null
      note = again
    }
  }
  return null
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
