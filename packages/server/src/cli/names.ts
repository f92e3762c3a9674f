import { SealtrailError } from '../errors.ts'
import type { Context } from './command.ts'

/** Names of one person fit in a line each. */
const MOST_STDIN = 64 * 1024

/** The names given; of `-` those on stdin, one a line, so that none stays in the history of the shell. @throws SealtrailError USAGE */
export async function namesFrom(ctx: Context, given: readonly string[]): Promise<string[]> {
  if (!given.includes('-')) return [...given]
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of ctx.stdin) {
    if ((size += chunk.length) > MOST_STDIN) throw new SealtrailError('USAGE', 'stdin has more than names of one person')
    chunks.push(chunk)
  }
  const lines = Buffer.concat(chunks)
    .toString('utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length === 0) throw new SealtrailError('USAGE', 'stdin has no name')
  return [...given.filter((name) => name !== '-'), ...lines]
}
