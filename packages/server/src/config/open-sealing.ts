import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import { Flow } from '../flow.ts'
import { openJournal } from '../journal/files/journal.ts'
import { Marks } from '../journal/marks.ts'
import { keyServiceCounts } from '../keys/counted.ts'
import type { LogWriter } from '../log-writer.ts'
import { ClockGuard } from '../observe/clock-guard.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { Metrics } from '../observe/metrics.ts'
import { alarmText, readAlarm } from '../publish/alarm.ts'
import type { ForkAlarm } from '../publish/alarm.ts'
import { replayJournal } from '../replay.ts'
import { Holds } from '../retain/holds.ts'
import { openLedger } from '../sequence/level/ledger.ts'
import { StoreCounts } from '../store/counted.ts'
import { logsIn } from '../store/logs.ts'
import { atLeast } from '../store/lock.ts'
import { storeObject } from '../store/objects.ts'
import { KeptRecords } from '../store/kept.ts'
import { pinned } from '../store/pinned.ts'
import { SegmentReader } from '../store/segments.ts'
import type { Store } from '../store/store.ts'
import { WatchedStore } from '../store/watched.ts'
import { PinNotes } from '../threads/pin-notes.ts'
import { SYSTEM_LOG, systemBatch } from '../threads/system-entry.ts'
import type { SystemEvent } from '../threads/system-entry.ts'
import { Sizes } from '../threads/sizes.ts'
import { LevelThreads } from '../threads/level-threads.ts'
import { LevelVault } from '../vault/level/vault.ts'
import { acceptedEvents } from './accepted-events.ts'
import { Accepting } from './accepting.ts'
import { disagreement } from './catch-up-ledger.ts'
import { checkVault } from './check-vault.ts'
import type { Config } from './config.ts'
import { conflictEvent } from './conflict-event.ts'
import { hasJournal, makeDataFolder } from './data-folder.ts'
import { ExpiredView } from './expired-view.ts'
import { logsOf, tieredOf } from './logs.ts'
import { assertClasses, homesOf, keptLonger, longerOf } from './class-logs.ts'
import { lockFor, openLog, recoverLog } from './open-log.ts'
import type { OpenLog, RecoveredLog } from './open-log.ts'
import { openPacks } from './open-packs.ts'
import { openGate } from './open-gate.ts'
import { openKeys } from './open-keys.ts'
import { openHeads, openStore } from './open-store.ts'
import { keepPlace } from './store-place.ts'
import { ReplicaWatch } from './replica-watch.ts'
import { keepRepairing } from './repair.ts'
import type { Sealing, SealingEnv } from './sealing.ts'
import { ownVkey } from '../verify/trust.ts'
import { assertPolicyLogs } from './witness-policy.ts'

export type { Sealing, SealingEnv } from './sealing.ts'

/**
 * Opens a data directory for writing: locks it, recovers every log by the ways of daily work, replays the journal.
 * @throws SealtrailError DATA_IN_USE, DATA_UNWRITABLE, DATA_CORRUPT, HEAD_MISSING, FORKED, KEY_PERMISSIONS, PACK_INVALID
 */
export async function openSealing(config: Config, env: SealingEnv): Promise<Sealing> {
  const open: Array<() => unknown> = []
  try {
    return await openParts(config, env, open)
  } catch (error) {
    // What was opened before is let go, so that whoever corrects the cause can start again at once.
    for (const close of open.reverse())
      await Promise.resolve()
        .then(close)
        .catch(() => {})
    throw error
  }
}

