import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { brokenIn, observationOf, promisedOf, told } from '../../assure/observation.ts'
import type { Observation } from '../../assure/observation.ts'
import { openGate } from '../../config/open-gate.ts'
import { openStoreToProbe } from '../../config/open-store.ts'
import type { LogPlan } from '../../config/logs.ts'
import type { StoreConfig } from '../../config/store-config.ts'
import { describe } from '../../config/store-place.ts'
import { SealtrailError } from '../../errors.ts'
import type { ErrorCode } from '../../errors.ts'
import type { Cold } from '../../store/lifecycle.ts'
import type { ProbeCheck, Store } from '../../store/store.ts'
import { table } from '../output.ts'
import type { Finding } from './finding.ts'

export interface StoreLook {
  now(): number
  readonly random: (bytes: number) => Uint8Array
  /** Told before a probe that takes seconds. */
  waiting(text: string): void
}

const AREA = 'store'
const TODO = {
  files: 'where this is not enough, keep evidence in a store that enforces its lock (docs/stores.md); keep checkpoints or receipts elsewhere in any case',
  off: 'turn the lock of the bucket or container on (docs/stores.md says how); a server accepts nothing meanwhile',
  lies: 'it takes the lock and does not keep to it: do not keep evidence there; a server accepts nothing meanwhile',
  declared: 'give the identity the rights the checks need (docs/stores.md lists them); a server accepts nothing meanwhile',
} as const

/** Probes the store as a server does, on scratch objects of its own, and says what a server saw last. @param plans the logs that are kept in it */
export async function checkStore(data: string, store: StoreConfig, plans: readonly LogPlan[], look: StoreLook): Promise<Finding[]> {
  if (store.place.type === 'files' && !existsSync(join(data, 'store'))) return []
  const address = describe(store.place)
  const found: Finding[] = []
  try {
    if (store.place.type !== 'files')
      look.waiting(`probing ${address}: tries to delete, shorten and overwrite objects of its own; takes seconds, on Google’s under a minute`)
    const opened = await openStoreToProbe({ data, store })
    const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
    try {
      const probe = await opened.probe({ now: () => look.now(), random: look.random, pause })
      found.push(verdictOf(observationOf(address, probe), store))
      if (store.cold !== null) found.push(await coldOf(opened, store.cold))
    } finally {
      await opened.close()
    }
  } catch (error) {
    const code: ErrorCode = error instanceof SealtrailError ? error.code : 'INTERNAL'
    const detail = error instanceof SealtrailError ? `: ${error.message}` : ''
    const todo = 'see address, credentials and rights of the store; a server that has seen the lock hold before goes on, one that has not accepts nothing'
    found.push({ area: AREA, level: 'fail', code, text: `${address}: the lock could not be probed${detail}`, todo })
  }
  return [...found, ...inGovernance(store, plans), ...remembered(data, store, look)]
}

/** The rule for the colder class, as the platform has it or would be given it; nothing is changed. */
async function coldOf(opened: Store, cold: Cold): Promise<Finding> {
  if (opened.lifecycle === undefined)
    return { area: AREA, level: 'warn', text: 'store.cold: this store has no classes of storage', todo: 'leave store.cold out' }
  const { id, rule, standing } = await opened.lifecycle(cold, false)
  if (standing) return { area: AREA, level: 'ok', text: `lifecycle rule ${id} stands: ${rule}` }
  return {
    area: AREA,
    level: 'warn',
    text: `lifecycle rule ${id} does not stand: ${rule}`,
    todo: 'a server writes it once a probe has seen the lock enforced, where the platform lets it; docs/stores.md says where not',
  }
}

