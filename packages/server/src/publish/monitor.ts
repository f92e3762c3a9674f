import { createHash } from 'node:crypto'
import { MAX_NOTE_BYTES } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import { Connections } from './post.ts'

/** What one witness says of a log: the checkpoint it cosigned last, or why there is none. */
export interface CosignedLast {
  /** Unverified. */
  readonly note: string | null
  /** NONE: it never cosigned one (404). Else as in `post.ts`, or STATUS_n. Null with a note. */
  readonly code: string | null
}

/** The same, of a witness of a policy. */
export interface WitnessView extends CosignedLast {
  readonly witness: string
}

/**
 * Asks a witness what it cosigned last of a log (C2SP tlog-witness, "Monitor Retrieval"). Never rejects.
 * attacker: the witness, and whoever stands between; it may hold a newer one back.
 */
export async function askCosignedLast(connections: Connections, url: string, origin: string, timeoutMs: number): Promise<CosignedLast> {
  const hash = createHash('sha256').update(origin).digest('hex')
  try {
    const { status, body } = await connections.ask(`${submissionPrefix(url)}/${hash}/checkpoint`, { method: 'GET', timeoutMs, maxBytes: MAX_NOTE_BYTES })
    if (status === 200) return { note: Buffer.from(body).toString('utf8'), code: null }
    return { note: null, code: status === 404 ? 'NONE' : `STATUS_${status}` }
  } catch (error) {
    return { note: null, code: (error as Error).message }
  }
}

/** Asks every witness of a policy that has a URL. attacker: it takes all of them, holding a newer one back, to hide a log set back. */
export async function askMonitors(policy: Policy, origin: string, { timeoutMs }: { readonly timeoutMs: number }): Promise<WitnessView[]> {
  const connections = new Connections()
  try {
    return await Promise.all(
      policy.witnesses.flatMap(({ name, url }) =>
        url === null ? [] : [askCosignedLast(connections, url, origin, timeoutMs).then((last): WitnessView => ({ witness: name, ...last }))],
      ),
    )
  } finally {
    connections.close()
  }
}

/** A witness's URL without the slash at its end, for paths to be put behind. */
export function submissionPrefix(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}
