import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ed25519Verifier } from '@sealtrail/tlog'
import { routing } from '../config/classes.ts'
import type { Config } from '../config/config.ts'
import { readingsOf } from '../config/logs.ts'
import { openPacks } from '../config/open-packs.ts'
import type { OpenStore } from '../config/open-store.ts'
import type { OpenPacks } from '../config/open-packs.ts'
import { ANSWER_SUPERSEDED } from '../event/batch.ts'
import { FLAG } from '../event/entry.ts'
import type { InputResult } from '../event/input.ts'
import { bundlePath, exportFolder } from '../export/exports.ts'
import type { AppDeps } from '../http/app-context.ts'
import type { CertificateDesk } from '../http/certificates.ts'
import { Tokens } from '../http/tokens.ts'
import { LevelIndex } from '../index/level/index.ts'
import { LogReader } from '../index/reader.ts'
import { Tail } from '../index/tail.ts'
import { keyedHashes } from '../keys/hashes.ts'
import type { AnswerKeys } from '../keys/answers.ts'
import type { IngestKeys } from '../keys/keys.ts'
import { createLog } from '../observe/log.ts'
import type { Log } from '../observe/log.ts'
import { Metrics } from '../observe/metrics.ts'
import type { Snapshot } from '../observe/metrics.ts'
import { certificateFile } from '../privacy/certificate-file.ts'
import { CertificateNames } from '../privacy/certificate-names.ts'
import { protectEnv } from '../protect/env.ts'
import { noncePool } from '../vault/encrypt.ts'
import { adminOf } from './admin.ts'
import { checkpointView } from './checkpoint-view.ts'
import { Counts } from './counts.ts'
import { HitCounts } from './hit-counts.ts'
import { ingestSteps } from './ingest-steps.ts'
import { Intake } from './intake.ts'
import { quarantineOf } from './quarantine.ts'
import { ReadNotes } from './read-notes.ts'
import { ProvenTiles } from './proven-tiles.ts'
import { openReadSide } from './read-side.ts'
import { receipts } from './receipts.ts'
import { rememberKeys } from './remember-keys.ts'
import type { Readiness, SealingPort, UnderWayAnswer } from './sealing-port.ts'
import type { Sizes } from './sizes.ts'
import { SYSTEM_LOG } from './system-entry.ts'

export interface ServeOptions {
  readonly config: Config
  readonly sizes: Sizes
  readonly keys: IngestKeys
  /** Verification key of each log. */
  readonly vkeys: Readonly<Record<string, string>>
  readonly port: SealingPort
  /** The packs, where this thread has compiled them already. */
  readonly packs?: OpenPacks
  /** Which thread this is: makes its system records' ids its own. */
  readonly thread: number
  /** ms since the epoch. */
  readonly now?: () => number
  readonly log?: Log
  /** How the store is opened; a test says otherwise. */
  readonly openStore?: OpenStore
}

export interface Served {
  readonly deps: AppDeps
  readonly intake: Intake
  snapshot(): Snapshot
  /** Drops what this thread remembers of people: their keys, tokens of their names, texts that were looked at. */
  forget(): void
  /** Asks how ready the sealing thread is and hands on what is noted, as happens every second. */
  beat(): Promise<void>
  /** Hands on what is noted and counted, closes what is open. */
  close(): Promise<void>
}

const EVERY_MS = 1_000

