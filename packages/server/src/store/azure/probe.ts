import { isAtLeast } from '../lock.ts'
import type { Lock, Probe, ProbeCheck, ProbeEnv } from '../store.ts'
import { probeOf } from '../verdict.ts'
import { isForbidden, passes, told } from './answer.ts'
import type { Blobs } from './blobs.ts'

/**
 * The service documents one day as the shortest retention, so nothing can be seen to end: scratch that was locked stays a day
 * and an hour, and is removed by a later probe.
 */
const SHORT_MS = 25 * 60 * 60 * 1000
const HOUR_MS = 60 * 60 * 1000
const DECISIVE = ['lock-shown', 'delete-version', 'shorten', 'delete-policy', 'relax', 'overwrite', 'delete', 'hold-shown', 'delete-held']
/** attacker: whoever may write could fill the scratch; each probe clears so many. */
const CLEARED = 50

/**
 * Tries to break the lock of two blobs of a few bytes below `scratch`: one locked, one under a legal hold. What is asked
 * counts as held only if the service refused it and the version stands afterwards as it stood.
 */
export async function probeAzure(blobs: Blobs, scratch: string, env: ProbeEnv): Promise<Probe> {
  const checks: ProbeCheck[] = []
  const check = (name: string, result: ProbeCheck['result'], seen: string): void => void checks.push({ name, result, seen, decisive: DECISIVE.includes(name) })
  const run = Buffer.from(env.random(8)).toString('hex')
  await clear(blobs, scratch, env.now())
  await probeLock(blobs, `${scratch}${run}-locked`, env, check)
  await probeHold(blobs, `${scratch}${run}-held`, env, check)
  check('suspend-versioning', 'skipped', 'an operation of the account, for which this identity has no right')
  return probeOf(checks, env.now())
}

type Check = (name: string, result: ProbeCheck['result'], seen: string) => void

async function probeLock(blobs: Blobs, name: string, env: ProbeEnv, check: Check): Promise<void> {
  const bytes = env.random(16)
  const lock: Lock = { mode: 'COMPLIANCE', retainUntilMs: env.now() + SHORT_MS + HOUR_MS }
  const made = await tried(() => blobs.put(name, bytes, { lock, fresh: true }))
  if (made.answer !== 'done') {
    // The place takes no lock at all: everything else would be tried on nothing.
    check('lock-shown', made.answer === 'forbidden' ? 'skipped' : 'broken', made.seen)
    return
  }
  const id = (await blobs.properties(name, null))?.id ?? null
  const stands = async (): Promise<boolean> => {
    const read = await blobs.get(name, id)
    return read !== null && Buffer.compare(read.bytes, bytes) === 0 && isAtLeast(read.lock, lock)
  }
  const shown = await blobs.properties(name, id)
  check(
    'lock-shown',
    isAtLeast(shown?.lock ?? null, lock) && id !== null ? 'held' : 'broken',
    shown === null
      ? 'it is not there'
      : `${shown.lock === null ? 'no policy' : shown.lock.mode === 'COMPLIANCE' ? 'Locked' : 'Unlocked'}, ${id === null ? 'no version' : 'a version'}`,
  )
  const attack = async (what: string, request: () => Promise<unknown>, allowed = false): Promise<void> => {
    const { answer, seen } = await tried(request)
    if (answer === 'forbidden') return check(what, 'skipped', `${seen}: this identity may not try it`)
    const whole = await stands()
    check(
      what,
      whole && (allowed || answer === 'refused') ? 'held' : 'broken',
      `${seen}; ${whole ? 'the version stands, locked' : 'the version or its lock is gone'}`,
    )
  }
  await attack('shorten', () => blobs.setPolicy(name, id, { mode: 'COMPLIANCE', retainUntilMs: lock.retainUntilMs - HOUR_MS }))
  await attack('relax', () => blobs.setPolicy(name, id, { mode: 'GOVERNANCE', retainUntilMs: lock.retainUntilMs + HOUR_MS }))
  await attack('delete-policy', () => blobs.deletePolicy(name, id))
  const again = await tried(() => blobs.put(name, bytes, { lock: null, fresh: true }))
  check('if-none-match', again.answer === 'refused' ? 'held' : again.answer === 'forbidden' ? 'skipped' : 'broken', again.seen)
  const renamed = await tried(() => blobs.setMetadata(name, { format: 'probe' }))
  check('metadata', renamed.answer === 'refused' ? 'held' : renamed.answer === 'forbidden' ? 'skipped' : 'broken', renamed.seen)
  // Writing over and deleting without a version may be let happen: the locked version has to stand underneath.
  await attack('overwrite', () => blobs.put(name, env.random(16), { lock: null, fresh: false }), true)
  await attack('delete', () => blobs.delete(name, null), true)
  // No longer the current version, so it is the lock alone that holds it.
  if (id === null) check('delete-version', 'skipped', 'there are no versions')
  else await attack('delete-version', () => blobs.delete(name, id))
  await sweep(blobs, name, env.now())
}

async function probeHold(blobs: Blobs, name: string, env: ProbeEnv, check: Check): Promise<void> {
  const bytes = env.random(16)
  const made = await tried(() => blobs.put(name, bytes, { lock: null, fresh: true, legalHold: true }))
  const shown = made.answer === 'done' ? await blobs.properties(name, null) : null
  check(
    'hold-shown',
    shown?.legalHold === true ? 'held' : made.answer === 'forbidden' ? 'skipped' : 'broken',
    shown === null ? made.seen : shown.legalHold ? 'under hold' : 'no hold',
  )
  if (shown === null) return
  // Written over, so that it is not the current version, which nobody may delete by its id.
  await tried(() => blobs.put(name, env.random(16), { lock: null, fresh: false }))
  const { answer, seen } = await tried(() => blobs.delete(name, shown.id))
  const stands = (await blobs.get(name, shown.id)) !== null
  if (answer === 'forbidden') check('delete-held', 'skipped', `${seen}: this identity may not try it`)
  else check('delete-held', stands && answer === 'refused' ? 'held' : 'broken', `${seen}; ${stands ? 'the version stands' : 'the version is gone'}`)
  // Nothing holds it any more then, and it is removed with the rest.
  if (stands) await tried(() => blobs.setHold(name, shown.id, false))
  await sweep(blobs, name, env.now())
}

/** What earlier probes left, as far as it has run out. */
async function clear(blobs: Blobs, scratch: string, nowMs: number): Promise<void> {
  let cleared = 0
  for await (const { name } of blobs.names(scratch, scratch)) {
    if (++cleared > CLEARED) return
    await sweep(blobs, name, nowMs)
  }
}

/** Removes the versions of a scratch blob that nothing holds. Left-overs are of no consequence. */
async function sweep(blobs: Blobs, name: string, nowMs: number): Promise<void> {
  const versions = await blobs.versions(name)
  const free = versions.filter(({ lock, legalHold }) => !legalHold && (lock === null || lock.retainUntilMs < nowMs))
  if (free.some(({ current }) => current)) await tried(() => blobs.delete(name, null))
  for (const { id } of free) if (id !== null) await tried(() => blobs.delete(name, id))
}

/** What the service answered. An answer that did not come says nothing of the lock, and ends the probe. */
async function tried(request: () => Promise<unknown>): Promise<{ answer: 'done' | 'refused' | 'forbidden'; seen: string }> {
  try {
    await request()
    return { answer: 'done', seen: 'done' }
  } catch (error) {
    if (passes(error)) throw error
    return { answer: isForbidden(error) ? 'forbidden' : 'refused', seen: told(error) }
  }
}
