import { SealtrailError } from './errors.ts'
import { OUTCOME } from './event/batch.ts'
import type { Batch, BatchAnswer } from './event/batch.ts'
import type { Draft } from './event/draft.ts'
import type { Journalled } from './event/entry.ts'
import { auditTime, inLog } from './event/entry.ts'
import { sameContent } from './event/fingerprint.ts'
import type { Input } from './event/input.ts'
import type { Position } from './event/position.ts'
import type { KeepSteps, TakeSteps, Taken } from './flow-steps.ts'
import { crashPoint } from './observe/crash-point.ts'
import { Incoming } from './sequence/incoming.ts'
import type { Known } from './sequence/ledger.ts'
import { UnderWay } from './sequence/under-way.ts'
import type { Place } from './sequence/under-way.ts'
import type { OwnerTokens, VaultRow } from './vault/vault.ts'

export type { KeepSteps, QuarantineReason, TakeSteps, Taken } from './flow-steps.ts'

/**
 * source → **filter → map → protect**, on an ingest thread. The source step has authenticated, decoded and dated the inputs.
 * If the process dies anywhere here nothing was written and nobody has an answer: the sender sends again.
 */
export async function take(inputs: readonly Input[], steps: TakeSteps): Promise<Taken> {
  const drafts: Draft[] = []
  const dropped = new Uint32Array(inputs.length)
  const trails = inputs.map((input) => input.trail ?? '')
  inputs.forEach((input, position) => {
    if (input.problem !== null) {
      drafts.push(steps.quarantine(input, position, input.problem))
      return
    }
    const result = steps.apply(input)
    if (result.kind === 'error') drafts.push(steps.quarantine(input, position, result))
    else if (result.kind === 'unmatched') drafts.push(steps.quarantine(input, position, { code: 'UNMATCHED', message: 'no pack matches the event' }))
    else {
      dropped[position] = result.dropped
      if (result.trail !== undefined) trails[position] = result.trail
      for (const event of result.events) drafts.push(steps.protect(event, input, position))
    }
  })
  return { batch: await encrypt(drafts, steps), drafts, dropped, trails }
}

/** vault → encode: also once more, when a key was destroyed while its event was under way. */
export async function encrypt(drafts: readonly Draft[], steps: Pick<TakeSteps, 'keysFor' | 'encode'>): Promise<Omit<Batch, 'wait'>> {
  const owners: OwnerTokens[] = []
  for (const draft of drafts) for (const owner of draft.owners) owners.push(owner.tokens)
  return steps.encode(drafts, owners.length === 0 ? [] : await steps.keysFor(owners))
}

/** Objects of one batch on their way to the store together. */
const OBJECTS_AT_ONCE = 4

const NOWHERE: ReadonlyMap<string, string> = new Map()

interface Fresh {
  readonly incoming: Incoming
  readonly i: number
  readonly underWay: UnderWay
  /** The log its own tag asks for, where that keeps longer than the one its subject is in. */
  readonly asked: string | null
}

/** **journal → sequence → seal → index**, on the sealing thread: one instance a server, the only writer of its logs. */
export class Flow {
  readonly #steps: KeepSteps
  readonly #underWay = new Map<string, UnderWay>()
  #arrived: Incoming[] = []
  #looking = false
  #fresh: Fresh[][] = []
  #persisting = false
  #writingFrom: Position | null = null
  #written: Array<() => void> = []
  /** Identities in the ledger whose removal waits until no look-up is under way that began before they were there. */
  #inLedger: string[] = []
  /** The same of homes, also when their event was turned away: a look-up under way may have relied on them. */
  #leaving: string[] = []

  constructor(steps: KeepSteps) {
    this.#steps = steps
  }

  /** Entries from here on may be in the journal and not placed yet: nothing from there may be released. Null when there is none. */
  get writingFrom(): Position | null {
    return this.#writingFrom
  }

