import { GetBucketVersioningCommand, GetObjectLockConfigurationCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import { isAtLeast } from '../lock.ts'
import type { Lock, Probe, ProbeCheck, ProbeEnv } from '../store.ts'
import { probeOf } from '../verdict.ts'
import type { Client } from './client.ts'
import { failureOf, isDenied, isLockless, isMissing, passes, tell } from './failure.ts'
import type { Locks } from './lock.ts'
import { type Reply, type Scratch, ScratchPlace } from './scratch.ts'

/** Locks that are to end while the probe waits, and one that is not. Clocks may differ by what is between them. */
const SHORT_MS = 3_000
const LONG_MS = 60_000
const WAIT_MS = SHORT_MS + 1_100

/**
 * Tries to break the lock on objects of its own. Whether an attack succeeded is read off the object, not off the answer:
 * a store may refuse and do it, or say yes and keep it.
 */
export async function probeS3(client: Client, locks: Locks, prefix: string, env: ProbeEnv): Promise<Probe> {
  return new S3Probe(client, locks, prefix, env).run()
}

class S3Probe {
  readonly #client: Client
  readonly #locks: Locks
  readonly #env: ProbeEnv
  readonly #place: ScratchPlace
  readonly #checks: ProbeCheck[] = []
  readonly #run: string

  constructor(client: Client, locks: Locks, prefix: string, env: ProbeEnv) {
    this.#client = client
    this.#locks = locks
    this.#env = env
    this.#place = new ScratchPlace(client, locks, prefix)
    this.#run = Buffer.from(env.random(8)).toString('hex')
  }

  async run(): Promise<Probe> {
    await this.#place.sweep()
    const long = await this.#lockShown()
    if (long !== null) {
      const [first, second] = [await this.#short('expired'), await this.#short('held')]
      await this.#overwrite(long)
      await this.#attacks(long)
      const held = await this.#hold(second)
      await this.#env.pause(WAIT_MS)
      await this.#afterwards(long, first, held ? second : null)
      await this.#suspend()
    }
    await this.#byDefault()
    await this.#ifNoneMatch()
    this.#add('lifecycle', 'skipped', 'a rule takes a day to run; that locked versions do not expire is the platform’s word', false)
    return probeOf(this.#checks, this.#env.now())
  }

  /** Put with lock and checksum, read back. Without it there is nothing to attack. */
  async #lockShown(): Promise<Scratch | null> {
    const lock: Lock = { mode: 'COMPLIANCE', retainUntilMs: this.#env.now() + LONG_MS }
    let scratch: Scratch
    try {
      scratch = await this.#place.put(`${this.#run}-locked`, this.#env.random(64), lock)
    } catch (error) {
      if (passes(error)) throw error
      this.#add('lock-shown', 'broken', isLockless(error) ? `the bucket takes no locks: ${tell(error)}` : `a locked object cannot be written: ${tell(error)}`)
      return null
    }
    const shown = await this.#place.shown(scratch)
    const stands = isAtLeast(shown?.lock ?? null, lock) && (await this.#place.stands(scratch))
    const seen =
      shown?.lock == null ? 'the store took the object and shows no lock' : `${shown.lock.mode} until ${new Date(shown.lock.retainUntilMs).toISOString()}`
    this.#add('lock-shown', stands ? 'held' : 'broken', seen)
    // Without a version nothing keeps it apart from what is written over it, but it can be attacked all the same.
    return shown === null ? null : scratch
  }

  #short(name: string): Promise<Scratch> {
    return this.#place.put(`${this.#run}-${name}`, this.#env.random(64), { mode: 'COMPLIANCE', retainUntilMs: this.#env.now() + SHORT_MS })
  }

  async #overwrite(long: Scratch): Promise<void> {
    const reply = await this.#place.attack(() => this.#place.put(`${this.#run}-locked`, this.#env.random(32), null))
    await this.#judge('overwrite', long, reply)
  }

  async #attacks(long: Scratch): Promise<void> {
    const until = long.lock!.retainUntilMs
    const sooner: Lock = { mode: 'COMPLIANCE', retainUntilMs: until - LONG_MS / 2 }
    const softer: Lock = { mode: 'GOVERNANCE', retainUntilMs: until + LONG_MS }
    const retain = (lock: Lock, bypass: boolean): Promise<Reply> => this.#place.attack(() => this.#locks.retain(long, lock, bypass))
    await this.#judge('shorten', long, await retain(sooner, false))
    await this.#judge('shorten-bypass', long, await retain(sooner, true))
    await this.#judge('relax', long, await retain(softer, false))
    await this.#judge('bypass', long, await this.#place.deleteVersion(long, true))
    await this.#judge('delete-version', long, await this.#place.deleteVersion(long))
  }

  async #hold(scratch: Scratch): Promise<boolean> {
    const reply = await this.#place.attack(() => this.#locks.setHold(scratch, true))
    if (reply.done && (await this.#place.shown(scratch))?.legalHold === true) return true
    const denied = isDenied(reply.error)
    this.#add(
      'legal-hold',
      denied ? 'skipped' : 'broken',
      denied ? `${reply.said}: the right s3:PutObjectLegalHold is missing` : `not shown: ${reply.said}`,
      !denied,
    )
    return false
  }

  /** Behind the end of the short locks. */
  async #afterwards(long: Scratch, expired: Scratch, held: Scratch | null): Promise<void> {
    await this.#judge('mixed-list', long, await this.#place.deleteMany([expired, long]))
    if (held !== null) {
      await this.#judge('legal-hold', held, await this.#place.deleteVersion(held), false)
      await this.#place.attack(() => this.#locks.setHold(held, false))
    }
    // The counter-check: if an object whose lock has ended cannot be deleted either, no refusal above was the lock's.
    const freed = held ?? expired
    const reply = await this.#place.deleteVersion(freed)
    const gone = !(await this.#place.stands(freed))
    this.#add(
      'delete-expired',
      gone ? 'held' : 'skipped',
      gone ? 'an object is deleted once its lock has ended' : `${reply.said}: without the right to delete no refusal shows a lock`,
    )
  }

  /** A locked bucket keeps its versions. Tried only where they are kept; turned on again at once if it can be suspended. */
  async #suspend(): Promise<void> {
    const Bucket = this.#client.bucket
    const status = async (): Promise<string | undefined> =>
      (await this.#client.ask((s3, options) => s3.send(new GetBucketVersioningCommand({ Bucket }), options))).Status
    const set = (Status: 'Enabled' | 'Suspended'): Promise<Reply> =>
      this.#place.attack(() =>
        this.#client.ask((s3, options) => s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }), options)),
      )
    const before = await this.#place.attack(async () => ((await status()) === 'Enabled' ? undefined : 'versioning is not on'))
    const broken = this.#checks.some(({ decisive, result }) => decisive && result !== 'held')
    if (!before.done || broken) return this.#add('suspend-versioning', 'skipped', broken ? 'not tried on a bucket whose lock is broken' : before.said, false)
    const reply = await set('Suspended')
    // Also where the answer was lost: what is suspended is never left so.
    let after = await this.#place.attack(status)
    if (!reply.done && isDenied(reply.error) && after.done)
      return this.#add('suspend-versioning', 'skipped', `${reply.said}: this identity may not, as it should be`, false)
    const refused = failureOf(reply.error).status === 409
    for (let tried = 0; !refused && tried < 5; tried++) if ((after = await set('Enabled')).done) break
    const seen = after.done ? `${reply.said}, and turned on again` : `${reply.said}; IT COULD NOT BE TURNED ON AGAIN (${after.said}): do so`
    this.#add('suspend-versioning', refused ? 'held' : 'broken', refused ? reply.said : seen, false)
  }

  /** What the bucket gives an object that brings no lock. One object serves all probes: a default may be years. */
  async #byDefault(): Promise<void> {
    const Bucket = this.#client.bucket
    const reply = await this.#place.attack(async () => {
      const { ObjectLockConfiguration: lock } = await this.#client.ask((s3, options) => s3.send(new GetObjectLockConfigurationCommand({ Bucket }), options))
      return lock?.Rule?.DefaultRetention === undefined ? 'the bucket has no default; each put brings its own lock' : undefined
    })
    if (!reply.done) return this.#add('default-retention', 'skipped', isMissing(reply.error) ? 'the bucket has no lock' : reply.said, false)
    const name = 'default'
    const path = `${this.#place.prefix}${name}`
    const which = (await this.#place.hasCurrent(path)) ? { path, version: null } : await this.#place.put(name, this.#env.random(16), null)
    const lock = (await this.#place.shown(which))?.lock
    this.#add(
      'default-retention',
      lock == null ? 'broken' : 'held',
      lock == null ? 'not stamped on an object without lock' : `${lock.mode} stamped on an object without lock`,
      false,
    )
  }

  /** Only told: nothing here rests on conditions. */
  async #ifNoneMatch(): Promise<void> {
    const name = `${this.#run}-once`
    const put = (): Promise<Reply> => this.#place.attack(() => this.#place.put(name, this.#env.random(16), null, true))
    const first = await put()
    if (!first.done) return this.#add('if-none-match', 'skipped', `the first put: ${first.said}`, false)
    const second = await put()
    const mark = await this.#place.mark(`${this.#place.prefix}${name}`)
    const third = mark.done ? `behind a deletion marker: ${(await put()).said}` : `no deletion marker could be laid: ${mark.said}`
    const seen = `second put: ${second.said}; ${third}`
    this.#add('if-none-match', failureOf(second.error).status === 412 ? 'held' : 'broken', seen, false)
  }

  /** Held when the object stands as it was, bytes and lock. */
  async #judge(name: string, scratch: Scratch, { said }: Reply, dated = true): Promise<void> {
    const shown = await this.#place.shown(scratch)
    const stands = shown !== null && (await this.#place.stands(scratch)) && (!dated || isAtLeast(shown.lock, scratch.lock!))
    this.#add(
      name,
      stands ? 'held' : 'broken',
      `${said}; ${stands ? 'the object stands as it was' : shown === null ? 'the object is gone' : 'its bytes or its lock are not what they were'}`,
    )
  }

  #add(name: string, result: ProbeCheck['result'], seen: string, decisive = true): void {
    this.#checks.push({ name, result, seen: seen.slice(0, 280), decisive })
  }
}
