import { hash } from 'node:crypto'

/**
 * What Azure Blob Storage with version-level immutability does to blobs, as Microsoft documents it (Put Blob, Delete Blob,
 * Set Blob Immutability Policy, Set Blob Legal Hold, Blob versioning, Version-level WORM policies), without HTTP.
 */
export interface Rules {
  now(): number
  /** Versioning is on. */
  readonly versions: boolean
  /** The container supports version-level immutability. Where not, what it answers to the headers is documented nowhere; here 400. */
  readonly immutability: boolean
  /** The shortest retention taken: documented as one day, though the libraries' own live tests set seconds. */
  readonly minimumMs: number
  /** Delete Blob of a locked current version: it becomes a previous one (versioning's page) or is refused (the page on policies). */
  readonly deletesLockedRoot: boolean
  /** Whether policy and hold of the current version can be set by its id; documented nowhere. */
  readonly currentById: boolean
  /** Ways to lie; none in a service as documented. */
  readonly lies: ReadonlySet<Lie>
}

/**
 * `ignores-lock`: 201 and no lock, as Azurite. `unlocks`: what was asked `Locked` is `Unlocked`. `earlier`: a year less. The
 * others let happen what a lock forbids; `says-done`: answers that it did, and did not; `says-refused`: the reverse;
 * `keeps`: never deletes a version, whatever it answers; `changes-bytes`: gives others back.
 */
export type Lie =
  | 'ignores-lock'
  | 'unlocks'
  | 'earlier'
  | 'deletes-locked'
  | 'shortens'
  | 'relaxes'
  | 'deletes-policy'
  | 'deletes-held'
  | 'overwrites'
  | 'ignores-hold'
  | 'changes-bytes'
  | 'says-done'
  | 'says-refused'
  | 'keeps'

export interface Policy {
  readonly locked: boolean
  readonly untilMs: number
}

export interface BlobVersion {
  readonly id: string | null
  bytes: Buffer
  readonly metadata: ReadonlyMap<string, string>
  policy: Policy | null
  hold: boolean
  current: boolean
}

export class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(`${status} ${code}`)
    this.status = status
    this.code = code
  }
}

export class Blobs {
  readonly blobs = new Map<string, BlobVersion[]>()
  rules: Rules
  #count = 0

  constructor(rules: Rules) {
    this.rules = rules
  }

