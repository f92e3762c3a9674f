import { parseAuditId } from '@sealtrail/evidence'
import type { Batch, BatchAnswer } from '../event/batch.ts'
import type { Outcome } from '../event/input.ts'
import type { JsonObject } from '../event/json.ts'
import type { Sealing } from '../config/open-sealing.ts'
import type { ExportAsked, ExportJob, Requester } from '../export/export.ts'
import type { Exports } from '../export/exports.ts'
import type { RetentionDesk } from '../http/retention.ts'
import type { AnswerKeys } from '../keys/answers.ts'
import type { DataKey, KeyAnswer, OwnerTokens } from '../vault/vault.ts'
import type { StoreState } from '../store/verdict.ts'
import type { ErasureAsked, ErasureDesk, ErasureOfficer, ErasurePlan, ErasureView } from '../privacy/erasure.ts'
import type { HoldAsked, HoldDesk, HoldOfficer, HoldView } from '../retain/hold.ts'
import type { PersonDesk, PersonOfficer, PersonView } from '../privacy/person.ts'
import type { Snapshot } from '../observe/metrics.ts'
import type { Opening } from '../index/views.ts'
import type { GrantAsked, GrantView } from '../privacy/grant.ts'
import type { CheckAsk, Checking } from './checking.ts'
import type { Granting } from './granting.ts'
import type { HitCount } from './hit-counts.ts'
import type { Caller, Handlers } from './rpc.ts'
import { keyDesk } from './key-desk.ts'
import type { KeyDesk } from './key-desk.ts'
import type { SystemEvent } from './system-entry.ts'

/** What became of an event that is accepted and not in the ledger yet. */
export interface UnderWayAnswer {
  readonly log: string
  readonly flags: number
  /** -1 while it is not sealed. */
  readonly index: number
}

export interface Readiness {
  readonly ok: boolean
  readonly reasons: readonly string[]
  /** What is observed of each store. */
  readonly stores: readonly StoreState[]
}

/** What serving threads ask of the sealing thread. */
export interface SealingPort extends KeyDesk {
  accept(batch: Batch): Promise<BatchAnswer>
  keysFor(owners: readonly OwnerTokens[]): Promise<readonly DataKey[]>
  keysById(ids: readonly Uint8Array[]): Promise<KeyAnswer[]>
  underWay(auditid: string): Promise<UnderWayAnswer | null>
  readiness(): Promise<Readiness>
  system(event: SystemEvent): Promise<void>
  /** Inputs by trail and outcome since the last call, for the hourly counts. */
  counted(counts: ReadonlyArray<{ readonly trail: string; readonly outcome: Outcome; readonly inputs: number }>): Promise<void>
  /** What detection found since the last call, for the hourly counts. */
  found(hits: readonly HitCount[]): Promise<void>
  /** What it found since the start, on all threads. */
  detected(): Promise<HitCount[]>
  /** Metrics of all threads but the caller's, which it adds itself. */
  metrics(own: Snapshot): Promise<string>
  /** What answers are signed with; null when the current key is still the one named. */
  answerKeys(known: string | null): Promise<AnswerKeys | null>
  createExport(order: { readonly asked: ExportAsked; readonly requester: Requester }): Promise<ExportJob>
  listExports(): Promise<ExportJob[]>
  readExport(id: string): Promise<ExportJob | null>
  placeHold(order: { readonly asked: HoldAsked; readonly by: HoldOfficer }): Promise<HoldView>
  releaseHold(order: { readonly id: string; readonly reason: string; readonly by: HoldOfficer }): Promise<HoldView>
  approveHold(order: { readonly id: string; readonly by: HoldOfficer }): Promise<HoldView>
  listHolds(): Promise<HoldView[]>
  planErasure(asked: Pick<ErasureAsked, 'person'>): Promise<ErasurePlan>
  requestErasure(order: { readonly asked: ErasureAsked; readonly by: ErasureOfficer }): Promise<ErasureView>
  approveErasure(order: { readonly id: string; readonly by: ErasureOfficer }): Promise<ErasureView>
  withdrawErasure(order: { readonly id: string; readonly reason: string; readonly by: ErasureOfficer }): Promise<ErasureView>
  listErasures(): Promise<ErasureView[]>
  readErasure(id: string): Promise<ErasureView>
  giveGrant(order: { readonly asked: GrantAsked; readonly by: { readonly name: string } }): Promise<GrantView>
  revokeGrant(order: { readonly id: string; readonly by: { readonly name: string } }): Promise<GrantView>
  approveGrant(order: { readonly id: string; readonly by: { readonly name: string } }): Promise<GrantView>
  listGrants(): Promise<GrantView[]>
  openings(viewer: { readonly name: string; readonly purpose: string | null }): Promise<readonly Opening[]>
  askCheck(ask: CheckAsk): Promise<void>
  checkAnswered(answer: { readonly name: string; readonly matches: boolean }): Promise<void>
  showPerson(person: Parameters<PersonDesk['show']>[0]): Promise<PersonView>
  mergePeople(order: { readonly order: Parameters<PersonDesk['merge']>[0]; readonly by: PersonOfficer }): Promise<PersonView>
  splitAlias(order: { readonly order: Parameters<PersonDesk['split']>[0]; readonly by: PersonOfficer }): Promise<PersonView>
  retentionStatus(): Promise<JsonObject>
  runRetention(order: Parameters<RetentionDesk['run']>[0]): Promise<JsonObject[]>
  listFlags(): Promise<JsonObject[]>
  createFlag(flag: Parameters<RetentionDesk['flag']>[0]): Promise<JsonObject>
}

