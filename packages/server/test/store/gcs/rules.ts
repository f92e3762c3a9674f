import { CRC32C } from '@google-cloud/storage'

/** One generation as Google describes it, with its bytes. */
export interface Kept {
  name: string
  generation: bigint
  metageneration: number
  bytes: Buffer
  retention: { mode: string; retainUntilTime: string } | null
  temporaryHold: boolean
  eventBasedHold: boolean
  metadata: Record<string, string>
  timeCreated: string
  timeDeleted: string | null
}

/** How this store may lie; each is something a server was seen to do, or could. */
export type Lie =
  | 'forgets-retention'
  | 'shows-unlocked'
  | 'shows-earlier'
  | 'deletes-locked'
  | 'deletes-held'
  | 'refuses-and-deletes'
  | 'pretends-to-delete'
  | 'shortens'
  | 'relaxes'
  | 'clears'
  | 'shortens-unlocked'
  | 'drops-old-generations'
  | 'drops-deleted'
  | 'forgets-holds'
  | 'turns-a-bit'
  | 'keeps-half'
  | 'keeps-nothing'
  | 'ignores-preconditions'
  | 'ignores-patches'

export class Refusal extends Error {
  readonly status: number
  readonly reason: string
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

const YEARS_100_MS = 3_155_760_000_000
const precondition = (): Refusal => new Refusal(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')

/** A bucket's objects under the rules that Google documents (object-lock, object-holds, object-versioning, request-preconditions), or not quite. */
export class Rules {
  readonly kept: Kept[] = []
  readonly lies = new Set<Lie>()
  objectRetention = true
  versioning = true
  lifecycle: { rule: unknown[] } | null = null
  metageneration = 1
  readonly #now: () => number
  #last = 1_700_000_000_000_000n

  constructor(now: () => number) {
    this.#now = now
  }

  live(name: string): Kept | undefined {
    return this.kept.find((each) => each.name === name && each.timeDeleted === null)
  }

  find(name: string, generation: string | null): Kept {
    const found = generation === null ? this.live(name) : this.kept.find((each) => each.name === name && String(each.generation) === generation)
    if (found === undefined) throw new Refusal(404, 'notFound', `No such object: bucket/${name}`)
    return found
  }

  insert(description: Record<string, unknown>, sent: Buffer, ifGenerationMatch: string | null): Kept {
    const name = String(description['name'])
    if (typeof description['crc32c'] === 'string' && description['crc32c'] !== checksum(sent))
      throw new Refusal(400, 'invalid', `Provided CRC32C "${String(description['crc32c'])}" doesn't match calculated CRC32C "${checksum(sent)}".`)
    const before = this.live(name)
    if (ifGenerationMatch !== null && String(before?.generation ?? 0) !== ifGenerationMatch && !this.lies.has('ignores-preconditions')) throw precondition()
    const retention = this.#retention(description['retention'], description['eventBasedHold'] === true)
    if (before !== undefined) this.#replace(before)
    const bytes = Buffer.from(sent)
    if (this.lies.has('turns-a-bit') && bytes.length > 0) bytes[bytes.length >> 1]! ^= 1
    this.#last += 1_000n
    const kept: Kept = {
      name,
      generation: this.#last,
      metageneration: 1,
      bytes: this.lies.has('keeps-half') ? bytes.subarray(0, bytes.length >> 1) : bytes,
      retention: this.lies.has('forgets-retention') ? null : retention,
      temporaryHold: description['temporaryHold'] === true && !this.lies.has('forgets-holds'),
      eventBasedHold: description['eventBasedHold'] === true,
      metadata: (description['metadata'] ?? {}) as Record<string, string>,
      timeCreated: new Date(this.#now()).toISOString(),
      timeDeleted: null,
    }
    if (!this.lies.has('keeps-nothing')) this.kept.push(kept)
    return kept
  }

  /** The live generation gives way: kept where versions are kept, gone otherwise and then only if nothing holds it. */
  #replace(before: Kept): void {
    if (this.lies.has('drops-old-generations')) return this.#drop(before)
    if (before.temporaryHold || before.eventBasedHold) throw this.#underHold(before)
    if (this.versioning) before.timeDeleted = new Date(this.#now()).toISOString()
    else {
      this.#mayGo(before)
      this.#drop(before)
    }
  }

  patch(name: string, generation: string | null, asked: Record<string, unknown>, query: { ifMetagenerationMatch: string | null; override: boolean }): Kept {
    const kept = this.find(name, generation)
    if (query.ifMetagenerationMatch !== null && String(kept.metageneration) !== query.ifMetagenerationMatch) throw precondition()
    if (this.lies.has('ignores-patches')) return kept
    if ('retention' in asked) {
      const next = asked['retention'] === null ? null : this.#retention(asked['retention'], kept.eventBasedHold)
      this.#mayChange(kept, next, query.override)
      kept.retention = next
    }
    if (asked['eventBasedHold'] === true && kept.retention !== null) throw new Refusal(400, 'invalid', 'An object under retention takes no event-based hold.')
    if ('temporaryHold' in asked && !(this.lies.has('forgets-holds') && asked['temporaryHold'] === true)) kept.temporaryHold = asked['temporaryHold'] === true
    if ('eventBasedHold' in asked) kept.eventBasedHold = asked['eventBasedHold'] === true
    kept.metageneration++
    return kept
  }

  #mayChange(kept: Kept, next: Kept['retention'], override: boolean): void {
    const had = kept.retention
    if (had === null) return
    const shortens = next !== null && Date.parse(next.retainUntilTime) < Date.parse(had.retainUntilTime)
    if (had.mode === 'Locked') {
      const allowed = next === null ? this.lies.has('clears') : (!shortens || this.lies.has('shortens')) && (next.mode === 'Locked' || this.lies.has('relaxes'))
      if (!allowed) throw new Refusal(403, 'retentionPolicyNotMet', `Object 'bucket/${kept.name}' has a Locked retention, which can only be increased.`)
      return
    }
    const weakens = next === null || shortens || next.mode === 'Locked'
    if (weakens && !override && !this.lies.has('shortens-unlocked'))
      throw new Refusal(403, 'forbidden', `Object 'bucket/${kept.name}' has an Unlocked retention; overrideUnlockedRetention must be true.`)
  }

  remove(name: string, generation: string | null): void {
    const kept = this.find(name, generation)
    if (generation === null && this.lies.has('drops-deleted')) return this.#drop(kept)
    if (generation === null && this.versioning) {
      kept.timeDeleted = new Date(this.#now()).toISOString()
      return
    }
    try {
      this.#mayGo(kept)
    } catch (error) {
      if (this.lies.has('pretends-to-delete')) return
      if (this.lies.has('refuses-and-deletes')) this.#drop(kept)
      throw error
    }
    this.#drop(kept)
  }

  #mayGo(kept: Kept): void {
    if ((kept.temporaryHold || kept.eventBasedHold) && !this.lies.has('deletes-held')) throw this.#underHold(kept)
    const until = kept.retention?.retainUntilTime
    if (until !== undefined && Date.parse(until) > this.#now() && !this.lies.has('deletes-locked'))
      throw new Refusal(
        403,
        'retentionPolicyNotMet',
        `Object 'bucket/${kept.name}' is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until ${until}`,
      )
  }

  #underHold({ name }: Kept): Refusal {
    return new Refusal(
      403,
      'objectUnderActiveHold',
      `Object 'bucket/${name}' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed.`,
    )
  }

  #drop(kept: Kept): void {
    this.kept.splice(this.kept.indexOf(kept), 1)
  }

  #retention(value: unknown, eventBasedHold: boolean): Kept['retention'] {
    if (value === undefined || value === null) return null
    if (!this.objectRetention) throw new Refusal(400, 'invalid', 'Object retention is not enabled on the bucket.')
    const { mode, retainUntilTime } = value as Record<string, unknown>
    if ((mode !== 'Locked' && mode !== 'Unlocked') || typeof retainUntilTime !== 'string')
      throw new Refusal(400, 'invalid', 'Both mode and retain until time are required.')
    const untilMs = Date.parse(retainUntilTime)
    if (!(untilMs > this.#now())) throw new Refusal(400, 'invalid', 'The retain until time must be in the future.')
    if (untilMs > this.#now() + YEARS_100_MS) throw new Refusal(400, 'invalid', 'The retain until time must be within 100 years.')
    if (eventBasedHold) throw new Refusal(400, 'invalid', 'An object under an event-based hold takes no retention.')
    return { mode, retainUntilTime }
  }

  /** As Google describes it. */
  describe(kept: Kept): Record<string, unknown> {
    const { name, generation, metageneration, bytes, retention, temporaryHold, eventBasedHold, metadata, timeCreated, timeDeleted } = kept
    const earlier = (text: string): string => new Date(Date.parse(text) - 60_000).toISOString()
    const shown = retention === null ? null : { ...retention, ...(this.lies.has('shows-unlocked') ? { mode: 'Unlocked' } : {}) }
    if (shown !== null && this.lies.has('shows-earlier')) shown.retainUntilTime = earlier(shown.retainUntilTime)
    return {
      kind: 'storage#object',
      name,
      bucket: 'bucket',
      generation: String(generation),
      metageneration: String(metageneration),
      contentType: 'application/octet-stream',
      storageClass: 'STANDARD',
      size: String(bytes.length),
      crc32c: checksum(bytes),
      metadata,
      timeCreated,
      ...(shown === null ? {} : { retention: shown, retentionExpirationTime: shown.retainUntilTime }),
      ...(temporaryHold ? { temporaryHold } : {}),
      ...(eventBasedHold ? { eventBasedHold } : {}),
      ...(timeDeleted === null ? {} : { timeDeleted }),
    }
  }
}

/** By Google's own code. */
function checksum(bytes: Buffer): string {
  const crc = new CRC32C()
  crc.update(bytes)
  return crc.toString()
}
