// A bucket as Amazon keeps it: versions, deletion markers, Object Lock. Every refusal is one of those recorded against the real service.
import { hash } from 'node:crypto'
import { denied, Failure, invalid, malformed, noKey, noLockBucket, PROTECTED } from './failure.ts'

export interface Retention {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE'
  readonly untilMs: number
}

export interface Version {
  readonly id: string
  readonly key: string
  /** Null: a deletion marker. */
  bytes: Buffer | null
  readonly etag: string
  readonly atMs: number
  readonly metadata: Readonly<Record<string, string>>
  retention: Retention | null
  hold: 'ON' | 'OFF' | null
}

/**
 * What a server may do wrong while it says that all is well: `delete` whatever is locked, `forget-lock` what a put asked
 * for, `hide-lock` in answers, let a date be `shorten`ed, a mode be `relax`ed, anyone `bypass` COMPLIANCE, `unhold`
 * (ignore legal holds), `overwrite` in place, versioning be `suspend`ed, check nothing of a list behind the first expired
 * object (`mixed`), and ignore conditions (`if-none-match`), as Ceph does in versioned buckets.
 */
export type Lie = 'delete' | 'forget-lock' | 'hide-lock' | 'shorten' | 'relax' | 'bypass' | 'unhold' | 'overwrite' | 'suspend' | 'mixed' | 'if-none-match'

export interface Put {
  readonly key: string
  readonly bytes: Buffer
  readonly metadata: Readonly<Record<string, string>>
  readonly retention: Retention | null
  readonly hold: 'ON' | 'OFF' | null
  readonly ifNoneMatch: boolean
}

export class Bucket {
  readonly #now: () => number
  readonly #lies: ReadonlySet<Lie>
  /** Newest first. */
  readonly #versions = new Map<string, Version[]>()
  #count = 0
  versioning: 'Enabled' | 'Suspended' | null
  locked: boolean
  /** Retention of objects that bring none. */
  byDefault: { readonly mode: Retention['mode']; readonly days: number } | null = null
  /** The lifecycle configuration as it was sent, '' when there is none. */
  lifecycle = ''

  constructor(now: () => number, lies: ReadonlySet<Lie>, { lock, versioning }: { lock: boolean; versioning: boolean }) {
    this.#now = now
    this.#lies = lies
    this.locked = lock
    this.versioning = lock || versioning ? 'Enabled' : null
  }