/** Beyond the sealing itself: what the server's main thread knows of the other threads. */
export interface Supervisor {
  readonly now: () => number
  counted: SealingPort['counted']
  found: SealingPort['found']
  detected: SealingPort['detected']
  metrics: SealingPort['metrics']
  readonly exports: Pick<Exports, 'create' | 'list' | 'get'>
  readonly holds: HoldDesk
  readonly erasures: ErasureDesk
  readonly grants: Pick<Granting, 'desk' | 'openings'>
  readonly checking: Pick<Checking, 'ask' | 'answered'>
  readonly people: PersonDesk
  readonly retention: RetentionDesk
  /** What is degraded and keeps no event out, one line each. */
  notes?(): readonly string[]
  stores?(): readonly StoreState[]
}

/** The sealing side in the same thread. */
export function localPort(sealing: Sealing, supervisor: Supervisor): SealingPort {
  return {
    accept: (batch) => sealing.flow.accept(batch),
    keysFor: (owners) => sealing.vault.keysFor(owners),
    keysById: (ids) => sealing.vault.keysById(ids),
    async underWay(auditid) {
      const { timeMs, identity } = parseAuditId(auditid)
      const found = sealing.flow.findByPrefix(identity, timeMs)
      return found === null ? null : { log: found.log, flags: found.flags, index: found.index }
    },
    async readiness() {
      const trouble = sealing.trouble()
      const reasons = trouble === null ? [] : [`${trouble.code}: ${trouble.message}`]
      return { ok: trouble === null, reasons: [...reasons, ...sealing.notes(), ...(supervisor.notes?.() ?? [])], stores: supervisor.stores?.() ?? [] }
    },
    system: (event) => sealing.system(event),
    counted: (counts) => supervisor.counted(counts),
    found: (hits) => supervisor.found(hits),
    detected: () => supervisor.detected(),
    metrics: (own) => supervisor.metrics(own),
    ...keyDesk(sealing, supervisor.now),
    async answerKeys(known) {
      const keys = sealing.keys.answerKeys()
      return keys.published[0].keyid === known ? null : keys
    },
    createExport: async ({ asked, requester }) => supervisor.exports.create(asked, requester),
    listExports: async () => supervisor.exports.list(),
    readExport: async (id) => supervisor.exports.get(id),
    placeHold: ({ asked, by }) => supervisor.holds.place(asked, by),
    releaseHold: ({ id, reason, by }) => supervisor.holds.release(id, reason, by),
    approveHold: ({ id, by }) => supervisor.holds.approve(id, by),
    listHolds: () => supervisor.holds.list(),
    planErasure: (asked) => supervisor.erasures.plan(asked),
    requestErasure: ({ asked, by }) => supervisor.erasures.request(asked, by),
    approveErasure: ({ id, by }) => supervisor.erasures.approve(id, by),
    withdrawErasure: ({ id, reason, by }) => supervisor.erasures.withdraw(id, reason, by),
    listErasures: () => supervisor.erasures.list(),
    readErasure: (id) => supervisor.erasures.get(id),
    giveGrant: ({ asked, by }) => supervisor.grants.desk.give(asked, by),
    revokeGrant: ({ id, by }) => supervisor.grants.desk.revoke(id, by),
    approveGrant: ({ id, by }) => supervisor.grants.desk.approve(id, by),
    listGrants: () => supervisor.grants.desk.list(),
    openings: (viewer) => supervisor.grants.openings(viewer),
    askCheck: (ask) => supervisor.checking.ask(ask),
    checkAnswered: async ({ name, matches }) => supervisor.checking.answered(name, matches),
    showPerson: (person) => supervisor.people.show(person),
    mergePeople: ({ order, by }) => supervisor.people.merge(order, by),
    splitAlias: ({ order, by }) => supervisor.people.split(order, by),
    retentionStatus: () => supervisor.retention.status(),
    runRetention: (order) => supervisor.retention.run(order),
    listFlags: () => supervisor.retention.flags(),
    createFlag: (flag) => supervisor.retention.flag(flag),
  }
}

