import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CertificateFile } from '@sealtrail/evidence'
import type { ErasurePlan, ErasureView } from '../../src/privacy/erasure.ts'
import type { GrantView } from '../../src/privacy/grant.ts'
import type { PersonView } from '../../src/privacy/person.ts'
import type { HoldView } from '../../src/retain/hold.ts'
import type { ExportJob } from '../../src/export/export.ts'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { thumbprint } from '../../src/keys/answers.ts'
import type { AnswerKeys } from '../../src/keys/answers.ts'
import type { Input, InputResult } from '../../src/event/input.ts'
import { createApp } from '../../src/http/app.ts'
import type { AppDeps } from '../../src/http/app-context.ts'
import type { Admin, Flow, Quarantine, Reader, ReadNote, Reading, SubmitOptions } from '../../src/http/ports.ts'
import type { Principal } from '../../src/http/tokens.ts'
import type { StoreState } from '../../src/store/verdict.ts'
import { createLog } from '../../src/observe/log.ts'
import { Metrics, renderPrometheus } from '../../src/observe/metrics.ts'

export const AUDITID = '01HXXBHG2800000000000000AA'
export const RECEIPT = { auditid: AUDITID, log: 'notifications', index: 7 }
export const NOW = Date.parse('2024-05-11T09:15:00Z')

/** The app over recorders: what the routes pass on is kept, what they get back is set by the test. */
export interface Recorder {
  readonly app: ReturnType<typeof createApp>
  readonly deps: AppDeps
  readonly submitted: Array<{ inputs: readonly Input[]; options: SubmitOptions }>
  readonly notes: ReadNote[]
  readonly lines: string[]
  readonly asked: unknown[][]
  /** Result per input, by default sealed with a receipt. */
  result: (input: Input, position: number) => InputResult
  reading: Reading | null
  fail: unknown
  ready: { ok: boolean; reasons: string[]; stores: StoreState[] }
}

export const TOKENS: Readonly<Record<string, Principal>> = {
  st_ingest: { name: 'sender', role: 'ingest' },
  st_auditor: { name: 'ann', role: 'auditor' },
  st_officer: { name: 'olga', role: 'officer' },
  st_security: { name: 'sam', role: 'security' },
  st_admin: { name: 'admin', role: 'admin' },
}

const { privateKey: secret, publicKey } = generateKeyPairSync('ed25519')
const x = String(publicKey.export({ format: 'jwk' }).x)
export const ANSWER_KEYS: AnswerKeys = { secret, published: [{ keyid: thumbprint(x), x, notBeforeMs: NOW, notAfterMs: null }] }

/** Of the auditor's token, so that every reader may fetch it; its file is this one. */
const FILE = fileURLToPath(import.meta.url)
const EXPORT: ExportJob = {
  id: 'e'.repeat(32),
  state: 'ready',
  kind: 'subject',
  created: '2026-01-01T00:00:00.000Z',
  requester: { name: 'ann', role: 'auditor', purpose: null },
  records: 1,
  expires: '2026-01-08T00:00:00.000Z',
  size: statSync(FILE).size,
  sha256: createHash('sha256').update(readFileSync(FILE)).digest('hex'),
  manifest: '1'.repeat(64),
}

const CERTIFICATE = { certificate: { id: '' }, started: { record: '', proof: '' }, completed: { record: '', proof: '' } } as unknown as CertificateFile

const HOLD: HoldView = {
  id: 'f'.repeat(32),
  subject: 'm-1',
  scope: 'record',
  state: 'placed',
  placed: { by: 'ann', approvedBy: null, at: '2026-01-01T00:00:00.000Z', reason: 'matter 7' },
  released: null,
  request: null,
  objects: 1,
}

