import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { openFold } from '../config/open-fold.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { Numbered } from '../event/numbered.ts'
import { errorFields } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import type { GrantDesk, Openings } from '../privacy/grant.ts'
import { grantDesk } from '../privacy/grant-desk.ts'
import { Grants } from '../privacy/grants.ts'
import type { Fold } from '../retain/fold.ts'
import { SYSTEM_LOG } from './system-entry.ts'

/** Grants beside a sealing thread. */
export interface Granting {
  readonly desk: GrantDesk
  readonly openings: Openings
  /** Told of each commit. */
  committed(log: string, items: readonly Numbered[]): void
  /** What is degraded, one line each. */
  notes(): string[]
  close(): Promise<void>
}

/** Reads the grants from the system log. Where it cannot be read none counts, and the server goes on. */
export async function startGranting(config: Config, sealing: Sealing, env: { readonly log: Log; readonly now: () => number }): Promise<Granting> {
  const grants = new Grants()
  let fold: Fold | null = null
  try {
    fold = await openFold(config, sealing, [grants], join(config.data, 'retain', 'grants.json'))
    fold.save()
  } catch (error) {
    env.log.error('the grants cannot be read: until they can, none counts', errorFields(error))
  }
  const following = {
    async catchUp() {
      if (fold === null) throw new SealtrailError('DATA_CORRUPT', 'the grants are not known: the system log cannot be read')
      await fold.catchUp()
    },
  }
  let hearing: Promise<void> = Promise.resolve()
  return {
    desk: grantDesk({
      grants,
      fold: following,
      seal: (event) => sealing.sealed(event),
      isTrail: (trail) => Object.hasOwn(config.trails, trail),
      isLog: (log) => sealing.sizes.logs.includes(log),
      approveWithinMs: config.auth.dualControl.includes('disclose') ? config.auth.approveWithinMs : null,
      now: env.now,
      newId: () => randomBytes(16).toString('hex'),
    }),
    openings: async (viewer) => (fold === null ? [] : grants.openings(viewer, env.now())),
    committed(log, items) {
      // Accepted before the process died, a grant or its end is sealed by the next one, and counts.
      if (log !== SYSTEM_LOG || fold === null || !items.some(({ entry }) => entry.subject.startsWith('grant/'))) return
      hearing = hearing
        .then(() => following.catchUp())
        .catch((error: unknown) => {
          fold = null
          env.log.error('a record of a grant cannot be read: none counts', errorFields(error))
        })
    },
    notes: () => (fold === null ? ['the grants cannot be read: none counts'] : []),
    async close() {
      await hearing
      try {
        await fold?.catchUp()
        fold?.save()
      } catch (error) {
        // Derived: folded again at the next start.
        env.log.warn('the state of grants could not be saved', errorFields(error))
      }
    },
  }
}