  /** Every version and marker, by key, newest first. */
  all(): Version[] {
    return [...this.#versions.keys()].sort().flatMap((key) => this.#versions.get(key)!)
  }

  of(key: string): readonly Version[] {
    return this.#versions.get(key) ?? []
  }

  put({ key, bytes, metadata, retention, hold, ifNoneMatch }: Put): Version {
    if ((retention !== null || hold !== null) && !this.locked) throw noLockBucket()
    if (retention !== null && retention.untilMs <= this.#now()) throw invalid('The retain until date must be in the future!')
    const before = this.of(key)[0]
    if (ifNoneMatch && before?.bytes != null && !this.#lies.has('if-none-match'))
      throw new Failure(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
    const forget = this.#lies.has('forget-lock')
    const usual = this.byDefault === null ? null : { mode: this.byDefault.mode, untilMs: this.#now() + this.byDefault.days * 86_400_000 }
    return this.#add({ key, bytes, metadata, retention: forget ? null : (retention ?? usual), hold: forget ? null : hold })
  }

  /** @param id a version, or null: the current one, which must not be a marker. */
  find(key: string, id: string | null): Version {
    if (id === null) {
      const current = this.of(key)[0]
      if (current === undefined) throw noKey()
      if (current.bytes === null) throw noKey({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': current.id })
      return current
    }
    const found = this.of(key).find((each) => each.id === id)
    if (found === undefined) throw new Failure(404, 'NoSuchVersion', 'The specified version does not exist.')
    return found
  }

  /** Deletes a version, or lays a marker over the key. */
  delete(key: string, id: string | null, bypass: boolean | null): { readonly marker: boolean; readonly id: string } {
    if (bypass !== null && !this.locked) throw invalid('x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.')
    if (id === null && this.versioning === 'Enabled') return { marker: true, id: this.#add({ key, bytes: null, metadata: {}, retention: null, hold: null }).id }
    const version = this.of(key).find((each) => (id === null ? each.id === 'null' : each.id === id))
    if (version !== undefined) {
      if (!this.#lies.has('delete') && this.protects(version, bypass === true)) throw denied(PROTECTED)
      this.drop(version)
    }
    return { marker: version?.bytes === null, id: id ?? 'null' }
  }

  /** As DeleteObjects does: each by itself, all in one answer. */
  deleteMany(
    objects: readonly { readonly key: string; readonly id: string | null }[],
    bypass: boolean | null,
  ): ({ key: string; id: string | null } & { failure: Failure | null })[] {
    let unchecked = false
    return objects.map(({ key, id }) => {
      const version = this.of(key).find((each) => each.id === id)
      try {
        if (unchecked && version !== undefined) this.drop(version)
        else this.delete(key, id, bypass)
        if (this.#lies.has('mixed')) unchecked = true
        return { key, id, failure: null }
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        return { key, id, failure: error }
      }
    })
  }

  protects({ retention, hold, bytes }: Version, bypass: boolean): boolean {
    if (bytes === null) return false
    if (hold === 'ON' && !this.#lies.has('unhold')) return true
    if (retention === null || retention.untilMs <= this.#now()) return false
    return !(bypass && (retention.mode === 'GOVERNANCE' || this.#lies.has('bypass')))
  }

  retain(key: string, id: string | null, asked: Retention, bypass: boolean): void {
    const version = this.#lockable(key, id)
    if (asked.untilMs <= this.#now()) throw invalid('The retain until date must be in the future!')
    const standing = version.retention !== null && version.retention.untilMs > this.#now() ? version.retention : null
    if (standing !== null) {
      const shorter = asked.untilMs < standing.untilMs && !this.#lies.has('shorten')
      const softer = asked.mode !== standing.mode && !this.#lies.has('relax')
      const may = standing.mode === 'GOVERNANCE' ? bypass : bypass && this.#lies.has('bypass')
      const hardens = standing.mode === 'GOVERNANCE' && asked.mode === 'COMPLIANCE'
      if ((shorter || softer) && !may && !(hardens && may)) throw denied(PROTECTED)
    }
    version.retention = asked
  }

  holdOf(key: string, id: string | null): 'ON' | 'OFF' {
    const { hold } = this.#lockable(key, id)
    if (hold === null) throw noLockOfIt()
    return hold
  }

  hold(key: string, id: string | null, status: 'ON' | 'OFF'): void {
    this.#lockable(key, id).hold = status
  }

  retentionOf(key: string, id: string | null): Retention {
    const { retention } = this.#lockable(key, id)
    if (retention === null) throw noLockOfIt()
    return retention
  }

  setVersioning(status: string | null): void {
    if (status !== 'Enabled' && status !== 'Suspended') throw malformed()
    if (status === 'Suspended' && this.locked && !this.#lies.has('suspend'))
      throw new Failure(409, 'InvalidBucketState', 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.')
    this.versioning = status
  }

  enableLock(byDefault: Bucket['byDefault']): void {
    if (this.versioning !== 'Enabled')
      throw new Failure(409, 'InvalidBucketState', "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    this.locked = true
    this.byDefault = byDefault
  }

  /** Removes it whatever protects it. */
  drop(version: Version): void {
    const rest = this.of(version.key).filter((each) => each !== version)
    if (rest.length === 0) this.#versions.delete(version.key)
    else this.#versions.set(version.key, rest)
  }

  #lockable(key: string, id: string | null): Version {
    if (!this.locked) throw noLockBucket()
    const version = id === null ? this.of(key)[0] : this.find(key, id)
    if (version === undefined) throw noKey()
    if (version.bytes === null) throw new Failure(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
    return version
  }

  #add(fields: Pick<Version, 'key' | 'bytes' | 'metadata' | 'retention' | 'hold'>): Version {
    const number = ++this.#count
    const id = this.versioning === 'Enabled' ? hash('sha256', `version ${number} of ${fields.key}`, 'base64url').slice(0, 32) : 'null'
    const version: Version = { ...fields, id, etag: `"${hash('md5', fields.bytes ?? '', 'hex')}"`, atMs: this.#now() }
    // Without versioning there is one version called null, which is written over; so does a server that keeps none.
    const others = this.of(fields.key).filter((each, at) => each.id !== id && !(at === 0 && this.#lies.has('overwrite')))
    this.#versions.set(fields.key, [version, ...others])
    return version
  }
}

function noLockOfIt(): Failure {
  return new Failure(404, 'NoSuchObjectLockConfiguration', 'The specified object does not have a ObjectLock configuration')
}