/** Everything one serving thread stands on: the way in with its own packs and keyed hashes, the way out over the read side. */
export async function serve({
  config,
  sizes,
  keys,
  vkeys,
  port,
  thread,
  now = Date.now,
  log = createLog({ now }),
  packs = openPacks(config),
  openStore,
}: ServeOptions): Promise<Served> {
  const hashes = keyedHashes(keys)
  const metrics = new Metrics()
  const side = await openReadSide(config, sizes, (ids) => port.keysById(ids), { metrics, ...(openStore === undefined ? {} : { openStore }) })
  const index = await LevelIndex.open(join(config.data, 'index'))
  const counts = new Counts(metrics)
  const view = checkpointView(config, vkeys, sizes.logs)
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  const reader = new LogReader({
    index,
    records: side.records,
    vault: side.vault,
    erasedUnder: (ids, auditid) => names.of(ids, auditid),
    hashes,
    tenant: config.tenant,
    now,
    trails: readingsOf(config, packs),
    proofs: {
      checkpoint: async (name, size) => view.covering(name, size)?.note ?? null,
      published: (name) => view.published(name),
      hashes: (name) => side.hashes(name),
      verifier: (name) => ed25519Verifier(vkeys[name] as string),
      sleep,
    },
    tokens: (auditids) => Promise.all(auditids.map((auditid) => side.tokens(auditid))),
    // Grants are for a purpose: without one there is nothing to ask for.
    openings: async ({ name, role, purpose }) => (purpose === null || role !== 'auditor' ? [] : port.openings({ name, purpose })),
    purposeRequired: config.auth.purposeRequired,
    onIndexDamage: (name, at) => log.error('the index points to a record that says otherwise; run `sealtrail rebuild-index`', { log: name, index: at }),
  })
  const names = new CertificateNames(async (id) => (await certificates.file(id))?.certificate ?? null)
  const certificates: CertificateDesk = {
    file: (id) => certificateFile(id, { sealed: (subject) => reader.sealed(SYSTEM_LOG, subject), object: (digest) => side.records.object(SYSTEM_LOG, digest) }),
    page: async (file) => (await import('../privacy/certificate-page.ts')).certificatePage(file, vkeys[SYSTEM_LOG] as string),
  }
  const hits = new HitCounts(metrics)
  const checked = metrics.counter('sealtrail_checks_total', 'Values checked, by answer.', ['answer'])
  const steps = ingestSteps({
    tenant: config.tenant,
    packs: packs.byTrail,
    route: routing(config),
    hashes,
    protect: protectEnv(config.tenant, hashes, randomBytes),
    nonce: noncePool(randomBytes),
    keys: rememberKeys((owners) => port.keysFor(owners)),
    onHits: (trail, pack, found) => hits.add(trail, pack, found),
  })
  const intake = new Intake({
    steps,
    trails: new Set(Object.keys(config.trails)),
    accept: (batch) => port.accept(batch),
    receipt: receipts(side, view),
    onOutcome: (trail, outcome, inputs) => counts.add(trail, outcome, inputs),
  })
  const notes = new ReadNotes({ system: (event) => port.system(event), thread: `${thread}-${randomBytes(6).toString('hex')}`, now, log })
  let readiness: Readiness = await port.readiness()
  let answerKeys = (await port.answerKeys(null)) as AnswerKeys
  const renewKeys = async (): Promise<void> => {
    answerKeys = (await port.answerKeys(answerKeys.published[0].keyid)) ?? answerKeys
    const renewed = await port.ingestKeys(hashes.tokenKeys)
    if (renewed !== null) hashes.renew(renewed)
  }
  const timer = setInterval(() => void beat(), EVERY_MS)
  timer.unref()

  async function beat(): Promise<void> {
    try {
      readiness = await port.readiness()
      await renewKeys()
      // Before the counts of their inputs: an hour is sealed with both.
      await hits.handOver((list) => port.found(list))
      await counts.handOver((list) => port.counted(list))
      await notes.handOver()
    } catch {
      readiness = { ok: false, reasons: ['the sealing thread does not answer'], stores: [] }
    }
  }

  return {
    intake,
    snapshot: () => metrics.snapshot(),
    forget: () => steps.forget(),
    beat,
    deps: {
      flow: {
        submit: (inputs, options) => intake.submit(inputs, options),
        async underWay(auditid) {
          const found = await port.underWay(auditid)
          return found === null ? null : underWayResult(auditid, found)
        },
        ready: () => readiness,
      },
      reader,
      tiles: new ProvenTiles({
        checkpoint: (name) => view.committed(name),
        hashes: (name) => side.hashes(name),
        range: (name, from, to) => side.records.range(name, from, to),
      }),
      reads: notes,
      quarantine: quarantineOf({
        query: { index, records: side.records, tail: new Tail(index, side.records, { waitMs: 500, pollMs: 5, maxRecords: 100_000, sleep }) },
        trails: Object.keys(config.trails),
        limits: config.limits,
        vault: side.vault,
        intake,
        takes: (input) => steps.apply(input).kind === 'events',
        system: (event) => port.system(event),
        now,
      }),
      admin: adminOf({ config, packs, port, now, rotated: renewKeys }),
      answerKeys: () => answerKeys,
      exports: {
        create: (asked, requester) => port.createExport({ asked, requester }),
        list: () => port.listExports(),
        get: (id) => port.readExport(id),
        file: (id) => bundlePath(exportFolder(config.data), id),
      },
      certificates,
      holds: {
        place: (asked, by) => port.placeHold({ asked, by }),
        release: (id, reason, by) => port.releaseHold({ id, reason, by }),
        approve: (id, by) => port.approveHold({ id, by }),
        list: () => port.listHolds(),
      },
      erasures: {
        plan: (asked) => port.planErasure(asked),
        request: (asked, by) => port.requestErasure({ asked, by }),
        approve: (id, by) => port.approveErasure({ id, by }),
        withdraw: (id, reason, by) => port.withdrawErasure({ id, reason, by }),
        list: () => port.listErasures(),
        get: (id) => port.readErasure(id),
      },
      grants: {
        give: (asked, by) => port.giveGrant({ asked, by }),
        revoke: (id, by) => port.revokeGrant({ id, by }),
        approve: (id, by) => port.approveGrant({ id, by }),
        list: () => port.listGrants(),
      },
      checks: {
        async check(asked, viewer) {
          const answer = await reader.check(asked, viewer, (place) => port.askCheck({ viewer, ...place }))
          if (answer === null) return null
          checked.add(1, answer.matches === null ? answer.state : answer.matches ? 'match' : 'no-match')
          if (answer.matches === true) await port.checkAnswered({ name: viewer.name, matches: true })
          return answer
        },
      },
      people: {
        show: (person) => port.showPerson(person),
        merge: (order, by) => port.mergePeople({ order, by }),
        split: (order, by) => port.splitAlias({ order, by }),
      },
      retention: {
        status: () => port.retentionStatus(),
        run: (order) => port.runRetention(order),
        flags: () => port.listFlags(),
        flag: (flag) => port.createFlag(flag),
      },
      tokens: new Tokens({ data: config.data, now, random: randomBytes }),
      config,
      now,
      log,
      metrics,
      metricsText: () => port.metrics(metrics.snapshot()),
    },
    async close() {
      clearInterval(timer)
      await beat()
      await index.close()
      await side.close()
    },
  }
}

function underWayResult(auditid: string, { log, flags, index }: UnderWayAnswer): InputResult {
  const outcome = flags & FLAG.refused ? 'refused' : flags & FLAG.quarantined ? 'quarantined' : index < 0 ? 'held' : 'sealed'
  return { outcome, auditid, ...(flags & ANSWER_SUPERSEDED ? { superseded: true } : {}), ...(index < 0 ? {} : { receipt: { auditid, log, index } }) }
}