const ERASURE: ErasureView = {
  id: 'd'.repeat(32),
  state: 'completed',
  ground: 'GDPR Art. 17(1)(b)',
  reference: null,
  requested: { by: 'olga', at: '2026-01-01T00:00:00.000Z' },
  approved: null,
  withdrawn: null,
  expires: null,
  blocks: [],
  started: '2026-01-01T00:00:00.000Z',
  completed: '2026-01-01T00:00:01.000Z',
  records: 1,
  certificate: `sha256:${'0'.repeat(64)}`,
  progress: null,
  problem: null,
}
const PERSON: PersonView = { people: 1, keys: 1, aliases: 1, records: 0, together: 0, interactions: 0, seenWith: [], others: 0 }
const PLAN: ErasurePlan = { aliases: 1, keys: 1, interactions: 0, logs: [], waiting: 0, blocks: [], exports: [], stays: [], needsApproval: false }
const GRANT: GrantView = {
  id: 'd'.repeat(32),
  state: 'given',
  to: 'ann',
  purpose: 'case-1',
  fields: ['*'],
  trail: 'notifications',
  until: '2026-01-02T00:00:00.000Z',
  given: { by: 'olga', approvedBy: null, at: '2026-01-01T00:00:00.000Z' },
  revoked: null,
  request: null,
}

export const bearer = (role: string): Record<string, string> => ({ authorization: `Bearer st_${role}` })

