import type { PersonKeys } from '../vault/erasable.ts'
import type { AffectedRecord, Found } from './eraser.ts'
import type { AffectedLog, ErasureBlock, ErasurePlan } from './erasure.ts'

/** What a plan is made of. */
export interface PlanGround {
  readonly person: PersonKeys
  readonly found: Found
  readonly blocks: readonly ErasureBlock[]
  readonly exports: ErasurePlan['exports']
  trailOf(log: string): string
  readonly needsApproval: boolean
}

/** What an erasure would do, in counts, and what it would not, in words. */
export function planOf({ person, found, blocks, exports, trailOf, needsApproval }: PlanGround): ErasurePlan {
  const logs = logsIn(found.records, trailOf)
  return {
    aliases: person.tokens.length,
    keys: person.keyIds.length,
    interactions: found.interactions.length,
    logs,
    waiting: found.waiting,
    blocks,
    exports: exports.map(({ id, at, to, purpose }) => ({ id, at, to, purpose })),
    stays: staysOf(found, logs, exports.length),
    needsApproval,
  }
}

function logsIn(records: readonly AffectedRecord[], trailOf: (log: string) => string): AffectedLog[] {
  const logs = new Map<string, { -readonly [name in keyof AffectedLog]: AffectedLog[name] }>()
  for (const { log, fields, withOthers, time } of records) {
    let of = logs.get(log)
    if (of === undefined) logs.set(log, (of = { log, trail: trailOf(log), records: 0, fields: 0, withOthers: 0, first: null, last: null }))
    of.records++
    of.fields += fields.length
    if (withOthers) of.withOthers++
    if (time === null) continue
    if (of.first === null || Date.parse(time) < Date.parse(of.first)) of.first = time
    if (of.last === null || Date.parse(time) > Date.parse(of.last)) of.last = time
  }
  return [...logs.values()].sort((a, b) => (a.log < b.log ? -1 : 1))
}

function staysOf({ records, interactions, quarantined }: Found, logs: readonly AffectedLog[], exports: number): string[] {
  const others = logs.reduce((sum, { withOthers }) => sum + withOthers, 0)
  return [
    `${records.length === 1 ? 'The record stays' : 'Every record stays'} in the log with its hash, its place, its times and its delivery status, and still verifies; in place of each value stands a commitment that says nothing any more.`,
    ...(others === 0 ? [] : [`Values of other people in the same records stay: ${others} of the records hold some.`]),
    ...(interactions.length === 0
      ? []
      : [
          'Values that belong to nobody known, such as texts of a call, go for the whole of each call or message that the person was a party of, also where others took part.',
        ]),
    ...(quarantined.named === 0 ? [] : [`Inputs in quarantine that hold one of the names go along: ${quarantined.named}.`]),
    ...(quarantined.others === 0
      ? []
      : [`Of ${quarantined.others} other inputs in quarantine nobody can tell whom they name; they stay until they are replayed.`]),
    'What a pack keeps in clear, such as ids of agents, queues and things, is not erased.',
    'Somebody who comes back under the same name gets a new key, and nothing links it to this one.',
    ...(exports === 0 ? [] : ['Bundles that were handed out cannot be reached: they are listed with the name they were made for and their date.']),
    'Copies of the keys in back-ups, and what other systems were sent, cannot be reached from here.',
  ]
}