  /** Events accepted and not sealed yet. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** The event under way whose audit id holds this time and these first bytes of the identity (latin1); for the rare question after one event. */
  findByPrefix(prefix: string, timeMs: number): UnderWay | null {
    for (const [identity, underWay] of this.#underWay) if (underWay.timeMs === timeMs && identity.startsWith(prefix)) return underWay
    return null
  }

  /**
   * Takes a batch; resolves when each entry is as far as `batch.wait` asks, or is known from before.
   * @throws SealtrailError NOT_DURABLE, LOG_STOPPED, PERSON_ERASED: nothing of the batch was acknowledged.
   */
  async accept(batch: Batch): Promise<BatchAnswer> {
    const incoming = new Incoming(batch)
    const { homes } = this.#steps
    for (const log of new Set(incoming.entries.map((entry) => entry.log))) {
      // Its subject may stand in any log of the trail.
      for (const each of homes?.logsWith(log) ?? [log]) {
        const refusal = this.#steps.refusal(each)
        if (refusal !== null) throw refusal
      }
    }
    this.#arrived.push(incoming)
    void this.#lookUp()
    const deadline = setInterval(() => incoming.waiting.expire(), this.#steps.answerWithinMs)
    try {
      const answer = await incoming.waiting.done
      const { elsewhere } = incoming
      const logs = new Set([...incoming.entries.map((entry) => entry.log), ...(elsewhere?.values() ?? [])])
      const checkpoints = new Map([...logs].map((log) => [log, this.#steps.checkpoint(log)]))
      return { ...answer, ...(elsewhere === null ? {} : { elsewhere }), checkpoints }
    } finally {
      clearInterval(deadline)
    }
  }

  /** Known identities are answered first, so that nothing is written twice: the ledger for what is sealed, `#underWay` for the rest. */
  async #lookUp(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    while (this.#arrived.length > 0) {
      const arrived = this.#arrived
      this.#arrived = []
      try {
        const entries = arrived.flatMap((incoming) => incoming.entries)
        const [known, sealed] = await Promise.all([
          this.#steps.ledger.known(entries.map((entry) => entry.identity)),
          this.#steps.homes === null ? NOWHERE : this.#steps.homes.sealed(entries),
        ])
        const fresh: Fresh[] = []
        let next = 0
        for (const incoming of arrived) {
          for (let i = 0; i < incoming.entries.length; i++) this.#judge(incoming, i, known[next++] ?? null, sealed, fresh)
        }
        const toWrite = new Set(fresh.map((each) => each.incoming))
        for (const incoming of arrived) if (!toWrite.has(incoming)) incoming.waiting.reached()
        // Whoever sends what fits no record, or asks for a stricter class, waits for what must be durable before; the others go on.
        const waiting = new Set(fresh.filter(({ incoming, asked }) => asked !== null || incoming.objects.length > 0).map(({ incoming }) => incoming))
        const whole = fresh.filter(({ incoming }) => !waiting.has(incoming))
        if (whole.length > 0) this.#fresh.push(whole)
        for (const incoming of waiting)
          void this.#prepare(
            incoming,
            fresh.filter((each) => each.incoming === incoming),
          )
        void this.#persist()
      } catch (cause) {
        const error = new SealtrailError('NOT_DURABLE', 'the ledger state cannot be read', { cause })
        for (const incoming of arrived) incoming.waiting.fail(error)
      }
      for (const identity of this.#inLedger.splice(0)) this.#forget(identity)
      for (const home of this.#leaving.splice(0)) this.#steps.homes?.forget(home)
    }
    this.#looking = false
  }

  #judge(incoming: Incoming, i: number, known: Known | null, sealed: ReadonlyMap<string, string>, fresh: Fresh[]): void {
    const entry = incoming.entries[i] as Incoming['entries'][number]
    const standing = this.#underWay.get(entry.identity) ?? known
    if (standing === null) {
      const { homes } = this.#steps
      const home = homes?.decide(entry, sealed) ?? null
      if (home !== null && home.log !== entry.log) incoming.move(i, home.log)
      const underWay = this.#begin(incoming.entries[i] as Incoming['entries'][number], home?.key ?? null)
      incoming.waiting.follow(i, underWay, OUTCOME.sealed, incoming.wait)
      fresh.push({ incoming, i, underWay, asked: home !== null && homes?.isStricter(entry.log, home.log) === true ? entry.log : null })
      return
    }
    if (standing.log !== entry.log) incoming.standsIn(i, standing.log)
    // A ledger made again from segments whose vault row is gone cannot tell: any content then counts as the same.
    const same = sameContent(standing.fingerprint, entry.fingerprint)
    if (!same)
      this.#steps.conflict(
        entry.log,
        { identity: entry.identity, fingerprint: standing.fingerprint, timeMs: standing.timeMs },
        { fingerprint: entry.fingerprint },
      )
    const outcome = same ? OUTCOME.duplicate : OUTCOME.conflict
    if (standing instanceof UnderWay) incoming.waiting.follow(i, standing, outcome, incoming.wait)
    else incoming.waiting.known(i, outcome, standing)
  }

  #begin(entry: Incoming['entries'][number], home: string | null): UnderWay {
    const underWay = new UnderWay(entry.identity, entry.fingerprint, entry.log, entry.flags, auditTime(entry.timeMs))
    underWay.home = home
    this.#underWay.set(entry.identity, underWay)
    return underWay
  }

  async #persist(): Promise<void> {
    if (this.#persisting) return
    this.#persisting = true
    try {
      while (this.#fresh.length > 0) {
        const fresh = this.#turnAwayCondemned(this.#fresh.flat())
        this.#fresh = []
        if (fresh.length > 0) await this.#makeDurable(fresh)
      }
    } finally {
      this.#persisting = false
      for (const written of this.#written.splice(0)) written()
    }
  }

  /** Resolves when nothing is between its vault row and its journal entry. */
  async written(): Promise<void> {
    if (this.#persisting) await new Promise<void>((resolve) => this.#written.push(resolve))
  }

  /**
   * A batch with a row under a key that is being destroyed is not written at all: its sender's thread encrypts it once more.
   * In the same turn as the writes, so that no key is condemned between.
   */
  #turnAwayCondemned(fresh: readonly Fresh[]): readonly Fresh[] {
    const { vault } = this.#steps
    if (!vault.condemning) return fresh
    const condemned = new Set(fresh.map(({ incoming }) => incoming).filter((incoming) => incoming.someRow((row) => vault.condemns(row))))
    const ours = fresh.filter(({ incoming }) => condemned.has(incoming))
    if (ours.length > 0) this.#turnAway(ours, new SealtrailError('PERSON_ERASED'))
    return fresh.filter(({ incoming }) => !condemned.has(incoming))
  }

  async #makeDurable(fresh: readonly Fresh[]): Promise<void> {
    const rows = fresh.map(({ incoming, i }) => incoming.row(i)).filter((row): row is VaultRow => row !== null)
    let positions: Position[]
    this.#writingFrom = this.#steps.journal.end
    try {
      crashPoint('journal:before')
      // Side by side, one fdatasync each. Dying between the two leaves an entry without its row, which replay drops, or a
      // row without its entry, which is swept: neither was acknowledged.
      const [stored] = await Promise.all([this.#steps.journal.append(fresh.map(({ incoming, i }) => incoming.bytes(i))), this.#steps.vault.insert(rows)])
      positions = stored
      crashPoint('journal:after')
    } catch (cause) {
      this.#writingFrom = null
      const error = cause instanceof SealtrailError ? cause : new SealtrailError('NOT_DURABLE', 'the journal or the vault could not be written', { cause })
      this.#turnAway(fresh, error)
      return
    }
    // Dying here: durable, and replayed at the next start. Only now may anything be acknowledged.
    const logs = new Map<string, Journalled[]>()
    fresh.forEach(({ incoming, i, underWay }, n) => {
      underWay.becameDurable()
      const entry = incoming.entries[i] as Incoming['entries'][number]
      const list = logs.get(entry.log)
      incoming.need()
      const journalled = { entry, position: positions[n] as Position, batch: incoming }
      if (list === undefined) logs.set(entry.log, [journalled])
      else list.push(journalled)
    })
    for (const incoming of new Set(fresh.map((each) => each.incoming))) {
      incoming.rowsStored()
      incoming.waiting.reached()
    }
    for (const [log, entries] of logs) this.#steps.place(log, entries)
    this.#writingFrom = null
  }

  /**
   * What must be durable before an entry is: objects, for what does not fit a record, and in the system log that a subject is
   * to be kept longer. Dying in here leaves objects nobody refers to, or something kept longer than it need be: harmless, and
   * never an entry whose object is not there.
   */
  async #prepare(incoming: Incoming, fresh: readonly Fresh[]): Promise<void> {
    try {
      for (const { i, underWay, asked } of fresh)
        if (asked !== null) await this.#steps.keepLonger((incoming.entries[i] as Incoming['entries'][number]).subject, underWay.log, asked)
      crashPoint('keep-longer:after')
      const needed = new Map(fresh.map(({ i }) => [i, incoming.entries[i] as Incoming['entries'][number]]))
      // Of a duplicate nothing is written: its record has its object.
      const objects = incoming.objects.filter(({ entry }) => needed.has(entry))
      for (let at = 0; at < objects.length; at += OBJECTS_AT_ONCE) {
        await Promise.all(
          objects
            .slice(at, at + OBJECTS_AT_ONCE)
            .map((object) => ((entry) => this.#steps.storeObject(entry.log, entry.subject, object))(needed.get(object.entry) as Incoming['entries'][number])),
        )
      }
      crashPoint('object:after')
      this.#fresh.push([...fresh])
      void this.#persist()
    } catch (cause) {
      this.#turnAway(fresh, cause instanceof SealtrailError ? cause : new SealtrailError('NOT_DURABLE', 'an object could not be stored', { cause }))
    }
  }

  /** Nothing of these was acknowledged, and whoever waits is told why. */
  #turnAway(fresh: readonly Fresh[], error: SealtrailError): void {
    for (const { underWay } of fresh) this.#forget(underWay.identity)
    for (const { underWay } of fresh) underWay.fail(error)
  }

  #forget(identity: string): void {
    const home = this.#underWay.get(identity)?.home ?? null
    this.#underWay.delete(identity)
    if (home === null) return
    if (this.#looking) this.#leaving.push(home)
    else this.#steps.homes?.forget(home)
  }

  /** Sealed and answered, but not in the ledger yet. */
  sealed(identity: string, index: number, place: Place): void {
    this.#underWay.get(identity)?.becameSealed(index, place)
  }

  /** The ledger has them: later look-ups find them there. */
  settled(identities: readonly string[]): void {
    if (this.#looking) for (const identity of identities) this.#inLedger.push(identity)
    else for (const identity of identities) this.#forget(identity)
  }

  /** The log stopped: whoever waits for its commits is told; the events stay in the journal. */
  stopped(log: string, error: SealtrailError): void {
    for (const underWay of this.#underWay.values()) if (underWay.log === log) underWay.fail(error)
  }

  /** At start: entries found in the journal, durable already. Returns how many are not sealed yet and go on from here. `replayed` must follow the last. */
  async replay(entries: readonly Journalled[]): Promise<number> {
    // The journal is read while the first of it is sealed: what was not read yet must stay.
    this.#writingFrom ??= { file: 0, offset: 0 }
    const { ledger, homes } = this.#steps
    const known = await ledger.known(entries.map(({ entry }) => entry.identity))
    const sealed = homes === null ? NOWHERE : await homes.sealed(entries.map(({ entry }) => entry))
    const logs = new Map<string, Journalled[]>()
    entries.forEach((journalled, n) => {
      const { entry } = journalled
      if ((known[n] ?? null) !== null || this.#underWay.has(entry.identity)) return
      // Decided again as it was before it was journalled. An entry that was turned away then may claim another log: it follows the others.
      const home = homes?.decide(entry, sealed) ?? null
      const log = home?.log ?? entry.log
      this.#begin(inLog(entry, log), home?.key ?? null).becameDurable()
      logs.set(log, [...(logs.get(log) ?? []), { ...journalled, entry: inLog(entry, log) }])
    })
    let taken = 0
    for (const [log, list] of logs) {
      taken += list.length
      this.#steps.place(log, list)
    }
    return taken
  }

  /** Everything the journal holds has been through `replay`. */
  replayed(): void {
    this.#writingFrom = null
  }
}
