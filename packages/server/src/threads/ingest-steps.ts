import { EvidenceError, commitmentOf, disclosureDigest, makeDisclosure, canonicalize, spliceRecord } from '@sealtrail/evidence'
import type { RecordDraft } from '@sealtrail/evidence'
import type { ErrorCode } from '../errors.ts'
import type { Draft } from '../event/draft.ts'
import { FLAG, NO_SESSION } from '../event/entry.ts'
import { identify } from '../event/identity.ts'
import type { Input } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { sessionToken, subjectToken } from '../event/subject-token.ts'
import { filter } from '../filter/filter.ts'
import type { TakeSteps } from '../flow.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import { map } from '../map/map.ts'
import type { Pack, PackResult } from '../pack/pack.ts'
import type { ProtectEnv } from '../protect/env.ts'
import { protect } from '../protect/protect.ts'
import type { Hit } from '../protect/walk.ts'
import { sensitiveFields } from '../protect/sensitive.ts'
import type { DataKey, OwnerTokens } from '../vault/vault.ts'
import { encodeBatch } from './encode-batch.ts'
import type { EncodeEnv } from './encode-batch.ts'

export interface IngestEnv extends EncodeEnv {
  readonly tenant: string
  /** Trails in the order they are tried, with their packs in the order they are tried. */
  readonly packs: ReadonlyMap<string, readonly Pack[]>
  readonly hashes: KeyedHashes
  readonly protect: ProtectEnv
  keysFor(owners: readonly OwnerTokens[]): Promise<readonly DataKey[]>
  /** Counts what detection found in fields a pack calls plain: path and kind, never a value. */
  onHits(trail: string, hits: readonly Hit[]): void
}