async function openParts(config: Config, env: SealingEnv, open: Array<() => unknown>): Promise<Sealing> {
  const at = (...names: string[]): string => join(config.data, ...names)
  const findings: string[] = []
  const note = (text: string): void => {
    findings.push(text)
    env.log.warn(text)
  }
  const fresh = !existsSync(at('head.sqlite'))
  makeDataFolder(config.data)
  const packs = openPacks(config)
  // First, because LevelDB's lock on it is what keeps a second server out.
  let { ledger, rebuilt } = await openLedger(at('ledger'))
  open.push(() => ledger.close())
  if (rebuilt !== null) note(`ledger state rebuilt: ${rebuilt}`)
  keepPlace(config.data, config.store.place, !fresh)
  const { gate, notebook } = openGate(config, { damaged: () => env.log.warn('assurance.json is damaged: the store is observed anew'), now: env.now })
  // Versions are told of from the first put on; they are sealed as soon as the system trail takes anything.
  const pins = new PinNotes({ run: randomBytes(8).toString('hex'), now: env.now, log: env.log })
  const metrics = env.metrics ?? new Metrics()
  const replica = config.store.replica === null ? null : new ReplicaWatch(metrics, env.log, env.now)
  const opened = await (env.openStore ?? openStore)(config, { counts: new StoreCounts(metrics), ...(replica === null ? {} : { replica }) })
  const store = new WatchedStore(pinned(opened, pins.note), { observed: () => gate.assurance, unlocked: (operation) => gate.unlocked(operation), now: env.now })
  open.push(() => store.close())
  // Before a keyring is made: over segments of another keyring it would be in the way of their recovery.
  if (fresh) await assertEmpty(store)
  const ring = await openKeys(config, {
    create: fresh,
    complete: true,
    keep: true,
    now: env.now,
    waitMs: env.waitForKeysMs ?? 0,
    onWait: (error) => env.log.warn('the key service is waited for', { code: error.code, detail: error.message }),
    counts: keyServiceCounts(metrics),
  })
  open.push(ring.close)
  const { keys } = ring
  crashPoint('open:keys')
  const heads = openHeads(config.data)
  open.push(() => heads.close())
  const expired = new ExpiredView(new KeptRecords(store))
  const records = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null, expired })

  const plans = logsOf(config)
  const names = plans.map(({ log }) => log)
  assertClasses(config, heads.logs())
  const ground = { config, keys, heads, store, gate, records, expired, note }
  const recovered: RecoveredLog[] = []
  for (const log of names) recovered.push(await recoverLog(log, ground, (close) => open.push(close)))
  const sizes = new Sizes(names)
  const hashes = new Map(recovered.map(({ log, files }) => [log, files]))
  expired.open({
    records,
    // Before a log is open for writing its head says how long it is.
    size: (log) => Math.max(sizes.get(log), recovered.find((each) => each.log === log)?.head.size ?? 0),
    rootAt: (size) => Buffer.from(hashes.get(SYSTEM_LOG)?.rootAt(size) ?? []).toString('hex'),
    file: at('retain', 'expired.json'),
    tiered: tieredOf(plans),
  })
  const vkeys = new Map(recovered.map(({ log, vkey }) => [log, vkey]))
  if (config.witnesses !== null)
    assertPolicyLogs(config.witnesses.policy, Object.fromEntries(vkeys), (name) => keys.logSigners.map(({ publicKey }) => ownVkey(name, publicKey)))
  const wrong = recovered.map(({ log, files }) => disagreement(ledger, log, files)).find((reason) => reason !== null)
  if (wrong !== undefined) {
    await ledger.close()
    ;({ ledger } = await openLedger(at('ledger'), { fresh: wrong }))
    note(`ledger state rebuilt: ${wrong}`)
  }

  const vaultDamaged = await checkVault(at('vault'), {
    expected: recovered.some(({ head }) => head.size > 0),
    nowMs: env.now(),
    repair: () => LevelVault.repair(at('vault')),
    report: note,
  })
  const threads = env.threads ?? new LevelThreads()
  const vault = await LevelVault.open(at('vault'), {
    keys,
    random: randomBytes,
    now: env.now,
    threads: { forget: () => threads.forget(), renew: (folder) => threads.renew(folder), settled: () => flow.written() },
  })
  open.push(() => vault.close())
  const last = recovered.flatMap((log) => log.last ?? [])
  // A journal that is gone begins behind the one the segments speak of: its positions must not come again.
  const firstFile = Math.max(0, ...last.map(({ journal: { file } }) => file)) + 1
  if (last.length > 0 && !hasJournal(at('journal'))) note('journal: its files are gone; what was accepted and not sealed by then is lost')
  const journal = await openJournal(at('journal'), { firstFile, ...env.journal })
  open.push(() => journal.close())
  if (journal.cut !== null) note(`journal file ${journal.cut.file}: ${journal.cut.bytes} bytes of an append that was never acknowledged cut`)

  const clock = new ClockGuard(Math.max(0, ...last.map(({ createdMs }) => createdMs)), config.clock.acceptMs)
  const writers = new Map<string, LogWriter>()
  const system = async (event: SystemEvent): Promise<void> => {
    await flow.accept(systemBatch(event, env.now(), config.tenant, keys))
  }
  const accepting = new Accepting({ writers, stores: [journal, vault], clock, lock: gate, log: env.log, now: env.now, system })
  const writerOf = (log: string): LogWriter => {
    const writer = writers.get(log)
    if (writer === undefined)
      throw new SealtrailError(
        'CONFIG_INVALID',
        `events wait in the journal for the log ${log}, which no trail of the configuration has; put its trail or class back`,
      )
    return writer
  }
  // Nothing is known of them before the system log is read (`threads/holding.ts`); what is sealed until then is looked at after that.
  const holds = new Holds()
  const longer = longerOf(plans)
  const trailOf = new Map(plans.map(({ log, trail }) => [log, trail]))
  const flow = new Flow({
    ledger,
    vault,
    journal,
    homes: homesOf(plans, ledger),
    keepLonger: keptLonger(plans, { system, now: env.now, add: (...flag) => longer.add(...flag) }),
    storeObject: (log, subject, { digest, bytes }) =>
      storeObject(store, log, digest, bytes, atLeast(longer.of(log, subject), lockFor(config, log, env.now())), holds.coversNext(log, sizes.get(log), subject)),
    place: (log, entries) => writerOf(log).place(entries),
    refusal: (log) => accepting.refusal(log),
    checkpoint: (log) => writerOf(log).standing.checkpoint,
    conflict: (log, standing, offered) => void system(conflictEvent(trailOf.get(log) ?? log, standing, offered)).catch(() => {}),
    answerWithinMs: config.limits.answerWithinMs,
  })
  const works = {
    ...ground,
    packs,
    ledger,
    vault,
    journal,
    marks: new Marks(),
    flow,
    clock,
    sizes,
    holds,
    longer,
    journalEnd: () => flow.writingFrom ?? journal.end,
    now: env.now,
    onCommit: env.onCommit.bind(env),
    serverLog: env.log,
  }
  const logs: OpenLog[] = []
  for (const log of recovered) {
    const opening = await openLog(log, works)
    logs.push(opening)
    writers.set(log.log, opening.writer)
    const alarm = readAlarm(config.data, log.log)
    // Before the journal is replayed: a log somebody has seen fork seals nothing until a person has looked.
    if (alarm !== null) opening.writer.stop(forked(alarm))
  }

  const identitiesOf = (trail: string, ids: readonly string[]): string[] => ids.map((id) => keys.name(`${config.tenant}\n${trail}\n${id}`))
  await replayJournal(journal, vault, flow, { report: note, vaultDamaged })
  pins.start(system)

  const endRepairs = keepRepairing(
    {
      journal: () => ({ failed: journal.failed, again: () => journal.reopen() }),
      vault: () => ({ failed: vault.failed, again: () => vault.heal() }),
    },
    env.log,
  )

  return {
    config,
    flow,
    keys,
    vault,
    heads,
    store,
    gate,
    notebook,
    records,
    expired,
    hashes,
    foundMs: last.length === 0 ? null : Math.max(...last.map(({ createdMs }) => createdMs)),
    committed(log) {
      const { head, checkpoint } = writerOf(log).standing
      return { size: head.size, root: head.root, note: checkpoint }
    },
    async sealedBatch(batch) {
      const { indexes } = await flow.accept({ ...batch, wait: 'sealed' })
      if (indexes.some((index) => index < 0)) throw new SealtrailError('NOT_DURABLE', 'records of the server’s own are not sealed yet')
    },
    async renewManifests() {
      for (const folder of [at('vault'), at('index')]) await threads.renew(folder)
    },
    turnJournal: () => journal.turn(),
    forgotten: () => ledger.compact(),
    forget: (trail, ids) => ledger.forget(identitiesOf(trail, ids)),
    forgetContent: (trail, ids) => ledger.forgetContent(identitiesOf(trail, ids)),
    accepted: acceptedEvents(journal, works.marks, works.journalEnd),
    packs,
    sizes,
    holds,
    longer,
    findings,
    vkey: (log) => vkeys.get(log) as string,
    vkeys: () => Object.fromEntries(vkeys),
    fork: (alarm) => writers.get(alarm.log)?.stop(forked(alarm)),
    system,
    notes: () => replica?.notes() ?? [],
    async sealed(event) {
      const { indexes } = await flow.accept({ ...systemBatch(event, env.now(), config.tenant, keys), wait: 'sealed' })
      if (indexes.some((index) => index < 0)) throw new SealtrailError('NOT_DURABLE', 'it is accepted and not sealed yet; ask again')
    },
    trouble: (log) => (log === undefined ? (names.map((name) => accepting.refusal(name)).find((reason) => reason !== null) ?? null) : accepting.refusal(log)),
    backlog: () => new Map([...writers].map(([log, writer]) => [log, { held: writer.held, queuedBytes: writer.queuedBytes }])),
    async flush() {
      for (const writer of writers.values()) writer.flush()
      for (const writer of writers.values()) await writer.drained()
    },
    async drained() {
      for (const writer of writers.values()) await writer.drained()
    },
    async close() {
      await pins.handOver()
      accepting.end()
      endRepairs()
      for (const writer of writers.values()) await writer.drained()
      for (const writer of writers.values()) await writer.close()
      for (const log of logs) await log.close()
      await journal.close()
      await vault.close()
      await store.close()
      heads.close()
      await ledger.close()
      await ring.close()
    },
  }
}

/** Without a head file nothing may be in the store. @throws SealtrailError HEAD_MISSING */
async function assertEmpty(store: Store): Promise<void> {
  for (const log of await logsIn(store)) {
    for await (const { key } of store.list(`${log}/segment/`))
      throw new SealtrailError('HEAD_MISSING', `the store holds ${key} but there is no head.sqlite`, { stopsLog: true })
  }
}

function forked(alarm: ForkAlarm): SealtrailError {
  return new SealtrailError('FORKED', alarmText(alarm), { stopsLog: true })
}
