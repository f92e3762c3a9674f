import { EvidenceError, auditIdBytes, commitmentOf, disclosureDigest, makeDisclosure, spliceRecord, splitData } from '@sealtrail/evidence'
import type { RecordDraft, SplicedRecord } from '@sealtrail/evidence'
import type { ErrorCode } from '../errors.ts'
import type { Draft, StoredObject } from '../event/draft.ts'
import { FLAG, NO_SESSION } from '../event/entry.ts'
import type { EntryDraft } from '../event/entry.ts'
import { EntryArena } from '../event/entry-arena.ts'
import { fingerprintOf } from '../event/fingerprint.ts'
import { identify } from '../event/identity.ts'
import type { Input } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { MappedEvent } from '../event/mapped.ts'
import { sessionToken, subjectToken } from '../event/subject-token.ts'
import { filter } from '../filter/filter.ts'
import type { QuarantineReason, TakeSteps } from '../flow.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import { map } from '../map/map.ts'
import type { Pack, PackResult } from '../pack/pack.ts'
import { detect } from '../protect/detect.ts'
import type { ProtectEnv } from '../protect/env.ts'
import { protect } from '../protect/protect.ts'
import type { Hit } from '../protect/walk.ts'
import { sensitiveInput, withoutValues } from '../protect/sensitive-input.ts'
import { sensitiveFields } from '../protect/sensitive.ts'
import { rowKey } from '../vault/encrypt.ts'
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
  const arena = new EntryArena()
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
        return quarantine(input, position, {
          code: 'UNMAPPABLE',
          message: `${result.hit.path} holds a personal value (${result.hit.kind}) and is part of the record's id, subject, source or type`,
          trail: event.trail,
        })
      }
      if (result.hits.length > 0) env.onHits(event.trail, result.hits)
      const { identity, auditid } = identify(env.hashes, env.tenant, event.trail, event.id, event.timeMs)
      const fields: RecordDraft = {
        auditid,
        data: result.data,
        dataschema: event.schema,
        id: event.id,
        provenance: input.provenance,
        recordedtime: recordedTime(input.receivedMs),
        regulatorytag: event.regulatorytag,
        source: event.source,
        subject: event.subject,
        time: event.time,
        type: event.type,
      }
      let record
      let object: StoredObject | null = null
      try {
        ;[record, object] = spliced(fields)
      } catch (error) {
        if (error instanceof EvidenceError)
          return quarantine(input, position, { code: 'UNMAPPABLE', message: `the record cannot be written: ${error.code}`, trail: event.trail })
        throw error
      }
      const fingerprint = fingerprintOf(event, env.hashes)
      const vaultKey = rowKey(auditIdBytes(auditid), result.firstDigest)
      const entry = arena.write(entryOf(event, input, flagsOf(event, pack), identity, fingerprint, result.tokens, record), vaultKey)
      return {
        position,
        log: event.trail,
        auditid,
        vaultKey,
        identity,
        fingerprint,
        code: null,
        message: null,
        tokens: result.tokens,
        owners: result.owners,
        entry,
        ...(object === null ? {} : { object }),
      }
    },

    quarantine,
    keysFor: (owners) => env.keysFor(owners),
    encode: (drafts, keys) => encodeBatch(drafts, keys, env),
  }

  /** PCI DSS 3.3.1: sealed in the event's place with its ids, type, time and field names; no value of it is kept, not even committed. */
  function refusal(event: MappedEvent, pack: Pack, input: Input, position: number, refused: readonly string[]): Draft {
    if ([event.id, event.subject, event.source, event.type].some((name) => detect(name, 'id') !== null))
      return namelessRefusal(input, position, refused, event.trail)
    const { identity, auditid } = identify(env.hashes, env.tenant, event.trail, event.id + '#refused', event.timeMs)
    const record = spliceRecord({
      auditid,
      data: { code: 'SENSITIVE_AUTHENTICATION_DATA', event_id: event.id, event_type: event.type, fields: fieldsOf(refused) },
      dataschema: 'urn:sealtrail:schema:refused:1',
      id: event.id + '#refused',
      provenance: input.provenance,
      recordedtime: recordedTime(input.receivedMs),
      regulatorytag: event.regulatorytag,
      source: event.source,
      subject: event.subject,
      time: event.time,
      type: 'sealtrail.refused',
    })
    const fingerprint = refusedFingerprint
    const vaultKey = rowKey(auditIdBytes(auditid), null)
    // Rank 0: a refusal says nothing of its subject's status.
    const entry = arena.write({ ...entryOf(event, input, flagsOf(event, pack) | FLAG.refused, identity, fingerprint, [], record), statusRank: 0 }, vaultKey)
    return {
      position,
      log: event.trail,
      auditid,
      vaultKey,
      identity,
      fingerprint,
      code: 'SENSITIVE_AUTHENTICATION_DATA',
      message: refusedMessage(refused),
      tokens: [],
      owners: [],
      entry,
    }
  }

  /** The same for input that has no name of its own: the name is made of what is left when every value is masked. */
  function namelessRefusal(input: Input, position: number, refused: readonly string[], trail: string): Draft {
    const id = 'refused:' + Buffer.from(env.hashes.fingerprint(withoutValues(input.bytes)), 'latin1').toString('hex')
    const { identity, auditid } = identify(env.hashes, env.tenant, trail, id, NaN)
    const subject = 'refused/' + auditid
    const record = spliceRecord({
      ...unnamed(input, id, subject, auditid),
      data: { code: 'SENSITIVE_AUTHENTICATION_DATA', event_id: null, event_type: null, fields: fieldsOf(refused) },
      dataschema: 'urn:sealtrail:schema:refused:1',
      source: 'urn:sealtrail:refused',
      type: 'sealtrail.refused',
    })
    const fingerprint = refusedFingerprint
    const vaultKey = rowKey(auditIdBytes(auditid), null)
    const entry = arena.write(unnamedEntry(input, FLAG.refused, identity, fingerprint, trail, subject, record), vaultKey)
    return {
      position,
      log: trail,
      auditid,
      vaultKey,
      identity,
      fingerprint,
      code: 'SENSITIVE_AUTHENTICATION_DATA',
      message: refusedMessage(refused),
      tokens: [],
      owners: [],
      entry,
    }
  }

  /** Kept whole, but only as a commitment: what it says may be anything, also personal. What may not be kept even so is refused. */
  function quarantine(input: Input, position: number, problem: QuarantineReason): Draft {
    const trail = problem.trail ?? input.trail ?? (env.packs.keys().next().value as string)
    const refused = sensitiveInput(input.value, input.bytes)
    if (refused.length > 0) return namelessRefusal(input, position, refused, trail)
    const fingerprint = env.hashes.fingerprint(input.bytes)
    const id = 'quarantine:' + Buffer.from(fingerprint, 'latin1').toString('hex')
    const { identity, auditid } = identify(env.hashes, env.tenant, trail, id, NaN)
    const subject = 'quarantine/' + auditid
    const text = Buffer.from(input.bytes.buffer, input.bytes.byteOffset, input.bytes.byteLength)
    const readable = Buffer.from(text.utf8Slice(0, text.length), 'utf8').equals(text)
    const disclosure = makeDisclosure(env.protect.salt(), readable ? text.utf8Slice(0, text.length) : { base64: text.toString('base64') })
    const digest = disclosureDigest(disclosure)
    const record = spliceRecord({
      ...unnamed(input, id, subject, auditid),
      // `trail`: the one the sender named, if any; a replay looks for a pack in that one, else in all.
      data: { code: problem.code, content: commitmentOf(digest), reason: problem.message.slice(0, 500), size: text.length, trail: input.trail },
      dataschema: 'urn:sealtrail:schema:quarantined:1',
      source: 'urn:sealtrail:quarantine',
      type: 'sealtrail.quarantined',
    })
    const vaultKey = rowKey(auditIdBytes(auditid), digest)
    const entry = arena.write(unnamedEntry(input, FLAG.quarantined, identity, fingerprint, trail, subject, record), vaultKey)
    const owners = [{ tokens: [env.protect.interaction(subject)], disclosures: [disclosure] }]
    return {
      position,
      log: trail,
      auditid,
      vaultKey,
      identity,
      fingerprint,
      code: problem.code as ErrorCode,
      message: problem.message,
      tokens: [],
      owners,
      entry,
    }
  }
}

