import type { Pattern } from './work-file.ts'

/** A table of LevelDB leaves out of a key what it shares with the one before: of random tokens two or three bytes. */
const SHARED = 4

/** How a token (16 bytes latin1) may stand in a file: its bytes, and written as text. */
export function tokenPatterns(token: string): Pattern[] {
  const bytes = Buffer.from(token, 'latin1')
  const base64 = bytes.toString('base64')
  const texts = new Set([bytes.toString('hex'), base64.slice(0, 21), base64.slice(0, 21).replaceAll('+', '-').replaceAll('/', '_')])
  return [{ what: 'token', bytes: bytes.subarray(SHARED) }, ...[...texts].map((text) => ({ what: 'token', bytes: Buffer.from(text, 'latin1') }))]
}