const NAMES = [
  'keysById',
  'underWay',
  'readiness',
  'system',
  'counted',
  'found',
  'detected',
  'metrics',
  'keyList',
  'rotateKey',
  'rewrapKeys',
  'endKey',
  'ingestKeys',
  'answerKeys',
  'createExport',
  'listExports',
  'readExport',
  'placeHold',
  'releaseHold',
  'approveHold',
  'listHolds',
  'planErasure',
  'requestErasure',
  'approveErasure',
  'withdrawErasure',
  'listErasures',
  'readErasure',
  'giveGrant',
  'revokeGrant',
  'approveGrant',
  'listGrants',
  'openings',
  'askCheck',
  'checkAnswered',
  'showPerson',
  'mergePeople',
  'splitAlias',
  'retentionStatus',
  'runRetention',
  'listFlags',
  'createFlag',
] as const

/** The port as functions another thread may call (`rpc.ts`). */
export function portHandlers(port: SealingPort): Handlers {
  const handlers: Record<string, (argument: never) => unknown> = {
    accept: (batch: Batch) => port.accept(batch),
    keysFor: async (owners: readonly OwnerTokens[]) => packKeys(await port.keysFor(owners)),
  }
  for (const name of NAMES) handlers[name] = (argument: never) => (port[name] as (argument: never) => unknown)(argument)
  return handlers
}

/** The port of a sealing thread at the other end of a channel. */
export function remotePort(caller: Caller): SealingPort {
  const port: Record<string, unknown> = {
    accept: (batch: Batch) => caller.call('accept', batch, [batch.entries.buffer as ArrayBuffer, batch.rows.buffer as ArrayBuffer]),
    keysFor: async (owners: readonly OwnerTokens[]) => unpackKeys(await caller.call('keysFor', owners)),
  }
  for (const name of NAMES) port[name] = (argument: unknown) => caller.call(name, argument)
  return port as unknown as SealingPort
}

const KEY_BYTES = 48

/** Data keys as one array, 16 bytes of id and 32 of key each: objects cost a thread change far more than their bytes. */
function packKeys(keys: readonly DataKey[]): Uint8Array {
  const packed = new Uint8Array(keys.length * KEY_BYTES)
  keys.forEach(({ id, key }, i) => {
    packed.set(id, i * KEY_BYTES)
    packed.set(key, i * KEY_BYTES + 16)
  })
  return packed
}

function unpackKeys(packed: Uint8Array): DataKey[] {
  const keys: DataKey[] = []
  for (let at = 0; at < packed.length; at += KEY_BYTES) keys.push({ id: packed.slice(at, at + 16), key: packed.slice(at + 16, at + KEY_BYTES) })
  return keys
}