/** The record, with an object beside it where the data is too large for a leaf. @throws EvidenceError TOO_LARGE, NOT_I_JSON */
function spliced(fields: RecordDraft): [SplicedRecord, StoredObject | null] {
  try {
    return [spliceRecord(fields), null]
  } catch (error) {
    if (!(error instanceof EvidenceError) || error.code !== 'TOO_LARGE') throw error
    const { draft, object, digest } = splitData(fields)
    return [spliceRecord(draft), { digest, bytes: object }]
  }
}

function unnamed(input: Input, id: string, subject: string, auditid: string): Omit<RecordDraft, 'data' | 'dataschema' | 'source' | 'type'> {
  return { auditid, id, provenance: input.provenance, recordedtime: recordedTime(input.receivedMs), regulatorytag: null, subject, time: null }
}

function unnamedEntry(input: Input, flags: number, identity: string, fingerprint: string, log: string, subject: string, record: SplicedRecord): EntryDraft {
  return {
    flags,
    statusRank: 0,
    phase: 0,
    rank: 0,
    timeMs: NaN,
    receivedMs: input.receivedMs,
    identity,
    fingerprint,
    subjectToken: subjectToken(log, subject),
    session: NO_SESSION,
    log,
    subject,
    tokens: [],
    recordText: record.text,
    recordBytes: record.bytes,
    lateAt: record.lateAt,
    sequenceAt: record.sequenceAt,
  }
}

