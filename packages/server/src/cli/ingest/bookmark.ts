import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Counts } from './counts.ts'
import type { Start } from './pieces.ts'

/**
 * How far a file of NDJSON was taken in, kept beside it as `FILE.sealtrail` while that is not all of it. Only a saving of
 * time: what was sent before and is sent again is recognised as duplicate.
 */
export interface Bookmark extends Start {
  readonly counts: Counts
}

interface Stored extends Bookmark {
  readonly format: 'sealtrail/bookmark/1'
  /** Where the events went. */
  readonly place: string
  /** SHA-256 of the file's first bytes, at most 64 KiB of those taken in: another file of the same name starts over. */
  readonly head: string
}

const HEAD_BYTES = 65_536

/** The bookmark of an earlier run into the same place, or null. */
export function readBookmark(file: string, place: string): Bookmark | null {
  try {
    const stored = JSON.parse(readFileSync(pathOf(file), 'utf8')) as Stored
    if (stored.format !== 'sealtrail/bookmark/1' || stored.place !== place || statSync(file).size < stored.offset) return null
    return stored.head === headOf(file, stored.offset) ? { offset: stored.offset, counted: stored.counted, counts: stored.counts } : null
  } catch {
    return null
  }
}

/** Keeps the bookmark; false when the folder cannot be written, and then a later run starts over. */
export function writeBookmark(file: string, place: string, { offset, counted, counts }: Bookmark): boolean {
  try {
    const stored: Stored = { format: 'sealtrail/bookmark/1', place, head: headOf(file, offset), offset, counted, counts }
    writeFileSync(`${pathOf(file)}.next`, JSON.stringify(stored))
    renameSync(`${pathOf(file)}.next`, pathOf(file))
    return true
  } catch {
    return false
  }
}

/** The file was taken in whole. */
export function dropBookmark(file: string): void {
  rmSync(pathOf(file), { force: true })
}

function headOf(path: string, offset: number): string {
  const bytes = Buffer.alloc(Math.min(offset, HEAD_BYTES))
  const file = openSync(path, 'r')
  try {
    return createHash('sha256')
      .update(bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)))
      .digest('hex')
  } finally {
    closeSync(file)
  }
}

const pathOf = (file: string): string => `${file}.sealtrail`
