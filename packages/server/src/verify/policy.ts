import { existsSync, readFileSync } from 'node:fs'
import { TlogError, checkpointPolicy, ed25519Verifier, openCheckpoint } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import { publishedPath } from '../publish/published.ts'
import { problem } from './verdict.ts'
import type { FoundProblem, Note } from './verdict.ts'

/** A signed note somebody brought along: kept from an earlier day, or had from a witness. */
export interface KeptCheckpoint {
  /** What it is called in the verdict: a file name. */
  readonly object: string
  readonly note: string
}

/** The published checkpoint of a log, as it lies in the data directory; null when there is none. attacker: whoever wrote the directory. */
export function publishedIn(directory: string, log: string): KeptCheckpoint | null {
  const path = publishedPath(directory, log)
  return existsSync(path) ? { object: `published/${log}`, note: readFileSync(path, 'utf8') } : null
}

/** The first line of a note: the log it speaks of, as it says. */
export function originOf(note: string): string {
  return note.slice(0, Math.max(0, note.indexOf('\n')))
}

/**
 * Whether the published checkpoint meets the policy, and how far it reaches. That it fits the records is the audit's to
 * find; this says how many independent parties vouch for it.
 * @param vkey of the log
 * @param size records the log holds
 */
export function auditPolicy(
  policy: Policy,
  vkey: string,
  log: string,
  size: number,
  published: KeptCheckpoint | null,
): { problems: FoundProblem[]; notes: Note[] } {
  if (size === 0) return { problems: [], notes: [] }
  const object = `published/${log}`
  if (published === null) return { problems: [problem('POLICY_UNMET', object, null, 'nothing of this log is published')], notes: [] }
  try {
    const verifier = ed25519Verifier(vkey)
    const opened = openCheckpoint(published.note, checkpointPolicy(policy, verifier.name, { log: [verifier] }))
    const behind = size - Number(opened.size)
    const notes =
      behind > 0
        ? [
            {
              object,
              message: `the witnesses vouch for records 0 to ${opened.size - 1n}; the ${behind} after them are committed and not published: only the log's own key vouches for these`,
            },
          ]
        : []
    return { problems: [], notes }
  } catch (error) {
    if (!(error instanceof TlogError)) throw error
    return { problems: [problem('POLICY_UNMET', object, null, error.code)], notes: [] }
  }
}