/** The steps of `take` (flow.ts), filled in with packs, keyed hashes and the vault's encryption. One instance a thread. */
export function ingestSteps(env: IngestEnv): TakeSteps {
  const packs = new Map([...env.packs.values()].flat().map((pack) => [pack.name + '@' + pack.version + '/' + pack.trail, pack]))
  const every = [...env.packs.values()].flat()
  const context = { tenant: env.tenant }
  // Sensitive fields of the input in hand; an input that fans out is searched once.
  let searched: Input | null = null
  let found: readonly string[] = []

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
      if (result.hits.length > 0) env.onHits(event.trail, result.hits)
      const { identity, auditid } = identify(env.hashes, env.tenant, event.trail, event.id, event.timeMs)
      const fields: RecordDraft = {
        auditid,
        data: result.data,
        dataschema: event.schema,
        id: event.id,
        provenance: input.provenance,
        recordedtime: new Date(input.receivedMs).toISOString(),
        regulatorytag: event.regulatorytag,
        source: event.source,
        subject: event.subject,
        time: event.time,
        type: event.type,
      }
      let spliced
      try {
        spliced = spliceRecord(fields)
      } catch (error) {
        if (error instanceof EvidenceError) return quarantine(input, position, { code: 'UNMAPPABLE', message: `the record cannot be written: ${error.code}` })
        throw error
      }
      return {
        ...placing(event, input, pack),
        position,
        auditid,
        code: null,
        message: null,
        statusRank: event.status?.rank ?? 0,
        identity,
        fingerprint: env.hashes.fingerprint(canonicalize(event.compared)),
        tokens: result.tokens,
        owners: result.owners,
        firstDigest: result.firstDigest,
        recordText: spliced.text,
        recordBytes: spliced.bytes,
        lateAt: spliced.lateAt,
        sequenceAt: spliced.sequenceAt,
      }
    },

    quarantine,
    keysFor: (owners) => env.keysFor(owners),
    encode: (drafts, keys) => encodeBatch(drafts, keys, env),
  }

  /** PCI DSS 3.3.1: sealed in the event's place with its ids, type, time and field names; no value of it is kept, not even committed. */
  function refusal(event: MappedEvent, pack: Pack, input: Input, position: number, refused: readonly string[]): Draft {
    const { identity, auditid } = identify(env.hashes, env.tenant, event.trail, event.id + '#refused', event.timeMs)
    const spliced = spliceRecord({
      auditid,
      data: { code: 'SENSITIVE_AUTHENTICATION_DATA', event_id: event.id, event_type: event.type, fields: refused.slice(0, 64) },
      dataschema: 'urn:sealtrail:schema:refused:1',
      id: event.id + '#refused',
      provenance: input.provenance,
      recordedtime: new Date(input.receivedMs).toISOString(),
      regulatorytag: event.regulatorytag,
      source: event.source,
      subject: event.subject,
      time: event.time,
      type: 'sealtrail.refused',
    })
    const place = placing(event, input, pack)
    return {
      ...place,
      flags: place.flags | FLAG.refused,
      position,
      auditid,
      code: 'SENSITIVE_AUTHENTICATION_DATA',
      message: `refused: ${refused.slice(0, 8).join(', ')}`,
      statusRank: 0,
      identity,
      fingerprint: env.hashes.fingerprint(refused.join('\n')),
      tokens: [],
      owners: [],
      firstDigest: null,
      recordText: spliced.text,
        recordBytes: spliced.bytes,
      lateAt: spliced.lateAt,
      sequenceAt: spliced.sequenceAt,
    }
  }

  /** Kept whole, but only as a commitment: what it says may be anything, also personal. */
  function quarantine(input: Input, position: number, problem: { code: string; message: string }): Draft {
    const trail = input.trail ?? (env.packs.keys().next().value as string)
    const fingerprint = env.hashes.fingerprint(input.bytes)
    const id = 'quarantine:' + Buffer.from(fingerprint, 'latin1').toString('hex')
    const { identity, auditid } = identify(env.hashes, env.tenant, trail, id, NaN)
    const subject = 'quarantine/' + auditid
    const text = Buffer.from(input.bytes.buffer, input.bytes.byteOffset, input.bytes.byteLength)
    const readable = Buffer.from(text.utf8Slice(0, text.length), 'utf8').equals(text)
    const disclosure = makeDisclosure(env.protect.salt(), readable ? text.utf8Slice(0, text.length) : { base64: text.toString('base64') })
    const digest = disclosureDigest(disclosure)
    const spliced = spliceRecord({
      auditid,
      data: { code: problem.code, content: commitmentOf(digest), reason: problem.message.slice(0, 500), size: text.length },
      dataschema: 'urn:sealtrail:schema:quarantined:1',
      id,
      provenance: input.provenance,
      recordedtime: new Date(input.receivedMs).toISOString(),
      regulatorytag: null,
      source: 'urn:sealtrail:quarantine',
      subject,
      time: null,
      type: 'sealtrail.quarantined',
    })
    return {
      position,
      auditid,
      code: problem.code as ErrorCode,
      message: problem.message,
      log: trail,
      subject,
      flags: FLAG.quarantined,
      statusRank: 0,
      phase: 0,
      rank: 0,
      timeMs: NaN,
      receivedMs: input.receivedMs,
      identity,
      fingerprint,
      subjectToken: subjectToken(trail, subject),
      session: NO_SESSION,
      tokens: [],
      owners: [{ tokens: [env.protect.interaction(subject)], disclosures: [disclosure] }],
      firstDigest: digest,
      recordText: spliced.text,
        recordBytes: spliced.bytes,
      lateAt: spliced.lateAt,
      sequenceAt: spliced.sequenceAt,
    }
  }
}

function placing(event: MappedEvent, input: Input, pack: Pack): Pick<Draft, 'log' | 'subject' | 'flags' | 'phase' | 'rank' | 'timeMs' | 'receivedMs' | 'subjectToken' | 'session'> {
  const { effect, phase, rank, session } = event.order
  return {
    log: event.trail,
    subject: event.subject,
    flags: (pack.sequenced ? FLAG.held : 0) | (effect === 'opens' ? FLAG.opens : 0) | (effect === 'closes' ? FLAG.closes : 0),
    phase,
    rank,
    timeMs: event.timeMs,
    receivedMs: input.receivedMs,
    subjectToken: subjectToken(event.trail, event.subject),
    session: session === null ? NO_SESSION : sessionToken(session),
  }
}