/** Attacker: names may be long and many, a record and an answer may not. */
function fieldsOf(refused: readonly string[]): string[] {
  return refused.slice(0, 64).map((path) => (path.length <= 200 ? path : path.slice(0, 90) + '…' + path.slice(-90)))
}

function refusedMessage(refused: readonly string[]): string {
  return `refused: ${fieldsOf(refused.slice(0, 8)).join(', ')}`
}

function flagsOf({ order: { effect } }: MappedEvent, pack: Pack): number {
  return (pack.sequenced ? FLAG.held : 0) | (effect === 'opens' ? FLAG.opens : 0) | (effect === 'closes' ? FLAG.closes : 0)
}

function entryOf(
  event: MappedEvent,
  input: Input,
  flags: number,
  identity: string,
  fingerprint: string,
  tokens: EntryDraft['tokens'],
  record: SplicedRecord,
): EntryDraft {
  const { phase, rank, session } = event.order
  return {
    flags,
    statusRank: event.status === null ? 0 : event.status.rank,
    phase,
    rank,
    timeMs: event.timeMs,
    receivedMs: input.receivedMs,
    identity,
    fingerprint,
    subjectToken: subjectToken(event.trail, event.subject),
    session: session === null ? NO_SESSION : sessionToken(session),
    log: event.trail,
    subject: event.subject,
    tokens,
    recordText: record.text,
    recordBytes: record.bytes,
    lateAt: record.lateAt,
    sequenceAt: record.sequenceAt,
  }
}

let recordedMs = Number.NaN
let recordedText = ''

/** RFC 3339 of the receive time, which all events of a request share. */
function recordedTime(receivedMs: number): string {
  if (receivedMs !== recordedMs) {
    recordedText = new Date(receivedMs).toISOString()
    recordedMs = receivedMs
  }
  return recordedText
}