export function recorder(limits: Partial<AppDeps['config']['limits']> = {}): Recorder {
  const metrics = new Metrics()
  const lines: string[] = []
  const self = {
    submitted: [] as Recorder['submitted'],
    notes: [] as ReadNote[],
    lines,
    asked: [] as unknown[][],
    result: (input: Input): InputResult =>
      input.problem === null
        ? { outcome: 'sealed', auditid: AUDITID, receipt: RECEIPT }
        : { outcome: 'quarantined', auditid: AUDITID, code: input.problem.code, receipt: RECEIPT },
    reading: { body: { any: 'thing' }, shown: [{ log: 'notifications', auditid: AUDITID }] } as Reading | null,
    fail: null as unknown,
    ready: { ok: true, reasons: [] as string[], stores: [] as StoreState[] },
  }
  const answer = <T>(value: T, ...args: unknown[]): Promise<T> => {
    self.asked.push(args)
    return self.fail === null ? Promise.resolve(value) : Promise.reject(self.fail)
  }
  const flow: Flow = {
    submit: (inputs, options) => {
      self.submitted.push({ inputs, options })
      return answer(
        inputs.map((input, i) => (self as unknown as Recorder).result(input, i)),
        'submit',
      )
    },
    underWay: (id) => answer(null, 'underWay', id),
    ready: () => self.ready,
  }
  const reader: Reader = {
    auditNotifications: (query, viewer) => answer(self.reading, 'auditNotifications', query, viewer),
    interaction: (id, page, viewer) => answer(self.reading, 'interaction', id, page, viewer),
    interactionState: (id, at, viewer) => answer(self.reading, 'interactionState', id, at, viewer),
    records: (query, viewer) => answer(self.reading as Reading, 'records', query, viewer),
    record: (id, viewer) => answer(self.reading, 'record', id, viewer),
    check: (asked, viewer) => answer(null, 'check', asked, viewer),
    proof: (id) => answer({ log: 'notifications', text: 'c2sp.org/tlog-proof@v1\n' }, 'proof', id),
    eventResult: (id) => answer(id === AUDITID ? { outcome: 'sealed' as const, auditid: id, receipt: RECEIPT } : null, 'eventResult', id),
    checkpoint: (log) => answer(log === 'notifications' ? 'example/notifications\n7\nabc=\n\n— example x\n' : null, 'checkpoint', log),
  }
  const quarantine: Quarantine = {
    list: (query) => answer({ records: [], next: null }, 'list', query),
    replay: (which, viewer) => answer({ total: 0 }, 'replay', which, viewer),
  }
  const admin: Admin = {
    keys: (uses) => answer([], 'keys', uses),
    rotateKey: (name, viewer) => answer({ name }, 'rotateKey', name, viewer),
    rewrapKeys: (viewer) => answer({}, 'rewrapKeys', viewer),
    endKey: (id, viewer) => answer({ id }, 'endKey', id, viewer),
    packs: () => answer([], 'packs'),
    schemas: () => answer([], 'schemas'),
    addSchema: (request, viewer) => answer({ pack: request.pack }, 'addSchema', request, viewer),
  }
  const retain = { mode: 'COMPLIANCE', periodMs: 1, classes: [] }
  const trails = { interactions: { retain }, notifications: { retain } } as unknown as AppDeps['config']['trails']
  const deps: AppDeps = {
    flow,
    reader,
    quarantine,
    admin,
    tiles: { read: (log, tile) => answer(log === 'notifications' && tile.index === 0n ? new Uint8Array(tile.width * 32).fill(7) : null, 'tile', log, tile) },
    reads: { note: (read) => void self.notes.push(read) },
    certificates: {
      file: (id) => answer({ ...CERTIFICATE, certificate: { ...CERTIFICATE.certificate, id } }, 'certificate', id),
      page: () => answer(new Uint8Array(Buffer.from('%PDF-1.3')), 'page'),
    },
    grants: {
      give: (asked, by) => answer(GRANT, 'giveGrant', asked, by),
      revoke: (id, by) => answer({ ...GRANT, id }, 'revokeGrant', id, by),
      approve: (id, by) => answer({ ...GRANT, id }, 'approveGrant', id, by),
      list: () => answer([GRANT], 'listGrants'),
    },
    checks: {
      check: (asked, viewer) =>
        answer({ log: 'notifications', auditid: asked.auditid, path: asked.path, state: 'sealed' as const, matches: false }, 'check', asked, viewer),
    },
    holds: {
      place: (asked, by) => answer({ ...HOLD, scope: asked.scope }, 'placeHold', asked, by),
      release: (id, reason, by) => answer({ ...HOLD, id, state: 'released' as const }, 'releaseHold', id, reason, by),
      approve: (id, by) => answer({ ...HOLD, id }, 'approveHold', id, by),
      list: () => answer([HOLD], 'listHolds'),
    },
    erasures: {
      plan: (asked) => answer(PLAN, 'planErasure', asked),
      request: (asked, by) => answer(ERASURE, 'requestErasure', asked, by),
      approve: (id, by) => answer({ ...ERASURE, id }, 'approveErasure', id, by),
      withdraw: (id, reason, by) => answer({ ...ERASURE, id, state: 'withdrawn' as const }, 'withdrawErasure', id, reason, by),
      list: () => answer([ERASURE], 'listErasures'),
      get: (id) => answer({ ...ERASURE, id }, 'readErasure', id),
    },
    people: {
      show: (person) => answer(PERSON, 'showPerson', person),
      merge: (order, by) => answer(PERSON, 'mergePeople', order, by),
      split: (order, by) => answer(PERSON, 'splitAlias', order, by),
    },
    tokens: {
      check: (token) => (Object.hasOwn(TOKENS, token) ? (TOKENS[token] as Principal) : null),
      create: (name, role) => ({ token: 'st_new', info: { name, role: role as Principal['role'], created: '', expires: null, revoked: null, valid: true } }),
      revoke: (name) => name === 'ann',
      list: () => [{ name: 'ann', role: 'auditor', created: '', expires: null, revoked: null, valid: true }],
    },
    answerKeys: () => ANSWER_KEYS,
    exports: {
      create: (asked, requester) => answer({ ...EXPORT, kind: asked.kind, requester }, 'createExport', asked, requester),
      list: () => answer([EXPORT], 'listExports'),
      get: (id) => answer({ ...EXPORT, id }, 'readExport', id),
      file: () => FILE,
    },
    retention: {
      status: () => answer({ tiers: false }, 'status'),
      run: (order) => answer([], 'run', order),
      flags: () => answer([], 'flags'),
      flag: (flag) => answer({ flag: 'f'.repeat(32), ...flag }, 'flag', flag),
    },
    config: {
      tenant: 'default',
      origin: 'audit.example',
      trails,
      auth: { dualControl: [], approveWithinMs: 1, purposeRequired: false },
      limits: {
        maxBodyBytes: 1 << 20,
        maxEventBytes: 1 << 18,
        maxDepth: 64,
        maxEvents: 1000,
        answerWithinMs: 1000,
        exportKeepMs: 1000,
        exportRecords: 1000,
        checksPerHour: 60,
        ...limits,
      },
    },
    now: () => NOW,
    log: createLog({ now: () => NOW, write: (line) => void lines.push(line) }),
    metrics,
    metricsText: () => Promise.resolve(renderPrometheus(metrics.snapshot())),
  }
  return Object.assign(self, { app: createApp(deps), deps }) as unknown as Recorder
}
