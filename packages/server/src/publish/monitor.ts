import { createHash } from 'node:crypto'
import { MAX_NOTE_BYTES } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import { Connections } from './post.ts'

/** What one witness of a policy says of a log: the checkpoint it cosigned last, or why there is none. */
export interface WitnessView {
  readonly witness: string
  /** Unverified. */
  readonly note: string | null
  /** NONE: it never cosigned one (404). Else as in `post.ts`, or STATUS_n. */
  readonly code: string | null
}

/**
 * Asks every witness of a policy that has a URL what it cosigned last of a log (C2SP tlog-witness, "Monitor Retrieval").
 * attacker: a witness may hold a newer one back; that takes all of them to hide a log set back.
 */
export async function askMonitors(policy: Policy, origin: string, options: { readonly timeoutMs: number }): Promise<WitnessView[]> {
  const connections = new Connections()
  const hash = createHash('sha256').update(origin).digest('hex')
  try {
    return await Promise.all(
      policy.witnesses
        .filter(({ url }) => url !== null)
        .map(async ({ name, url }): Promise<WitnessView> => {
          try {
            const answer = await connections.ask(`${(url as string).replace(/\/$/, '')}/${hash}/checkpoint`, {
              method: 'GET',
              timeoutMs: options.timeoutMs,
              maxBytes: MAX_NOTE_BYTES,
            })
            if (answer.status === 200) return { witness: name, note: Buffer.from(answer.body).toString('utf8'), code: null }
            return { witness: name, note: null, code: answer.status === 404 ? 'NONE' : `STATUS_${answer.status}` }
          } catch (error) {
            return { witness: name, note: null, code: error instanceof Error ? error.message : 'FAILED' }
          }
        }),
    )
  } finally {
    connections.close()
  }
}
