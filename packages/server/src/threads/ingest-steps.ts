import { EvidenceError, commitmentOf, disclosureDigest, makeDisclosure } from '@sealtrail/evidence'
import type { ErrorCode } from '../errors.ts'
import type { Draft } from '../event/draft.ts'
import { FLAG } from '../event/entry.ts'
import { fingerprintOf } from '../event/fingerprint.ts'
import { identify } from '../event/identity.ts'
import type { Identity } from '../event/identity.ts'
import type { Input } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { filter } from '../filter/filter.ts'
import type { QuarantineReason, TakeSteps } from '../flow.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import { map } from '../map/map.ts'
import type { Pack, PackResult } from '../pack/pack.ts'
import { detect, forgetDetected } from '../protect/detect.ts'
import type { ProtectEnv } from '../protect/env.ts'
import { protect } from '../protect/protect.ts'
import type { Hit } from '../protect/walk.ts'
import { sensitiveInput, withoutValues } from '../protect/sensitive-input.ts'
import { sensitiveFields } from '../protect/sensitive.ts'
import { Drafts } from './drafts.ts'
import type { Placed, Said } from './drafts.ts'
import { encodeBatch } from './encode-batch.ts'
import type { EncodeEnv } from './encode-batch.ts'
import type { RememberedKeys } from './remember-keys.ts'

export interface IngestEnv extends EncodeEnv {
  readonly tenant: string
  /** Trails in the order they are tried, with their packs in the order they are tried. */
  readonly packs: ReadonlyMap<string, readonly Pack[]>
  /** The log for a subject whose first event has this tag. */
  route(trail: string, tag: string | null): string
  readonly hashes: KeyedHashes
  readonly protect: ProtectEnv
  readonly keys: RememberedKeys
  /** Counts what detection found in fields a pack (`name@version`) calls plain: path and kind, never a value. */
  onHits(trail: string, pack: string, hits: readonly Hit[]): void
}

