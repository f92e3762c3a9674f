import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { SealtrailError } from '../errors.ts'
import type { Viewer } from '../http/ports.ts'
import type { SystemEvent } from './system-entry.ts'

/** Who asks whether a value is the one that stands at a place. */
export interface CheckAsk {
  readonly viewer: Viewer
  readonly log: string
  readonly auditid: string
  /** Dotted path of a field that the record commits to. */
  readonly path: string
}

export interface CheckingDeps {
  /** Durable when it resolves. */
  system(event: SystemEvent): Promise<void>
  /** Unique to this run. */
  readonly run: string
  readonly perHour: number
  readonly now: () => number
}

interface Asker {
  /** When each of the last hour was, ms. */
  times: number[]
  /** Of those, how many were answered with yes. */
  matched: number[]
  /** Turned away since the last one that was answered. */
  refused: number
}

const HOUR_MS = 3_600_000

/**
 * Counts checks of values by token, over all threads: whoever may ask often enough can try all phone numbers. Each is sealed
 * before it is answered, and says nothing of the value or the answer.
 */
export class Checking {
  readonly #deps: CheckingDeps
  readonly #askers = new Map<string, Asker>()
  #next = 0

  constructor(deps: CheckingDeps) {
    this.#deps = deps
  }

  /** @throws SealtrailError TOO_MANY_CHECKS, NOT_DURABLE */
  async ask({ viewer, log, auditid, path }: CheckAsk): Promise<void> {
    const { perHour, now, run, system } = this.#deps
    const nowMs = now()
    const asker = this.#asker(viewer.name, nowMs)
    if (asker.times.length >= perHour) {
      asker.refused++
      throw new SealtrailError('TOO_MANY_CHECKS', `${perHour} checks an hour for one token; see limits.checksPerHour`)
    }
    asker.times.push(nowMs)
    const refused = asker.refused
    asker.refused = 0
    await system({
      what: 'check',
      subject: `checks/${new Date(nowMs).toISOString().slice(0, 10)}`,
      id: `check/${run}/${this.#next++}`,
      data: {
        at: new Date(nowMs).toISOString(),
        auditid,
        log,
        path,
        purpose: viewer.purpose,
        role: viewer.role,
        token: viewer.name,
        // Of this token within the hour: this one counted, and how many of those before found the value.
        asked: asker.times.length,
        matched: asker.matched.length,
        refused,
      },
    })
  }

  /** The answer to one that was asked. */
  answered(name: string, matches: boolean): void {
    if (matches) this.#askers.get(name)?.matched.push(this.#deps.now())
  }

  #asker(name: string, nowMs: number): Asker {
    let asker = this.#askers.get(name)
    if (asker === undefined) this.#askers.set(name, (asker = { times: [], matched: [], refused: 0 }))
    const recent = (at: number): boolean => at > nowMs - HOUR_MS
    // A clock set back keeps what was counted.
    asker.times = asker.times.filter(recent)
    asker.matched = asker.matched.filter(recent)
    return asker
  }
}

/** The checks of a server. */
export function checkingOf(config: Pick<Config, 'limits'>, { system }: Pick<CheckingDeps, 'system'>, now: () => number): Checking {
  return new Checking({ system: (event) => system(event), run: randomBytes(8).toString('hex'), perHour: config.limits.checksPerHour, now })
}
