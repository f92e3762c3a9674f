import { createHash } from 'node:crypto'
import { ERASURE_STARTED_TYPE, ERASURE_TYPE, parseCertificateBody, readCompletion, readIntent } from '@sealtrail/evidence'
import type { CertificateBody, SealedCompletion, SealedIntent } from '@sealtrail/evidence'
import { objectKey } from '../store/objects.ts'
import type { Store } from '../store/store.ts'
import { recordsWith } from './marked-records.ts'
import { readStored } from './stored.ts'
import { type FoundProblem, type Note, problem } from './verdict.ts'

const SYSTEM_LOG = 'system'
const MARKS = [ERASURE_STARTED_TYPE, ERASURE_TYPE].map((type) => Buffer.from(`"type":"${type}"`))

/** How an erasure stands, as `system` says. `lost`: completed, and its certificate cannot be read, which is reported with it. */
export type ErasureStanding = 'completed' | 'lost' | 'running' | 'unknown'

/** What certificates say of the records of one log. */
export interface ErasedIn {
  /** Digest → certificate, of a record's values; undefined: none names it. */
  of(index: number): ReadonlyMap<string, string> | undefined
  standing(certificate: string): ErasureStanding
}

/** What `system` says of erasures, gathered while it is audited, for the audits of the other logs. */
export class SealedErasures {
  readonly #intents = new Map<string, SealedIntent & { readonly time: string | null }>()
  readonly #completions = new Map<string, SealedCompletion>()
  /** Ids of those whose certificate was read and fits. */
  readonly #sound = new Set<string>()
  /** By log and index. */
  readonly #named = new Map<string, Map<number, Map<string, string>>>()

  /** Takes what a sound segment of `system` says. The first of each counts: what was sealed once stays what it was. */
  take(ndjson: Uint8Array): void {
    for (const record of MARKS.flatMap((mark) => [...recordsWith(ndjson, mark)])) {
      const [intent, completion] = [readIntent(record), readCompletion(record)]
      if (intent !== null && !this.#intents.has(intent.erasure)) this.#intents.set(intent.erasure, { ...intent, time: record.time })
      if (completion !== null && !this.#completions.has(completion.erasure)) this.#completions.set(completion.erasure, completion)
    }
  }

  /** Reads the certificate of every completion; resolves to what is wrong, and what has begun and is not complete. attacker: the store's objects. */
  async check(store: Pick<Store, 'get'>): Promise<{ readonly problems: readonly FoundProblem[]; readonly notes: readonly Note[] }> {
    const problems: FoundProblem[] = []
    const notes: Note[] = []
    for (const [id, completion] of this.#completions) {
      const digest = completion.certificate.slice('sha256:'.length)
      const object = objectKey(SYSTEM_LOG, digest)
      const bytes = await readStored(store, object)
      if (bytes === null) {
        problems.push(problem('CERTIFICATE_MISSING', object, null, `erasure ${id}`))
        continue
      }
      const body = createHash('sha256').update(bytes).digest('hex') === digest ? bodyOf(bytes) : 'the store has other bytes under its name'
      const fault = typeof body === 'string' ? body : this.#faultOf(id, completion, body)
      if (fault !== null) problems.push(problem('CERTIFICATE_UNFIT', object, null, `erasure ${id}: ${fault}`))
      else this.#learn(id, body as CertificateBody)
    }
    for (const id of this.#intents.keys())
      if (!this.#completions.has(id))
        notes.push({ object: `erasure/${id}`, message: 'it has begun and is not complete yet; the server goes on with it when it runs' })
    return { problems, notes }
  }

  in(log: string): ErasedIn {
    const named = this.#named.get(log)
    return {
      of: (index) => named?.get(index),
      standing: (id) => {
        if (this.#completions.has(id)) return this.#sound.has(id) ? 'completed' : 'lost'
        return this.#intents.has(id) ? 'running' : 'unknown'
      },
    }
  }

  #faultOf(id: string, { records }: SealedCompletion, body: CertificateBody): string | null {
    const intent = this.#intents.get(id)
    if (intent === undefined) return 'no intent is sealed before its completion'
    if (body.id !== id) return 'it is that of another erasure'
    if (body.records.length !== records) return 'the completion counts other records'
    const { requested, approved, started } = body
    const same =
      intent.by === requested.by &&
      intent.ground === requested.ground &&
      intent.reference === requested.reference &&
      intent.approvedBy === (approved?.by ?? null)
    return same && intent.time === started ? null : 'the intent says something else'
  }

  #learn(id: string, { records }: CertificateBody): void {
    this.#sound.add(id)
    for (const { log, index, fields } of records) {
      let named = this.#named.get(log)
      if (named === undefined) this.#named.set(log, (named = new Map()))
      let digests = named.get(index)
      if (digests === undefined) named.set(index, (digests = new Map()))
      for (const { digest } of fields) digests.set(digest, id)
    }
  }
}

function bodyOf(bytes: Uint8Array): CertificateBody | string {
  try {
    return parseCertificateBody(bytes)
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be read'
  }
}