/** The steps of `take` (flow.ts), filled in with packs, keyed hashes and the vault's encryption. One instance a thread. */
export function ingestSteps(env: IngestEnv): TakeSteps {
  const packs = new Map([...env.packs.values()].flat().map((pack) => [pack.name + '@' + pack.version + '/' + pack.trail, pack]))
  const every = [...env.packs.values()].flat()
  const context = { tenant: env.tenant }
  // Sensitive fields of the input in hand; an input that fans out is searched once.
  let searched: Input | null = null
  let found: readonly string[] = []
  const drafts = new Drafts(env.route)
  // An event refused once and sent again, worse or better, is refused again and in no conflict with itself.
  const refusedFingerprint = env.hashes.fingerprint('refused')

  return {
    apply(input: Input): PackResult {
      const filtered = filter(input.trail === null ? every : (env.packs.get(input.trail) ?? []), input, context)
      return filtered.kind === 'kept' ? map(filtered.pack, filtered.kept, filtered.dropped, input, context) : filtered
    },

    protect(event: MappedEvent, input: Input, position: number): Draft {
      const pack = packs.get(event.pack + '/' + event.trail) as Pack
      if (searched !== input) {
        found = sensitiveFields(input.value as JsonObject, input.bytes)
        searched = input
      }
      const result = protect(event, pack.fields, env.protect, found)
      if (result.kind === 'refused') return refusal(event, pack, input, position, result.fields)
      if (result.kind === 'exposed') {
        env.onHits(event.trail, event.pack, [result.hit])
        return quarantine(input, position, {
          code: 'UNMAPPABLE',
          message: `${result.hit.path} holds a personal value (${result.hit.kind}) and is part of the record's id, subject, source or type`,
          trail: event.trail,
        })
      }
      if (result.hits.length > 0) env.onHits(event.trail, event.pack, result.hits)
      const said = {
        flags: flagsOf(event, pack),
        data: result.data,
        schema: event.schema,
        fingerprint: fingerprintOf(event, env.hashes),
        firstDigest: result.firstDigest,
        tokens: result.tokens,
        owners: result.owners,
        code: null,
        message: null,
      }
      try {
        return drafts.make(input, position, event, identify(env.hashes, env.tenant, event.trail, event.id, event.timeMs), said)
      } catch (error) {
        if (error instanceof EvidenceError)
          return quarantine(input, position, { code: 'UNMAPPABLE', message: `the record cannot be written: ${error.code}`, trail: event.trail })
        throw error
      }
    },

    quarantine,
    keysFor: (owners) => env.keys.keysFor(owners),
    forget() {
      env.keys.forget()
      env.protect.forget()
      forgetDetected()
      searched = null
    },
    encode: (drafts, keys) => encodeBatch(drafts, keys, env),
  }

  /** PCI DSS 3.3.1: sealed in the event's place with its ids, type, time and field names; no value of it is kept, not even committed. */
  function refusal(event: MappedEvent, pack: Pack, input: Input, position: number, refused: readonly string[]): Draft {
    if ([event.id, event.subject, event.source, event.type].some((name) => detect(name, 'id') !== null))
      return namelessRefusal(input, position, refused, event.trail)
    const id = event.id + '#refused'
    // No status: a refusal says nothing of its subject's.
    const place = { ...event, id, type: 'sealtrail.refused', status: null }
    const identity = identify(env.hashes, env.tenant, event.trail, id, event.timeMs)
    return drafts.make(input, position, place, identity, refusedFor(refused, flagsOf(event, pack), event.id, event.type))
  }

  /** The same for input that has no name of its own: the name is made of what is left when every value is masked. */
  function namelessRefusal(input: Input, position: number, refused: readonly string[], trail: string): Draft {
    const id = 'refused:' + hex(env.hashes.fingerprint(withoutValues(input.bytes)))
    const identity = identify(env.hashes, env.tenant, trail, id, NaN)
    return drafts.make(input, position, unnamed('refused', trail, id, identity), identity, refusedFor(refused, 0, null, null))
  }

  function refusedFor(fields: readonly string[], flags: number, event_id: string | null, event_type: string | null): Said {
    return {
      flags: flags | FLAG.refused,
      data: { code: 'SENSITIVE_AUTHENTICATION_DATA', event_id, event_type, fields: fieldsOf(fields) },
      schema: 'urn:sealtrail:schema:refused:1',
      fingerprint: refusedFingerprint,
      firstDigest: null,
      tokens: [],
      owners: [],
      code: 'SENSITIVE_AUTHENTICATION_DATA',
      message: `refused: ${fieldsOf(fields.slice(0, 8)).join(', ')}`,
    }
  }

  /** Kept whole, but only as a commitment: what it says may be anything, also personal. What may not be kept even so is refused. */
  function quarantine(input: Input, position: number, problem: QuarantineReason): Draft {
    const trail = problem.trail ?? input.trail ?? (env.packs.keys().next().value as string)
    const refused = sensitiveInput(input.value, input.bytes)
    if (refused.length > 0) return namelessRefusal(input, position, refused, trail)
    const fingerprint = env.hashes.fingerprint(input.bytes)
    const id = 'quarantine:' + hex(fingerprint)
    const identity = identify(env.hashes, env.tenant, trail, id, NaN)
    const place = unnamed('quarantine', trail, id, identity)
    const text = Buffer.from(input.bytes.buffer, input.bytes.byteOffset, input.bytes.byteLength)
    const readable = Buffer.from(text.utf8Slice(0, text.length), 'utf8').equals(text)
    const disclosure = makeDisclosure(env.protect.salt(), readable ? text.utf8Slice(0, text.length) : { base64: text.toString('base64') })
    const firstDigest = disclosureDigest(disclosure)
    return drafts.make(input, position, place, identity, {
      flags: FLAG.quarantined,
      // `trail`: the one the sender named, if any; a replay looks for a pack in that one, else in all.
      data: { code: problem.code, content: commitmentOf(firstDigest), reason: problem.message.slice(0, 500), size: text.length, trail: input.trail },
      schema: 'urn:sealtrail:schema:quarantined:1',
      fingerprint,
      firstDigest,
      tokens: [],
      owners: [{ tokens: env.protect.interaction(place.subject), disclosures: [disclosure] }],
      code: problem.code as ErrorCode,
      message: problem.message,
    })
  }
}

/** The place of a record about input that has none of its own: one subject each, at no time. */
function unnamed(kind: 'refused' | 'quarantine', trail: string, id: string, { auditid }: Identity): Placed {
  return {
    trail,
    id,
    subject: `${kind}/${auditid}`,
    type: kind === 'refused' ? 'sealtrail.refused' : 'sealtrail.quarantined',
    source: `urn:sealtrail:${kind}`,
    timeMs: NaN,
    time: null,
    regulatorytag: null,
    order: { rank: 0, session: null, effect: null, phase: 0 },
    status: null,
  }
}

/** Attacker: names may be long and many, a record and an answer may not. */
function fieldsOf(refused: readonly string[]): string[] {
  return refused.slice(0, 64).map((path) => (path.length <= 200 ? path : path.slice(0, 90) + '…' + path.slice(-90)))
}

function flagsOf({ order: { effect } }: MappedEvent, pack: Pack): number {
  return (pack.sequenced ? FLAG.held : 0) | (effect === 'opens' ? FLAG.opens : 0) | (effect === 'closes' ? FLAG.closes : 0)
}

function hex(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('hex')
}