  #lies(lie: Lie): boolean {
    return this.rules.lies.has(lie)
  }

  put(
    name: string,
    bytes: Buffer,
    { md5, fresh, policy, hold, metadata }: { md5: string; fresh: boolean; policy: Policy | null; hold: boolean; metadata: Map<string, string> },
  ): BlobVersion {
    const versions = this.blobs.get(name) ?? []
    const current = versions.find((version) => version.current)
    if (fresh && current !== undefined) throw new Refusal(409, 'BlobAlreadyExists')
    if (md5 !== '' && md5 !== hash('md5', bytes, 'base64')) throw new Refusal(400, 'Md5Mismatch')
    if ((policy !== null || hold) && !this.rules.immutability && !this.#lies('ignores-lock')) throw new Refusal(400, 'UnsupportedHeader')
    if (policy !== null) this.#checkDate(policy)
    const version: BlobVersion = {
      id: this.rules.versions ? this.#nextId() : null,
      bytes,
      metadata,
      policy: this.#lies('ignores-lock') ? null : this.#kept(policy),
      hold: hold && !this.#lies('ignores-hold') && !this.#lies('ignores-lock'),
      current: true,
    }
    if (current !== undefined) {
      current.current = false
      if (this.#lies('overwrites') || current.id === null) versions.splice(versions.indexOf(current), 1)
    }
    this.blobs.set(name, [...versions, version])
    return version
  }

  find(name: string, id: string | null): BlobVersion {
    const versions = this.blobs.get(name) ?? []
    const found = versions.find((version) => (id === null ? version.current : version.id === id))
    if (found === undefined) throw new Refusal(404, 'BlobNotFound')
    return found
  }

  delete(name: string, id: string | null): void {
    const version = this.find(name, id)
    const protectedBy = this.#protection(version)
    if (id === null && version.id !== null) {
      if (protectedBy !== null && !this.rules.deletesLockedRoot) throw protectedBy
      version.current = false
      return
    }
    if (id !== null && version.current) throw new Refusal(403, 'OperationNotAllowedOnRootBlob')
    if (protectedBy !== null && !(version.hold ? this.#lies('deletes-held') : this.#lies('deletes-locked'))) {
      if (this.#lies('says-done')) return
      if (!this.#lies('says-refused')) throw protectedBy
    }
    if (this.#lies('keeps')) return
    const left = (this.blobs.get(name) ?? []).filter((each) => each !== version)
    if (left.length === 0) this.blobs.delete(name)
    else this.blobs.set(name, left)
    if (protectedBy !== null && this.#lies('says-refused')) throw protectedBy
  }

  setPolicy(name: string, id: string | null, policy: Policy): BlobVersion {
    const version = this.#holdable(name, id)
    if (this.#lies('ignores-lock')) throw new Refusal(501, 'NotImplemented')
    if (!this.rules.immutability) throw new Refusal(400, 'UnsupportedHeader')
    this.#checkDate(policy)
    const before = version.policy
    if (before?.locked === true) {
      if (!policy.locked && !this.#lies('relaxes')) throw new Refusal(409, 'BlobImmutableDueToPolicy')
      if (policy.untilMs < before.untilMs && !this.#lies('shortens')) throw new Refusal(409, 'BlobImmutableDueToPolicy')
    }
    version.policy = this.#kept(policy)
    return version
  }

  deletePolicy(name: string, id: string | null): void {
    const version = this.#holdable(name, id)
    if (version.policy?.locked === true && !this.#lies('deletes-policy')) throw new Refusal(409, 'ImmutabilityPolicyDeleteOnLockedPolicy')
    version.policy = null
  }

  setHold(name: string, id: string | null, on: boolean): BlobVersion {
    const version = this.#holdable(name, id)
    if (this.#lies('ignores-lock')) throw new Refusal(501, 'NotImplemented')
    version.hold = on && !this.#lies('ignores-hold')
    return version
  }

  setMetadata(name: string, metadata: Map<string, string>): void {
    const version = this.find(name, null)
    const protectedBy = this.#protection(version)
    if (protectedBy !== null) throw protectedBy
    this.put(name, version.bytes, { md5: '', fresh: false, policy: null, hold: false, metadata })
  }

  /** As it is read: a version of others' making stays what it is. */
  read(version: BlobVersion): Buffer {
    return this.#lies('changes-bytes') ? Buffer.from(version.bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))) : version.bytes
  }

  #holdable(name: string, id: string | null): BlobVersion {
    const version = this.find(name, id)
    if (id !== null && version.current && !this.rules.currentById) throw new Refusal(403, 'OperationNotAllowedOnRootBlob')
    return version
  }

  #protection(version: BlobVersion): Refusal | null {
    if (version.hold) return new Refusal(409, 'BlobImmutableDueToLegalHold')
    return version.policy !== null && version.policy.untilMs > this.rules.now() ? new Refusal(409, 'BlobImmutableDueToPolicy') : null
  }

  #checkDate({ untilMs }: Policy): void {
    if (!Number.isFinite(untilMs) || untilMs < this.rules.now() + this.rules.minimumMs) throw new Refusal(400, 'InvalidHeaderValue')
  }

  #kept(policy: Policy | null): Policy | null {
    if (policy === null) return null
    return { locked: policy.locked && !this.#lies('unlocks'), untilMs: policy.untilMs - (this.#lies('earlier') ? 31_536_000_000 : 0) }
  }

  /** A time stamp of seven decimals, each later than the one before. */
  #nextId(): string {
    return new Date(this.rules.now()).toISOString().replace('Z', `${String(this.#count++ % 10_000).padStart(4, '0')}Z`)
  }
}
