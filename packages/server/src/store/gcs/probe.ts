import { isAtLeast } from '../lock.ts'
import type { Lock, Probe, ProbeCheck, ProbeEnv } from '../store.ts'
import { probeOf } from '../verdict.ts'
import { type Bucket, checksumOf, type Description } from './bucket.ts'
import { isForbidden, isPassing, Refused } from './failure.ts'
import { type Generation, retentionOf } from './generation.ts'
import { settingsChecks } from './settings.ts'

/** How long the locks last that are to be broken: nobody waits for their end, the next probe clears them. */
const LONG_MS = 60_000
/** How long the lock lasts whose end is waited for; longer ones where the way to the store is. */
const SHORT_MS = [3_000, 15_000, 45_000]
/** Beyond the end of a lock: the store keeps seconds. */
const MARGIN_MS = 1_100
/** So much longer it is made, and so much earlier somebody would have it. */
const STEP_MS = 5_000
/** Objects of earlier probes cleared at once. */
const MAX_CLEARED = 200
const NAME = /^[0-9a-f]{16}-[a-z]+$/

/** Makes a request again that failed in passing. */
export type Steady = <T>(run: () => Promise<T>) => Promise<T>

/**
 * Tries to break the lock on objects under `folder`. A refusal alone proves nothing, since it may only mean that the account lacks a
 * right: what may be done later, or is allowed, is tried as well, and after each attempt it is read what stands.
 * @throws Refused, NoAnswer when the store does not answer
 */
export async function probeBucket(bucket: Bucket, folder: string, env: ProbeEnv, steady: Steady): Promise<Probe> {
  const checks: ProbeCheck[] = []
  const trial = new Trial(bucket, env, steady, checks, `${folder}${Buffer.from(env.random(8)).toString('hex')}-`)
  await trial.settings()
  const locked = await trial.lock('lock', 'locked', 'COMPLIANCE')
  const gone = locked === null ? null : await trial.lock('lock-second', 'deleted', 'COMPLIANCE')
  const soft = locked === null ? null : await trial.lock('lock-unlocked', 'unlocked', 'GOVERNANCE')
  if (locked !== null) await trial.onLocked(locked)
  if (gone !== null) await trial.onDeleted(gone)
  if (soft !== null) await trial.onUnlocked(soft)
  const brief = locked === null ? null : await trial.brief()
  if (brief !== null) {
    await trial.hold(brief)
    await env.pause(Math.max(0, brief.lock.retainUntilMs - trial.now()) + MARGIN_MS)
    await trial.later(brief)
  }
  await clear(bucket, folder, steady)
  return probeOf(checks, env.now())
}

interface Scratch {
  readonly name: string
  readonly generation: string
  readonly bytes: Buffer
  lock: Lock
}

class Trial {
  readonly #bucket: Bucket
  readonly #env: ProbeEnv
  readonly #steady: Steady
  readonly #checks: ProbeCheck[]
  readonly #start: string
  #ahead = 0

  constructor(bucket: Bucket, env: ProbeEnv, steady: Steady, checks: ProbeCheck[], start: string) {
    this.#bucket = bucket
    this.#env = env
    this.#steady = steady
    this.#checks = checks
    this.#start = start
  }

  async settings(): Promise<void> {
    this.#checks.push(...(await settingsChecks(this.#bucket)))
  }

  /** The store's time, as far as it is known: our clock may differ by more than a short lock lasts. */
  now(): number {
    return this.#env.now() + this.#ahead
  }

  /** An object put under a lock; null unless the store shows the lock. */
  async lock(check: string, what: string, mode: Lock['mode']): Promise<Scratch | null> {
    const { scratch, refused, forbidden, seen } = await this.#locked(what, mode, LONG_MS)
    const stands = refused ? null : await this.#stands(scratch)
    const shown = stands?.whole === true
    const told = stands === null ? `refused an object with a lock: ${seen}` : shown ? 'shown as it was asked for' : `taken, and ${stands.seen}`
    this.#add(check, shown ? 'held' : forbidden ? 'skipped' : 'broken', told, true)
    return shown ? scratch : null
  }

