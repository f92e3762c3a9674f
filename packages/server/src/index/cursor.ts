import { createHash } from 'node:crypto'
import { SealtrailError } from '../errors.ts'

/** Where a page ended: time (or subjectsequence), log, index. */
export type Position = readonly [number, string, number]

/** Binds a cursor to its question (not to its limit). */
export function digestOf(question: readonly unknown[]): string {
  const text = JSON.stringify(question.map((part) => part ?? null))
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}

export function writeCursor(digest: string, position: Position): string {
  return Buffer.from(JSON.stringify([digest, ...position])).toString('base64url')
}

/**
 * The place a cursor names. attacker: it comes from outside; the worst a forged one does is to start elsewhere in the same answer.
 * @throws SealtrailError BAD_REQUEST for a cursor of another question, or of nobody
 */
export function readCursor(cursor: string, digest: string): Position {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    parts = null
  }
  if (!Array.isArray(parts) || parts.length !== 4) throw new SealtrailError('BAD_REQUEST', 'this is no cursor')
  const [of, key, log, index] = parts as unknown[]
  if (of !== digest) throw new SealtrailError('BAD_REQUEST', 'the cursor belongs to another query')
  if (!Number.isSafeInteger(key) || typeof log !== 'string' || !Number.isSafeInteger(index)) throw new SealtrailError('BAD_REQUEST', 'this is no cursor')
  return [key as number, log, index as number]
}