function verdictOf(observation: Observation, { place, unlocked }: StoreConfig): Finding {
  const text = `${observation.store}: ${told(observation)}`
  const { assurance, checks } = observation
  if (place.type === 'files' && assurance === 'declared')
    return {
      area: AREA,
      level: 'warn',
      text: `${text}. Files say until when they stay and Sealtrail keeps to it; root can change them, and verify would find it`,
      todo: TODO.files,
      checks,
    }
  if (assurance === promisedOf(place.type)) return { area: AREA, level: 'ok', text, checks }
  const why = `${text} (${brokenIn(observation).join(', ')})`
  if (place.type === 'files') return { area: AREA, level: 'fail', text: why, todo: 'see to the disk: the file store does not keep what it is told', checks }
  if (unlocked === 'go-on')
    return {
      area: AREA,
      level: 'warn',
      text: `${why}; a server goes on, as store.unlocked says`,
      todo: 'nothing holds back whoever can delete objects there',
      checks,
    }
  return {
    area: AREA,
    level: 'fail',
    code: 'STORE_NOT_LOCKED',
    text: why,
    todo: TODO[assurance === 'declared' ? 'declared' : isOff(observation) ? 'off' : 'lies'],
    checks,
  }
}

/** Whether the store did not even take the lock: every adapter calls that check so. */
function isOff({ checks }: Observation): boolean {
  return checks.some(({ name, result }) => name === 'lock-shown' && result === 'broken')
}

/** Logs whose objects are locked in the mode that the verdict is not about. */
function inGovernance({ place }: StoreConfig, plans: readonly LogPlan[]): Finding[] {
  const logs = plans.filter(({ mode }) => mode === 'GOVERNANCE').map(({ log }) => log)
  if (place.type === 'files' || logs.length === 0) return []
  const text = `kept in GOVERNANCE, which whoever has the right to bypass sets aside: ${logs.join(', ')}. The verdict is about COMPLIANCE`
  return [{ area: AREA, level: 'warn', text, todo: 'give that right to nobody, or set retain.mode: COMPLIANCE' }]
}

/** What a server of this data directory saw last; nothing when none has looked. */
function remembered(data: string, store: StoreConfig, { now }: StoreLook): Finding[] {
  let damaged = false
  const { notebook } = openGate({ data, store }, { damaged: () => (damaged = true), now })
  if (damaged) return [{ area: AREA, level: 'warn', text: 'assurance.json, what the server saw last, is damaged; it is made again at the next probe' }]
  const { last, unsealed } = notebook.notes
  if (last === null) return []
  const old = now() - last.observedMs > 2 * store.probeMs
  const text = `the server last saw: ${told(last)}`
  const findings: Finding[] = [
    old
      ? { area: AREA, level: 'warn', text: `${text}, more than two intervals ago`, todo: 'see /readyz and the server’s log' }
      : { area: AREA, level: 'ok', text },
  ]
  if (unsealed.length > 0)
    findings.push({
      area: AREA,
      level: 'warn',
      text: `${unsealed.length} of its findings are not sealed yet`,
      todo: 'a running server seals them as soon as it can',
    })
  return findings
}

/** Check, result and what was seen, as wide as the terminal; in brackets what the verdict does not rest on. */
export function checkTable(checks: readonly ProbeCheck[], indent: number, columns: number): string {
  const rows = checks.map(({ name, result, decisive, seen }) => [name, decisive ? result : `(${result})`, seen] as const)
  const names = Math.max('check'.length, ...rows.map(([name]) => name.length))
  const room = Math.max(40, columns - indent - names - 2 - '(skipped)'.length - 2)
  const lines = rows.flatMap(([name, result, seen]) => wrapped(seen, room).map((line, i) => (i === 0 ? [name, result, line] : ['', '', line])))
  const note = checks.some(({ decisive }) => !decisive) ? ['In brackets: told only, the verdict does not rest on it.\n'] : []
  return [table([['check', 'result', 'what was seen'], ...lines]), ...note]
    .join('')
    .split('\n')
    .map((line) => (line === '' ? '' : `${' '.repeat(indent)}${line}`))
    .join('\n')
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