  /** One whose lock ends soon. A date that has passed when it arrives is refused: then it is a longer one. */
  async brief(): Promise<Scratch | null> {
    let seen = ''
    for (const ms of SHORT_MS) {
      const tried = await this.#locked('brief', 'COMPLIANCE', ms)
      if (!tried.refused) return tried.scratch
      ;({ seen } = tried)
    }
    this.#add('delete-after', 'skipped', `no lock that ends soon: ${seen}`, true)
    return null
  }

  async #locked(what: string, mode: Lock['mode'], ms: number): Promise<{ scratch: Scratch; refused: boolean; forbidden: boolean; seen: string }> {
    const bytes = Buffer.from(this.#env.random(64))
    const lock: Lock = { mode, retainUntilMs: this.now() + ms }
    const name = this.#start + what
    let generation = ''
    const tried = await this.#tried(async () => {
      const made = await this.#upload(name, bytes, { retention: retentionOf(lock) }, false)
      ;({ generation } = made)
      if (made.createdMs !== null) this.#ahead = made.createdMs - this.#env.now()
    })
    return { scratch: { name, generation, bytes, lock }, ...tried }
  }

  async onLocked(object: Scratch): Promise<void> {
    const longer: Lock = { ...object.lock, retainUntilMs: object.lock.retainUntilMs + STEP_MS }
    const allowed = await this.#changed(object, { retention: retentionOf(longer) }, false)
    const stands = await this.#stands({ ...object, lock: longer })
    if (stands.whole) object.lock = longer
    // Without this right nothing could have been shortened either, and that would not be the lock's doing.
    this.#add('extend', allowed.refused ? 'skipped' : stands.whole ? 'held' : 'broken', allowed.refused ? allowed.seen : stands.seen, true)
    await this.#unchanged('shorten', object, { retention: retentionOf({ ...object.lock, retainUntilMs: object.lock.retainUntilMs - 2 * STEP_MS }) })
    await this.#unchanged('relax', object, { retention: retentionOf({ ...object.lock, mode: 'GOVERNANCE' }) })
    await this.#unchanged('clear', object, { retention: null })
    await this.#undeleted('delete-version', object)
    const second = await this.#tried(() => this.#upload(object.name, Buffer.from(this.#env.random(64)), {}, true))
    this.#add('create-only', second.refused ? 'held' : 'broken', second.seen, false)
    const wrong = await this.#tried(() => this.#upload(`${this.#start}wrong`, Buffer.from('wrong'), {}, false, checksumOf(Buffer.from('other'))))
    this.#add('checksum', wrong.refused ? 'held' : 'broken', wrong.seen, false)
    const over = await this.#tried(() => this.#upload(object.name, Buffer.from(this.#env.random(64)), {}, false))
    await this.#still('overwrite', object, over.refused ? `refused: ${over.seen}` : 'a newer generation beside it')
  }

  /** Deleting the live generation by name is allowed where versions are kept, and must keep it. */
  async onDeleted(object: Scratch): Promise<void> {
    const deleted = await this.#tried(() => this.#bucket.remove(object.name, null))
    await this.#still('delete-live', object, deleted.refused ? `refused: ${deleted.seen}` : 'kept as a noncurrent generation')
    if (deleted.refused) return this.#add('create-only-deleted', 'skipped', 'its name is not free', false)
    const again = await this.#tried(() => this.#upload(object.name, Buffer.from(this.#env.random(64)), {}, true))
    this.#add(
      'create-only-deleted',
      again.refused ? 'held' : 'broken',
      again.refused ? again.seen : 'a deleted name can be written again, as Google documents',
      false,
    )
    await this.#still('rewrite', object, 'the deleted generation is still there')
  }

  async onUnlocked(object: Scratch): Promise<void> {
    const earlier = { retention: retentionOf({ ...object.lock, retainUntilMs: object.lock.retainUntilMs - STEP_MS }) }
    const shorter = await this.#changed(object, earlier, false)
    await this.#still('unlocked-shorten', object, shorter.seen, shorter.refused)
    await this.#undeleted('unlocked-delete', object)
    const bypassed = await this.#changed(object, earlier, true)
    this.#add('unlocked-bypass', bypassed.refused ? 'held' : 'broken', bypassed.refused ? bypassed.seen : 'this account may override Unlocked retention', false)
  }

  async hold(object: Scratch): Promise<void> {
    const { refused, seen } = await this.#changed(object, { temporaryHold: true }, false)
    const stands = await this.#stands(object)
    this.#add('hold', refused ? 'skipped' : stands.legalHold ? 'held' : 'broken', refused ? seen : stands.legalHold ? 'shown' : 'taken and not shown', true)
  }

  /** When the lock has ended: a hold still holds, and without it the object goes; otherwise a refusal before said nothing. */
  async later(object: Scratch): Promise<void> {
    if ((await this.#stands(object)).legalHold) await this.#undeleted('delete-held', object)
    else this.#add('delete-held', 'skipped', 'nothing is under a hold', true)
    await this.#changed(object, { temporaryHold: false }, false)
    const { refused, seen } = await this.#tried(() => this.#bucket.remove(object.name, object.generation))
    this.#add(
      'delete-after',
      refused ? 'skipped' : 'held',
      refused ? `this account cannot tell a lock from a missing right: ${seen}` : 'removed after its date',
      true,
    )
  }

  async #unchanged(check: string, object: Scratch, description: Description): Promise<void> {
    const plain = await this.#changed(object, description, false)
    const overriding = await this.#changed(object, description, true)
    await this.#still(check, object, plain.refused ? overriding.seen : plain.seen, plain.refused && overriding.refused)
  }

  async #undeleted(check: string, object: Scratch): Promise<void> {
    const { refused, seen } = await this.#tried(() => this.#bucket.remove(object.name, object.generation))
    await this.#still(check, object, seen, refused)
  }

  /** Whatever it answered: does the object stand as it was, under its lock? */
  async #still(check: string, object: Scratch, seen: string, refused = true): Promise<void> {
    const stands = await this.#stands(object)
    this.#add(check, refused && stands.whole ? 'held' : 'broken', stands.whole ? seen : `${seen}; afterwards ${stands.seen}`, true)
  }

  async #stands({ name, generation, bytes, lock }: Scratch): Promise<{ whole: boolean; legalHold: boolean; seen: string }> {
    const [said, got] = await Promise.all([this.#bucket.describe(name, generation), this.#bucket.bytes(name, generation, 1_024)])
    const legalHold = said?.legalHold ?? false
    if (said === null || got === null) return { whole: false, legalHold, seen: 'it was gone' }
    if (!got.equals(bytes)) return { whole: false, legalHold, seen: 'it had other bytes' }
    const locked = isAtLeast(said.lock, lock) && said.lock?.mode === lock.mode
    return { whole: locked, legalHold, seen: locked ? 'it stands as asked for' : said.lock === null ? 'it showed no lock' : 'it showed another lock' }
  }

  async #changed(object: Scratch, description: Description, override: boolean): Promise<{ refused: boolean; seen: string }> {
    return this.#tried(async () => {
      const said = await this.#bucket.describe(object.name, object.generation)
      if (said !== null) await this.#steady(() => this.#bucket.change(said, description, override))
    })
  }

  async #tried(run: () => Promise<unknown>): Promise<{ refused: boolean; forbidden: boolean; seen: string }> {
    try {
      await run()
      return { refused: false, forbidden: false, seen: 'the store did it' }
    } catch (error) {
      if (!(error instanceof Refused) || isPassing(error)) throw error
      return { refused: true, forbidden: isForbidden(error), seen: error.message }
    }
  }

  #upload(...args: Parameters<Bucket['upload']>): Promise<Generation> {
    return this.#steady(() => this.#bucket.upload(...args))
  }

  #add(name: string, result: ProbeCheck['result'], seen: string, decisive: boolean): void {
    this.#checks.push({ name, result, seen: seen.slice(0, 250), decisive })
  }
}

/** Removes what this and earlier probes left and nothing holds any more. */
async function clear(bucket: Bucket, folder: string, steady: Steady): Promise<void> {
  const left: Generation[] = []
  for await (const each of bucket.generations(folder)) {
    if (NAME.test(each.name.slice(folder.length))) left.push(each)
    if (left.length >= MAX_CLEARED) break
  }
  for (const each of left) {
    try {
      if (each.legalHold) await steady(() => bucket.change(each, { temporaryHold: false }))
      await bucket.remove(each.name, each.generation)
    } catch (error) {
      // Held still: the next probe clears it.
      if (!(error instanceof Refused) && !isPassing(error)) throw error
    }
  }
}
